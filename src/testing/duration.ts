/** Lengths of time as people write them. */
import { FermataError } from '../errors.ts';

const UNITS = { ms: 1, second: 1_000, minute: 60_000, hour: 3_600_000, day: 86_400_000, week: 604_800_000 } as const;

/** Milliseconds, or a text such as `30 days`, `90 seconds`, `250 ms`. */
export type Duration = number | `${number} ${keyof typeof UNITS | `${Exclude<keyof typeof UNITS, 'ms'>}s`}`;

/**
 * Milliseconds of a duration.
 *
 * @example toMs('2 hours') // 7_200_000
 * @throws FermataError `invalidRequest`
 */
export function toMs(duration: Duration): number {
  if (typeof duration === 'number' && duration >= 0) return duration;
  const [, count, unit] = /^(\d+(?:\.\d+)?) (\w+?)s?$/.exec(String(duration).replace(/ ms$/, ' m')) ?? [];
  const name = unit === 'm' ? 'ms' : unit;
  if (count !== undefined && name !== undefined && name in UNITS)
    return Number(count) * UNITS[name as keyof typeof UNITS];
  throw new FermataError(
    'invalidRequest',
    `A duration is a number of milliseconds or a text such as "30 days", "2 hours" or "250 ms", not ${JSON.stringify(duration)}.`,
  );
}
