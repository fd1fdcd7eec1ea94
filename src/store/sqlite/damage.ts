/** Damage that SQLite itself runs into while the process works, long after the start has compared the file. */
import { FermataError } from '../../errors.ts';
import { sqliteCode } from './connection.ts';

type Reads = Readonly<Record<string, (...args: never[]) => unknown>>;

/** Whether an error says that the file is damaged, and not that one statement failed. */
export function isDamage(cause: unknown): boolean {
  const code = sqliteCode(cause);
  return code?.startsWith('SQLITE_CORRUPT') === true || code?.startsWith('SQLITE_NOTADB') === true;
}

/**
 * The same reads, which tell `found` where SQLite cannot make sense of a page, and throw `databaseCorrupt`. What is read
 * beside such a page would be answered as if the file were whole, and what is written would be written into it.
 *
 * @example const lists = watched(prepareLists(db), path, (damage) => writer.stop(damage));
 */
export function watched<T extends object>(reads: T, path: string, found: (damage: FermataError) => void): T {
  const refuse = (cause: unknown): never => {
    if (!isDamage(cause)) throw cause;
    const error = new FermataError(
      'databaseCorrupt',
      `The database file "${path}" is damaged: SQLite cannot read one of its pages (${sqliteCode(cause)}). The process ` +
        'stops. Restore the file from a backup, and delete its ".sums".',
      { cause },
    );
    found(error);
    throw error;
  };
  const entries = Object.entries(reads as Reads).map(([name, read]) => [
    name,
    (...args: never[]): unknown => {
      try {
        const answer = read(...args);
        return answer instanceof Promise ? answer.catch(refuse) : answer;
      } catch (cause) {
        return refuse(cause);
      }
    },
  ]);
  return Object.fromEntries(entries) as T;
}
