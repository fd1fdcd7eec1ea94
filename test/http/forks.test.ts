/** Runs that are forked and tried again, by the front door. */
import BetterSqlite3 from 'better-sqlite3';
import { expect, it } from 'vitest';
import { createMachine } from 'xstate';
import { openFermata } from '../harness/fermata.ts';
import { startRun } from './documents.ts';
import { counting, DIAMOND, forked, outcome, payers, work } from './forking.ts';

it('a fork runs a task and what depends on it anew, and takes over the rest', async () => {
  const { config, calls } = counting();
  const harness = await openFermata({ config });
  const { runId } = await startRun(harness, DIAMOND);
  await harness.fermata.runtime.waitFor(runId);
  calls.length = 0;
  const { run, tasks, output, runId: forkId } = await forked(harness, runId, { fromTask: 'b' });
  expect(calls).toEqual(['b', 'd']);
  expect(run).toMatchObject({
    status: 'completed',
    progress: 100,
    taskCounts: { total: 4, completed: 4 },
    forkedFrom: { runId, fromTask: 'b', edits: {}, ancestors: [runId] },
    forks: [],
  });
  expect(tasks.map(({ name, attempts, reused }) => [name, attempts, reused?.runId])).toEqual([
    ['a', 0, runId],
    ['b', 1, undefined],
    ['c', 0, runId],
    ['d', 1, undefined],
  ]);
  expect(output).toMatchObject({ by: 'd' });
  const { body: origin } = await harness.call('GET', `/runs/${runId}`);
  expect(origin.forks).toMatchObject([{ runId: forkId, status: 'completed' }]);
  const { body: listed } = await harness.call('GET', `/runs?forkedFrom=${runId}`);
  expect(listed.items).toMatchObject([{ runId: forkId }]);
  // `seq` is the number of the fact in the stream of the run that paid.
  const facts = await harness.fermata.runtime.journal(runId, { kind: 'fact' });
  expect(facts.find(({ factSeq }) => factSeq === tasks[0]?.reused?.seq)).toMatchObject({
    type: 'task_completed',
    data: { task: 'a' },
  });
});

it('a retry runs again what did not complete', async () => {
  const { config, calls, fails } = counting();
  const harness = await openFermata({ config });
  fails.add('c');
  const { runId } = await startRun(harness, DIAMOND);
  await harness.fermata.runtime.waitFor(runId);
  calls.length = 0;
  fails.clear();
  const { run } = await forked(harness, runId, {}, 'retry');
  expect(run).toMatchObject({ status: 'completed', forkedFrom: { runId, retry: true } });
  expect(calls.toSorted()).toEqual(['c', 'd']);
});

it('at a fact: what was committed after it runs anew', async () => {
  const { config, calls } = counting();
  const harness = await openFermata({ config });
  const { runId } = await startRun(harness, { ...DIAMOND, config: { strategy: 'sequential' } });
  await harness.fermata.runtime.waitFor(runId);
  const facts = await harness.fermata.runtime.journal(runId, { kind: 'fact' });
  const seqOf = (task: string) =>
    facts.find(({ type, data }) => type === 'task_completed' && (data as { task?: string }).task === task)?.factSeq ??
    0;
  calls.length = 0;
  const { run } = await forked(harness, runId, { atSeq: seqOf('b') });
  expect(calls).toEqual(['c', 'd']);
  expect(run.forkedFrom).toMatchObject({ atSeq: seqOf('b') });
  calls.length = 0;
  await forked(harness, runId, { atSeq: 0 });
  expect(calls).toEqual(['a', 'b', 'c', 'd']);
  const { status, body } = await harness.call('POST', `/runs/${runId}/fork`, { atSeq: 10_000 });
  expect({ status, body }).toMatchObject({
    status: 400,
    body: { code: 'invalidRequest', errors: [{ path: 'atSeq' }] },
  });
});

