import { afterEach, beforeEach, expect, test } from 'vitest';
import { backoffMs } from '../../machines/backoff.ts';
import { DEFAULT_RETRY } from '../../src/document/definition.ts';
import { Workbench } from '../harness/documents.ts';

let bench: Workbench;
beforeEach(async () => {
  bench = await Workbench.open();
});
afterEach(() => bench.close());

const retry = { maxRetries: 1, initialSeconds: 5, factor: 1, maxSeconds: 9 };

interface Entry {
  readonly input: { readonly prepared: object };
  readonly prepared: { readonly seed: string };
  readonly delaySeconds: number;
}

test('a task carries what its author said and no default; the chance of its retries is its own all the same', async () => {
  const tasks = [{ name: 'a' }, { name: 'b' }, { name: 'own', retry, onInDoubt: 'fail' }];
  const run = await bench.start({ config: { breadth: 5 }, tasks });
  for (const { name } of tasks) await bench.fail(name);
  const journal = await bench.fermata.runtime.journal(run, { limit: 100 });
  const of = (name: string, type: string): Entry =>
    journal.find((entry) => entry.actor === `/${name}` && entry.type === type)?.data as Entry;
  for (const name of ['a', 'b'])
    expect(Object.keys(of(name, 'xstate.init').input.prepared).toSorted()).toEqual(['call', 'timeoutMs']);
  expect(of('own', 'xstate.init').input.prepared).toMatchObject({ retry, onInDoubt: 'fail' });
  const seeds = tasks.map(({ name }) => of(name, 'xstate.error.actor.call').prepared.seed);
  expect(new Set(seeds).size).toBe(3);
  expect(tasks.map(({ name }) => of(name, 'task_retrying').delaySeconds * 1_000)).toEqual([
    backoffMs(DEFAULT_RETRY, 1, seeds[0] ?? ''),
    backoffMs(DEFAULT_RETRY, 1, seeds[1] ?? ''),
    backoffMs(retry, 1, seeds[2] ?? ''),
  ]);
  await bench.fermata.runtime.cancel(run);
});
