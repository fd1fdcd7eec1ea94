/**
 * Time, as a parameter. Nothing else in `src/`, `actors/` or `machines/` reads the system time or sets a timer,
 * so that a test of a 30-day wait takes a millisecond.
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

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(wake, ms) {
    const timer = setTimeout(wake, ms);
    return { clear: () => clearTimeout(timer) };
  },
};
