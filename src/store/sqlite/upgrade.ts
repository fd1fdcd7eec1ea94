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
 * @param settle called before anything is read from the log (R4): a commit that failed in doubt may have come back, and
 * only what is in the file itself can no longer go away
 * @throws FermataError `databaseNewer` or `storeUnavailable`, or what the driver throws
 */
export function upgrade(connection: Connection, file: string, settle: () => void = () => {}): void {
  const { db, driver } = connection;
  const shipped = readMigrationFiles({ migrationsFolder }).length;
  requireOurs(connection, file, shipped);
  driver.pragma('journal_mode = WAL');
  settle();
  driver.pragma(`application_id = ${APPLICATION_ID}`);
  migrate(db, { migrationsFolder });
  driver.pragma(`user_version = ${shipped}`);
}

function requireOurs({ driver }: Connection, file: string, shipped: number): void {
  const written = Number(driver.pragma('user_version', { simple: true }));
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
