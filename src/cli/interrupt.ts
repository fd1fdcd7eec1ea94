/**
 * Ctrl-C and SIGTERM. Once: stop gracefully, for whoever listens to `signal`. Twice: at once.
 *
 * A command that does not listen is ended by the first signal, as any program is.
 */
import { EXIT } from './exit.ts';

type Signal = 'SIGINT' | 'SIGTERM';

/** Where signals come from, and how the process ends: `process`, or a test's own. */
export interface SignalSource {
  on(signal: Signal, listener: (signal: Signal) => void): unknown;
  off(signal: Signal, listener: (signal: Signal) => void): unknown;
  exit(status: number): void;
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Turns signals into one AbortSignal. */
export class Interrupt {
  readonly #source: SignalSource;

  constructor(source: SignalSource = process) {
    this.#source = source;
  }

  /**
   * Calls `work` with a signal that aborts at the first Ctrl-C or SIGTERM; during it, the second one ends the process.
   *
   * @param onFirst told at once, so that the person sees that the key was heard
   */
  async during<Result>(
    work: (interrupted: Interrupted) => Promise<Result>,
    onFirst: () => void = () => {},
  ): Promise<Result> {
    const abort = new AbortController();
    const interrupted: Interrupted = { signal: abort.signal, exitStatus: undefined };
    const listener = (signal: Signal): void => {
      const exitStatus = signal === 'SIGINT' ? EXIT.interrupted : EXIT.terminated;
      if (abort.signal.aborted) return this.#source.exit(exitStatus);
      interrupted.exitStatus = exitStatus;
      onFirst();
      abort.abort();
    };
    this.#source.on('SIGINT', listener);
    this.#source.on('SIGTERM', listener);
    // Timers of the runtime do not hold the process: one that waits for a retry would end here without a word.
    const hold = setInterval(() => {}, LONGEST_TIMER_MS);
    try {
      return await work(interrupted);
    } finally {
      clearInterval(hold);
      this.#source.off('SIGINT', listener);
      this.#source.off('SIGTERM', listener);
    }
  }
}

/** What a command knows of signals. */
export interface Interrupted {
  readonly signal: AbortSignal;
  /** What the process exits with after a graceful stop; undefined until a signal came. */
  exitStatus: number | undefined;
}
