/** R1, R5, R8: killed while runs share budgets, between lending and borrowing: see `sharing-money.ts`. The bulk is a soak. */
import { expect, it } from 'vitest';
import { sceneOfTest } from './scene-of-test.ts';
import { killSharing } from './sharing-money.ts';

const setScene = sceneOfTest();

it('killed while runs share budgets: never more than there is, and all is given back', async () => {
  const scene = await setScene({ firstTokenMs: 5 });
  const ends = await killSharing(scene, [
    { point: 'committed', nth: 5, calls: 1.5 },
    { point: 'decided', nth: 9, calls: 20 },
  ]);
  expect(ends.map(({ over }) => over > 0)).toEqual([true, false]);
  for (const [index, calls] of [1.5, 20].entries()) {
    expect(ends[index]?.spentDollars).toBeGreaterThan(0);
    expect(ends[index]?.spentDollars).toBeLessThanOrEqual(calls / 1_000);
  }
}, 60_000);
