/**
 * What the process is at, in a small file beside the database: `PATH.deciding`, one line of JSON.
 *
 * It has to survive the death of the process and nothing more, so it is written without a sync: the kernel keeps it
 * through kill -9 and an exhausted heap, and a power cut is nobody's fault. A microsecond or two, where a synced
 * commit would take 300.
 *
 * P1. The file is there while a process works on the database, and an orderly stop removes it: found at an opening, it
 *     says that the last stop was none.
 * P2. What an earlier process left stays until the first `write` of this one: whoever only looks destroys no evidence.
 * P3. It is in the way of nothing: where it cannot be written, the work goes on without it.
 */
import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import type { DecidingMark, LastStop } from '../deciding-mark.ts';

/** The mark of one opening of the database. */
export interface MarkFile {
  /** What the process before left. */
  readonly lastStop: LastStop;
  /** Names what this process is at, or that it is at nothing. */
  write(mark: DecidingMark | undefined): void;
  /** The process stops, and knows why. Harmless when called again. */
  remove(): void;
}

/** The mark of a database that ends with the process. */
export const noMark: MarkFile = { lastStop: { orderly: true }, write: () => {}, remove: () => {} };

/**
 * Reads what the process before left. The file stays as it is until the first `write`.
 *
 * @param path of the database
 * @example const mark = openMark('/data/fermata.db'); mark.write({ tenant, run, key: 'timer/7.0', what: 'its timer' });
 */
export function openMark(path: string): MarkFile {
  const file = `${path}.deciding`;
  const lastStop = readLastStop(file);
  let state: { readonly at: 'looking' | 'gone' } | { readonly at: 'working'; readonly fd: number } = { at: 'looking' };
  let written: DecidingMark | undefined | 'unknown' = 'unknown';

  const working = (): number | undefined => {
    if (state.at === 'looking') state = begin(file);
    return state.at === 'working' ? state.fd : undefined;
  };
  return {
    lastStop,
    write(mark) {
      if (mark === written) return;
      const fd = working();
      if (fd === undefined) return;
      // An empty first line is the absence of a mark; what is left of a longer one behind it does not count.
      const line = mark === undefined ? '\n' : `${JSON.stringify(mark)}\n`;
      try {
        writeSync(fd, line, 0, 'utf8');
        written = mark;
      } catch {
        written = 'unknown';
      }
    },
    remove() {
      if (state.at === 'working') {
        closeSync(state.fd);
        rmSync(file, { force: true });
      }
      state = { at: 'gone' };
    },
  };
}

function begin(file: string): { readonly at: 'gone' } | { readonly at: 'working'; readonly fd: number } {
  try {
    return { at: 'working', fd: openSync(file, 'w') };
  } catch {
    return { at: 'gone' };
  }
}

function readLastStop(file: string): LastStop {
  try {
    const [line = ''] = readFileSync(file, 'utf8').split('\n', 1);
    return { orderly: false, deciding: parse(line) };
  } catch {
    return { orderly: true };
  }
}

/** A line cut by the very kill, or written by something else, names nobody. */
function parse(line: string): DecidingMark | undefined {
  try {
    const { tenant, run, key, what } = JSON.parse(line) as Partial<Record<keyof DecidingMark, unknown>>;
    if (typeof tenant !== 'string' || typeof run !== 'string' || typeof key !== 'string') return undefined;
    return { tenant, run, key, what: String(what) };
  } catch {
    return undefined;
  }
}
