/** What holds of every budget, whatever models, functions and people do: over fixed seeds, with real sockets. */
import { expect, it } from 'vitest';
import { budgetTrial, sharedBudgetTrial, type BudgetTrial, type SharedBudgetTrial } from './random-budgets.ts';

/** `npm run soak -- --only budgets` goes on from there. */
const SEEDS = 100;
const SHARED_SEEDS = 12;
const AT_ONCE = 4;

it('settled + reserved ≤ limit at each commit, and the provider takes no more than was settled', async () => {
  const trials: BudgetTrial[] = [];
  for (let seed = 0; seed < SEEDS; seed += AT_ONCE)
    trials.push(...(await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => budgetTrial(seed + index)))));
  const ends = Map.groupBy(trials, ({ status, code }) => `${status} ${code ?? ''}`.trim());
  for (const end of ['completed', 'cancelled budgetExceeded'])
    expect(ends.get(end)?.length ?? 0, `${end}: one that never happens proves nothing`).toBeGreaterThan(SEEDS / 20);
  expect(trials.filter(({ waited }) => waited > 0).length, 'calls wait').toBeGreaterThan(SEEDS / 10);
  expect(trials.filter(({ lesser }) => lesser > 0).length, 'lesser models are taken').toBeGreaterThan(SEEDS / 20);
}, 120_000);

it('settled + lent ≤ limit at each commit of a budget that several runs share, and the provider takes no more', async () => {
  const trials: SharedBudgetTrial[] = [];
  for (let seed = 0; seed < SHARED_SEEDS; seed += AT_ONCE)
    trials.push(...(await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => sharedBudgetTrial(seed + index)))));
  const happens = (count: (trial: SharedBudgetTrial) => number): number =>
    trials.filter((one) => count(one) > 0).length;
  expect(
    happens(({ over }) => over),
    'some end on it',
  ).toBeGreaterThan(SHARED_SEEDS / 5);
  expect(
    happens(({ over }) => 4 - over),
    'some do not',
  ).toBeGreaterThan(SHARED_SEEDS / 5);
  expect(
    happens(({ waited }) => waited),
    'runs wait',
  ).toBeGreaterThan(SHARED_SEEDS / 10);
  expect(
    happens(({ lesser }) => lesser),
    'lesser models are taken',
  ).toBeGreaterThan(0);
}, 120_000);
