/** P1 to P17: whatever goes wrong, nothing observed breaks a promise; and the same seed is the same world. */
import { describe, expect, it } from 'vitest';
import { live } from './life.ts';

const SEEDS = 200;
const AT_ONCE = 20;
/** Seeds whose lives are lived twice. */
const TWICE = [3, 16, 61, 113, 149, 170];

describe('simulation', () => {
  it.each(Array.from({ length: SEEDS / AT_ONCE }, (_, index) => index * AT_ONCE + 1))(
    `keeps every promise: ${AT_ONCE} seeds from %i`,
    async (first) => {
      let commits = 0;
      for (let seed = first; seed < first + AT_ONCE; seed++) commits += (await live(seed)).counts['commits'] ?? 0;
      expect(commits, 'something happened').toBeGreaterThan(AT_ONCE);
    },
  );

  it('the same seed gives the same trace, to the byte', async () => {
    for (const seed of TWICE) {
      const [one, other] = [await live(seed), await live(seed)];
      expect(other.world.trace.lines).toEqual(one.world.trace.lines);
      expect(other.hash).toBe(one.hash);
    }
  });

  it('another seed gives another one', async () => {
    expect((await live(2)).hash).not.toBe((await live(3)).hash);
  });
});
