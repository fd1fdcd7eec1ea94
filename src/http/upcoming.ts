/** The next item of a generator, waited for a while at a time. */
import type { Clock } from '../clock.ts';

/**
 * Asks a generator for one item after the other. A stream of a run that waits for a month asks thousands of times for the
 * same item: a `Promise.race` each time would leave something with it that stays until it comes.
 *
 * @example
 * const upcoming = new Upcoming(events, clock);
 * while (true) {
 *   const came = await upcoming.within(15_000);
 *   if (came === undefined) heartbeat();
 * }
 */
export class Upcoming<Item> {
  readonly #items: AsyncGenerator<Item, void>;
  readonly #clock: Clock;
  #next: Promise<IteratorResult<Item, void>> | undefined;
  #isSettled = false;
  #wake: () => void = () => {};

  constructor(items: AsyncGenerator<Item, void>, clock: Clock) {
    this.#items = items;
    this.#clock = clock;
  }

  /** The next item, or the end; undefined where nothing came for so many milliseconds. Throws what the generator throws. */
  async within(ms: number): Promise<IteratorResult<Item, void> | undefined> {
    const next = (this.#next ??= this.#ask());
    if (!this.#isSettled)
      await new Promise<void>((resolve) => {
        const timer = this.#clock.setTimer(resolve, ms);
        const wake = (): void => {
          timer.clear();
          resolve();
        };
        this.#wake = wake;
      });
    if (!this.#isSettled) return undefined;
    this.#next = undefined;
    return next;
  }

  #ask(): Promise<IteratorResult<Item, void>> {
    this.#isSettled = false;
    const next = this.#items.next();
    const settled = (): void => {
      this.#isSettled = true;
      this.#wake();
    };
    next.then(settled, settled);
    return next;
  }
}
