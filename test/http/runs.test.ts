import { describe, expect, it } from 'vitest';
import { assign, createActor, setup } from 'xstate';
import { openFermata, type Harness } from '../harness/fermata.ts';
import { holding, startRun } from './documents.ts';

const config = { functions: { now: () => 'now', fail: () => Promise.reject(new TypeError('broken')) } };
const code = (name: string, more: object = {}) => ({ name, kind: 'code', function: 'now', ...more });

async function finished(
  harness: Harness,
  document: Readonly<Record<string, unknown>>,
  request: unknown = {},
): Promise<string> {
  const { runId } = await startRun(harness, document, request);
  await harness.fermata.runtime.waitFor(runId);
  return runId;
}

describe('GET /runs', () => {
  it('filters by workflow, status, tags and text, and pages newest first', async () => {
    const harness = await openFermata({ config });
    const { call } = harness;
    const one = await finished(harness, { name: 'one', tasks: [code('a')] }, { tags: ['x', 'y'] });
    const two = await finished(
      harness,
      { name: 'two', tasks: [{ name: 'a', kind: 'code', function: 'fail', maxRetries: 0 }] },
      { tags: ['x'] },
    );
    const ids = async (query: string): Promise<string[]> =>
      (await call('GET', `/runs?${query}`)).body.items.map(({ runId }: { runId: string }) => runId);
    expect(await ids('')).toEqual([two, one]);
    expect(await ids('status=failed')).toEqual([two]);
    expect(await ids('tags=x,y')).toEqual([one]);
    expect(await ids('q=two')).toEqual([two]);
    const { workflow } = (await call('GET', `/runs/${one}`)).body;
    expect(await ids(`workflowId=${workflow.id}`)).toEqual([one]);
    const { body } = await call('GET', '/runs?limit=1');
    expect(body.items[0]).toMatchObject({
      runId: two,
      status: 'failed',
      workflow: { name: 'two', version: 1 },
      reason: { code: 'codeFailed' },
      progress: 100,
    });
    expect(await ids(`limit=1&cursor=${body.nextCursor}`)).toEqual([one]);
    expect((await call('GET', '/runs?status=done')).status).toBe(400);
  });
});

describe('GET /runs/{id}', () => {
  it('shows a run with its tasks', async () => {
    const harness = await openFermata({ config });
    const runId = await finished(harness, {
      tasks: [code('a', { description: 'First' }), code('b', { dependsOn: ['a'] })],
    });
    const { body } = await harness.call('GET', `/runs/${runId}`);
    expect(body).toMatchObject({
      runId,
      status: 'completed',
      machine: 'workflow@2',
      progress: 100,
      output: 'now',
      input: {},
      costDollars: 0,
      unknownCalls: 0,
      etaSeconds: null,
      acceptedEvents: [],
      nextCursor: null,
      taskCounts: { total: 2, open: 0, completed: 2 },
      links: { self: `/api/v1/runs/${runId}` },
    });
    expect(body.tasks[0]).toEqual({
      name: 'a',
      description: 'First',
      status: 'completed',
      output: 'now',
      error: null,
      attempts: 1,
      usage: null,
      costDollars: 0,
      cacheHit: false,
      startedAt: expect.any(String),
      endedAt: expect.any(String),
    });
    expect(body.startedAt).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
  });

  it('tells usage, model and request id of a model call', async () => {
    const harness = await openFermata({
      script: [{ prompt: '', answers: [{ text: 'hi', usage: { inputTokens: 7, outputTokens: 2 }, model: 'gpt-x' }] }],
    });
    const runId = await finished(harness, { tasks: [{ name: 'say', prompt: 'Say hi' }] });
    const { body } = await harness.call('GET', `/runs/${runId}/results`);
    expect(body.tasks[0]).toMatchObject({
      output: 'hi',
      usage: { inputTokens: 7, outputTokens: 2, totalTokens: 9 },
      model: 'gpt-x',
      finishReason: 'stop',
      requestId: expect.any(String),
    });
  });
});

