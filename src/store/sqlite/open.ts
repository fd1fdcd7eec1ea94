/** Opening and closing: lock, connection, upgrade, in this order, and back again where one of them fails. */
import { closeSync, constants, existsSync, openSync, rmSync, statSync } from 'node:fs';
import { FermataError } from '../../errors.ts';
import { Checkpoints, requireSoundLog } from './checkpoint.ts';
import { connect, sqliteCode } from './connection.ts';
import type { Connection } from './connection.ts';
import { databasePath, lockDatabase } from './lock.ts';
import type { SqliteOptions } from './options.ts';
import { upgrade } from './upgrade.ts';

/** A database that this process owns. */
export interface OpenDatabase {
  readonly connection: Connection;
  /** Absent in memory. */
  readonly checkpoints: Checkpoints | undefined;
  /** Its file; undefined where it is in memory. */
  readonly path: string | undefined;
  /** Moves the log into the file and gives the file free. */
  close(): void;
}

const MEMORY = ':memory:';

/**
 * Takes a database file for this process and brings it up to date.
 *
 * @param file a path, or `:memory:`
 * @throws FermataError `databaseInUse`, `databaseNewer`, `databaseCorrupt`, `storeUnavailable`, `invalidConfig`
 */
export function openDatabase(file: string, options: SqliteOptions): OpenDatabase {
  const path = file === MEMORY ? MEMORY : databasePath(file);
  const lock = file === MEMORY ? undefined : lockDatabase(path);
  let connection: Connection | undefined;
  let descriptor: number | undefined;
  let checkpoints: Checkpoints | undefined;
  const close = () => {
    try {
      checkpoints?.close();
    } finally {
      try {
        connection?.driver.close();
        // After SQLite, because closing it gives up SQLite's locks on the file.
        if (descriptor !== undefined) closeSync(descriptor);
      } finally {
        lock?.release();
      }
    }
  };
  try {
    if (path !== MEMORY) {
      requireSoundLog(path);
      // Of a file that is not there any more.
      if (!existsSync(path) || statSync(path).size === 0) rmSync(`${path}.sums`, { force: true });
      descriptor = openSync(path, constants.O_RDONLY | constants.O_CREAT);
    }
    const { driver } = (connection = connect(path));
    const settle = (): void => {
      if (descriptor !== undefined)
        checkpoints = new Checkpoints({ driver, path, descriptor, restMs: options.compareAfterMs });
    };
    upgrade(connection, path, { settle });
    if (options.maxPages !== undefined) driver.pragma(`max_page_count = ${options.maxPages}`);
    return { connection, checkpoints, path: path === MEMORY ? undefined : path, close };
  } catch (error) {
    close();
    throw error instanceof FermataError ? error : unusable(path, error);
  }
}

/** An error of the driver while opening, as an error that says what to do. */
function unusable(file: string, cause: unknown): FermataError {
  const code = sqliteCode(cause) ?? String(cause);
  if (code.startsWith('SQLITE_NOTADB') || code.startsWith('SQLITE_CORRUPT')) {
    return new FermataError(
      'databaseCorrupt',
      `The file "${file}" is not a readable SQLite database (${code}). It was left as it is. Name another file, or ` +
        'restore it from a backup.',
      { cause },
    );
  }
  if ((cause as NodeJS.ErrnoException).code === 'EISDIR') {
    return new FermataError('storeUnavailable', `"${file}" is a folder. Name a file in it, such as "fermata.db".`, {
      cause,
    });
  }
  return new FermataError(
    'storeUnavailable',
    `The database file "${file}" cannot be opened for writing (${code}). Check that the disk has space and that this ` +
      'process may write to the file and its folder.',
    { cause },
  );
}
