import type { RunKey } from './runs.ts';

/** A wake-up with a due time. */
export interface TimerRow extends RunKey {
  /** Unique in the run, made at its arming, checked when it fires. */
  readonly token: string;
  readonly due: number;
  /** Address of the actor that armed it. */
  readonly source: string;
  readonly timerJson: string;
}

/** The timers of runs. */
export interface TimerStore {
  /** Timers due at or before `until`, soonest first; go on after the last one of the page before. */
  dueTimers(until: number, limit: number, after?: TimerRow): Promise<readonly TimerRow[]>;
  /** When the first timer is due that is due after `until`. */
  nextDue(until: number): Promise<number | undefined>;
  timersOf(key: RunKey): Promise<readonly TimerRow[]>;
}
