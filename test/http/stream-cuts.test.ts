/** Streams over connections that break. A thousand cuts: `npm run soak -- --only stream-cuts`. */
import { expect, it } from 'vitest';
import { followThroughCuts } from './cuts.ts';

it('a hundred cuts at random bytes: each fact comes once and in order, and texts have no gaps', async () => {
  const { cuts, facts, deltas } = await followThroughCuts(7, 100);
  expect(cuts).toBe(100);
  expect(facts).toBeGreaterThan(300);
  expect(deltas).toBeGreaterThan(0);
});
