import { describe, expect, it } from 'vitest';
import { ManualClock } from '../harness/clock.ts';
import { openFermata } from '../harness/fermata.ts';
import { holding, startRun } from './documents.ts';

const asked = (name: string, more: object = {}) => ({
  name,
  kind: 'code',
  function: 'now',
  requiresApproval: true,
  approvalPrompt: `May ${name}?`,
  ...more,
});
const { config } = holding();

describe('approvals', () => {
  it('are listed, decided once, and then 409 with what was decided', async () => {
    const harness = await openFermata({ config });
    const { call, fermata } = harness;
    const { runId } = await startRun(harness, { tasks: [asked('a'), asked('b'), asked('c')] });
    await fermata.runtime.waitFor(runId, ({ counts }) => counts['approvals'] === 3);
    const { body: page } = await call('GET', '/approvals?limit=2');
    expect(page.items).toMatchObject([
      {
        runId,
        task: 'a',
        status: 'pending',
        prompt: 'May a?',
        expiresAt: null,
        decision: null,
        links: { approve: `/api/v1/runs/${runId}/tasks/a/approve` },
      },
      { task: 'b' },
    ]);
    expect((await call('GET', `/approvals?limit=2&cursor=${page.nextCursor}`)).body).toMatchObject({
      items: [{ task: 'c' }],
      nextCursor: null,
    });

    expect(
      await call('POST', `/runs/${runId}/tasks/a/approve`, { approved: true, by: 'Ada', reason: 'fine' }),
    ).toMatchObject({ status: 202, body: { runId } });
    const late = await call('POST', `/runs/${runId}/tasks/a/approve`, { approved: false });
    expect([late.status, late.body.code]).toEqual([409, 'alreadyDecided']);
    expect(late.body.decision).toEqual({
      status: 'approved',
      approved: true,
      by: 'Ada',
      reason: 'fine',
      at: expect.stringMatching(/Z$/),
    });
    expect((await call('GET', '/approvals?status=approved')).body.items).toMatchObject([
      { task: 'a', decision: { by: 'Ada' } },
    ]);
    expect((await call('GET', '/approvals')).body.items).toHaveLength(2);
    await harness.client.cancel(runId);
    expect((await call('POST', `/runs/${runId}/tasks/b/approve`, { approved: true })).body).toMatchObject({
      code: 'alreadyDecided',
      decision: { status: 'cancelled' },
    });
  });

  it('twice at the same moment: one wins', async () => {
    const harness = await openFermata({ config });
    const { runId } = await startRun(harness, { tasks: [asked('a')] });
    await harness.fermata.runtime.waitFor(runId, ({ status }) => status === 'waiting');
    const answers = await Promise.all(
      [true, false, true].map((approved) => harness.call('POST', `/runs/${runId}/tasks/a/approve`, { approved })),
    );
    expect(answers.map(({ status }) => status)).toEqual([202, 409, 409]);
    expect(answers[1]?.body).toMatchObject({ code: 'alreadyDecided', decision: { approved: true } });
    await harness.fermata.runtime.waitFor(runId);
  });

  it('a refusal is a rejection with who and why', async () => {
    const harness = await openFermata({ config });
    const { runId } = await startRun(harness, { tasks: [asked('a')] });
    await harness.fermata.runtime.waitFor(runId, ({ status }) => status === 'waiting');
    await harness.client.approve(runId, 'a', { approved: false, by: 'Ada', reason: 'too dear' });
    await harness.fermata.runtime.waitFor(runId);
    expect((await harness.call('GET', `/runs/${runId}/results`)).body).toMatchObject({
      status: 'failed',
      tasks: [{ status: 'rejected', error: { code: 'taskRejected', message: expect.stringContaining('Ada') } }],
    });
  });

  it('expire on their date', async () => {
    const clock = new ManualClock();
    const harness = await openFermata({ config, clock });
    const { runId } = await startRun(harness, { tasks: [asked('a', { approvalTimeoutSeconds: 60 })] });
    await harness.fermata.runtime.waitFor(runId, ({ status }) => status === 'waiting');
    expect((await harness.call('GET', '/approvals')).body.items[0].expiresAt).toBe(
      new Date(clock.now() + 60_000).toISOString(),
    );
    await clock.advance(60_000, () => harness.fermata.runtime.idle());
    await harness.fermata.runtime.waitFor(runId);
    expect((await harness.call('POST', `/runs/${runId}/tasks/a/approve`, { approved: true })).body).toMatchObject({
      code: 'alreadyDecided',
      decision: { status: 'expired', approved: false },
    });
  });

  it('409 where none was asked for; 404 for an unknown task; 422 for edits', async () => {
    const hold = holding();
    const harness = await openFermata({ config: hold.config });
    const { runId } = await startRun(harness, {
      tasks: [{ name: 'a', kind: 'code', function: 'hold' }, asked('b', { dependsOn: ['a'] })],
    });
    await hold.called();
    expect((await harness.call('POST', `/runs/${runId}/tasks/a/approve`, { approved: true })).body).toMatchObject({
      status: 409,
      code: 'notAwaitingApproval',
      taskStatus: 'running',
    });
    expect((await harness.call('POST', `/runs/${runId}/tasks/b/approve`, { approved: true })).body).toMatchObject({
      code: 'notAwaitingApproval',
      taskStatus: 'pending',
    });
    expect((await harness.call('POST', `/runs/${runId}/tasks/z/approve`, { approved: true })).body).toMatchObject({
      code: 'notFound',
    });
    expect(
      (await harness.call('POST', `/runs/${runId}/tasks/b/approve`, { approved: true, edits: { prompt: 'x' } })).body,
    ).toMatchObject({ code: 'notSupported', errors: [{ path: 'edits' }] });
    await harness.client.cancel(runId);
  });

  it('names with emoji, quotes and percent signs find their task', async () => {
    const harness = await openFermata({ config });
    const name = '⏳ "it\'s" 100 %2F? #1';
    const { runId } = await startRun(harness, { name: 'quotes "and" 🎼', tasks: [asked(name)] });
    await harness.fermata.runtime.waitFor(runId, ({ status }) => status === 'waiting');
    const { items } = await harness.client.approvals();
    expect(items[0]?.task).toBe(name);
    const response = await harness.app.request(items[0]?.links.approve ?? '', {
      method: 'POST',
      body: '{"approved":true}',
      headers: { 'content-type': 'application/json' },
    });
    expect(response.status).toBe(202);
    expect((await harness.fermata.runtime.waitFor(runId)).status).toBe('completed');
  });
});

