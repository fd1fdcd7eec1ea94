/** The budget machine on the real runtime: every way of `budget-walks.ts`, which together take every transition of it. */
import { expect, it } from 'vitest';
import { budgetMachine } from '../../machines/budget.ts';
import { Workbench } from '../harness/documents.ts';
import { TransitionsTaken, transitionsOf } from '../harness/transitions.ts';
import { BUDGET_WALKS } from './budget-walks.ts';
import { SHARED_BUDGET_WALKS } from './shared-budget-walks.ts';
import { CHOOSING_WALKS } from './choosing-walks.ts';

const taken = new TransitionsTaken();

it.each([...BUDGET_WALKS, ...CHOOSING_WALKS])('$title', async ({ walk }) => {
  const bench = await Workbench.openHolding();
  try {
    const run = await walk(bench);
    await taken.note(bench.fermata.runtime, run);
  } finally {
    await bench.close();
  }
});

it.each(SHARED_BUDGET_WALKS)('$title', async ({ budgets, walk }) => {
  const bench = await Workbench.openHolding(budgets);
  try {
    for (const run of await walk(bench)) await taken.note(bench.fermata.runtime, run);
  } finally {
    await bench.close();
  }
});

/** Messages that cross with the end of the run: whether they do, no walk can say. The simulation meets it. */
const CROSSING = ['closed: fermata.upstream.granted', 'closed: fermata.upstream.warned'];

it('every transition of the budget machine was taken', () => {
  const left = transitionsOf(budgetMachine).filter((name) => !taken.of(budgetMachine).has(name));
  expect(left, 'transitions that no walk takes: add what takes them to budget-walks.ts').toEqual(CROSSING);
});