it('an edited output is given without a call, and what depends on it runs anew', async () => {
  const { config, calls } = counting();
  const harness = await openFermata({ config });
  const { runId } = await startRun(harness, {
    tasks: [work('a'), { ...work('b'), input: { from: 'tasks.a.output.by' } }, work('c'), work('d', 'b', 'c')],
  });
  await harness.fermata.runtime.waitFor(runId);
  calls.length = 0;
  // The task at which it is forked depends on nothing that is edited: both run anew, and what depends on either.
  const edits = { a: { output: { by: 'me' } } };
  const { tasks, run } = await forked(harness, runId, { fromTask: 'd', edits });
  expect(calls).toEqual(['b', 'd']);
  expect(payers(tasks)).toEqual({ a: 'edited', b: undefined, c: runId, d: undefined });
  expect(tasks[1]).toMatchObject({ output: { by: 'b', of: { from: 'me' } } });
  expect(tasks[0]).toMatchObject({ output: { by: 'me' }, attempts: 0, costDollars: 0 });
  expect(run.forkedFrom).toMatchObject({ edits });
});

it('an edited prompt is checked as a document is, and asked in place of the old one', async () => {
  const script = [
    { prompt: 'Plan tea', answers: [{ text: 'taste' }] },
    { prompt: 'Plan coffee', answers: [{ text: 'roast' }] },
    { prompt: 'Report on', answers: [{ text: 'fine' }] },
  ];
  const harness = await openFermata({ script });
  const { call, models, fermata } = harness;
  const { runId } = await startRun(
    harness,
    {
      tasks: [
        { name: 'plan', prompt: 'Plan {{ input.topic }}' },
        { name: 'other', prompt: 'Report on nothing' },
        { name: 'report', prompt: 'Report on {{ tasks.plan.output }}' },
      ],
    },
    { input: { topic: 'tea' } },
  );
  await fermata.runtime.waitFor(runId);
  const before = models.requests().length;
  const { tasks } = await forked(harness, runId, { fromTask: 'plan', edits: { plan: { prompt: 'Plan coffee' } } });
  expect(tasks.map(({ output }) => output)).toEqual(['roast', 'fine', 'fine']);
  expect(models.requests().length - before).toBe(2);
  // A prompt may read what it did not read before: it depends on it then.
  const edits = { plan: { prompt: 'Plan coffee after {{ tasks.other.output }}' } };
  const { tasks: again } = await forked(harness, runId, { fromTask: 'report', edits });
  expect(again.map(({ output, reused }) => [output, reused?.runId])).toEqual([
    ['roast', undefined],
    ['fine', runId],
    ['fine', undefined],
  ]);
  const refused = async (wrong: unknown) => {
    const { status, body } = await call('POST', `/runs/${runId}/fork`, { fromTask: 'plan', edits: wrong });
    expect(status).toBe(422);
    return (body.errors as { path: string; message: string }[]).map(({ path, message }) => `${path}: ${message}`);
  };
  expect(await refused({ plan: { prompt: 'About {{ tasks.plam.output }}' }, none: { output: 1 } })).toEqual([
    'edits.none: the run has no such task',
    'edits.plan.prompt: line 1, column 10: reads the unknown task "plam": did you mean "plan"?',
  ]);
  expect(await refused({ plan: { prompt: 'x', output: 'y' }, other: {} })).toEqual([
    'edits.plan: has a prompt and an output: a task that is given its output asks nothing',
    'edits.other: changes nothing: give it a prompt or an output',
  ]);
  expect(await refused({ plan: { prompt: 'About {{ tasks.report.output }}' } })).toEqual([
    expect.stringContaining('edits.plan.prompt: depends on itself in a cycle'),
  ]);
});

