/** Runs that could not be decided, and are tried again: later each time, and without the others waiting for them. */
import type { Clock, TimerHandle } from '../clock.ts';

const FIRST_MS = 250;
const LONGEST_MS = 30_000;

/** When which run is tried again. */
export class Retries {
  readonly #clock: Clock;
  /** How often in a row each run has failed. */
  readonly #failed = new Map<string, { readonly times: number; readonly again: TimerHandle }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A run has failed: tries again after a while. */
  failed(run: string, tryAgain: () => void): void {
    const { times = 0, again } = this.#failed.get(run) ?? {};
    again?.clear();
    const delay = Math.min(FIRST_MS * 2 ** times, LONGEST_MS);
    this.#failed.set(run, { times: times + 1, again: this.#clock.setTimer(tryAgain, delay) });
  }

  /** A run was decided: its next failure is a first one again. */
  succeeded(run: string): void {
    if (this.#failed.size === 0) return;
    this.#failed.get(run)?.again.clear();
    this.#failed.delete(run);
  }

  /** Tries nothing more. */
  close(): void {
    for (const { again } of this.#failed.values()) again.clear();
  }
}
