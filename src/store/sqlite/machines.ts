/** Which definition stands behind a `name@version`. */
import { eq } from 'drizzle-orm';
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3';
import { machine } from './schema.ts';
import type { Writer } from './writer.ts';

/** The hash that is registered under a name; where there is none yet, registers the one given, if one is, and returns undefined. */
export function machineHashes(
  db: BetterSQLite3Database,
  writer: Writer,
): (name: string, hash?: string) => string | undefined {
  const read = (name: string): string | undefined =>
    db.select({ hash: machine.hash }).from(machine).where(eq(machine.machine, name)).get()?.hash;
  return (name, hash) => {
    if (hash === undefined) return read(name);
    return writer.writeOutsideTurns(() => {
      const known = read(name);
      if (known === undefined) db.insert(machine).values({ machine: name, hash }).run();
      return known;
    });
  };
}
