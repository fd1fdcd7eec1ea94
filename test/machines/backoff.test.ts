import { describe, expect, test } from 'vitest';
import { backoffMs, LONGEST_RETRY_AFTER_MS } from '../../machines/backoff.ts';

const retry = { maxRetries: 3, initialSeconds: 1, factor: 2, maxSeconds: 60 };

describe('how long a failed attempt waits', () => {
  test('M6: as long as the server asks, also beyond maxSeconds, but at most a day', () => {
    expect(backoffMs(retry, 1, 's', 3_600_000)).toBe(3_600_000);
    for (const asked of [86_400_001, 1e23, Infinity]) {
      expect(backoffMs(retry, 1, 's', asked)).toBe(LONGEST_RETRY_AFTER_MS);
    }
    expect(new Date(backoffMs(retry, 1, 's', 1e30)).toISOString()).toBe('1970-01-02T00:00:00.000Z');
  });

  test('what is no time is no wish', () => {
    for (const asked of [Number.NaN, -5]) expect(backoffMs(retry, 1, 's', asked)).toBe(backoffMs(retry, 1, 's'));
  });

  test('R2: the same attempt of the same task always waits equally long, within its bounds', () => {
    const waits = Array.from({ length: 20 }, (_, index) => backoffMs(retry, index + 1, 'run/task'));
    expect(waits).toEqual(Array.from({ length: 20 }, (_, index) => backoffMs(retry, index + 1, 'run/task')));
    expect(Math.max(...waits)).toBeLessThanOrEqual(60_000);
    expect(waits[0]).toBeLessThanOrEqual(1_000);
  });
});
