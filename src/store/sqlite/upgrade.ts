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
 * Makes the file ours and current: refuses what is not ours or newer, switches to WAL, settles what an unclean stop
 * left in the log, then runs the missing migrations.
 *
 * The log is settled before anything is read from it (R4): a commit that failed in doubt may have come back, and only
 * what is in the file itself can no longer go away.
 *
 * All missing migrations run in one transaction: a process that is killed in it leaves the schema as it was.
 *
 * @param folder where the migrations are
 * @throws FermataError `databaseNewer` or `storeUnavailable`, or what the driver throws
 */
export function upgrade(connection: Connection, file: string, folder = migrationsFolder): void {
  const { db, driver } = connection;
  const shipped = readMigrationFiles({ migrationsFolder: folder }).length;
  requireOurs(connection, file, shipped);
  driver.pragma('journal_mode = WAL');
  settleLog(connection, file);
  driver.pragma(`application_id = ${APPLICATION_ID}`);
  // A table that is made anew is dropped first, which would delete every row that belongs to one of its rows.
  driver.pragma('foreign_keys = OFF');
  migrate(db, { migrationsFolder: folder });
  driver.pragma('foreign_keys = ON');
  driver.pragma(`user_version = ${shipped}`);
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

function settleLog({ driver }: Connection, file: string): void {
  const busy = driver.prepare<[], { busy: number }>('pragma wal_checkpoint(truncate)').get()?.busy;
  if (busy === 0) return;
  throw new FermataError(
    'storeUnavailable',
    `The log of the database file "${file}" cannot be settled, because another program is reading it. Close that ` +
      'program (a database browser, a backup) and start again.',
  );
}