describe('cancelling a task', () => {
  it('that runs, that has not begun; a settled one: 409', async () => {
    const hold = holding();
    const harness = await openFermata({ config: hold.config });
    const { call, fermata } = harness;
    const held = { kind: 'code', function: 'hold' };
    const { runId } = await startRun(harness, {
      config: { onTaskFailure: 'continue' },
      tasks: [
        { name: 'a', ...held },
        { name: 'b', kind: 'code', function: 'now', dependsOn: ['c'] },
        { name: 'c', ...held },
        { name: 'd', kind: 'code', function: 'now', dependsOn: ['c'] },
      ],
    });
    await hold.called();
    expect((await call('POST', `/runs/${runId}/tasks/b/cancel`, { reason: 'not needed' })).status).toBe(202);
    expect((await call('POST', `/runs/${runId}/tasks/a/cancel`, { reason: 'too slow' })).status).toBe(202);
    expect((await call('POST', `/runs/${runId}/tasks/a/cancel`)).body).toMatchObject({
      status: 409,
      code: 'taskSettled',
      taskStatus: 'cancelled',
    });
    hold.release();
    await fermata.runtime.waitFor(runId);
    expect((await call('GET', `/runs/${runId}/results`)).body).toMatchObject({
      status: 'completed',
      tasks: [
        { status: 'cancelled', reason: 'too slow' },
        { status: 'cancelled', reason: 'not needed' },
        { status: 'completed' },
        { status: 'completed' },
      ],
    });
    expect((await call('POST', `/runs/${runId}/tasks/c/cancel`)).body).toMatchObject({
      code: 'taskSettled',
      taskStatus: 'completed',
    });
  });
});