it('a run that still goes on is forked at what it has committed, and neither hinders the other', async () => {
  const { config, calls, hold } = counting();
  const harness = await openFermata({ config });
  const held = hold('b');
  const { runId } = await startRun(harness, DIAMOND);
  await held.called;
  await harness.fermata.runtime.waitFor(runId, ({ counts }) => counts['completed'] === 2);
  const freed = held.release;
  calls.length = 0;
  const { body } = await harness.call('POST', `/runs/${runId}/fork`, { fromTask: 'd' });
  await harness.fermata.runtime.waitFor(body.runId as string, ({ counts }) => counts['completed'] === 2);
  freed();
  await Promise.all([runId, body.runId as string].map((run) => harness.fermata.runtime.waitFor(run)));
  const { tasks } = await outcome(harness, body.runId as string);
  expect(payers(tasks)).toEqual({ a: runId, b: undefined, c: runId, d: undefined });
});

it('a fork of a fork shows the chain, and names the run that really paid', async () => {
  const { config, calls, fails } = counting();
  const harness = await openFermata({ config });
  // One at a time, in the order of the document: what stands behind a failure is not even taken over by then.
  const { runId: first } = await startRun(harness, {
    config: { breadth: 1 },
    tasks: [work('a'), work('b', 'a'), work('c', 'b'), work('d')],
  });
  await harness.fermata.runtime.waitFor(first);
  fails.add('b');
  const { runId: second, tasks: seconds } = await forked(harness, first, { fromTask: 'b' });
  expect(seconds.map(({ status }) => status)).toEqual(['completed', 'failed', 'cancelled', 'cancelled']);
  fails.clear();
  calls.length = 0;
  const { tasks, run } = await forked(harness, second, {}, 'retry');
  // Of the first run, c was made of another b.
  expect(calls).toEqual(['b', 'c']);
  expect(payers(tasks)).toEqual({ a: first, b: undefined, c: undefined, d: first });
  expect(run.forkedFrom).toMatchObject({ runId: second, ancestors: [second, first] });
});

it('the same key starts one fork, also at the same moment, and also when its origin is gone', async () => {
  const { config } = counting();
  const harness = await openFermata({ config });
  const { call, fermata } = harness;
  const { runId } = await startRun(harness, DIAMOND);
  await fermata.runtime.waitFor(runId);
  const ask = (body: unknown) => call('POST', `/runs/${runId}/fork`, body, { 'idempotency-key': 'once' });
  const answers = await Promise.all([ask({ fromTask: 'd' }), ask({ fromTask: 'd' })]);
  const ids = answers.map(({ body }) => body.runId as string);
  expect(new Set(ids).size).toBe(1);
  expect(await ask({ fromTask: 'c' })).toMatchObject({ status: 409, body: { code: 'idempotencyConflict' } });
  await fermata.runtime.waitFor(ids[0] ?? '');
  expect((await call('DELETE', `/runs/${runId}`)).status).toBe(204);
  expect((await ask({ fromTask: 'd' })).body.runId).toBe(ids[0]);
});

it('R11: an origin is kept while a fork goes on, and what the fork has taken over outlives it', async () => {
  const { config, hold } = counting();
  const harness = await openFermata({ config });
  const { call, fermata } = harness;
  const big = 'x'.repeat(1_000_000);
  const { runId } = await startRun(
    harness,
    { tasks: [{ ...work('a'), input: { big: 'input.big' } }, work('b', 'a')] },
    { input: { big } },
  );
  await fermata.runtime.waitFor(runId);
  const held = hold('b');
  const { body: fork } = await call('POST', `/runs/${runId}/fork`, { fromTask: 'b' });
  await held.called;
  expect(await call('DELETE', `/runs/${runId}`)).toMatchObject({
    status: 409,
    body: { code: 'runHasForks', forks: [fork.runId] },
  });
  held.release();
  await fermata.runtime.waitFor(fork.runId as string);
  expect((await call('DELETE', `/runs/${runId}`)).status).toBe(204);
  const { tasks, run } = await outcome(harness, fork.runId as string);
  expect(tasks[0]?.output).toMatchObject({ of: { big } });
  expect(run.forkedFrom).toMatchObject({ runId });
});

