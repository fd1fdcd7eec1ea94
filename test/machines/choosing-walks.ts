/**
 * What calls do that choose among models, on the real runtime: each way is one run. A call of `small` can cost one call of
 * the budget, one of `large` ten.
 */
import { expect } from 'vitest';
import { FermataError } from '../../src/errors.ts';
import type { Workbench } from '../harness/documents.ts';
import { ended, purse, CALL, type BudgetWalk } from './budget-walks.ts';

const prices = {
  openai: { large: { input: 0, output: 100 }, medium: { input: 0, output: 50 }, small: { input: 0, output: 10 } },
};
const models = ['large', 'medium', 'small'];
const asks = { prompt: 'Walk', maxOutputTokens: 100, expectedOutputTokens: 50 };

async function begin(bench: Workbench, calls: number, tasks: readonly object[], config: object = {}): Promise<string> {
  const budget = { maxCostDollars: calls / 1_000 };
  const rest = { models, optimize: 'maximizeQuality', breadth: 9, onTaskFailure: 'continue' };
  return bench.start({ config: { ...rest, prices, budget, ...config }, tasks });
}

const asked = (bench: Workbench, task: string): unknown =>
  (bench.call(task).input as { readonly model?: unknown }).model;

/** Every way in which a call comes to its model. */
export const CHOOSING_WALKS: readonly BudgetWalk[] = [
  {
    title: 'each call takes the best model that leaves enough for those to come',
    async walk(bench) {
      const tasks = ['a', 'b', 'c'].map((name) => ({ name, ...asks }));
      const run = await begin(bench, 17, tasks);
      expect(['a', 'b', 'c'].map((name) => asked(bench, name))).toEqual(['large', 'medium', 'small']);
      expect(await purse(bench, run)).toMatchObject({ reserved: 16 * CALL, waiting: 0 });
      await bench.answer('a', 10);
      await bench.answer('b', 10);
      await bench.answer('c', 10);
      return ended(bench, run, 'completed', 1 + 0.5 + 0.1);
    },
  },
  {
    title: 'where not even the cheapest fits it waits, and takes that',
    async walk(bench) {
      const tasks = ['a', 'b'].map((name) => ({ name, ...asks }));
      const run = await begin(bench, 1.5, tasks);
      expect([bench.running, asked(bench, 'a')]).toEqual([['a'], 'small']);
      await bench.answer('a', 20);
      expect(asked(bench, 'b')).toBe('small');
      await bench.answer('b', 20);
      return ended(bench, run, 'completed', 0.4);
    },
  },
  {
    title: 'where none fits at all the run is over',
    async walk(bench) {
      const run = await begin(bench, 0.5, [{ name: 'a', ...asks }]);
      return ended(bench, run, 'cancelled', 0, 'budgetExceeded');
    },
  },
  {
    title: 'an attempt that fails goes to the best that is left',
    async walk(bench) {
      const run = await begin(bench, 30, [{ name: 'a', ...asks }]);
      await bench.fail(
        'a',
        new FermataError('modelRateLimited', 'later', { data: { billed: [] }, retryAfterMs: 9_000 }),
      );
      await bench.advance(0);
      expect(asked(bench, 'a')).toBe('medium');
      await bench.fail('a', new FermataError('modelRefused', 'no', { data: { billed: [] } }));
      await bench.advance(0);
      expect(asked(bench, 'a')).toBe('small');
      await bench.fail('a', new FermataError('modelUnavailable', 'no', { data: { billed: [] } }));
      await bench.advance(0);
      expect(bench.running, 'all have failed: now it backs off').toEqual([]);
      await bench.advance(60);
      expect(asked(bench, 'a')).toBe('large');
      await bench.answer('a', 10);
      return ended(bench, run, 'completed', 1);
    },
  },
  {
    title: 'one whose models have all refused for good fails',
    async walk(bench) {
      const run = await begin(bench, 30, [{ name: 'a', ...asks, models: ['large', 'small'] }]);
      for (const model of ['large', 'small']) {
        expect(asked(bench, 'a')).toBe(model);
        await bench.fail('a', new FermataError('modelRefused', 'no', { data: { billed: [] } }));
        await bench.advance(0);
      }
      return ended(bench, run, 'failed', 0, 'modelRefused');
    },
  },
  {
    title: 'a crash cuts a call off: the same model is asked again, whatever the budget has left',
    async walk(bench) {
      const run = await begin(bench, 21, [{ name: 'a', ...asks }]);
      expect(asked(bench, 'a')).toBe('large');
      await bench.restart();
      expect(asked(bench, 'a')).toBe('large');
      expect(await purse(bench, run)).toMatchObject({ settled: 10 * CALL, reserved: 10 * CALL });
      await bench.answer('a', 10);
      return ended(bench, run, 'completed', 11);
    },
  },
  {
    title: 'a model whose tasks were refused is asked itself to mend them',
    async walk(bench) {
      const adds = { responseFormat: 'json', onComplete: { addTasks: 'fromOutput' } };
      const run = await begin(bench, 100, [{ name: 'a', ...asks, ...adds }]);
      await bench.answer('a', 10, { tasks: 'none' });
      expect(asked(bench, 'a')).toBe('large');
      await bench.answer('a', 10, { tasks: [] });
      return ended(bench, run, 'completed', 2);
    },
  },
];
