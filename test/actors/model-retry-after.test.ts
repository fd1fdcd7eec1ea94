import { expect, it } from 'vitest';
import { retryAfterMs } from '../../actors/model/retry-after.ts';

const NOW = Date.UTC(2026, 0, 1, 12, 0, 0);

it.each<[Record<string, string>, number | undefined]>([
  [{}, undefined],
  [{ 'retry-after': '2' }, 2_000],
  [{ 'retry-after': '0' }, 0],
  [{ 'retry-after': '1.5' }, 1_500],
  [{ 'retry-after-ms': '250', 'retry-after': '9' }, 250],
  [{ 'retry-after': 'Thu, 01 Jan 2026 12:00:30 GMT' }, 30_000],
  [{ 'retry-after': 'Thu, 01 Jan 2026 11:00:00 GMT' }, 0],
  // the provider's own clock is a minute ahead of ours
  [{ 'retry-after': 'Thu, 01 Jan 2026 12:01:30 GMT', date: 'Thu, 01 Jan 2026 12:01:00 GMT' }, 30_000],
  [{ 'retry-after': 'soon' }, undefined],
  [{ 'x-ratelimit-reset-requests': '1s', 'x-ratelimit-reset-tokens': '6m0s' }, 1_000],
  [
    { 'x-ratelimit-reset-requests': '1s', 'x-ratelimit-reset-tokens': '6m0s', 'x-ratelimit-remaining-tokens': '0' },
    360_000,
  ],
  [{ 'x-ratelimit-reset-requests': '20ms' }, 20],
  [{ 'x-ratelimit-reset-requests': '1h2m3.5s' }, 3_723_500],
  [{ 'x-ratelimit-reset': '12' }, 12_000],
  [{ 'x-ratelimit-reset': '12s' }, 12_000],
  [{ 'x-ratelimit-reset': String(NOW / 1_000 + 5) }, 5_000],
  [{ 'x-ratelimit-reset': String(NOW + 5_000) }, 5_000],
])('%o is %o ms', (headers, expected) => {
  expect(retryAfterMs(new Headers(headers), NOW)).toBe(expected);
});

it('a date says nothing without any clock', () => {
  expect(retryAfterMs(new Headers({ 'retry-after': 'Thu, 01 Jan 2026 12:00:30 GMT' }))).toBeUndefined();
});
