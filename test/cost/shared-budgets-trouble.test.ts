/** What budgets of several runs do when something is wrong: with a run that has something of them, with the disk, with a model. */
import { describe, expect, it, onTestFinished } from 'vitest';
import type { SharedBudgetContext } from '../../machines/shared-budget.ts';
import type { FermataConfig } from '../../src/config.ts';
import type { CommitGroup } from '../../src/store/commit.ts';
import { StoreError } from '../../src/store/store.ts';
import { Workbench } from '../harness/documents.ts';

/** Of `small`; `medium` costs five times as much, `large` ten times. */
const CALL = 1_000_000;
const prices = {
  openai: { large: { input: 0, output: 100 }, medium: { input: 0, output: 50 }, '*': { input: 0, output: 10 } },
};
const asks = (name: string, more: object = {}) => ({ name, prompt: 'Say', maxOutputTokens: 100, ...more });
const chooses = { models: ['large', 'medium', 'small'], optimize: 'maximizeQuality', expectedOutputTokens: 50 };

async function open(budgets: FermataConfig['budgets']): Promise<Workbench> {
  const bench = await Workbench.openHolding(budgets);
  onTestFinished(() => bench.close());
  return bench;
}

const perDay = (calls: number) => ({ perDay: { maxCostDollars: calls / 1_000 } });

async function begin(bench: Workbench, tasks: readonly object[], config: object = {}): Promise<string> {
  return bench.start({ config: { prices, breadth: 9, onTaskFailure: 'continue', ...config }, tasks });
}

async function today({ fermata, clock }: Workbench): Promise<SharedBudgetContext> {
  const id = `budget:day:${new Date(clock.now()).toISOString().slice(0, 10)}`;
  return (await fermata.runtime.contextOf(id, '/')) as SharedBudgetContext;
}

