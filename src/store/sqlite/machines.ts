/** Which definition stands behind a `name@version`. */
import { eq, sql } from 'drizzle-orm';
import type { Connection } from './connection.ts';
import { prepareRead } from './prepared-reads.ts';
import { machine } from './schema.ts';
import type { Writer } from './writer.ts';

/** The hash that is registered under a name; where there is none yet, registers the one given, if one is, and returns undefined. */
export function machineHashes(
  connection: Connection,
  writer: Writer,
): (name: string, hash?: string) => string | undefined {
  const { db } = connection;
  const registered = prepareRead(connection, () =>
    db
      .select({ hash: machine.hash })
      .from(machine)
      .where(eq(machine.machine, sql.placeholder('name'))),
  );
  return (name, hash) => {
    const known = registered.get({ name })?.hash;
    // Nobody else writes to the file in between, and each start asks for every machine it knows.
    if (known === undefined && hash !== undefined)
      writer.writeOutsideTurns(() => db.insert(machine).values({ machine: name, hash }).run());
    return known;
  };
}
