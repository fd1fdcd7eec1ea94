/**
 * One process per database file. The lock is SQLite's own, on a file beside the database: the kernel releases it with
 * the process, also after kill -9, and it needs no process id that somebody else may have by now.
 */
import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { FermataError } from '../../errors.ts';
import { sqliteCode } from './connection.ts';

/** Milliseconds to wait for a process that is just ending. */
const LOCK_TIMEOUT_MS = 250;

/** A held lock; `release` is harmless when called again. */
export interface FileLock {
  release(): void;
}

/**
 * The one path of a database file, however it was spelled: two spellings must not give two locks.
 *
 * @throws FermataError `storeUnavailable` where its folder does not exist
 */
export function databasePath(file: string): string {
  const path = resolve(file);
  if (existsSync(path)) return realpathSync(path);
  if (!existsSync(dirname(path))) {
    throw new FermataError(
      'storeUnavailable',
      `The database file "${path}" cannot be created, because the folder "${dirname(path)}" does not exist. ` +
        'Create the folder, or name another file.',
    );
  }
  return join(realpathSync(dirname(path)), basename(path));
}

/**
 * Takes the lock of a database file for this process.
 *
 * @param path as `databasePath` gives it; the lock is `PATH.lock`, an empty file that stays
 * @throws FermataError `databaseInUse` where somebody else holds it, `storeUnavailable` where it cannot be opened
 * @example const lock = lockDatabase('/data/fermata.db'); try { … } finally { lock.release(); }
 */
export function lockDatabase(path: string): FileLock {
  let lock: BetterSqlite3.Database | undefined;
  try {
    lock = new BetterSqlite3(`${path}.lock`, { timeout: LOCK_TIMEOUT_MS });
    lock.exec('begin exclusive');
  } catch (cause) {
    lock?.close();
    if (sqliteCode(cause)?.startsWith('SQLITE_BUSY') === true) {
      throw new FermataError(
        'databaseInUse',
        `The database file "${path}" is in use: one process at a time may open it, and another one (or another store ` +
          'of this process) has it. Stop that one, talk to it over HTTP, or name another file.',
        { cause },
      );
    }
    const remedy =
      sqliteCode(cause) === 'SQLITE_FULL'
        ? 'Free some space on its disk'
        : 'Give this process the right to write there';
    throw new FermataError(
      'storeUnavailable',
      `The lock file "${path}.lock" cannot be opened (${String(cause)}). ${remedy}, or name another database file.`,
      { cause },
    );
  }
  const held = lock;
  return { release: () => held.close() };
}
