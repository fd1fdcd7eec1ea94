/** What runs do that are paid from budgets of several runs: each way is a run, beside others. In calls, as `budget-walks.ts`. */
import { expect } from 'vitest';
import type { SharedBudgetContext } from '../../machines/shared-budget.ts';
import type { FermataConfig } from '../../src/config.ts';
import { Workbench } from '../harness/documents.ts';
import { CALL, purse } from './budget-walks.ts';

interface SharedBudgetWalk {
  readonly title: string;
  readonly budgets: NonNullable<FermataConfig['budgets']>;
  /** Answers with the ids of its runs, ended. */
  walk(bench: Workbench): Promise<readonly string[]>;
}

const PRICES = { openai: { '*': { input: 0, output: 10 } } };
const asks = { prompt: 'Walk', maxOutputTokens: 100 };
const perDay = (calls: number) => ({ perDay: { maxCostDollars: calls / 1_000 } });

/** Starts a run of tasks that each ask a model. */
async function begin(bench: Workbench, tasks: readonly object[], config: object = {}): Promise<string> {
  return bench.start({ config: { prices: PRICES, breadth: 9, onTaskFailure: 'continue', ...config }, tasks });
}

const one = (name: string, more: object = {}) => ({ name, ...asks, ...more });

async function kept(bench: Workbench, id: string): Promise<SharedBudgetContext> {
  return (await bench.fermata.runtime.contextOf(`budget:${id}`, '/')) as SharedBudgetContext;
}

async function today(bench: Workbench): Promise<SharedBudgetContext> {
  return kept(bench, `day:${new Date(bench.clock.now()).toISOString().slice(0, 10)}`);
}

async function ended(bench: Workbench, run: string, status: string, code?: string): Promise<string> {
  const view = await bench.read(run);
  expect([view.status, view.reason?.code]).toEqual([status, code]);
  return run;
}

