/** Commits that fail and are tried again: since when, and when the log says so. A full disk lasts for hours, and is tried four times a second. */
import type { EventLoop } from '../clock.ts';

/** Milliseconds between two lines about the same trouble. */
const SAID_EVERY_MS = 60_000;
/** Trouble that begins anew is said at once where it lasts so long: a big commit may fail again and again among small ones that fit. */
const LASTING_MS = 1_000;

/** Commits that fail now. */
export interface CommitTrouble {
  /** Milliseconds since the first of them. */
  readonly forMs: number;
  readonly failures: number;
  /** What the database said to the last one. */
  readonly error: string;
}

interface Trouble {
  readonly since: number;
  failures: number;
  error: string;
  isSaid: boolean;
}

/** Knows whether commits fail, and tells the log: once, then each minute, and once when they succeed again. */
export class FailingCommits {
  readonly #loop: Pick<EventLoop, 'elapsed'>;
  readonly #log: (message: string, fields: Readonly<Record<string, unknown>>) => void;
  #trouble: Trouble | undefined;
  #saidAt = -Infinity;

  constructor(
    loop: Pick<EventLoop, 'elapsed'>,
    log: (message: string, fields: Readonly<Record<string, unknown>>) => void,
  ) {
    this.#loop = loop;
    this.#log = log;
  }

  /** Undefined where the last commit succeeded. */
  get now(): CommitTrouble | undefined {
    return this.#trouble && this.#told(this.#trouble);
  }

  /** A commit failed, and changed nothing. */
  failed(error: string): void {
    const now = this.#loop.elapsed();
    const trouble = (this.#trouble ??= { since: now, failures: 0, error, isSaid: false });
    trouble.failures++;
    trouble.error = error;
    const isLasting = !trouble.isSaid && now - trouble.since >= LASTING_MS;
    if (!isLasting && now - this.#saidAt < SAID_EVERY_MS) return;
    this.#log('commits fail, change nothing, and are tried again', { ...this.#told(trouble) });
    trouble.isSaid = true;
    this.#saidAt = now;
  }

  /** A commit succeeded. */
  succeeded(): void {
    const trouble = this.#trouble;
    this.#trouble = undefined;
    if (trouble?.isSaid !== true) return;
    const { forMs, failures } = this.#told(trouble);
    this.#log('commits succeed again', { forMs, failures });
  }

  #told({ since, failures, error }: Trouble): CommitTrouble {
    return { forMs: Math.round(this.#loop.elapsed() - since), failures, error };
  }
}