it('says what can be forked and tried again, and what cannot', async () => {
  const { config } = counting();
  const harness = await openFermata({ config });
  const { call, fermata } = harness;
  const { runId } = await startRun(harness, DIAMOND);
  await fermata.runtime.waitFor(runId);
  expect(await call('POST', `/runs/${runId}/retry`)).toMatchObject({
    status: 409,
    body: { code: 'wrongState', legal: [`/api/v1/runs/${runId}/fork`] },
  });
  expect(await call('POST', `/runs/${runId}/fork`, { fromTask: 'z' })).toMatchObject({ status: 404 });
  expect(await call('POST', `/runs/${runId}/fork`, {})).toMatchObject({
    status: 400,
    body: { errors: [{ path: 'fromTask' }] },
  });
  expect(await call('POST', `/runs/${runId}/fork`, { fromTask: 'a', atSeq: 3 })).toMatchObject({ status: 400 });
  expect(await call('POST', `/runs/none/fork`, { fromTask: 'a' })).toMatchObject({ status: 404 });
});

it('a fork whose origin was deleted as it began says so, rather than to pay for everything again', async () => {
  const { config, calls } = counting();
  const first = await openFermata({ config });
  const { runId } = await startRun(first, {
    tasks: [{ name: 'paid', kind: 'wait', event: { type: 'paid' } }, work('a', 'paid')],
  });
  await first.call('POST', `/runs/${runId}/events`, { type: 'paid' });
  await first.fermata.runtime.waitFor(runId);
  const { body } = await first.call('POST', `/runs/${runId}/fork`, { atSeq: 0 });
  const forkId = body.runId as string;
  await first.fermata.runtime.waitFor(forkId, ({ status }) => status === 'waiting');
  const driver = new BetterSqlite3(first.database);
  driver.prepare('delete from run where id = ?').run(runId);
  driver.close();
  calls.length = 0;
  await first.call('POST', `/runs/${forkId}/events`, { type: 'paid' });
  const { reason } = await first.fermata.runtime.waitFor(forkId);
  expect(reason).toMatchObject({ code: 'originMissing', message: expect.stringContaining(runId) as unknown });
  expect(calls).toEqual([]);
});

it("a run of a user's own machine has no tasks to be forked from, and says what to do instead", async () => {
  const machine = createMachine({ id: 'order', initial: 'open', states: { open: {} } });
  const { call } = await openFermata({ config: { machines: { 'order@1': machine } } });
  const { body: started } = await call('POST', '/machines/order/runs', {});
  for (const [how, body] of [
    ['fork', { fromTask: 'a' }],
    ['retry', {}],
  ] as const) {
    const { status, body: problem } = await call('POST', `/runs/${started.runId}/${how}`, body);
    expect({ status, problem }).toMatchObject({
      status: 422,
      problem: { code: 'notSupported', detail: expect.stringContaining('/snapshot') as unknown },
    });
  }
  await call('POST', `/runs/${started.runId}/cancel`, {});
});

it('the graph of a fork is that of its edited prompts', async () => {
  const harness = await openFermata({ script: [{ prompt: '', answers: [{ text: 'said' }] }] });
  const tasks = [
    { name: 'a', prompt: 'One' },
    { name: 'b', prompt: 'Two' },
    { name: 'c', prompt: 'Of {{ tasks.a.output }}' },
  ];
  const { runId } = await startRun(harness, { tasks });
  await harness.fermata.runtime.waitFor(runId);
  const { run } = await forked(harness, runId, {
    fromTask: 'c',
    edits: { c: { prompt: 'Of {{ tasks.b.output }}' } },
  });
  const edges = async (id: string) => (await harness.client.runGraph(id)).edges.map(({ from, to }) => `${from}-${to}`);
  expect([await edges(runId), await edges(run.runId)]).toEqual([['a-c'], ['b-c']]);
  expect(run.links['graph']).toBe(`/api/v1/runs/${run.runId}/graph`);
});
