import { expect, it } from 'vitest';
import { createLogger, toRuntimeLog } from '../../src/http/log.ts';
import { openFermata } from '../harness/fermata.ts';
import { lines } from './log-lines.ts';

it('logs each request with its id, its run, its route and its status', async () => {
  const { destination, entries } = lines();
  const { call } = await openFermata({ log: createLogger({ level: 'info', destination }) });
  await call('GET', '/runs/r-1/status', undefined, { 'x-request-id': 'req-1', authorization: 'Bearer abc' });
  expect(entries()).toEqual([
    {
      level: 'info',
      time: expect.any(String),
      requestId: 'req-1',
      method: 'GET',
      route: '/api/v1/runs/:id/status',
      status: 404,
      ms: expect.any(Number),
      runId: 'r-1',
      msg: 'request',
    },
  ]);
});

it('logs what failed with its cause, which the answer does not tell', async () => {
  const { destination, entries } = lines();
  const { app } = await openFermata({ log: createLogger({ level: 'info', destination }) });
  app.get('/broken', () => {
    throw new TypeError('the cause');
  });
  await app.request('/broken');
  expect(entries()).toMatchObject([
    { level: 'error', status: 500, error: { type: 'TypeError', message: 'the cause', stack: expect.any(String) } },
  ]);
});

it('puts the request id on what is logged meanwhile', async () => {
  const { destination, entries } = lines();
  const log = createLogger({ level: 'info', destination });
  const { app } = await openFermata({ log });
  app.get('/talks', (c) => {
    toRuntimeLog(log)('inside', { runId: 'r' });
    return c.text('');
  });
  await app.request('/talks', { headers: { 'x-request-id': 'req-2' } });
  log.info('outside');
  expect(entries()).toMatchObject([
    { msg: 'inside', requestId: 'req-2', runId: 'r' },
    { msg: 'request', requestId: 'req-2' },
    { msg: 'outside' },
  ]);
  expect(entries()[2]).not.toHaveProperty('requestId');
});

it('does not put a request on what it has set going, once it is answered', async () => {
  const { destination, entries } = lines();
  const log = createLogger({ level: 'info', destination });
  const { app } = await openFermata({ log });
  const answered = Promise.withResolvers<void>();
  let later = Promise.resolve();
  app.get('/begins', (c) => {
    later = answered.promise.then(() => toRuntimeLog(log)('a commit failed', { error: 'disk full' }));
    toRuntimeLog(log)('first', { runId: 'r', detail: 1 });
    toRuntimeLog(log)('second', {});
    return c.text('');
  });
  await app.request('/begins', { headers: { 'x-request-id': 'req-3' } });
  answered.resolve();
  await later;
  const time = expect.any(String) as string;
  expect(entries().slice(1)).toEqual([
    { level: 'info', time, requestId: 'req-3', msg: 'second' },
    expect.objectContaining({ msg: 'request', requestId: 'req-3' }),
    { level: 'error', time, error: 'disk full', msg: 'a commit failed' },
  ]);
});

it('redacts by name and by value', () => {
  const { destination, texts, entries } = lines();
  const secret = 'sk-"quoted"-1234';
  const log = createLogger({ level: 'info', destination, secrets: [secret, undefined, 'short'] });
  log.info(
    {
      Authorization: 'hidden-1',
      request: { first: { headers: { 'x-api-key': 'hidden-2', 'set-cookie': ['hidden-3'] } } },
      env: { OPENAI_API_KEY: 'hidden-4' },
    },
    `calling with ${secret}`,
  );
  log.error({ error: new Error(`401: ${secret} is wrong`), password: 'hidden-5' }, 'failed');
  const text = texts.join('');
  for (const hidden of ['hidden-', 'quoted']) expect(text).not.toContain(hidden);
  expect(entries()).toMatchObject([
    { msg: 'calling with [redacted]' },
    { error: { type: 'Error', message: '401: [redacted] is wrong', stack: expect.any(String) } },
  ]);
});

it('takes what the runtime says', () => {
  const { destination, entries } = lines();
  const say = toRuntimeLog(createLogger({ level: 'info', destination }));
  say('a run was blocked', { runId: 'r' });
  say('a listener threw', { error: 'Error: x' });
  expect(entries()).toMatchObject([
    { level: 'info', msg: 'a run was blocked', runId: 'r' },
    { level: 'error', error: 'Error: x' },
  ]);
});
