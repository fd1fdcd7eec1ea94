/** Which definition stands behind a `name@version`. */
import { eq, sql } from 'drizzle-orm';
import type { Connection } from './connection.ts';
import { builder, insertStatement, together } from './prepared.ts';
import { readStatement } from './prepared-reads.ts';
import { machine } from './schema.ts';
import type { Writer } from './writer.ts';

const prepareStatements = together({
  known: readStatement(() =>
    builder
      .select({ hash: machine.hash })
      .from(machine)
      .where(eq(machine.machine, sql.placeholder('name'))),
  ),
  all: readStatement(() => builder.select({ name: machine.machine }).from(machine)),
  register: insertStatement(machine),
});

/** The machines that were ever registered. */
export interface Machines {
  /** The hash that is registered under a name; where there is none yet, registers the one given, if one is, and returns undefined. */
  hash(name: string, hash?: string): string | undefined;
  names(): readonly string[];
}

/** Their statements, prepared. */
export function prepareMachines(connection: Connection, writer: Writer): Machines {
  const statements = prepareStatements(connection);
  return {
    hash(name, hash) {
      const known = statements.known.get({ name })?.hash;
      // Nobody else writes to the file in between, and each start asks for every machine it knows.
      if (known === undefined && hash !== undefined)
        writer.writeOutsideTurns(() => statements.register({ machine: name, hash }));
      return known;
    },
    names: () => statements.all.all({}).map(({ name }) => name),
  };
}
