/**
 * What the calls of a run do that has a budget, on the real runtime: each way is one run. An answer may have 100 tokens,
 * and each token costs a cent of a cent: a budget is given in calls.
 */
import { expect } from 'vitest';
import type { BudgetContext } from '../../machines/budget.ts';
import { BUDGET_ADDRESS } from '../../src/document/budget.ts';
import { FermataError } from '../../src/errors.ts';
import type { Workbench } from '../harness/documents.ts';

/** One of them. */
export interface BudgetWalk {
  readonly title: string;
  /** On a bench that holds the calls of models. Answers with the id of the run, ended. */
  walk(bench: Workbench): Promise<string>;
}

/** What a call can cost that is granted all it needs. */
export const CALL = 1_000_000;
const PRICES = { openai: { '*': { input: 0, output: 10 } } };
const asks = { prompt: 'Walk', maxOutputTokens: 100 };

/** Starts a run whose budget is for so many calls. */
async function begin(bench: Workbench, calls: number, tasks: readonly object[], config: object = {}): Promise<string> {
  const budget = { maxCostDollars: calls / 1_000 };
  return bench.start({ config: { prices: PRICES, breadth: 9, onTaskFailure: 'continue', budget, ...config }, tasks });
}

/** What its budget holds. */
export async function purse(bench: Workbench, run: string): Promise<BudgetContext> {
  const { snapshot } = await bench.fermata.runtime.snapshot(run, { actor: BUDGET_ADDRESS });
  return (snapshot as unknown as { readonly context: BudgetContext }).context;
}

/** The run has ended as it should; its budget was kept, and says what the ledger says. */
export async function ended(
  bench: Workbench,
  run: string,
  status: string,
  calls: number,
  code?: string,
): Promise<string> {
  const view = await bench.read(run);
  expect([view.status, view.reason?.code]).toEqual([status, code]);
  const { settled, reserved, waiting } = await purse(bench, run);
  expect({ settled, reserved, waiting }).toEqual({ settled: calls * CALL, reserved: 0, waiting: 0 });
  const spent = await bench.fermata.costs.own(run);
  expect(Number(spent?.costNanos ?? 0n), 'the ledger says the same').toBe(settled);
  return run;
}

const three = ['a', 'b', 'c'].map((name) => ({ name, ...asks }));

