import { expect, it, vi } from 'vitest';
import { FermataError } from '../../src/errors.ts';
import { openFermata } from '../harness/fermata.ts';
import { startRun } from './documents.ts';
import { counting, work } from './forking.ts';

it('the same request of many runs again gives the same runs, also by a filter; two at once try each once', async () => {
  const { config, calls, fails } = counting();
  const harness = await openFermata({ config });
  const { fermata, client } = harness;
  fails.add('b');
  const failed: string[] = [];
  for (let run = 0; run < 3; run++)
    failed.push((await startRun(harness, { tasks: [work('b')] }, { tags: [`t${run % 2}`] })).runId);
  for (const run of failed) await fermata.runtime.waitFor(run);
  fails.clear();
  calls.length = 0;
  const keyed = { filter: { tags: ['t1'] } };
  const first = await client.retryRuns(keyed, 'key');
  expect(first.items).toHaveLength(1);
  const ids = ({ items }: typeof first) => items.map(({ runId, retry }) => [runId, retry?.runId]);
  expect(ids(await client.retryRuns(keyed, 'key'))).toEqual(ids(first));
  const both = await Promise.all([1, 2].map(() => client.retryRuns({ filter: {} })));
  const started = new Set(both.flatMap(({ items }) => items.map(({ retry }) => retry?.runId)));
  for (const { items } of [first, ...both])
    for (const { retry } of items) await fermata.runtime.waitFor(retry?.runId ?? '');
  expect({ started: started.size, calls }).toEqual({ started: 2, calls: ['b', 'b', 'b'] });
  expect((await client.retryRuns({ filter: {} })).items).toEqual([]);
});

it('of many runs one that is damaged hinders no other', async () => {
  const { config, fails } = counting();
  const harness = await openFermata({ config });
  const { fermata, client } = harness;
  fails.add('b');
  const failed: string[] = [];
  for (let run = 0; run < 3; run++) failed.push((await startRun(harness, { tasks: [work('b')] })).runId);
  for (const run of failed) await fermata.runtime.waitFor(run);
  fails.clear();
  const { read } = fermata.runtime;
  vi.spyOn(fermata.runtime, 'read').mockImplementation(async (id) => {
    if (id === failed[1]) throw new FermataError('databaseCorrupt', 'A page of it is rotten.');
    return read.call(fermata.runtime, id);
  });
  const { items } = await client.retryRuns({ ids: failed });
  expect(items.map(({ retry, error }) => [retry !== null, error?.code])).toEqual([
    [true, undefined],
    [false, 'databaseCorrupt'],
    [true, undefined],
  ]);
  for (const { retry } of items) if (retry !== null) await fermata.runtime.waitFor(retry.runId);
});