it('cancelling a task twice at the same moment counts it once', async () => {
  const hold = holding();
  const { config: held } = hold;
  const harness = await openFermata({ config: held });
  const { runId } = await startRun(harness, {
    config: { onTaskFailure: 'continue' },
    tasks: [
      { name: 'a', kind: 'code', function: 'hold' },
      { name: 'b', kind: 'code', function: 'now', dependsOn: ['a'] },
      { name: 'c', kind: 'code', function: 'now', dependsOn: ['a'] },
    ],
  });
  await hold.called();
  const answers = await Promise.all([1, 2].map(() => harness.call('POST', `/runs/${runId}/tasks/b/cancel`)));
  expect(answers.every(({ status }) => status === 202 || status === 409)).toBe(true);
  hold.release();
  await harness.fermata.runtime.waitFor(runId);
  expect((await harness.call('GET', `/runs/${runId}/status`)).body).toMatchObject({
    status: 'completed',
    tasks: { completed: 2, cancelled: 1 },
  });
});

describe('a task in doubt', () => {
  it('is settled by retry, after a restart', async () => {
    const first = holding();
    const harness = await openFermata({ config: first.config, mayLeaveWork: true });
    const { runId } = await startRun(harness, {
      tasks: [{ name: 'pay', kind: 'code', function: 'hold', onInDoubt: 'ask' }],
    });
    await first.called();
    expect((await harness.call('POST', `/runs/${runId}/tasks/pay/retry`)).body).toMatchObject({
      status: 409,
      code: 'wrongState',
      taskStatus: 'running',
    });
    await harness.fermata.close();

    const second = holding();
    const { call, fermata } = await openFermata({ database: harness.database, config: second.config });
    await fermata.runtime.waitFor(runId, ({ status }) => status === 'waiting');
    expect((await call('GET', `/runs/${runId}/why`)).body.tasks).toMatchObject([
      { task: 'pay', status: 'inDoubt', waitsFor: 'decision', moves: expect.stringContaining('/tasks/pay/retry') },
    ]);
    const dearer = { config: { budget: { maxCostDollars: 1 } } };
    expect((await call('POST', `/runs/${runId}/tasks/pay/retry`, dearer)).body).toMatchObject({
      status: 400,
      errors: [{ path: 'config', message: expect.stringContaining('leave it out') }],
    });
    expect((await call('POST', `/runs/${runId}/tasks/pay/retry`)).status).toBe(202);
    await second.called();
    second.release('paid');
    expect((await fermata.runtime.waitFor(runId)).output).toBe('paid');
    expect((await call('GET', `/runs/${runId}/results`)).body.tasks[0]).toMatchObject({
      status: 'completed',
      wasInDoubt: true,
      attempts: 1,
    });
  });

  it('under an Idempotency-Key it is called again once, however often and late that is asked for', async () => {
    const first = holding();
    const harness = await openFermata({ config: first.config, mayLeaveWork: true });
    const { runId } = await startRun(harness, {
      tasks: [{ name: 'pay', kind: 'code', function: 'hold', onInDoubt: 'ask', maxRetries: 0 }],
    });
    await first.called();
    await harness.fermata.close();

    const second = holding();
    const { call, fermata, client } = await openFermata({ database: harness.database, config: second.config });
    await fermata.runtime.waitFor(runId, ({ status }) => status === 'waiting');
    const path = `/runs/${runId}/tasks/pay/retry`;
    const retry = (key?: string) => call('POST', path, {}, key === undefined ? {} : { 'idempotency-key': key });
    // Nobody can take it by a message of their own.
    const event = { type: 'go', id: 'fermata.retry/pay/once' };
    expect((await call('POST', `/runs/${runId}/events`, event)).status).toBe(409);
    const both = await Promise.all([retry('once'), retry('once')]);
    expect(both.map(({ status, body }) => [status, body.runId])).toEqual([
      [202, runId],
      [202, runId],
    ]);
    expect(await retry('once')).toMatchObject({ status: 202, body: { runId } });
    expect(await retry('another')).toMatchObject({ status: 409, body: { code: 'wrongState' } });
    await second.called();
    second.release(Symbol('nobody can keep it'));
    expect((await fermata.runtime.waitFor(runId)).status).toBe('failed');
    // It would be tried in a new run, were it not the request that was taken before.
    expect(await retry('once')).toMatchObject({ status: 202, body: { runId } });
    expect((await client.runs({})).items).toHaveLength(1);
  });
});