/** Every way in which calls come to money, and lose it. */
export const BUDGET_WALKS: readonly BudgetWalk[] = [
  {
    title: 'one waits for what two others leave over',
    async walk(bench) {
      const run = await begin(bench, 2, three);
      expect(bench.running).toEqual(['a', 'b']);
      expect(await purse(bench, run)).toMatchObject({ settled: 0, reserved: 2 * CALL, waiting: 1 });
      await bench.answer('a', 50);
      expect(bench.running).toEqual(['b']);
      await bench.answer('b', 50);
      expect(bench.running).toEqual(['c']);
      await bench.answer('c', 100);
      return ended(bench, run, 'completed', 2);
    },
  },
  {
    title: 'none fits, and the run is over at once',
    async walk(bench) {
      const run = await begin(bench, 0.5, three);
      return ended(bench, run, 'cancelled', 0, 'budgetExceeded');
    },
  },
  {
    title: 'the last one does not fit, and the run is over once the others are',
    async walk(bench) {
      const run = await begin(bench, 2.5, three);
      await bench.answer('a', 100);
      expect((await bench.read(run)).status).toBe('running');
      await bench.answer('b', 60);
      return ended(bench, run, 'cancelled', 1.6, 'budgetExceeded');
    },
  },
  {
    title: 'the last one gets a shorter answer, where that is of use',
    async walk(bench) {
      const run = await begin(bench, 2.5, [...three.slice(0, 2), { name: 'c', ...asks, minOutputTokens: 40 }]);
      await bench.answer('a', 100);
      expect(bench.running, 'b may leave more').toEqual(['b']);
      await bench.answer('b', 80);
      expect(bench.call('c').input).toMatchObject({ maxOutputTokens: 70 });
      await bench.answer('c', 70);
      return ended(bench, run, 'completed', 2.5);
    },
  },
  {
    title: 'a provider takes more than it may',
    async walk(bench) {
      const run = await begin(bench, 2, three);
      await bench.answer('a', 150);
      return ended(bench, run, 'cancelled', 2.5, 'overcharge');
    },
  },
  {
    title: 'nobody says what a call has cost: all that was reserved',
    async walk(bench) {
      const run = await begin(bench, 1, three.slice(0, 1));
      await bench.complete('a');
      return ended(bench, run, 'completed', 1);
    },
  },
  {
    title: 'one that waits is cancelled, and its run goes on',
    async walk(bench) {
      const run = await begin(bench, 2, three);
      await bench.fermata.runtime.control(run, '/', { type: 'fermata.task.cancel', task: 'c' });
      await bench.settle();
      expect(await purse(bench, run)).toMatchObject({ reserved: 2 * CALL, waiting: 0 });
      await bench.answer('a', 10);
      await bench.answer('b', 10);
      return ended(bench, run, 'completed', 0.2);
    },
  },
  {
    title: 'one that is called is cancelled, and has cost all that was reserved',
    async walk(bench) {
      const run = await begin(bench, 2, three.slice(0, 2));
      await bench.fermata.runtime.control(run, '/', { type: 'fermata.task.cancel', task: 'a' });
      await bench.settle();
      await bench.answer('b', 10);
      return ended(bench, run, 'completed', 1.1);
    },
  },
  {
    title: 'the run is cancelled while calls are under way and wait',
    async walk(bench) {
      const run = await begin(bench, 2, three);
      await bench.fermata.runtime.cancel(run);
      await bench.settle();
      return ended(bench, run, 'cancelled', 2, 'cancelled');
    },
  },
  {
    title: 'items of a map are given up: none pays for what it never asked',
    async walk(bench) {
      const task = { ...asks, minOutputTokens: 1, maxRetries: 0 };
      const each = { name: 'each', kind: 'map', items: '[1, 2, 3, 4, 5]', task };
      const run = await begin(bench, 2.5, [each, { name: 'after', ...asks, dependsOn: [] }], { breadth: 5 });
      expect(bench.running).toEqual(['after', 'each[0]']);
      await bench.fail('each[0]', new FermataError('modelRefused', 'no', { data: { billed: [] } }));
      expect(bench.running).toEqual(['after']);
      await bench.answer('after', 100);
      return ended(bench, run, 'completed', 1);
    },
  },
  {
    title: 'another one ends the run before anybody gets what it leaves over',
    async walk(bench) {
      const run = await begin(bench, 2, [{ ...three[0], maxRetries: 0 }, ...three.slice(1)], { onTaskFailure: 'stop' });
      await bench.fail('a', new FermataError('modelRefused', 'no', { data: { billed: [] } }));
      return ended(bench, run, 'failed', 1, 'modelRefused');
    },
  },
  {
    title: 'a shared value stops two at once, and a third gets what is left',
    async walk(bench) {
      const stops = { ...asks, cancelWhen: 'shared.k == 1' };
      const run = await begin(bench, 1.5, [
        { name: 'a', ...stops },
        { name: 'b', ...stops, minOutputTokens: 60 },
        { name: 'writes' },
        { name: 'c', ...asks, minOutputTokens: 50 },
      ]);
      expect(bench.running).toEqual(['a', 'writes']);
      const writing = bench.call('writes').context.shared.set('k', 1);
      await bench.settle();
      await writing;
      expect(bench.call('c').input).toMatchObject({ maxOutputTokens: 50 });
      await bench.answer('c', 50);
      await bench.complete('writes');
      return ended(bench, run, 'completed', 1.5);
    },
  },
  {
    title: 'one waits for a person first',
    async walk(bench) {
      const run = await begin(bench, 1, [{ name: 'a', ...asks, requiresApproval: true }]);
      expect(await purse(bench, run)).toMatchObject({ reserved: 0 });
      await bench.decide(run, 'a', true);
      await bench.answer('a', 10);
      return ended(bench, run, 'completed', 0.1);
    },
  },
  {
    title: 'a repeat reserves anew, and what was refused has cost nothing',
    async walk(bench) {
      const run = await begin(bench, 1, [{ name: 'a', ...asks }]);
      await bench.fail(
        'a',
        new FermataError('modelRateLimited', 'later', { data: { billed: [] }, retryAfterMs: 60_000 }),
      );
      expect(await purse(bench, run)).toMatchObject({ settled: 0, reserved: 0 });
      await bench.advance(120);
      await bench.answer('a', 10);
      return ended(bench, run, 'completed', 0.1);
    },
  },
  {
    title: 'what it waits for money takes none of its time, and the call has all of it',
    async walk(bench) {
      const slow = { timeoutSeconds: 1_000 };
      const c = { name: 'c', ...asks, timeoutSeconds: 10, maxRetries: 0 };
      const run = await begin(bench, 2, [{ name: 'a', ...asks, ...slow }, { name: 'b', ...asks, ...slow }, c]);
      await bench.advance(500);
      await bench.answer('a', 0);
      expect(bench.running).toEqual(['b', 'c']);
      await bench.advance(9);
      expect(bench.running).toEqual(['b', 'c']);
      await bench.advance(1);
      expect((await bench.statuses(run))['c']).toBe('timedOut');
      await bench.answer('b', 0);
      return ended(bench, run, 'completed', 1);
    },
  },
  {
    title: 'a crash cuts a call off: it is paid for, and asked again for as much',
    async walk(bench) {
      const run = await begin(bench, 2, [{ name: 'a', ...asks, onInDoubt: 'retry' }]);
      await bench.restart();
      expect(await purse(bench, run)).toMatchObject({ settled: CALL, reserved: CALL });
      await bench.answer('a', 30);
      return ended(bench, run, 'completed', 1.3);
    },
  },
  {
    title: 'a crash cuts a call off, and nothing is left to ask again',
    async walk(bench) {
      const run = await begin(bench, 1, [{ name: 'a', ...asks, onInDoubt: 'retry' }]);
      await bench.restart();
      return ended(bench, run, 'cancelled', 1, 'budgetExceeded');
    },
  },
  ...(['ask', 'fail'] as const).map((onInDoubt) => ({
    title: `a crash cuts a call off, onInDoubt: ${onInDoubt}`,
    async walk(bench: Workbench) {
      const run = await begin(bench, 2, [{ name: 'a', ...asks, onInDoubt, maxRetries: 0 }]);
      await bench.restart();
      if (onInDoubt === 'fail') return ended(bench, run, 'failed', 1, 'effectInDoubt');
      expect(await purse(bench, run)).toMatchObject({ settled: CALL, reserved: 0 });
      await bench.fermata.runtime.control(run, '/a', { type: 'fermata.retry' });
      await bench.settle();
      await bench.answer('a', 30);
      return ended(bench, run, 'completed', 1.3);
    },
  })),
  {
    title: 'what functions ask is paid for and waits as well',
    async walk(bench) {
      const run = await begin(bench, 2, [{ name: 'f' }]);
      const { model } = bench.call('f').context;
      const asked = [1, 2, 3].map((n) => model({ prompt: `Walk ${n}`, maxOutputTokens: 100 }));
      await bench.settle();
      expect(bench.running).toEqual(['f', 'f', 'f']);
      expect(await purse(bench, run)).toMatchObject({ reserved: 2 * CALL, waiting: 1 });
      for (const used of [50, 50, 100]) await bench.answer('f', used);
      await Promise.all(asked);
      await bench.complete('f');
      return ended(bench, run, 'completed', 2);
    },
  },
  {
    title: 'a function ends that has asked: what was called is paid for, what waited is not',
    async walk(bench) {
      const run = await begin(bench, 1.5, [{ name: 'f' }]);
      const { model } = bench.call('f').context;
      for (const n of [1, 2]) {
        void model({ prompt: `Walk ${n}`, maxOutputTokens: 100 }).catch(() => {});
      }
      await bench.settle();
      expect(await purse(bench, run)).toMatchObject({ reserved: CALL, waiting: 1 });
      await bench.complete('f');
      return ended(bench, run, 'completed', 1);
    },
  },
  {
    title: 'a crash cuts off what a function asked',
    async walk(bench) {
      const run = await begin(bench, 3, [{ name: 'f' }]);
      // The function is called again beside what it has asked.
      const called = () => bench.calls.find(({ input }) => JSON.stringify(input) === '{}') ?? bench.call('f');
      const ask = () => called().context.model({ prompt: 'Walk', maxOutputTokens: 100 });
      void ask().catch(() => {});
      await bench.settle();
      await bench.restart();
      expect(await purse(bench, run)).toMatchObject({ settled: CALL, reserved: CALL });
      const again = ask();
      await bench.settle();
      await bench.answer('f', 20);
      expect(await again).toMatchObject({ usage: { outputTokens: 20 } });
      await bench.complete('f');
      return ended(bench, run, 'completed', 1.2);
    },
  },
  {
    title: 'a function that says which tasks are added asks a model',
    async walk(bench) {
      const run = await begin(bench, 1, [{ name: 'f', onComplete: { addTasks: 'work' } }]);
      await bench.complete('f');
      const asked = bench.call('f').context.model({ prompt: 'Walk', maxOutputTokens: 100 });
      await bench.settle();
      await bench.answer('f', 20);
      await asked;
      await bench.complete('f', []);
      return ended(bench, run, 'completed', 0.2);
    },
  },
  {
    title: 'a model is asked again for tasks that were refused',
    async walk(bench) {
      const run = await begin(bench, 3, [
        { name: 'a', ...asks, responseFormat: 'json', onComplete: { addTasks: 'fromOutput' } },
      ]);
      await bench.answer('a', 10, { tasks: 'none' });
      expect(bench.running).toEqual(['a']);
      await bench.answer('a', 10, { tasks: [] });
      return ended(bench, run, 'completed', 0.2);
    },
  },
  {
    title: 'the run is paused: what has begun goes on',
    async walk(bench) {
      const run = await begin(bench, 2, three);
      const { runtime } = bench.fermata;
      await runtime.control(run, '/', { type: 'fermata.pause' });
      await bench.answer('a', 0);
      expect(bench.running).toEqual(['b', 'c']);
      await bench.answer('b', 0);
      await bench.answer('c', 0);
      return ended(bench, run, 'completed', 0);
    },
  },
];
