/**
 * Time and the order of work, as parameters. Nothing else in `src/`, `actors/` or `machines/` reads the system
 * time or sets a timer, so that a test of a 30-day wait takes a millisecond.
 */
export interface Clock {
  /** Wall-clock time in milliseconds since 1970 (UTC). May jump in either direction. */
  now(): number;
  /** Calls `wake` once, about `ms` milliseconds from now. Until then it keeps the process alive, as `setTimeout` does. */
  setTimer(wake: () => void, ms: number): TimerHandle;
}

/** What `Clock.setTimer` returns; `clear` is harmless after the timer fired. */
export interface TimerHandle {
  clear(): void;
}

/**
 * How work is done in turns, as a parameter: what decides is the same whether a machine's event loop drives it, or a
 * simulation that knows everything which is still to be done.
 */
export interface EventLoop {
  /** Milliseconds of a watch that never jumps; only differences mean anything. */
  elapsed(): number;
  /** Calls `task` once everything else that is due has gone first. */
  soon(task: () => void): void;
  /** Calls `task` in `ms` milliseconds, whatever the clock says meanwhile. */
  later(task: () => void, ms: number): void;
  /** How far ahead a timer of the clock may be set: a clock that jumps is noticed no sooner. */
  readonly longestTimerMs: number;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(wake, ms) {
    const timer = setTimeout(wake, ms);
    return { clear: () => clearTimeout(timer) };
  },
};

/** The event loop of this process. */
export const systemLoop: EventLoop = {
  elapsed: () => performance.now(),
  soon: (task) => void setImmediate(task),
  later: (task, ms) => void setTimeout(task, ms),
  // Node fires a 30-day timeout at once, and a clock that was set is to be noticed within a minute (R10).
  longestTimerMs: 60_000,
};

/** Waits until everything else that is due has gone first. */
export function pause({ soon }: Pick<EventLoop, 'soon'>): Promise<void> {
  return new Promise((resolve) => soon(resolve));
}