async function endOf(bench: Workbench, run: string): Promise<unknown[]> {
  const { status, reason } = await bench.read(run);
  return [status, reason?.code];
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const models = (bench: Workbench): unknown[] => bench.calls.map(({ input }) => (input as { model: string }).model);

describe('a run that is quarantined', () => {
  it('holds what it has until it is cancelled, and then has spent what its call may have cost', async () => {
    const bench = await open(perDay(2));
    const held = await begin(bench, [asks('a')]);
    await bench.restartWithout(held);
    const other = await begin(bench, [asks('b', { maxOutputTokens: 200 })]);
    expect(await today(bench)).toMatchObject({ settled: 0, lent: CALL, waiting: 1 });
    expect(bench.running, 'it may still go on').toEqual([]);
    await bench.fermata.runtime.cancel(held);
    await bench.settle();
    expect(await today(bench)).toMatchObject({ settled: CALL, lent: 0, waiting: 0 });
    expect(await endOf(bench, other), 'nothing more can come back').toEqual(['cancelled', 'budgetExceeded']);
  });

  it('and deleted has spent all that it held', async () => {
    const bench = await open(perDay(40));
    const held = await begin(bench, [asks('a')]);
    const lent = (await today(bench)).lent;
    expect(lent, 'a block').toBe(2 * CALL);
    await bench.restartWithout(held);
    await bench.fermata.runtime.delete(held);
    await bench.settle();
    expect(await today(bench)).toMatchObject({ settled: 2 * CALL, lent: 0, waiting: 0 });
  });

  it('and deleted while it waits gets nothing that nobody could give back', async () => {
    const bench = await open(perDay(1));
    const first = await begin(bench, [asks('a', { onInDoubt: 'ask' })]);
    const waits = await begin(bench, [asks('b')]);
    expect(await today(bench)).toMatchObject({ lent: CALL, waiting: 1 });
    await bench.restartWithout(waits);
    await bench.fermata.runtime.delete(waits);
    await bench.fermata.runtime.cancel(first);
    await bench.settle();
    expect(await today(bench)).toMatchObject({ settled: CALL, lent: 0, waiting: 0 });
  });

  it('and may not be deleted, because a fork of a fork reads from it: still holds what it has', async () => {
    const bench = await open(perDay(40));
    const held = await begin(bench, [asks('a')]);
    const { lent } = await today(bench);
    const point = { atSeq: 0 };
    const between = await bench.fork(held, { point });
    const last = await bench.fork(between, { point });
    await bench.fermata.runtime.cancel(between);
    await bench.restartWithout(held);
    const before = await today(bench);
    await expect(bench.fermata.runtime.delete(held)).rejects.toMatchObject({
      code: 'runHasForks',
      data: { forks: [last] },
    });
    await bench.settle();
    expect(await today(bench), 'nobody was told that it is gone').toEqual(before);
    await bench.fermata.runtime.cancel(last);
    await bench.settle();
    const { settled } = await today(bench);
    await bench.fermata.runtime.delete(held);
    await bench.settle();
    expect(await today(bench)).toMatchObject({ settled: settled + lent, lent: 0, waiting: 0 });
  });

  it('and deleted while the budget takes nothing either: it hears of that once it is released', async () => {
    const bench = await open(perDay(40));
    const held = await begin(bench, [asks('a')]);
    const { lent } = await today(bench);
    const day = `budget:day:${new Date(bench.clock.now()).toISOString().slice(0, 10)}`;
    await bench.restartWithout(held);
    await bench.restartWithout(day);
    await bench.fermata.runtime.delete(held);
    await bench.settle();
    expect(await today(bench)).toMatchObject({ settled: 0, lent });
    await bench.restart();
    await bench.fermata.runtime.release(day);
    await bench.settle();
    expect(await today(bench)).toMatchObject({ settled: lent, lent: 0, waiting: 0 });
  });

  it('and deleted before a budget has heard what it asked for: nothing is lent to it for ever', async () => {
    const bench = await open(perDay(40));
    const day = `budget:day:${new Date(bench.clock.now()).toISOString().slice(0, 10)}`;
    await begin(bench, [asks('first', { maxOutputTokens: 1 })]);
    const { lent } = await today(bench);
    await bench.restartWithout(day);
    const run = await begin(bench, [asks('a')]);
    await bench.restartWithout(run);
    await bench.fermata.runtime.delete(run);
    await bench.fermata.runtime.release(day);
    await bench.settle();
    const left = await today(bench);
    expect(left).toMatchObject({ lent, waiting: 0 });
    expect(left.settled, 'nobody can say that the grant never came').toBeGreaterThan(CALL);
  });
});

it('more runs wait than one turn tells: all hear that it is over', async () => {
  const bench = await open(perDay(1));
  const COUNT = 120;
  const first = await begin(bench, [asks('a')]);
  const waiting: string[] = [];
  for (let n = 0; n < COUNT; n++) waiting.push(await begin(bench, [asks(`w${n}`)]));
  expect(await today(bench)).toMatchObject({ lent: CALL, waiting: COUNT });
  await bench.answer('a', 100);
  await bench.settle();
  expect(await today(bench)).toMatchObject({ settled: CALL, lent: 0, waiting: 0 });
  expect(await endOf(bench, first)).toEqual(['completed', undefined]);
  for (const run of waiting) expect(await endOf(bench, run)).toEqual(['cancelled', 'budgetExceeded']);
});

describe('a commit that lends', () => {
  const lends = ({ runs }: CommitGroup): boolean =>
    runs.some(({ run, actors }) => run.startsWith('budget:') && actors.some(({ stateJson }) => lentIn(stateJson) > 0));
  const lentIn = (stateJson: string): number =>
    (JSON.parse(stateJson) as { context: SharedBudgetContext }).context.lent;

  it.each(['unchanged', 'unknownLost', 'unknownKept'] as const)('and fails (%s) has lent once', async (fault) => {
    const bench = await open(perDay(5));
    let left = 1;
    bench.wrap = (store) => ({
      ...store,
      async commit(group) {
        const fails = left > 0 && lends(group);
        if (fails) left--;
        if (!fails) return store.commit(group);
        if (fault === 'unknownKept') await store.commit(group);
        throw new StoreError(fault === 'unchanged' ? 'unchanged' : 'unknown', 'the disk failed');
      },
    });
    await bench.restart();
    const begun = begin(bench, [asks('a')]);
    // Where nothing was changed it is tried again by the clock.
    while (left > 0) await turn();
    for (let tries = 0; fault === 'unchanged' && tries < 60; tries++) await bench.clock.advance(50, turn);
    const run = await begun;
    expect(bench.fatal.length).toBe(fault === 'unchanged' ? 0 : 1);
    if (fault !== 'unchanged') await bench.restart();
    expect(bench.running).toEqual(['a']);
    expect(await today(bench)).toMatchObject({ settled: 0, lent: CALL, waiting: 0 });
    await bench.answer('a', 50);
    await bench.settle();
    expect(await endOf(bench, run)).toEqual(['completed', undefined]);
    expect(await today(bench)).toMatchObject({ settled: CALL / 2, lent: 0, waiting: 0 });
  });
});

describe('a call that may choose its model', () => {
  it('takes the best for which a budget of several runs has enough, while others are under way', async () => {
    const bench = await open(perDay(17));
    const runs = [];
    for (const name of ['a', 'b', 'c']) runs.push(await begin(bench, [asks(name, chooses)]));
    expect(models(bench)).toEqual(['large', 'medium', 'small']);
    expect(await today(bench)).toMatchObject({ lent: 16 * CALL, waiting: 0 });
    for (const name of ['a', 'b', 'c']) await bench.answer(name, 10);
    expect(await today(bench)).toMatchObject({ settled: 1.6 * CALL, lent: 0, waiting: 0 });
    const [, second] = runs;
    const { data } = (await bench.facts(second ?? '')).find(({ type }) => type === 'model_chosen') ?? {};
    expect(data).toMatchObject({
      model: 'medium',
      reason: 'budget',
      because: 'large could cost more than was granted: $0.005',
    });
  });

  it('leaves something for the tasks of its run that are to come', async () => {
    const bench = await open(perDay(12));
    const tasks = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) =>
      asks(name, { ...chooses, expectedOutputTokens: 100 }),
    );
    await begin(bench, tasks, { breadth: 1 });
    expect(models(bench), 'six calls of the cheapest are kept').toEqual(['medium']);
    await bench.answer('a', 100);
    for (const name of ['b', 'c', 'd', 'e', 'f', 'g']) await bench.answer(name, 10);
    expect((await today(bench)).waiting).toBe(0);
  });

  it('waits where not even the cheapest fits, and takes what then does', async () => {
    const bench = await open(perDay(10));
    const first = await begin(bench, [asks('a', { maxOutputTokens: 950 })]);
    const second = await begin(bench, [asks('b', chooses), asks('c', chooses)]);
    expect(bench.running).toEqual(['a']);
    expect(await today(bench)).toMatchObject({ lent: 9.5 * CALL, waiting: 1 });
    await bench.answer('a', 400);
    expect(models(bench)).toEqual(['medium', 'small']);
    await bench.answer('b', 100);
    await bench.answer('c', 100);
    expect(await endOf(bench, first)).toEqual(['completed', undefined]);
    expect(await endOf(bench, second)).toEqual(['completed', undefined]);
    expect(await today(bench)).toMatchObject({ settled: 10 * CALL, lent: 0, waiting: 0 });
  });

  it('takes what all of its budgets have enough for', async () => {
    const workflows = { both: { maxCostDollars: 0.006 } };
    const bench = await open({ ...perDay(4), workflows });
    const run = await bench.start({ name: 'both', config: { prices }, tasks: [asks('a', chooses)] });
    expect(models(bench)).toEqual(['small']);
    await bench.answer('a', 100);
    expect(await endOf(bench, run)).toEqual(['completed', undefined]);
    await bench.advance(2);
    expect(await today(bench)).toMatchObject({ settled: CALL, lent: 0 });
    const kept = (await bench.fermata.runtime.contextOf('budget:workflow:both', '/')) as SharedBudgetContext;
    expect(kept).toMatchObject({ settled: CALL, lent: 0, waiting: 0 });
  });
});