describe('GET /runs/{id}/results', () => {
  it('output=false leaves the output of the run out', async () => {
    const harness = await openFermata({ config });
    const runId = await finished(harness, { tasks: [code('a')] });
    expect((await harness.call('GET', `/runs/${runId}/results`)).body).toMatchObject({ output: 'now' });
    const { body } = await harness.call('GET', `/runs/${runId}/results?output=false`);
    expect(body).toMatchObject({ status: 'completed', tasks: [{ name: 'a', output: 'now' }] });
    expect(body).not.toHaveProperty('output');
    expect((await harness.call('GET', `/runs/${runId}/results?output=no`)).status).toBe(400);
  });

  it('tells what a failed call has used', async () => {
    const wrong = { text: '{}', usage: { inputTokens: 7, outputTokens: 2 } };
    const harness = await openFermata({ script: [{ prompt: '', answers: [wrong] }] });
    const schema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] };
    const runId = await finished(harness, {
      tasks: [{ name: 'say', prompt: 'Say', maxRetries: 0, responseFormat: { schema } }],
    });
    expect((await harness.call('GET', `/runs/${runId}/results`)).body.tasks[0]).toMatchObject({
      status: 'failed',
      error: { code: 'invalidAnswer' },
      usage: { inputTokens: 14, outputTokens: 4, totalTokens: 18 },
    });
  });

  it('pages over the document, also over tasks that have no row yet', async () => {
    const hold = holding();
    const harness = await openFermata({ config: hold.config });
    const names = ['a', 'b', 'c', 'd', 'e'];
    const tasks = names.map((name, index) => ({
      name,
      kind: 'code',
      function: 'hold',
      ...(index === 0 ? {} : { dependsOn: [names[index - 1]] }),
    }));
    const { runId } = await startRun(harness, { tasks });
    await hold.called();
    const seen: string[] = [];
    for (let query = '?limit=2'; ;) {
      const { body } = await harness.call('GET', `/runs/${runId}/results${query}`);
      seen.push(...body.tasks.map(({ name, status }: { name: string; status: string }) => `${name} ${status}`));
      if (body.nextCursor === null) break;
      query = `?limit=2&cursor=${body.nextCursor}`;
    }
    expect(seen).toEqual(['a running', 'b pending', 'c pending', 'd pending', 'e pending']);
    await harness.client.cancel(runId, 'enough');
    await harness.fermata.runtime.waitFor(runId);
    const { body } = await harness.call('GET', `/runs/${runId}/results`);
    expect(new Set(body.tasks.map(({ status }: { status: string }) => status))).toEqual(new Set(['cancelled']));
    expect((await harness.call('GET', `/runs/${runId}/status`)).body).toMatchObject({
      status: 'cancelled',
      reason: { code: 'cancelled', message: 'enough' },
      tasks: { total: 5, open: 0, cancelled: 5 },
    });
  });

  it('collectIntermediate: false keeps the output of the run only, once it has ended', async () => {
    const hold = holding();
    const harness = await openFermata({ config: hold.config });
    const { runId } = await startRun(harness, {
      config: { collectIntermediate: false },
      tasks: [code('a'), { name: 'b', kind: 'code', function: 'hold', dependsOn: ['a'] }],
    });
    await hold.called();
    expect((await harness.call('GET', `/runs/${runId}/results`)).body.tasks[0]).toMatchObject({
      status: 'completed',
      output: 'now',
    });
    hold.release({ done: true });
    await harness.fermata.runtime.waitFor(runId);
    expect((await harness.call('GET', `/runs/${runId}/results`)).body).toMatchObject({
      output: { done: true },
      tasks: [{ status: 'completed', output: null }, { output: null }],
    });
  });

  it('shows an error, and what was skipped for it', async () => {
    const harness = await openFermata({ config });
    const runId = await finished(harness, {
      config: { onTaskFailure: 'continue' },
      tasks: [{ name: 'a', kind: 'code', function: 'fail', maxRetries: 0 }, code('b', { dependsOn: ['a'] }), code('c')],
    });
    const { body } = await harness.call('GET', `/runs/${runId}/results`);
    expect(body.tasks).toMatchObject([
      { status: 'failed', error: { code: 'codeFailed', message: expect.stringContaining('broken') } },
      { status: 'skipped', reason: expect.stringContaining('"a"') },
      { status: 'completed' },
    ]);
  });
});

