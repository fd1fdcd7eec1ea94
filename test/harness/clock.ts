/** A clock that moves only when a test says so. */
import { systemLoop, type Clock, type EventLoop } from '../../src/clock.ts';

interface Armed {
  readonly due: number;
  readonly order: number;
  readonly wake: () => void;
}

/** No time passes while turns are decided: a group closes for what it holds, and never for how slow this machine is. */
export const steadyLoop: EventLoop = { ...systemLoop, elapsed: () => 0 };

/** Time stands still until `advance`. */
export class ManualClock implements Clock {
  #now: number;
  #order = 0;
  readonly #armed = new Set<Armed>();

  constructor(now = Date.UTC(2026, 0, 1)) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  setTimer(wake: () => void, ms: number) {
    const armed = { due: this.#now + ms, order: this.#order++, wake };
    this.#armed.add(armed);
    return { clear: () => void this.#armed.delete(armed) };
  }

  /** Timers that are set. */
  get armed(): number {
    return this.#armed.size;
  }

  /** When the next timer comes due; undefined where none is set. */
  get nextDue(): number | undefined {
    return this.#armed.size === 0 ? undefined : Math.min(...[...this.#armed].map(({ due }) => due));
  }

  /** Moves time without firing: a clock that jumps. */
  jump(ms: number): void {
    this.#now += ms;
  }

  /** Moves time on, firing what comes due, each at its time. `settle` runs after each, so that its consequences happen then. */
  async advance(ms: number, settle: () => Promise<void>): Promise<void> {
    const until = this.#now + ms;
    await settle();
    for (;;) {
      const [next] = [...this.#armed]
        .filter(({ due }) => due <= until)
        .sort((a, b) => a.due - b.due || a.order - b.order);
      if (next === undefined) break;
      this.#armed.delete(next);
      this.#now = Math.max(this.#now, next.due);
      next.wake();
      await settle();
    }
    this.#now = Math.max(this.#now, until);
    await settle();
  }
}
