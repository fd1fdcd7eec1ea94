/**
 * Checkpoints: moving the log into the database file. We begin them ourselves, after a commit has been answered and not
 * inside of one, and keep the sums of the pages true (see `page-sums.ts`).
 */
import type BetterSqlite3 from 'better-sqlite3';
import { FermataError } from '../../errors.ts';
import { damageOfLog, pagesInLog } from './log.ts';
import { PageSums } from './page-sums.ts';

/**
 * Pages in the log before they are moved to the file and the log is written from its start again. A commit that makes the
 * log longer takes 475 µs where one that overwrites it takes 290 (ext4 must commit the new length as well), and a short
 * log is moved in a few milliseconds. A step of a chain writes nine pages: fewer than one in a hundred of them waits for it.
 */
const PAGES = 2_000;
/** Parts of 4 MB that are compared with their sums before anything is read: 64 MB take about 50 milliseconds. */
const FIRST_PARTS = 16;
/** Milliseconds between two further parts. */
const PAUSE_MS = 50;
/** Commits between two looks at the length of the log, which cost as much as writing two rows. */
const COMMITS = 16;

/** A database file as the checkpoints see it. */
export interface CheckpointedFile {
  readonly driver: BetterSqlite3.Database;
  readonly path: string;
  /** Open for reading as long as the connection is: closing it would give up SQLite's locks on the file. */
  readonly descriptor: number;
}

/** Moves the log into the file. */
export class Checkpoints {
  readonly #file: CheckpointedFile;
  readonly #sums: PageSums;
  readonly #length: BetterSqlite3.Statement<[], { log: number }>;
  #unread: Iterator<readonly number[], void> | undefined;
  #commits = 0;
  #due = false;
  #closed = false;
  /** A process that ends without closing its store lets the driver do it, and SQLite then moves the log by itself. */
  readonly #atExit = (): void => this.#sums.forget(pagesInLog(logOf(this.#file.path)));

  /**
   * Settles what an unclean stop left in the log, and compares all pages with their sums.
   *
   * @throws FermataError `databaseCorrupt` where a page or the log has changed since it was written, `storeUnavailable`
   * where another program is reading the log
   */
  constructor(file: CheckpointedFile) {
    this.#file = file;
    this.#length = file.driver.prepare('pragma wal_checkpoint(noop)');
    this.#sums = PageSums.open(`${file.path}.sums`, Number(file.driver.pragma('page_size', { simple: true })));
    try {
      this.#settle();
      this.#unread = this.#compareFirst();
      process.once('exit', this.#atExit);
    } catch (error) {
      this.#sums.close();
      throw error;
    }
  }

  /** Goes on comparing what was too much for the start, beside the work. `failed` is told where a page differs. */
  compareRest(failed: (cause: FermataError) => void): void {
    if (this.#closed || this.#unread === undefined) return;
    const part = this.#unread.next();
    if (part.done === true) {
      this.#unread = undefined;
      return;
    }
    if (part.value.length === 0) {
      setTimeout(() => this.compareRest(failed), PAUSE_MS).unref();
      return;
    }
    this.#sums.isSuspect = true;
    failed(damaged(this.#file.path, part.value));
  }

  /** A commit was made. `failed` is told where the checkpoint that it may cause cannot be written. */
  noticeCommit(failed: (cause: unknown) => void): void {
    if (this.#due || ++this.#commits < COMMITS) return;
    this.#commits = 0;
    if ((this.#length.get()?.log ?? 0) < PAGES) return;
    this.#due = true;
    setImmediate(() => {
      this.#due = false;
      if (this.#closed) return;
      try {
        this.#move('passive');
      } catch (cause) {
        failed(cause);
      }
    });
  }

  /** Moves all of the log, and empties it. */
  close(): void {
    this.#closed = true;
    process.off('exit', this.#atExit);
    try {
      this.#move('truncate');
    } finally {
      this.#sums.close();
    }
  }

  /** Returns the rest, where there is one. */
  #compareFirst(): Iterator<readonly number[], void> | undefined {
    const { descriptor, path } = this.#file;
    const parts = this.#sums.compare(descriptor)[Symbol.iterator]();
    const most = this.#sums.isSuspect ? Infinity : FIRST_PARTS;
    for (let read = 0; read < most; read++) {
      const part = parts.next();
      if (part.done === true) {
        this.#sums.isSuspect = false;
        return undefined;
      }
      if (part.value.length > 0) throw damaged(path, part.value);
    }
    return parts;
  }

  #settle(): void {
    if (this.#move('truncate')) return;
    throw new FermataError(
      'storeUnavailable',
      `The log of the database file "${this.#file.path}" cannot be settled, because another program is reading it. Close ` +
        'that program (a database browser, a backup) and start again.',
    );
  }

  /** Returns false where somebody else is in the way. */
  #move(mode: 'passive' | 'truncate'): boolean {
    const { driver, path, descriptor } = this.#file;
    const pages = pagesInLog(logOf(path));
    this.#sums.forget(pages);
    const busy = driver.prepare<[], { busy: number }>(`pragma wal_checkpoint(${mode})`).get()?.busy;
    // Moved in part only, pages may still be as they were before.
    if (busy === 0) this.#sums.learn(descriptor, pages);
    return busy === 0;
  }
}

/**
 * Refuses a log in which something has changed since it was synced. To be asked before SQLite reads it.
 *
 * @throws FermataError `databaseCorrupt`
 */
export function requireSoundLog(path: string): void {
  const damage = damageOfLog(logOf(path));
  if (damage === undefined) return;
  throw new FermataError(
    'databaseCorrupt',
    `The log "${logOf(path)}" of the database is damaged: ${damage}, so commits behind it cannot be read. It was left as it is. Restore the database from a backup.`,
  );
}

function logOf(path: string): string {
  return `${path}-wal`;
}

function damaged(path: string, pages: readonly number[]): FermataError {
  const first = pages.slice(0, 5).join(', ');
  const more = pages.length > 5 ? ` and ${pages.length - 5} more` : '';
  return new FermataError(
    'databaseCorrupt',
    `The database file "${path}" is damaged: its pages ${first}${more} are not as they were written. Restore it from a backup. ` +
      `Where another program has changed the file on purpose, delete "${path}.sums" and start again.`,
    { data: { pages: pages.slice(0, 100) } },
  );
}
