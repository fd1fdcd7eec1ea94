/** Trying again over HTTP: one task, and many runs. */
import { expect, it } from 'vitest';
import { openFermata } from '../harness/fermata.ts';
import { startRun } from './documents.ts';
import { counting, DIAMOND, forked, outcome, payers, work } from './forking.ts';

const CONTINUE = { config: { onTaskFailure: 'continue' } };

it('a failed task of a run that has ended is tried again in a new one, with all that needs it', async () => {
  const { config, calls, fails } = counting();
  const harness = await openFermata({ config });
  const { call, fermata, client } = harness;
  fails.add('b');
  const { runId } = await startRun(harness, { ...CONTINUE, ...DIAMOND });
  await fermata.runtime.waitFor(runId);
  expect(calls.toSorted()).toEqual(['a', 'b', 'c']);
  fails.clear();
  calls.length = 0;
  const path = `/runs/${runId}/tasks/b/retry`;
  const answers = await Promise.all([1, 2].map(() => call('POST', path, {}, { 'idempotency-key': 'once' })));
  const again = answers[0]?.body.runId as string;
  expect(answers.map(({ status, body }) => [status, body.runId])).toEqual([
    [202, again],
    [202, again],
  ]);
  expect(answers[0]?.headers.get('location')).toBe(`/api/v1/runs/${again}`);
  expect(answers[0]?.body.links).toMatchObject({ self: `/api/v1/runs/${again}` });
  await fermata.runtime.waitFor(again);
  const { tasks, run, status } = await outcome(harness, again);
  expect({ status, calls }).toEqual({ status: 'completed', calls: ['b', 'd'] });
  expect(payers(tasks)).toEqual({ a: runId, b: undefined, c: runId, d: undefined });
  expect(run.forkedFrom).toMatchObject({ runId, retry: true, task: 'b', ancestors: [runId] });
  expect((await client.run(runId)).forks).toMatchObject([{ runId: again }]);
  // One that was cancelled with its run, before it began.
  expect((await client.retryTask(runId, 'b')).runId).not.toBe(again);
});

it('a map that completed without some of its items, or one of them, is tried again with those', async () => {
  const { config, calls, fails } = counting();
  const harness = await openFermata({ config });
  const item = { kind: 'code', function: 'work', input: { item: 'item' }, retry: { maxRetries: 0 } };
  const map = { kind: 'map', items: '[1, 2]', task: item, onItemFailure: 'continue' };
  fails.add('one[1]').add('two[0]');
  const { runId } = await startRun(harness, {
    tasks: [
      { ...map, name: 'one' },
      { ...map, name: 'two' },
    ],
  });
  await harness.fermata.runtime.waitFor(runId);
  fails.clear();
  for (const task of ['one', 'one[1]']) {
    calls.length = 0;
    const { tasks } = await forked(harness, runId, {}, `tasks/${task}/retry`);
    expect(calls).toEqual(['one[1]']);
    expect(payers(tasks)).toMatchObject({ one: undefined, two: runId, 'one[0]': runId });
  }
});

it('a sub-workflow, and a part of work in rounds, are tried again from where they were', async () => {
  const { config, calls, fails } = counting();
  const judge = { done: true, answer: 'found', next: null };
  const script = [
    {
      prompt: /^Plan the next/,
      answers: [{ json: { tasks: [{ name: 'x', kind: 'code', function: 'work', input: {} }] } }],
    },
    { prompt: /^Judge/, answers: [{ error: { status: 400, message: 'no' } }, { json: judge }] },
  ];
  const harness = await openFermata({ config, script });
  fails.add('deeper');
  const inner = { name: 'inner', tasks: [work('deep'), work('deeper', 'deep')] };
  const { runId } = await startRun(harness, {
    ...CONTINUE,
    tasks: [
      { name: 'phase', kind: 'subworkflow', workflow: inner, maxRetries: 0 },
      {
        name: 'goal',
        kind: 'planExecuteReflect',
        goal: 'g',
        allow: { functions: ['work'] },
        prompts: { plan: 'Plan the next', reflect: 'Judge' },
      },
    ],
  });
  await harness.fermata.runtime.waitFor(runId);
  expect(calls.toSorted()).toEqual(['deep', 'deeper', 'goal.1.x']);
  fails.clear();
  calls.length = 0;
  const asked = harness.models.requests().length;
  const { status, run } = await forked(harness, runId, {}, 'tasks/phase/retry');
  // Of the other one that failed a new run has nothing to say but what it does itself.
  expect({ status, calls }).toEqual({ status: 'completed', calls: ['deeper'] });
  expect(harness.models.requests().length - asked).toBe(1);
  const [child] = run.children ?? [];
  const { body: below } = await harness.call('GET', `/runs/${child?.runId}`);
  const { body: above } = await harness.call('GET', `/runs/${runId}`);
  expect(below).toMatchObject({
    parent: { runId: run.runId, task: 'phase' },
    forkedFrom: { runId: above.children[0].runId, retry: true },
  });
});

