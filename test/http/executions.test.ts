import { describe, expect, it } from 'vitest';
import { openFermata } from '../harness/fermata.ts';
import { holding, startRun } from './documents.ts';

const config = { functions: { now: () => 'now' } };
const NOW = { tasks: [{ name: 'a', kind: 'code', function: 'now' }] };

describe('POST /workflows/{id}/execute', () => {
  it('starts a run: 202 with its id, its links and its address', async () => {
    const { call, fermata } = await openFermata({ config });
    const { body: workflow } = await call('POST', '/workflows', { name: 'w', tags: ['doc'], ...NOW });
    const { status, headers, body } = await call('POST', `/workflows/${workflow.id}/execute`, {
      input: { x: 1 },
      tags: ['mine'],
      config: { breadth: 1 },
    });
    expect(status).toBe(202);
    expect(body).toMatchObject({
      runId: expect.any(String),
      status: 'running',
      links: { self: `/api/v1/runs/${body.runId}` },
    });
    expect(headers.get('location')).toBe(body.links.self);
    await fermata.runtime.waitFor(body.runId);
    expect((await call('GET', `/runs/${body.runId}`)).body).toMatchObject({
      status: 'completed',
      input: { x: 1 },
      output: 'now',
      tags: ['doc', 'mine'],
      progress: 100,
    });
  });

  it('takes no body, and an empty one', async () => {
    const { call, fermata } = await openFermata({ config });
    const { body: workflow } = await call('POST', '/workflows', { name: 'w', ...NOW });
    const started = [
      await call('POST', `/workflows/${workflow.id}/execute`),
      await call('POST', `/workflows/${workflow.id}/execute`, ''),
    ];
    for (const { status, body } of started) {
      expect(status).toBe(202);
      await fermata.runtime.waitFor(body.runId);
    }
  });

  it('refuses a run that could not do its work here', async () => {
    const { call } = await openFermata();
    const { body: workflow } = await call('POST', '/workflows', { name: 'w', ...NOW });
    const { status, body } = await call('POST', `/workflows/${workflow.id}/execute`);
    expect([status, body.code]).toEqual([422, 'functionMissing']);
    expect((await call('GET', '/runs')).body.items).toEqual([]);
  });
});

describe('Idempotency-Key', () => {
  it('the same key and body, twice at once and later: one run', async () => {
    const { call, fermata } = await openFermata({ config });
    const { body: workflow } = await call('POST', '/workflows', { name: 'w', ...NOW });
    const execute = (body: unknown) =>
      call('POST', `/workflows/${workflow.id}/execute`, body, { 'idempotency-key': 'k1' });
    const [one, other] = await Promise.all([execute({ input: { a: 1, b: 2 } }), execute({ input: { b: 2, a: 1 } })]);
    expect([one.status, other.status]).toEqual([202, 202]);
    expect(one.body.runId).toBe(other.body.runId);
    await fermata.runtime.waitFor(one.body.runId);
    expect((await execute({ input: { a: 1, b: 2 } })).body.runId).toBe(one.body.runId);
    expect((await call('GET', '/runs')).body.items).toHaveLength(1);
  });

  it('the same key with another body, or for another workflow: 409', async () => {
    const { call, fermata } = await openFermata({ config });
    const { body: workflow } = await call('POST', '/workflows', { name: 'w', ...NOW });
    const { body: another } = await call('POST', '/workflows', { name: 'w2', ...NOW });
    const key = { 'idempotency-key': 'k1' };
    const first = await call('POST', `/workflows/${workflow.id}/execute`, { input: { a: 1 } }, key);
    const second = await call('POST', `/workflows/${workflow.id}/execute`, { input: { a: 2 } }, key);
    const third = await call('POST', `/workflows/${another.id}/execute`, { input: { a: 1 } }, key);
    expect([second.status, second.body.code, third.status]).toEqual([409, 'idempotencyConflict', 409]);
    await fermata.runtime.waitFor(first.body.runId);
  });
});

