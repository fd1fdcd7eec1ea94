/**
 * Waits for money, as a person would notice them. A call that is paid from a budget of several runs borrows, and may wait
 * the moment that this takes, again and again in one run: only what lasts is told, once, and then also that it is over.
 */
import type { ProgressLine, ShownFact } from './progress.ts';

/** A wait that is over sooner was none. */
const LASTS_MS = 1_000;

/** Calls `wake` in `ms` milliseconds, unless it is cleared before. */
type Later = (wake: () => void, ms: number) => { clear(): void };

const later: Later = (wake, ms) => {
  const timer = setTimeout(wake, ms);
  return { clear: () => clearTimeout(timer) };
};

/** Of one call. */
interface Wait {
  /** Nobody has been told of it yet. */
  isHeld: boolean;
  readonly since: number;
  readonly line: ProgressLine;
  readonly timer: ReturnType<Later>;
}

/**
 * Shows the lines of facts, and holds those of waits back until it is known whether they last: by the times of the facts
 * that follow, where a run is watched again, and by the clock, where nothing follows.
 */
export class MoneyWaits {
  readonly #show: (line: ProgressLine) => void;
  readonly #later: Later;
  /** By task and call. */
  readonly #waits = new Map<string, Wait>();
  #percent: number | undefined;

  constructor(show: (line: ProgressLine) => void, after: Later = later) {
    this.#show = show;
    this.#later = after;
  }

  /** Shows the line of a fact, now, later or never. */
  show({ event, data }: ShownFact, line: ProgressLine | undefined): void {
    const at = Date.parse(String(data['timestamp']));
    this.#percent = line?.percent ?? this.#percent;
    for (const wait of this.#waits.values()) if (wait.isHeld && at - wait.since >= LASTS_MS) this.#tell(wait);
    const key = `${String(data['task'])}/${String(data['call'])}`;
    if (event === 'budget_awaited' && line !== undefined) return this.#hold(key, line, at);
    if (event === 'budget_granted' || event === 'budget_left') {
      const wasHeld = this.#waits.get(key)?.isHeld === true;
      this.#drop(key);
      if (wasHeld) return;
    }
    if (line?.last === true)
      for (const [other, { line: its }] of this.#waits)
        if (line.task === undefined || its.task === line.task) this.#drop(other);
    if (line !== undefined) this.#show(line);
  }

  /** Nothing more comes. */
  end(): void {
    for (const key of this.#waits.keys()) this.#drop(key);
  }

  #hold(key: string, line: ProgressLine, since: number): void {
    this.#drop(key);
    const wait = { isHeld: true, since, line, timer: this.#later(() => this.#tell(wait), LASTS_MS) };
    this.#waits.set(key, wait);
  }

  #drop(key: string): void {
    this.#waits.get(key)?.timer.clear();
    this.#waits.delete(key);
  }

  #tell(wait: Wait): void {
    wait.timer.clear();
    wait.isHeld = false;
    // What has happened meanwhile is told already: progress does not fall, and what was left then is not left now.
    const { left: _, ...line } = wait.line;
    this.#show({ ...line, percent: this.#percent });
  }
}
