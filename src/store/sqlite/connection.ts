/** The one connection to the database file: how it is opened, and what is set on it. */
import BetterSqlite3 from 'better-sqlite3';
import { drizzle } from 'drizzle-orm/better-sqlite3';
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3';
import { FermataError } from '../../errors.ts';

/** drizzle, and the driver below it for what drizzle has no words for: pragmas, BEGIN, COMMIT. */
export interface Connection {
  readonly db: BetterSQLite3Database;
  readonly driver: BetterSqlite3.Database;
}

/** Before it, two connections that write or checkpoint at once could corrupt a database in WAL mode. */
const OLDEST_SQLITE = '3.51.3';

/** Milliseconds to wait for a lock. The whole process waits with it, and only a foreign tool can hold one. */
const BUSY_TIMEOUT_MS = 1_000;

const CACHE_KIB = 64 * 1024;
const LARGEST_LOG_BYTES = 64 * 1024 * 1024;

/**
 * Opens a connection and sets everything on it that does not write to the file.
 *
 * Memory-mapped reading stays off: an I/O error would be a SIGBUS that ends the process and not an error of one read.
 *
 * @param file absolute path, or `:memory:`
 * @throws FermataError `invalidConfig` where the SQLite library is too old to be trusted
 */
export function connect(file: string): Connection {
  const driver = new BetterSqlite3(file, { timeout: BUSY_TIMEOUT_MS });
  try {
    requireSoundSqlite(String(driver.prepare('select sqlite_version()').pluck().get()));
    // Said on every connection: better-sqlite3 is built to sync only at checkpoints in WAL mode, which loses every
    // acknowledged commit of the last seconds in a power cut.
    driver.pragma('synchronous = FULL');
    driver.pragma('foreign_keys = ON');
    driver.pragma('trusted_schema = OFF');
    driver.pragma(`cache_size = -${CACHE_KIB}`);
    driver.pragma('mmap_size = 0');
    driver.pragma('wal_autocheckpoint = 0');
    driver.pragma(`journal_size_limit = ${LARGEST_LOG_BYTES}`);
    return { db: drizzle({ client: driver }), driver };
  } catch (error) {
    driver.close();
    throw error;
  }
}

/**
 * Refuses a SQLite library older than 3.51.3.
 *
 * @example requireSoundSqlite('3.54.1')
 */
export function requireSoundSqlite(version: string): void {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0, oldestPatch = 0] = OLDEST_SQLITE.split('.').map(Number);
  const newer = major - oldestMajor || minor - oldestMinor || patch - oldestPatch;
  if (newer >= 0) return;
  throw new FermataError(
    'invalidConfig',
    `SQLite ${OLDEST_SQLITE} or newer is needed, because older ones can corrupt a database in WAL mode, but the ` +
      `installed better-sqlite3 brings ${version}. Install better-sqlite3 12.8.0 or newer.`,
  );
}

/** SQLite's extended result code of an error, or of the first cause that has one: `SQLITE_FULL`. */
export function sqliteCode(error: unknown): string | undefined {
  if (error instanceof BetterSqlite3.SqliteError) return error.code;
  return error instanceof Error && error.cause !== undefined ? sqliteCode(error.cause) : undefined;
}
