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

it('a filter cancels only what can be cancelled, page by page; ended runs fill no page', async () => {
  const harness = await openFermata();
  const { client } = harness;
  const waits = { tasks: [{ name: 'w', kind: 'wait', event: { type: 'go' } }] };
  const open: string[] = [];
  for (let run = 0; run < 5; run++) {
    open.push((await startRun(harness, waits)).runId);
    const { runId } = await startRun(harness, waits);
    await harness.call('POST', `/runs/${runId}/cancel`, {});
  }
  const pages: (readonly string[])[] = [];
  for (let cursor: string | null | undefined; cursor !== null;) {
    const page = await client.cancelRuns({ filter: {}, limit: 2, ...(cursor === undefined ? {} : { cursor }) });
    expect(page.items.every(({ error }) => error === null)).toBe(true);
    pages.push(page.items.map(({ runId }) => runId));
    cursor = page.nextCursor;
  }
  const newest = open.toReversed();
  expect(pages).toEqual([newest.slice(0, 2), newest.slice(2, 4), newest.slice(4)]);
  expect(await client.cancelRuns({ filter: {} })).toEqual({ items: [], nextCursor: null });
  expect(await client.cancelRuns({ filter: { status: 'cancelled' } })).toEqual({ items: [], nextCursor: null });
});

it.each(['retry', 'cancel'])('a page of ids that were named is refused: runs/%s', async (verb) => {
  const { call } = await openFermata();
  const { status, body } = await call('POST', `/runs/${verb}`, { ids: ['a', 'b'], limit: 1, cursor: 'c' });
  const message = 'is given beside "ids", all of which are done at once: it is for a "filter", leave it out';
  expect({ status, code: body.code, errors: body.errors }).toEqual({
    status: 400,
    code: 'invalidRequest',
    errors: ['limit', 'cursor'].map((path) => ({ path, message })),
  });
});

it('30,000 wrong entries are counted, and the first are told', async () => {
  const harness = await openFermata({ config: counting().config });
  const { runId } = await startRun(harness, { tasks: [work('a')] });
  await harness.fermata.runtime.waitFor(runId);
  const wrong = Array.from({ length: 30_000 }, () => 7);
  const edits = (edit: unknown) => ({
    fromTask: 'a',
    edits: Object.fromEntries(wrong.map((_, at) => [`t${at}`, edit])),
  });
  for (const [path, body, first] of [
    [`/runs/${runId}/fork`, edits(7), 'edits.t0: expected an object, came a number (7)'],
    [`/runs/${runId}/fork`, edits({}), 'edits.t0: the run has no such task'],
    ['/runs/cancel', { ids: wrong }, 'ids[0]: expected a text, came a number (7)'],
  ] as const) {
    const answer = await harness.call('POST', path, body);
    expect([400, 422]).toContain(answer.status);
    expect(answer.body.detail).toMatch(/^(?:The request|What is to be edited) has 30000 faults: /);
    expect(answer.body.detail).toContain(first);
    expect(answer.body.detail).toContain('and 29997 more');
    expect(answer.body.errors.length).toBeLessThanOrEqual(1_001);
  }
}, 30_000);
