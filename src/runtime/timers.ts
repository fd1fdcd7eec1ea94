/**
 * The one timer wheel: every wake-up of every run is a row, and one `Clock.setTimer` looks for due ones.
 *
 * W1. At most a minute ahead: Node fires a 30-day timeout at once, and a clock that jumps is noticed within a minute (R10).
 * W2. A row is handed over once; it is gone with the commit of the turn that took it, and handed over again if that commit fails.
 */
import type { Clock, TimerHandle } from '../clock.ts';
import type { Store, TimerRow } from '../store/store.ts';

const LOOK_AHEAD_MS = 60_000;
const PAGE = 1_000;

/** What the wheel needs. */
export interface TimerSurroundings {
  readonly clock: Clock;
  readonly store: Pick<Store, 'dueTimers' | 'nextDue'>;
  fire(row: TimerRow): void;
  failed(thrown: unknown): void;
}

/** Wakes runs whose time has come. */
export class TimerWheel {
  readonly #surroundings: TimerSurroundings;
  readonly #handedOver = new Set<string>();
  #armed: { readonly at: number; readonly handle: TimerHandle } | undefined;
  #looking = false;
  #again = false;
  #closed = false;

  constructor(surroundings: TimerSurroundings) {
    this.#surroundings = surroundings;
  }

  /** A timer with this due time was committed. */
  notice(due: number): void {
    // A look that is under way may have read too early to see it.
    if (this.#looking) this.#again = true;
    else if (this.#armed === undefined || due < this.#armed.at) this.#arm(due);
  }

  /** The commit that took the timer is done, or will be repeated. */
  release(row: TimerRow): void {
    this.#handedOver.delete(name(row));
  }

  /** Looks for due timers and arms the next wake-up. */
  async look(): Promise<void> {
    if (this.#looking) {
      this.#again = true;
      return;
    }
    this.#looking = true;
    try {
      await this.#handOverDue();
      const next = await this.#nextDue();
      this.#arm(next ?? this.#surroundings.clock.now() + LOOK_AHEAD_MS);
    } catch (thrown) {
      this.#surroundings.failed(thrown);
      this.#arm(this.#surroundings.clock.now() + 1_000);
    } finally {
      this.#looking = false;
    }
    if (this.#again) {
      this.#again = false;
      await this.look();
    }
  }

  close(): void {
    this.#closed = true;
    this.#armed?.handle.clear();
  }

  async #handOverDue(): Promise<void> {
    const now = this.#surroundings.clock.now();
    for (;;) {
      const due = await this.#surroundings.store.dueTimers(now, this.#handedOver.size + PAGE);
      const fresh = due.filter((row) => !this.#handedOver.has(name(row))).sort(asArmed);
      for (const row of fresh) {
        this.#handedOver.add(name(row));
        this.#surroundings.fire(row);
      }
      if (fresh.length < PAGE) return;
    }
  }

  /** When the next timer is due that was not handed over. One that was may stay for long, where its run cannot go on. */
  async #nextDue(): Promise<number | undefined> {
    const { clock, store } = this.#surroundings;
    const next = await store.nextDue();
    if (next === undefined || next > clock.now()) return next;
    const rows = await store.dueTimers(Number.MAX_SAFE_INTEGER, this.#handedOver.size + 1);
    return rows.find((row) => !this.#handedOver.has(name(row)))?.due;
  }

  #arm(at: number): void {
    if (this.#closed) return;
    const { clock } = this.#surroundings;
    this.#armed?.handle.clear();
    const ahead = Math.min(Math.max(at - clock.now(), 0), LOOK_AHEAD_MS);
    const handle = clock.setTimer(() => {
      this.#armed = undefined;
      void this.look();
    }, ahead);
    this.#armed = { at, handle };
  }
}

const byNumber = new Intl.Collator('en', { numeric: true });

/** What is due at one moment fires in the order in which it was armed, as in XState: tokens begin with the turn's number. */
function asArmed(a: TimerRow, b: TimerRow): number {
  return a.due - b.due || byNumber.compare(a.token, b.token);
}

function name(row: TimerRow): string {
  return `${row.run} ${row.token}`;
}
