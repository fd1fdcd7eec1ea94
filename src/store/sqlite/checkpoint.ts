/**
 * Checkpoints: moving the log into the database file. We begin them ourselves, after a commit has been answered and not
 * inside of one, and keep the sums of the pages true (see `page-sums.ts`).
 */
import type BetterSqlite3 from 'better-sqlite3';
import { FermataError } from '../../errors.ts';
import { sqliteCode } from './connection.ts';
import { contentOfLog, damageOfLog, type LogContent } from './log.ts';
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
/** Milliseconds after which all pages are compared anew: what rots under a process that runs for months is found. */
const REST_MS = 10 * 60_000;
/** Commits between two looks at the length of the log, which cost as much as writing two rows. */
const COMMITS = 16;

/** Round of a log that has no commit yet. */
const NOT_BEGUN = -1;

/** A database file as the checkpoints see it. */
export interface CheckpointedFile {
  readonly driver: BetterSqlite3.Database;
  readonly path: string;
  /** Open for reading as long as the connection is: closing it would give up SQLite's locks on the file. */
  readonly descriptor: number;
  /** Milliseconds between two comparisons of all pages; default ten minutes. */
  readonly restMs?: number | undefined;
}

/** Moves the log into the file. */
export class Checkpoints {
  readonly #file: CheckpointedFile;
  readonly #sums: PageSums;
  readonly #length: BetterSqlite3.Statement<[], { log: number }>;
  #unread: Iterator<readonly number[], void> | undefined;
  /** The next part that is compared. */
  #next: NodeJS.Timeout | undefined;
  #commits = 0;
  #due = false;
  #closed = false;
  /** Pages in the log at which the next move is worth its while. */
  #worth = PAGES;
  /** Everything in the log has been moved, so that it may begin anew. */
  #moved = true;

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
      this.#trust(contentOfLog(logOf(file.path)));
      this.#settle();
      this.#sums.round = NOT_BEGUN;
      this.#unread = this.#compareFirst();
    } catch (error) {
      this.#sums.close();
      throw error;
    }
  }

  /**
   * Goes on comparing what was too much for the start, beside the work, and then all pages again and again. `failed` is
   * told where a page differs.
   */
  compareRest(failed: (cause: FermataError) => void): void {
    if (this.#closed) return;
    const { descriptor, restMs = REST_MS } = this.#file;
    const part = this.#unread?.next() ?? { done: true, value: undefined };
    if (part.done === true) this.#unread = this.#sums.compare(descriptor)[Symbol.iterator]();
    if (part.done === true || part.value.length === 0) {
      this.#next = setTimeout(() => this.compareRest(failed), part.done === true ? restMs : PAUSE_MS).unref();
      return;
    }
    this.#sums.isSuspect = true;
    failed(damaged(this.#file.path, part.value));
  }

  /** A commit was made. `failed` is told where the checkpoint that it may cause cannot be written. */
  noticeCommit(failed: (cause: unknown) => void): void {
    if (this.#due || ++this.#commits < COMMITS) return;
    this.#commits = 0;
    if (this.#lengthOfLog(failed) < this.#worth) return;
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

  /** The commit is made: what goes wrong here must not make it a doubtful one. */
  #lengthOfLog(failed: (cause: unknown) => void): number {
    try {
      return this.#length.get()?.log ?? 0;
    } catch (cause) {
      failed(cause);
      return 0;
    }
  }

  /** Moves all of the log, and empties it. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#next);
    try {
      if (this.#move('truncate')) this.#sums.round = undefined;
    } catch (cause) {
      // An orderly stop, too: all that was committed is in the log, which the next start moves.
      if (!isDiskFull(cause)) throw cause;
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
      if (part.value.length === 0) continue;
      this.#sums.isSuspect = true;
      throw damaged(path, part.value);
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
    const content = contentOfLog(logOf(path));
    this.#follow(content);
    this.#sums.forget(content.pages);
    const { busy, log, checkpointed } = driver
      .prepare<[], { busy: number; log: number; checkpointed: number }>(`pragma wal_checkpoint(${mode})`)
      .get() ?? { busy: 1, log: 0, checkpointed: 0 };
    this.#sums.learn(descriptor, content.pages);
    this.#moved = busy === 0 && checkpointed >= log;
    // Somebody reads an old state: to try again with every commit would read the whole log each time.
    this.#worth = this.#moved ? PAGES : Math.ceil(log * 1.5);
    return busy === 0;
  }

  /**
   * At a start: nothing is known of any page where somebody else has moved the log that an unclean stop left (P4). Not of
   * a file that was found damaged: a start that refused it has left no log either, and the next one would take it as it is.
   */
  #trust({ round }: LogContent): void {
    if (this.#sums.isSuspect) return;
    const { round: known } = this.#sums;
    const isOurs =
      known === undefined
        ? round === undefined
        : round !== undefined && (known === NOT_BEGUN || round === known || round === known + 1);
    if (!isOurs) this.#sums.forgetAll();
  }

  /** At work: the log begins a new round only after we have moved all of it. */
  #follow({ round }: LogContent): void {
    const { round: known } = this.#sums;
    if (round === undefined || round === known) return;
    if (known !== NOT_BEGUN && known !== undefined && !(this.#moved && round === known + 1)) this.#sums.forgetAll();
    this.#sums.round = round;
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

/** Of SQLite's own writes, or of ours to the sums. */
function isDiskFull(cause: unknown): boolean {
  return sqliteCode(cause) === 'SQLITE_FULL' || (cause as NodeJS.ErrnoException).code === 'ENOSPC';
}

function logOf(path: string): string {
  return `${path}-wal`;
}

function damaged(path: string, pages: readonly number[]): FermataError {
  const first = pages.slice(0, 5).join(', ');
  const more = pages.length > 5 ? ` and ${pages.length - 5} more` : '';
  return new FermataError(
    'databaseCorrupt',
    `The database file "${path}" is damaged: its pages ${first}${more} are not as they were written. Move it away ` +
      `with all files whose names begin with its own (-wal, -shm, .sums, .deciding), and put a backup in its place. Where another ` +
      `program has changed the file on purpose, delete only "${path}.sums", and start again.`,
    { data: { pages: pages.slice(0, 100) } },
  );
}
