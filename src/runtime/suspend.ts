/**
 * Waiting in synchronous code. What decides a turn is synchronous and pure, but a row it needs may have to be loaded.
 * `Reader.read` answers from memory, or throws `Suspended`; whoever drives the decision awaits it and runs the decision
 * again, which is harmless because nothing was changed yet (read first, change after).
 */
import type { MaybePromise } from '../store/maybe-promise.ts';

/** Thrown, never caught by user code that is written sensibly: carries what to wait for. */
export class Suspended {
  readonly until: Promise<unknown>;

  constructor(until: Promise<unknown>) {
    this.until = until;
  }
}

/** Remembers what was loaded during one decision. */
export class Reader {
  #known: Map<string, unknown> | undefined;

  /** The value that `load` gives, at once; or throws `Suspended` until it is there. */
  read<T>(key: string, load: () => MaybePromise<T>): T {
    if (this.#known?.has(key)) return this.#known.get(key) as T;
    const value = load();
    if (!(value instanceof Promise)) return value;
    throw new Suspended(
      value.then((loaded) => {
        this.#known ??= new Map();
        this.#known.set(key, loaded);
      }),
    );
  }

  /** Forgets everything: the rows may have changed. */
  forget(): void {
    this.#known = undefined;
  }
}

/** Runs `decide` until nothing is left to wait for. Synchronous where the store is. */
export function settle<T>(decide: () => T): MaybePromise<T> {
  try {
    return decide();
  } catch (thrown) {
    if (!(thrown instanceof Suspended)) throw thrown;
    return thrown.until.then(() => settle(decide));
  }
}