describe('Idempotency-Key, when the workflow has moved on', () => {
  const strict = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] };

  it.each<[what: string, method: string, document?: unknown]>([
    ['has another input', 'PUT', { name: 'w', input: strict, ...NOW }],
    ['needs what is not here', 'PUT', { name: 'w', tasks: [{ name: 'a', kind: 'code', function: 'gone' }] }],
    ['is deleted', 'DELETE'],
  ])('and %s: the same run; another body is still 409', async (_, method, document) => {
    const { call, fermata } = await openFermata({ config });
    const { body: workflow } = await call('POST', '/workflows', { name: 'w', ...NOW });
    const execute = (input: unknown) =>
      call('POST', `/workflows/${workflow.id}/execute`, { input }, { 'idempotency-key': 'k1' });
    const first = await execute({ a: 1 });
    await fermata.runtime.waitFor(first.body.runId);
    await call(method, `/workflows/${workflow.id}`, document);
    const again = await execute({ a: 1 });
    expect([again.status, again.body.runId, again.body.status]).toEqual([202, first.body.runId, 'completed']);
    expect(again.headers.get('location')).toBe(`/api/v1/runs/${first.body.runId}`);
    const other = await execute({ a: 2 });
    expect([other.status, other.body.code]).toEqual([409, 'idempotencyConflict']);
  });
});

it.each<[config: unknown, path: string, said: string]>([
  [{ bredth: 2 }, 'config.bredth', 'unknown field "bredth": did you mean "breadth"?'],
  [{ breadth: 1_001 }, 'config.breadth', 'expected at most 1000, came a number (1001)'],
  [{ timeoutSeconds: 1e300 }, 'config.timeoutSeconds', 'expected at most 1000000000, came a number (1e+300)'],
  [{ timeoutSeconds: 0 }, 'config.timeoutSeconds', 'expected at least 0.001, came a number (0)'],
  [{ onTaskFailure: 'stopp' }, 'config.onTaskFailure', 'did you mean "stop"?'],
])("a run's config has the document's limits: %j", async (given, path, said) => {
  const { call } = await openFermata({ config });
  const { body: workflow } = await call('POST', '/workflows', { name: 'w', ...NOW });
  const { status, body } = await call('POST', `/workflows/${workflow.id}/execute`, { config: given });
  expect([status, body.errors]).toEqual([400, [{ path, message: expect.stringContaining(said) }]]);
  const document = await call('POST', '/workflows', { name: 'w2', config: given, ...NOW });
  expect([document.status, document.body.errors]).toEqual([422, body.errors]);
});

describe('what is asked of a workflow', () => {
  it('is answered by its latest run, which Content-Location names', async () => {
    const hold = holding();
    const harness = await openFermata({ config: hold.config });
    const { call, fermata } = harness;
    const { workflowId, runId: before } = await startRun(harness, {
      tasks: [{ name: 'a', kind: 'code', function: 'hold' }],
    });
    await hold.called();
    hold.release();
    await fermata.runtime.waitFor(before);
    const { runId } = (await call('POST', `/workflows/${workflowId}/execute`)).body;
    const status = await call('GET', `/workflows/${workflowId}/status`);
    expect(status.headers.get('content-location')).toBe(`/api/v1/runs/${runId}`);
    expect(status.body).toMatchObject({ runId, status: 'running', tasks: { total: 1, open: 1 } });
    expect((await call('GET', `/workflows/${workflowId}/results`)).body).toMatchObject({
      runId,
      tasks: [{ name: 'a', status: 'running' }],
    });
    await hold.called();
    const cancelled = await call('POST', `/workflows/${workflowId}/cancel`, { reason: 'enough' });
    expect([cancelled.status, cancelled.headers.get('content-location')]).toEqual([202, `/api/v1/runs/${runId}`]);
    await fermata.runtime.waitFor(runId);
    const stream = await call('GET', `/workflows/${workflowId}/stream`);
    expect(stream.body).toContain('event: run_cancelled');
    expect(stream.headers.get('content-location')).toBe(`/api/v1/runs/${runId}`);
  });

  it('decides on an approval of the latest run', async () => {
    const harness = await openFermata({ config });
    const { call, fermata } = harness;
    const { workflowId, runId } = await startRun(harness, {
      tasks: [{ name: 'a', kind: 'code', function: 'now', requiresApproval: true }],
    });
    await fermata.runtime.waitFor(runId, ({ status }) => status === 'waiting');
    const { status, headers } = await call('POST', `/workflows/${workflowId}/tasks/a/approve`, { approved: true });
    expect([status, headers.get('content-location')]).toEqual([202, `/api/v1/runs/${runId}`]);
    expect((await fermata.runtime.waitFor(runId)).status).toBe('completed');
  });

  it('404 where it was never executed', async () => {
    const { call } = await openFermata();
    const { body } = await call('POST', '/workflows', { name: 'w', ...NOW });
    expect((await call('GET', `/workflows/${body.id}/status`)).body).toMatchObject({
      code: 'notFound',
      detail: expect.stringContaining('no run yet'),
    });
  });
});