/** Every way in which runs borrow, and give back. */
export const SHARED_BUDGET_WALKS: readonly SharedBudgetWalk[] = [
  {
    title: 'one run waits for what another leaves over',
    budgets: perDay(1),
    async walk(bench) {
      const first = await begin(bench, [one('a')]);
      const second = await begin(bench, [one('b')]);
      expect(bench.running).toEqual(['a']);
      expect(await today(bench)).toMatchObject({ lent: CALL, waiting: 1 });
      await bench.answer('a', 0);
      expect(bench.running).toEqual(['b']);
      await bench.answer('b', 100);
      expect(await today(bench)).toMatchObject({ settled: CALL, lent: 0, waiting: 0 });
      return [await ended(bench, first, 'completed'), await ended(bench, second, 'completed')];
    },
  },
  {
    title: 'nothing is left for a run, and it ends; a smaller call of another fits',
    budgets: perDay(1.5),
    async walk(bench) {
      const first = await begin(bench, [one('a')]);
      await bench.answer('a', 100);
      const second = await begin(bench, [one('b')]);
      const third = await begin(bench, [one('c', { maxOutputTokens: 50 })]);
      await bench.answer('c', 50);
      await bench.advance(2);
      expect(await today(bench)).toMatchObject({ settled: 1.5 * CALL, lent: 0, waiting: 0 });
      return [
        await ended(bench, first, 'completed'),
        await ended(bench, second, 'cancelled', 'budgetExceeded'),
        await ended(bench, third, 'completed'),
      ];
    },
  },
  {
    title: 'where nothing else is lent a call gets a shorter answer',
    budgets: perDay(0.6),
    async walk(bench) {
      const run = await begin(bench, [one('a', { minOutputTokens: 40 })]);
      expect(bench.call('a').input).toMatchObject({ maxOutputTokens: 60 });
      await bench.answer('a', 60);
      return [await ended(bench, run, 'completed')];
    },
  },
  {
    title: 'a run that waits for a person gives back what it has free: at once where another waits, else in a second',
    budgets: perDay(100),
    async walk(bench) {
      const slow = one('b', { dependsOn: ['a'], requiresApproval: true });
      const first = await begin(bench, [one('a'), slow]);
      expect(await today(bench)).toMatchObject({ lent: 5 * CALL });
      await bench.answer('a', 100);
      expect(await today(bench)).toMatchObject({ settled: 0, lent: 5 * CALL });
      await bench.advance(1);
      expect(await today(bench)).toMatchObject({ settled: CALL, lent: 0 });
      await bench.decide(first, 'b', true);
      const big = await begin(bench, [one('c', { maxOutputTokens: 9_700 })]);
      expect(bench.running, 'what was lent to the first was called back').toEqual(['b', 'c']);
      await bench.answer('b', 100);
      await bench.answer('c', 0);
      expect(await today(bench)).toMatchObject({ settled: 2 * CALL, lent: 0, waiting: 0 });
      return [await ended(bench, first, 'completed'), await ended(bench, big, 'completed')];
    },
  },
  {
    title: 'a run is cancelled that waits, and the next one gets what comes',
    budgets: perDay(1),
    async walk(bench) {
      const first = await begin(bench, [one('a')]);
      const begins = bench.holdRuns();
      const document = { name: 'inside', tasks: [{ name: 'x', kind: 'code', function: 'echo', input: {} }] };
      const sub = { name: 'sub', kind: 'subworkflow', workflow: document };
      const second = await begin(bench, [one('b'), one('d'), sub]);
      const third = await begin(bench, [one('c')]);
      expect(await today(bench)).toMatchObject({ waiting: 2 });
      await bench.fermata.runtime.cancel(second);
      await bench.settle();
      expect(await today(bench)).toMatchObject({ waiting: 1 });
      await begins();
      await bench.answer('a', 0);
      await bench.answer('c', 0);
      expect(await today(bench)).toMatchObject({ settled: 0, lent: 0, waiting: 0 });
      return [
        await ended(bench, first, 'completed'),
        await ended(bench, second, 'cancelled', 'cancelled'),
        await ended(bench, third, 'completed'),
      ];
    },
  },
  {
    title: 'its own task is cancelled that waits',
    budgets: perDay(1),
    async walk(bench) {
      const first = await begin(bench, [one('a')]);
      const second = await begin(bench, [one('b'), { name: 'w' }]);
      await bench.fermata.runtime.control(second, '/', { type: 'fermata.task.cancel', task: 'b' });
      await bench.settle();
      expect(await today(bench)).toMatchObject({ waiting: 0 });
      await bench.complete('w');
      await bench.answer('a', 0);
      return [await ended(bench, first, 'completed'), await ended(bench, second, 'completed')];
    },
  },
  {
    title: 'the day turns: what yesterday lent is not spent today, and yesterday hears of what its calls have cost',
    budgets: perDay(1),
    async walk(bench) {
      const first = await begin(bench, [one('a', { timeoutSeconds: 900_000 })]);
      const second = await begin(bench, [one('b')]);
      const before = new Date(bench.clock.now()).toISOString().slice(0, 10);
      await bench.advance(86_400);
      // It waits for yesterday until something happens there.
      await bench.answer('a', 60);
      expect(bench.running).toEqual(['b']);
      expect(await kept(bench, `day:${before}`)).toMatchObject({ settled: 0.6 * CALL, lent: 0, waiting: 0 });
      expect(await today(bench)).toMatchObject({ settled: 0, lent: CALL });
      await bench.answer('b', 100);
      return [await ended(bench, first, 'completed'), await ended(bench, second, 'completed')];
    },
  },
  {
    title: 'two budgets pay, and the one that refuses costs the other nothing',
    budgets: { ...perDay(10), workflows: { walked: { maxCostDollars: 0.0005, per: 'month' } } },
    async walk(bench) {
      const run = await bench.start({ name: 'walked', config: { prices: PRICES }, tasks: [one('a')] });
      const ends = await ended(bench, run, 'cancelled', 'budgetExceeded');
      expect(JSON.stringify((await bench.read(run)).reason)).toContain('"budget":"workflow:walked:');
      return [ends];
    },
  },
  {
    title: 'a crash cuts off calls of two runs: both are paid for, and asked again for as much',
    budgets: perDay(5),
    async walk(bench) {
      const first = await begin(bench, [one('a', { onInDoubt: 'retry' })]);
      const second = await begin(bench, [one('b', { onInDoubt: 'retry' })]);
      await bench.restart();
      await bench.answer('a', 0);
      await bench.answer('b', 0);
      expect(await today(bench)).toMatchObject({ settled: 2 * CALL, lent: 0, waiting: 0 });
      expect(await purse(bench, first)).toMatchObject({ settled: CALL, reserved: 0 });
      return [await ended(bench, first, 'completed'), await ended(bench, second, 'completed')];
    },
  },
  {
    title: 'a run is warned of what the runs have spent that it has begun',
    budgets: {},
    async walk(bench) {
      const budget = { maxCostDollars: 0.005, warnAtDollars: 0.001 };
      const inside = { name: 'inside', config: { prices: PRICES }, tasks: [one('a')] };
      const sub = { name: 'sub', kind: 'subworkflow', workflow: inside };
      const run = await begin(bench, [sub, one('b', { dependsOn: ['sub'] })], { budget });
      await bench.answer('a', 100);
      const warned = (await bench.facts(run)).filter(({ type }) => type === 'cost_warning');
      expect(warned).toMatchObject([{ data: { costDollars: 0.001, warnAtDollars: 0.001, maxCostDollars: 0.005 } }]);
      await bench.answer('b', 100);
      return [await ended(bench, run, 'completed')];
    },
  },
  {
    title: 'a run is warned, too, by what leaves nothing for its next call',
    budgets: {},
    async walk(bench) {
      const budget = { maxCostDollars: 0.0015, warnAtDollars: 0.001 };
      const inside = { name: 'inside', config: { prices: PRICES }, tasks: [one('c')] };
      const sub = { name: 'sub', kind: 'subworkflow', workflow: inside };
      const next = [one('a', { dependsOn: ['sub'] }), one('b', { dependsOn: ['a'] })];
      const run = await begin(bench, [sub, ...next], { budget });
      await bench.answer('c', 50);
      // With that its own calls have spent less than it is warned at.
      await bench.answer('a', 60);
      const of = (await bench.facts(run)).map(({ type }) => type);
      expect(of.filter((type) => type === 'cost_warning')).toHaveLength(1);
      return [await ended(bench, run, 'cancelled', 'budgetExceeded')];
    },
  },
  {
    title: 'a limit is raised at a restart: who waits goes on; one is lowered: nothing more is lent',
    budgets: perDay(1),
    async walk(bench) {
      const first = await begin(bench, [one('a', { onInDoubt: 'ask' })]);
      const second = await begin(bench, [one('b')]);
      expect(bench.running).toEqual(['a']);
      await bench.restart({ providers: { openai: { apiKey: 'none' } }, budgets: perDay(2) });
      expect(bench.running, 'what is in doubt is spent').toEqual(['b']);
      expect(await today(bench)).toMatchObject({ limit: 2 * CALL, settled: CALL, lent: CALL });
      await bench.answer('b', 100);
      await bench.restart({ providers: { openai: { apiKey: 'none' } }, budgets: perDay(1.5) });
      await bench.fermata.runtime.control(first, '/a', { type: 'fermata.retry' });
      await bench.settle();
      expect(await today(bench)).toMatchObject({ limit: 1.5 * CALL, settled: 2 * CALL, lent: 0, waiting: 0 });
      return [await ended(bench, first, 'cancelled', 'budgetExceeded'), await ended(bench, second, 'completed')];
    },
  },
];
