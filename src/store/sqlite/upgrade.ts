/** What happens to a database file between its opening and the first read of it. */
import { join } from 'node:path';
import { migrate } from 'drizzle-orm/better-sqlite3/migrator';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import { FermataError } from '../../errors.ts';
import type { Connection } from './connection.ts';

const migrationsFolder = join(import.meta.dirname, 'migrations');

/** "Ferm": the mark in a file's header that says whose it is. */
const APPLICATION_ID = 0x46_65_72_6d;

/**
 * Makes the file ours and current: refuses what is not ours or newer, switches to WAL, then runs the missing migrations.
 *
 * All missing migrations run in one transaction: a process that is killed in it leaves the schema as it was.
 *
 * @param settle called before anything is read from the log (R4): a commit that failed in doubt may have come back, and
 * only what is in the file itself can no longer go away
 * @param folder where the migrations are
 * @throws FermataError `databaseNewer` or `storeUnavailable`, or what the driver throws
 */
export function upgrade(
  connection: Connection,
  file: string,
  { settle = () => {}, folder = migrationsFolder }: { readonly settle?: () => void; readonly folder?: string } = {},
): void {
  const { db, driver } = connection;
  const shipped = numberOf(folder);
  requireOurs(connection, file, shipped);
  driver.pragma('journal_mode = WAL');
  settle();
  // Also where it stands there already: a log that has begun a round is how the next start knows, after a kill, that
  // nobody else has moved it, and may still trust the sums of all pages (checkpoint.ts).
  driver.pragma(`application_id = ${APPLICATION_ID}`);
  if (applied(driver) < shipped) {
    // A table that is made anew is dropped first, which would delete every row that belongs to one of its rows.
    driver.pragma('foreign_keys = OFF');
    migrate(db, { migrationsFolder: folder });
    driver.pragma('foreign_keys = ON');
  }
  driver.pragma(`user_version = ${shipped}`);
}

/** What is shipped does not change while a process runs, which may open many files. */
let shippedHere: number | undefined;

function numberOf(folder: string): number {
  const read = () => readMigrationFiles({ migrationsFolder: folder }).length;
  return folder === migrationsFolder ? (shippedHere ??= read()) : read();
}

function requireOurs({ driver }: Connection, file: string, shipped: number): void {
  const written = Math.max(Number(driver.pragma('user_version', { simple: true })), applied(driver));
  const application = Number(driver.pragma('application_id', { simple: true }));
  const tables = Number(driver.prepare('select count(*) from sqlite_schema').pluck().get());
  if (application !== APPLICATION_ID && tables > 0) {
    throw new FermataError(
      'storeUnavailable',
      `The file "${file}" is a database of another program (application_id ${application}, ${tables} tables and ` +
        'indexes). It was left as it is. Name another file.',
    );
  }
  if (application === APPLICATION_ID && written > shipped) {
    throw new FermataError(
      'databaseNewer',
      `The database file "${file}" has version ${written}, but this Fermata knows versions up to ${shipped}. It was ` +
        'left as it is. Start the newer Fermata that wrote it, or name another file.',
    );
  }
}

/** Migrations that the file has had. Its header says so only a moment later, and a process may end in between. */
function applied(driver: Connection['driver']): number {
  const table = driver.prepare(`select 1 from sqlite_schema where name = '__drizzle_migrations'`).get();
  return table === undefined ? 0 : Number(driver.prepare('select count(*) from __drizzle_migrations').pluck().get());
}
