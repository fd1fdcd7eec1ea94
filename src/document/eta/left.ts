/** How much is left of something that is under way. */
import type { LearnedDuration } from '../estimate/durations.ts';

/** What is to be expected of one call. */
export interface Expected {
  readonly seconds: number;
  /** What calls like it took, the shortest first. */
  readonly all?: readonly number[];
}

/** Of a call that takes longer than expected: this share of the time that it has taken is expected to follow. */
const OVERRUN = 0.1;

/**
 * Seconds until a call ends that has taken some already. Where it is known what such calls took, those count that took
 * longer than this one has; without that, one that is late is expected to take a tenth more, and never longer than expected
 * of a whole one: a clock that jumps a day ahead would make a call of ten seconds last for hours.
 *
 * @param pace how much longer than expected the calls of this run take
 * @param mostSeconds after which it is given up
 * @example
 * secondsLeft({ seconds: 20 }, 15) // 5
 * secondsLeft({ seconds: 20 }, 30) // 3
 */
export function secondsLeft(expected: Expected, elapsed: number, pace = 1, mostSeconds = Infinity): number {
  const whole = expected.seconds * pace;
  const since = Math.max(0, elapsed);
  const longer = expected.all?.filter((seconds) => seconds * pace > since) ?? [];
  const median = longer[Math.ceil(longer.length / 2) - 1];
  const late = Math.min(since * OVERRUN, whole);
  const left = median === undefined ? Math.max(whole - since, late) : median * pace - since;
  return since < mostSeconds ? Math.min(left, mostSeconds - since) : left;
}

/** What was learned, as an expectation. */
export function expectedOf({ median, all }: LearnedDuration): Expected {
  return { seconds: median, all };
}