it('a task that cannot be tried again says why, and what can be done', async () => {
  const { config, fails, hold } = counting();
  const harness = await openFermata({ config });
  const { call, fermata } = harness;
  fails.add('b');
  const held = hold('c');
  const { runId } = await startRun(harness, { ...CONTINUE, ...DIAMOND });
  await held.called;
  await fermata.runtime.waitFor(runId, ({ counts }) => counts['failed'] === 1);
  const self = `/api/v1/runs/${runId}`;
  const retry = (task: string) => call('POST', `/runs/${runId}/tasks/${task}/retry`);
  expect(await retry('b')).toMatchObject({
    status: 409,
    body: {
      code: 'taskSettled',
      taskStatus: 'failed',
      legal: [`${self}/cancel`, `${self}/fork`],
      detail: expect.stringContaining('the same request tries the task again in a new run') as unknown,
    },
  });
  expect(await retry('c')).toMatchObject({ status: 409, body: { code: 'wrongState', taskStatus: 'running' } });
  expect(await retry('a')).toMatchObject({ status: 409, body: { code: 'taskSettled', legal: [`${self}/fork`] } });
  expect(await retry('z')).toMatchObject({ status: 404 });
  held.release();
  await fermata.runtime.waitFor(runId);
  expect(await retry('d')).toMatchObject({
    status: 409,
    body: { taskStatus: 'skipped', legal: [`${self}/retry`, `${self}/fork`] },
  });
  expect(await retry('a')).toMatchObject({
    status: 409,
    body: {
      detail: `Task "a" is completed, so that there is nothing to try again. POST ${self}/fork { "fromTask": "a" } runs it anew.`,
    },
  });
  expect((await retry('b')).status).toBe(202);
});

it('many runs are tried again at once, each once by a filter, and none twice where another run does so', async () => {
  const { config, calls, fails } = counting();
  const harness = await openFermata({ config });
  const { call, fermata, client } = harness;
  fails.add('b');
  const inline = { name: 'inner', tasks: [work('b')] };
  const documents = [
    DIAMOND,
    { name: 'upper', tasks: [{ name: 'phase', kind: 'subworkflow', workflow: inline, maxRetries: 0 }] },
  ];
  const failed: string[] = [];
  for (const document of documents) failed.push((await startRun(harness, document, { tags: ['nightly'] })).runId);
  for (const run of failed) await fermata.runtime.waitFor(run);
  const child = (await client.runs({ parent: failed[1] ?? '' })).items[0]?.runId;
  fails.clear();
  calls.length = 0;
  const request = { filter: { tags: ['nightly'] } };
  const [first, same] = [await client.retryRuns(request, 'key'), await client.retryRuns({ ids: failed }, 'key')];
  expect(first.items.map(({ runId }) => runId)).toEqual(failed.toReversed());
  expect(same.items.map(({ retry }) => retry?.runId)).toEqual(
    first.items.map(({ retry }) => retry?.runId).toReversed(),
  );
  for (const { retry } of first.items)
    expect((await fermata.runtime.waitFor(retry?.runId ?? '')).status).toBe('completed');
  expect(calls.toSorted()).toEqual(['b', 'b', 'c', 'd']);
  // Those that failed still have: they are taken care of.
  expect(await client.retryRuns({ filter: {} })).toEqual({ items: [], nextCursor: null });
  const named = await client.retryRuns({
    ids: [failed[0] ?? '', 'none', first.items[0]?.retry?.runId ?? '', child ?? ''],
  });
  expect(named.items.map(({ retry, error }) => [retry !== null, error?.code])).toEqual([
    [true, undefined],
    [false, 'notFound'],
    [false, 'wrongState'],
    [true, undefined],
  ]);
  for (const { retry } of named.items) if (retry !== null) await fermata.runtime.waitFor(retry.runId);
  for (const body of [{}, { ids: ['a'], filter: {} }, { ids: [] }, { filter: { state: 'failed' } }])
    expect((await call('POST', '/runs/retry', body)).status).toBe(400);
});

it('a filter looks at a page of runs, and many are cancelled at once', async () => {
  const { config, hold } = counting();
  const harness = await openFermata({ config });
  const { fermata, client } = harness;
  const runs: string[] = [];
  const held = hold('a');
  for (let run = 0; run < 3; run++) runs.push((await startRun(harness, { tasks: [work('a')] })).runId);
  await held.called;
  const page = await client.cancelRuns({ filter: {}, limit: 2, reason: 'enough' });
  expect(page.items.map(({ runId }) => runId)).toEqual([runs[2], runs[1]]);
  const rest = await client.cancelRuns({ filter: {}, limit: 2, cursor: page.nextCursor ?? '' });
  expect(rest).toMatchObject({ items: [{ runId: runs[0], error: null }], nextCursor: null });
  for (const run of runs) await fermata.runtime.waitFor(run);
  expect((await client.cancelRuns({ ids: [runs[0] ?? ''] })).items).toMatchObject([
    { status: null, error: { code: 'runEnded' } },
  ]);
  expect((await client.run(runs[1] ?? '')).reason).toMatchObject({ message: 'enough' });
  held.release();
});

it('a task is tried again with another budget in a new run, and in no other one', async () => {
  const { config, fails } = counting();
  const harness = await openFermata({ config });
  const { call, fermata } = harness;
  fails.add('b');
  const { runId } = await startRun(harness, { ...CONTINUE, ...DIAMOND });
  await fermata.runtime.waitFor(runId);
  fails.clear();
  const budget = { maxCostDollars: 2 };
  const { body } = await call('POST', `/runs/${runId}/tasks/b/retry`, { config: { budget } });
  expect((await call('GET', `/runs/${body.runId}`)).body.budget).toMatchObject(budget);
  await fermata.runtime.waitFor(body.runId as string);
  const refused = await call('POST', `/runs/${runId}/tasks/b/retry`, { config: { breadth: 2 } });
  expect([refused.status, refused.body.errors[0].path]).toEqual([400, 'config.breadth']);
});
