/**
 * Every write is one transaction of the writer.
 *
 * W1. What throws before COMMIT is rolled back: certainly unchanged.
 * W2. A COMMIT that fails for want of space or a lock is rolled back: certainly unchanged.
 * W3. A COMMIT that fails otherwise is in doubt: its frames may be in the log, and the next start may find them
 *     committed. From then on nothing is written: a second sync may succeed falsely, and a later commit would decide
 *     the doubtful one behind the back of a caller who was told "unknown".
 * W4. Nor is anything written once SQLite has met a damaged page, in a read or a write.
 */
import type BetterSqlite3 from 'better-sqlite3';
import { FermataError } from '../../errors.ts';
import { StoreError } from '../store.ts';
import type { Checkpoints } from './checkpoint.ts';
import { sqliteCode } from './connection.ts';
import { isDamage } from './damage.ts';

/**
 * Begins, commits and rolls back.
 *
 * @example const created = writer.write(() => insertRow({ run: 1, tag: 'research' }));
 */
export class Writer {
  readonly #driver: BetterSqlite3.Database;
  readonly #begin: BetterSqlite3.Statement<[]>;
  readonly #commit: BetterSqlite3.Statement<[]>;
  readonly #rollback: BetterSqlite3.Statement<[]>;
  readonly #probe: () => void;
  readonly #doubt: (error: StoreError) => void;
  readonly #checkpoints: Pick<Checkpoints, 'noticeCommit' | 'compareRest'> | undefined;
  #condition: 'sound' | 'failing' | 'inDoubt' = 'sound';

  /**
   * @param probe writes something small that differs from call to call
   * @param doubt is told when a commit falls in doubt (W3)
   * @param checkpoints absent in memory
   */
  constructor(
    driver: BetterSqlite3.Database,
    probe: () => void,
    doubt: (error: StoreError) => void,
    checkpoints?: Pick<Checkpoints, 'noticeCommit' | 'compareRest'>,
  ) {
    this.#checkpoints = checkpoints;
    this.#driver = driver;
    this.#probe = probe;
    this.#doubt = doubt;
    this.#begin = driver.prepare('begin immediate');
    this.#commit = driver.prepare('commit');
    this.#rollback = driver.prepare('rollback');
    checkpoints?.compareRest((damage) => this.#inDoubt(damage.message, damage));
  }

  /** The file is damaged: nothing is written to it any more, and the process is to stop. */
  stop(damage: FermataError): void {
    if (!this.isInDoubt) this.#inDoubt(damage.message, damage);
  }

  /** True once a commit is in doubt (W3). */
  get isInDoubt(): boolean {
    return this.#condition === 'inDoubt';
  }

  /**
   * Does `work`, which must not await, in one transaction and returns what it returns.
   *
   * @throws StoreError, and nothing else
   */
  write<T>(work: () => T): T {
    if (this.#condition === 'inDoubt') {
      throw new StoreError('unchanged', 'an earlier commit is in doubt, and only a restart can settle it.');
    }
    const result = this.#run(work);
    try {
      this.#commit.run();
    } catch (cause) {
      if (isCertainlyUndone(cause)) throw this.#undone(cause);
      throw this.#inDoubt(
        `The database failed while it committed (${describe(cause)}): the group may be there or not. Stop the process; ` +
          'the next start finds out.',
        cause,
      );
    }
    this.#condition = 'sound';
    this.#checkpoints?.noticeCommit((cause) => this.#checkpointFailed(cause));
    return result;
  }

  /**
   * The same for what is written outside of turns, where a caller waits for an answer and no group is at stake.
   *
   * @throws FermataError `storeUnavailable` or `outcomeUnknown`
   */
  writeOutsideTurns<T>(work: () => T): T {
    try {
      return this.write(work);
    } catch (cause) {
      const { outcome, message } = cause as StoreError;
      if (outcome === 'unknown') throw new FermataError('outcomeUnknown', message, { cause });
      throw new FermataError(
        'storeUnavailable',
        `The database could not be written: ${message} Nothing was changed; try again.`,
        { cause },
      );
    }
  }

  /** Whether a write would succeed: only begun while all is well, really committed where the last one failed. */
  canWrite(): boolean {
    try {
      if (this.#condition === 'sound') {
        this.#begin.run();
        this.#rollback.run();
      } else {
        this.write(this.#probe);
      }
      return true;
    } catch {
      return false;
    }
  }

  /** A sync that failed may succeed falsely when it is tried again, and the log would then be overwritten: as W3. */
  #checkpointFailed(cause: unknown): void {
    if (sqliteCode(cause)?.startsWith('SQLITE_IOERR') === true)
      this.#inDoubt(`The log could not be moved into the database file (${describe(cause)}). Stop the process.`, cause);
  }

  #run<T>(work: () => T): T {
    try {
      this.#begin.run();
      return work();
    } catch (cause) {
      throw this.#undone(cause);
    }
  }

  #inDoubt(message: string, cause: unknown): StoreError {
    const error = new StoreError('unknown', message, cause);
    this.#condition = 'inDoubt';
    this.#doubt(error);
    return error;
  }

  #undone(cause: unknown): StoreError {
    const code = sqliteCode(cause);
    if (code !== undefined && !code.startsWith('SQLITE_CONSTRAINT')) this.#condition = 'failing';
    try {
      // SQLite rolls back by itself after some errors; a second ROLLBACK would be an error of its own.
      if (this.#driver.inTransaction) this.#rollback.run();
    } catch (failure) {
      // Without its COMMIT the transaction is void whatever ROLLBACK says, but the connection is of no use any more.
      this.#inDoubt(`The database could not roll back (${describe(failure)}). Stop the process.`, failure);
    }
    if (isDamage(cause) && !this.isInDoubt)
      this.#inDoubt(`The database file is damaged (${describe(cause)}). Restore it from a backup.`, cause);
    if (cause instanceof StoreError) return cause;
    const remedy = sqliteCode(cause) === 'SQLITE_FULL' ? ' Free some space on the disk.' : '';
    return new StoreError('unchanged', `${describe(cause)}.${remedy}`, cause);
  }
}

function isCertainlyUndone(cause: unknown): boolean {
  const code = sqliteCode(cause);
  return code === 'SQLITE_FULL' || code?.startsWith('SQLITE_BUSY') === true;
}

function describe(cause: unknown): string {
  const code = sqliteCode(cause);
  const message = cause instanceof Error ? cause.message : String(cause);
  return code === undefined ? message : `${message} (${code})`;
}