it('carries an output of 10 MB', async () => {
  const hold = holding();
  const harness = await openFermata({ config: hold.config });
  const { runId } = await startRun(harness, { tasks: [{ name: 'a', kind: 'code', function: 'hold' }] });
  await hold.called();
  const big = 'ö'.repeat(10_000_000);
  hold.release({ big });
  await harness.fermata.runtime.waitFor(runId);
  const { body } = await harness.call('GET', `/runs/${runId}/results`);
  expect(body.output.big === big && body.tasks[0].output.big === big).toBe(true);
});

describe('steering', () => {
  it('cancels with a reason; an ended run answers 409', async () => {
    const hold = holding();
    const harness = await openFermata({ config: hold.config });
    const { runId } = await startRun(harness, { tasks: [{ name: 'a', kind: 'code', function: 'hold' }] });
    await hold.called();
    const { status, body } = await harness.call('POST', `/runs/${runId}/cancel`, { reason: 'enough' });
    expect([status, body]).toEqual([202, { runId, status: 'cancelled' }]);
    const again = await harness.call('POST', `/runs/${runId}/cancel`, {});
    expect([again.status, again.body.code, again.body.runStatus]).toEqual([409, 'runEnded', 'cancelled']);
    expect((await harness.call('POST', `/runs/${runId}/pause`)).body.code).toBe('runEnded');
  });

  it('pauses and resumes; twice is 409 with the reason', async () => {
    const hold = holding();
    const harness = await openFermata({ config: hold.config });
    const { call } = harness;
    const { runId } = await startRun(harness, {
      tasks: [{ name: 'a', kind: 'code', function: 'hold' }, code('b', { dependsOn: ['a'] })],
    });
    await hold.called();
    expect((await call('POST', `/runs/${runId}/resume`)).body).toMatchObject({
      code: 'wrongState',
      detail: expect.stringContaining('only a paused run can be resumed'),
    });
    expect((await call('POST', `/runs/${runId}/pause`)).body).toEqual({ runId, status: 'paused' });
    expect((await call('POST', `/runs/${runId}/pause`)).body).toMatchObject({
      status: 409,
      code: 'wrongState',
      runStatus: 'paused',
    });
    hold.release();
    await harness.fermata.runtime.waitFor(runId, ({ counts }) => counts['completed'] === 1);
    expect((await call('GET', `/runs/${runId}/why`)).body.tasks).toMatchObject([
      { task: 'b', status: 'pending', waitsFor: 'resume', moves: `POST /api/v1/runs/${runId}/resume` },
    ]);
    expect((await call('POST', `/runs/${runId}/resume`)).status).toBe(202);
    expect((await harness.fermata.runtime.waitFor(runId)).status).toBe('completed');
  });

  it('deletes ended runs only', async () => {
    const hold = holding();
    const harness = await openFermata({ config: hold.config });
    const { call } = harness;
    const { runId } = await startRun(harness, { tasks: [{ name: 'a', kind: 'code', function: 'hold' }] });
    await hold.called();
    expect((await call('DELETE', `/runs/${runId}`)).body).toMatchObject({ status: 409, code: 'runNotEnded' });
    await call('POST', `/runs/${runId}/cancel`);
    expect((await call('DELETE', `/runs/${runId}`)).status).toBe(204);
    expect((await call('GET', `/runs/${runId}`)).status).toBe(404);
    expect((await call('DELETE', `/runs/${runId}`)).status).toBe(404);
  });
});