describe('an item of a map that is cancelled', () => {
  /** Both of its items wait for a decision, and the second one is cancelled. */
  async function cancelled(onItemFailure: string) {
    const harness = await openFermata({ config });
    const { call, fermata } = harness;
    const item = { kind: 'code', function: 'now', requiresApproval: true, approvalPrompt: 'Go on?' };
    const { runId } = await startRun(harness, {
      tasks: [{ name: 'each', kind: 'map', items: '["a", "b", "c"]', concurrency: 2, onItemFailure, task: item }],
    });
    await fermata.runtime.waitFor(runId, ({ counts }) => counts['approvals'] === 2);
    const cancel = `/runs/${runId}/tasks/${encodeURIComponent('each[1]')}/cancel`;
    expect((await call('POST', cancel, { reason: 'this one is not needed' })).status).toBe(202);
    return { ...harness, runId };
  }

  it('stop: is said to be cancelled, by the map and by the others that go with it', async () => {
    const { call, fermata, runId } = await cancelled('stop');
    await fermata.runtime.waitFor(runId);
    const { body } = await call('GET', `/runs/${runId}/results`);
    const message = '3 of 3 items of "each" were cancelled; first "each[1]": this one is not needed';
    expect(body).toMatchObject({
      status: 'failed',
      tasks: [
        { name: 'each', status: 'failed', error: { code: 'itemFailed', message } },
        { name: 'each[0]', status: 'cancelled' },
        { name: 'each[1]', status: 'cancelled' },
      ],
    });
    const facts = await fermata.runtime.journal(runId, { kind: 'fact', limit: 100 });
    const reasons = facts.flatMap(({ type, data }) => (type === 'task_cancelled' ? [data] : []));
    expect(reasons).toMatchObject([
      { task: 'each[1]', reason: 'this one is not needed' },
      { task: 'each[0]', reason: 'Task "each[1]" was cancelled.' },
    ]);
    expect((await call('GET', `/runs/${runId}`)).body.reason).toMatchObject({ code: 'itemFailed', message });
  });

  it('collect: has its place in the list, as cancelled', async () => {
    const { call, fermata, runId } = await cancelled('collect');
    for (const task of ['each[0]', 'each[2]']) {
      await fermata.runtime.idle();
      const path = `/runs/${runId}/tasks/${encodeURIComponent(task)}/approve`;
      expect((await call('POST', path, { approved: true })).status).toBe(202);
    }
    const { status, output } = await fermata.runtime.waitFor(runId);
    const error = { code: 'cancelled', message: 'this one is not needed' };
    expect([status, (output as object[]).map((one) => ('error' in Object(one) ? one : 'fine'))]).toMatchObject([
      'completed',
      ['fine', { error }, 'fine'],
    ]);
  });
});
