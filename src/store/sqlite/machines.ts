/** Which definition stands behind a `name@version`. */
import { eq, sql } from 'drizzle-orm';
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3';
import { readsOnDemand } from './prepared.ts';
import { machine } from './schema.ts';
import type { Writer } from './writer.ts';

/** The hash that is registered under a name; where there is none yet, registers the one given, if one is, and returns undefined. */
export function machineHashes(
  db: BetterSQLite3Database,
  writer: Writer,
): (name: string, hash?: string) => string | undefined {
  const read = readsOnDemand({
    hash: () =>
      db
        .select({ hash: machine.hash })
        .from(machine)
        .where(eq(machine.machine, sql.placeholder('name'))),
  });
  return (name, hash) => {
    const known = read.hash.get({ name })?.hash;
    // Nobody else writes to the file in between, and each start asks for every machine it knows.
    if (known === undefined && hash !== undefined)
      writer.writeOutsideTurns(() => db.insert(machine).values({ machine: name, hash }).run());
    return known;
  };
}