describe('looking inside', () => {
  it('GET /journal pages over every entry, without a gap', async () => {
    const harness = await openFermata({ config });
    const runId = await finished(harness, { tasks: [code('a')] });
    const seqs: number[] = [];
    for (let after = '0'; after !== null;) {
      const { body } = await harness.call('GET', `/runs/${runId}/journal?after=${after}&limit=3`);
      seqs.push(...body.items.map(({ seq }: { seq: number }) => seq));
      expect(body.items[0]).toMatchObject({
        timestamp: expect.stringMatching(/Z$/),
        kind: expect.any(String),
        actor: expect.any(String),
        type: expect.any(String),
      });
      after = body.nextCursor;
    }
    const { seq } = (await harness.call('GET', `/runs/${runId}`)).body;
    expect(seqs).toEqual(Array.from({ length: seq }, (_, index) => index + 1));
  });

  it('GET /snapshot?at= beyond the last entry: 400', async () => {
    const harness = await openFermata({ config });
    const runId = await finished(harness, { tasks: [code('a')] });
    const { seq } = (await harness.call('GET', `/runs/${runId}`)).body;
    expect((await harness.call('GET', `/runs/${runId}/snapshot?at=${seq}`)).status).toBe(200);
    expect((await harness.call('GET', `/runs/${runId}/snapshot?at=${seq + 1}`)).body).toMatchObject({
      status: 400,
      errors: [{ path: 'query.at', message: `expected at most ${seq}, the number of the last entry, came ${seq + 1}` }],
    });
  });

  it("GET /snapshot is XState's own form, now and as of an entry", async () => {
    const harness = await openFermata({ config: { machines: { 'door@1': door } } });
    const { call } = harness;
    const { runId } = (await call('POST', '/machines/door/runs', { input: { opened: 3 } })).body;
    await call('POST', `/runs/${runId}/events`, { type: 'open' });
    const { body: now } = await call('GET', `/runs/${runId}/snapshot`);
    expect(now).toMatchObject({
      status: 'active',
      value: 'open',
      context: { opened: 4 },
      children: {},
      pendingTimers: [{ due: expect.stringMatching(/Z$/), event: 'xstate.after.60000.door.open' }],
    });
    const actor = createActor(door, { snapshot: now, input: { opened: 0 } }).start();
    actor.send({ type: 'close' });
    expect(actor.getSnapshot()).toMatchObject({ value: 'closed', context: { opened: 4 } });
    actor.stop();
    const { body: before } = await call('GET', `/runs/${runId}/snapshot?at=1`);
    expect(before).toMatchObject({ value: 'closed', context: { opened: 3 } });
    expect((await call('GET', `/runs/${runId}/snapshot?actor=/nobody`)).body.code).toBe('notFound');
    expect((await call('GET', `/runs/${runId}/snapshot?at=0`)).status).toBe(400);
  });

  it('GET /why names what each open task waits for', async () => {
    const hold = holding();
    const harness = await openFermata({ config: hold.config });
    const held = { kind: 'code', function: 'hold' };
    const { runId } = await startRun(harness, {
      config: { breadth: 2 },
      tasks: [
        { name: 'asked', ...held, requiresApproval: true, approvalPrompt: 'Go?', approvalTimeoutSeconds: 3_600 },
        { name: 'one', ...held },
        { name: 'two', ...held },
        { name: 'late', ...held },
        { name: 'last', ...held, dependsOn: ['one', 'two'] },
      ],
    });
    await harness.fermata.runtime.waitFor(runId, ({ counts }) => counts['approvals'] === 1);
    await hold.called();
    const { body } = await harness.call('GET', `/runs/${runId}/why`);
    expect(body.blocked).toBeNull();
    expect(body.tasks).toMatchObject([
      {
        task: 'asked',
        status: 'awaitingApproval',
        waitsFor: 'approval',
        prompt: 'Go?',
        until: expect.stringMatching(/Z$/),
        moves: expect.stringContaining(`/runs/${runId}/tasks/asked/approve`),
      },
      { task: 'one', status: 'running', waitsFor: 'call', since: expect.any(String), until: expect.any(String) },
      { task: 'two', status: 'running', waitsFor: 'call' },
      { task: 'late', status: 'pending', waitsFor: 'slot' },
      { task: 'last', status: 'pending', waitsFor: 'dependencies', dependencies: ['one', 'two'] },
    ]);
    await harness.client.cancel(runId);
    expect((await harness.call('GET', `/runs/${runId}/why`)).body.tasks).toEqual([]);
  });

  it('lists at most 1,000 tasks, those that live first', async () => {
    const hold = holding();
    const harness = await openFermata({ config: hold.config });
    const tasks = Array.from({ length: 1_500 }, (_, index) => ({
      name: `t${index}`,
      kind: 'code',
      function: 'hold',
      dependsOn: index === 1_499 ? [] : ['t1499'],
    }));
    const { runId } = await startRun(harness, { tasks });
    await hold.called();
    const { body } = await harness.call('GET', `/runs/${runId}/why`);
    expect(body.tasks).toHaveLength(1_000);
    expect(body.tasks[0]).toMatchObject({ task: 't1499', waitsFor: 'call' });
    expect(body.note).toContain('500 more tasks');
    await harness.client.cancel(runId);
  });

  it('shows a retry with its date', async () => {
    const harness = await openFermata({ config });
    const { runId } = await startRun(harness, {
      tasks: [
        {
          name: 'a',
          kind: 'code',
          function: 'fail',
          retry: { maxRetries: 1, initialSeconds: 3_600, maxSeconds: 7_200 },
        },
      ],
    });
    await harness.fermata.runtime.waitFor(runId, ({ counts }) => counts['retries'] === 1);
    const { body } = await harness.call('GET', `/runs/${runId}/why`);
    expect(body.tasks).toMatchObject([
      { task: 'a', status: 'retrying', waitsFor: 'backoff', until: expect.stringMatching(/Z$/) },
    ]);
    expect((await harness.call('GET', `/runs/${runId}/results`)).body.tasks[0]).toMatchObject({
      status: 'retrying',
      error: { code: 'codeFailed' },
    });
    await harness.client.cancel(runId);
  });

  it('a run whose machine is gone is shown, and why says so', async () => {
    const harness = await openFermata({ config: { machines: { 'door@1': door } } });
    const { runId } = (await harness.call('POST', '/machines/door/runs', { input: { opened: 0 } })).body;
    await harness.fermata.close();
    const later = await openFermata({ database: harness.database, mayLeaveWork: true });
    expect((await later.call('GET', '/runs?blocked=true')).body.items, 'before it is to move').toMatchObject([
      { runId, blocked: { code: 'machineMissing', message: expect.stringContaining('door@1') as string } },
    ]);
    await later.call('POST', `/runs/${runId}/events`, { type: 'open' });
    expect((await later.call('GET', `/runs/${runId}`)).body).toMatchObject({
      runId,
      machine: 'door@1',
      acceptedEvents: [],
    });
    expect((await later.call('GET', `/runs/${runId}/why`)).body.blocked).toMatchObject({ code: 'machineMissing' });
    expect((await later.call('GET', `/runs/${runId}/snapshot`)).body.code).toBe('machineMissing');
  });
});

const door = setup({
  types: {} as { context: { opened: number }; input: { opened: number }; events: { type: 'open' } | { type: 'close' } },
}).createMachine({
  id: 'door',
  context: ({ input }) => ({ opened: input.opened }),
  initial: 'closed',
  states: {
    closed: { on: { open: { target: 'open', actions: assign({ opened: ({ context }) => context.opened + 1 }) } } },
    open: { on: { close: 'closed' }, after: { 60_000: 'closed' } },
  },
});
