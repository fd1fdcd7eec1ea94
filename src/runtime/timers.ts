/**
 * The one timer wheel: every wake-up of every run is a row, and one `Clock.setTimer` looks for due ones.
 *
 * W1. Never further ahead than the event loop says: Node fires a 30-day timeout at once, and a clock that jumps is
 *     noticed no sooner (R10).
 * W2. A row is handed over once; it is gone with the commit of the turn that took it, and handed over again if that commit fails.
 * W3. What measures a call under way has no row: it ends with the process, as the call does.
 */
import { pause, type Clock, type EventLoop, type TimerHandle } from '../clock.ts';
import type { RunKey } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import type { TimerRow } from '../store/timers.ts';

/** Also how many timers of one moment fire in the order in which they were armed. */
const PAGE = 5_000;

/** What the wheel needs. */
export interface TimerSurroundings {
  readonly clock: Clock;
  readonly loop: EventLoop;
  readonly store: Pick<Store, 'dueTimers' | 'nextDue'>;
  fire(row: TimerRow): void;
  failed(thrown: unknown): void;
}

/** Wakes runs whose time has come. */
export class TimerWheel {
  readonly #surroundings: TimerSurroundings;
  readonly #handedOver = new Set<string>();
  readonly #calls = new Map<string, { readonly row: TimerRow; handle: TimerHandle }>();
  /** Up to here everything has been handed over, so that 50,000 that are being taken are not read again and again. */
  #handedUpTo: TimerRow | undefined;
  #armed: { readonly at: number; readonly atOnce: boolean; readonly handle: TimerHandle } | undefined;
  #looking = false;
  #again = false;
  #closed = false;

  constructor(surroundings: TimerSurroundings) {
    this.#surroundings = surroundings;
  }

  /** A timer with this due time was committed. */
  notice(due: number): void {
    if (this.#handedUpTo !== undefined && due <= this.#handedUpTo.due) this.#handedUpTo = undefined;
    // A look that is under way may have read too early to see it.
    if (this.#looking) this.#again = true;
    else if (this.#armed === undefined || due < this.#armed.at) this.#arm(due);
    // Armed before the clock leapt ahead, and not as close as it looks.
    else if (!this.#armed.atOnce && this.#armed.at <= this.#surroundings.clock.now())
      this.#arm(this.#surroundings.clock.now());
  }

  /** Measures a call: fires once, unless it is disarmed or the process ends (W3). */
  armCall(row: TimerRow): void {
    if (this.#closed) return;
    const { clock, fire, loop } = this.#surroundings;
    const call = { row, handle: NEVER };
    // By the time that passes, not by the clock's: a clock that leaps must not cut off a call.
    const wait = (ms: number): void => {
      const part = Math.min(ms, loop.longestTimerMs);
      call.handle = clock.setTimer(() => {
        if (ms > part) return wait(ms - part);
        this.#calls.delete(name(row));
        fire(row);
      }, part);
    };
    wait(Math.max(row.due - clock.now(), 0));
    this.#calls.set(name(row), call);
  }

  disarmCall(key: RunKey, token: string): void {
    const id = name({ ...key, token });
    this.#calls.get(id)?.handle.clear();
    this.#calls.delete(id);
  }

  /** Timers of a run that have no row. */
  callsOf(run: string): readonly TimerRow[] {
    return [...this.#calls.values()].flatMap(({ row }) => (row.run === run ? [row] : []));
  }

  /** The commit that took the timer is done, or will be repeated. */
  release(row: TimerRow): void {
    this.#handedOver.delete(name(row));
  }

  /** Its timers were not taken: they are handed over again at the next look. */
  handAgain(run: string): void {
    for (const each of this.#handedOver) if (each.startsWith(`${run} `)) this.#handedOver.delete(each);
    this.#handedUpTo = undefined;
  }

  /** Looks for due timers and arms the next wake-up. */
  async look(): Promise<void> {
    if (this.#looking) {
      this.#again = true;
      return;
    }
    this.#looking = true;
    try {
      const now = this.#surroundings.clock.now();
      await this.#handOverDue(now);
      const next = await this.#surroundings.store.nextDue(now);
      this.#arm(next ?? Infinity);
    } catch (thrown) {
      this.#surroundings.failed(thrown);
      this.#arm(this.#surroundings.clock.now() + 1_000);
    } finally {
      this.#looking = false;
    }
    if (this.#again) {
      this.#again = false;
      // What was noticed meanwhile may be due before what was read.
      this.#handedUpTo = undefined;
      await this.look();
    }
  }

  close(): void {
    this.#closed = true;
    for (const { handle } of this.#calls.values()) handle.clear();
    this.#armed?.handle.clear();
  }

  /** Hands over what is due by `now` and was not handed over, page by page: others get their turn in between. */
  async #handOverDue(now: number): Promise<void> {
    if (this.#handedOver.size === 0) this.#handedUpTo = undefined;
    for (;;) {
      const due = await this.#surroundings.store.dueTimers(now, PAGE, this.#handedUpTo);
      const last = due.at(-1);
      for (const row of due.toSorted(asArmed)) {
        if (this.#handedOver.has(name(row))) continue;
        this.#handedOver.add(name(row));
        this.#surroundings.fire(row);
      }
      if (last !== undefined) this.#handedUpTo = last;
      if (due.length < PAGE) return;
      await pause(this.#surroundings.loop);
    }
  }

  #arm(at: number): void {
    if (this.#closed) return;
    const { clock, loop } = this.#surroundings;
    this.#armed?.handle.clear();
    const ahead = Math.min(Math.max(at - clock.now(), 0), loop.longestTimerMs);
    const handle = clock.setTimer(() => {
      this.#armed = undefined;
      void this.look();
    }, ahead);
    this.#armed = { at, atOnce: ahead === 0, handle };
  }
}

const byNumber = new Intl.Collator('en', { numeric: true });

/** What is due at one moment fires in the order in which it was armed, as in XState, and so are tokens made. */
function asArmed(a: TimerRow, b: TimerRow): number {
  return a.due - b.due || byNumber.compare(a.token, b.token);
}

function name({ run, token }: Pick<TimerRow, 'run' | 'token'>): string {
  return `${run} ${token}`;
}

const NEVER: TimerHandle = { clear() {} };
