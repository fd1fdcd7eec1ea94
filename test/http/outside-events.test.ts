/** Tasks that wait, over HTTP: events, what is legal now, why a run waits. */
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../harness/clock.ts';
import { openFermata } from '../harness/fermata.ts';
import { holding, startRun } from './documents.ts';

const hold = (name: string) => ({ name, kind: 'code', function: 'hold' });
const paid = (name: string, more: object = {}) => ({
  name,
  kind: 'wait',
  event: { type: 'paid', filter: 'event.amount >= input.least' },
  ...more,
});
const INPUT = { input: { least: 10 } };

describe('an event from outside', () => {
  it('is accepted early, taken once, and refused late', async () => {
    const held = holding();
    const harness = await openFermata({ config: held.config });
    const { call, fermata } = harness;
    const { runId } = await startRun(harness, { tasks: [hold('bill'), paid('p', { dependsOn: ['bill'] })] }, INPUT);
    await held.called();
    const send = (body: unknown) => call('POST', `/runs/${runId}/events`, body);

    const early = await send({ type: 'paid', id: 'm1', amount: 12 });
    expect([early.status, early.body]).toEqual([202, { runId, status: 'running', seq: expect.any(Number) }]);
    expect((await send({ type: 'paid', id: 'm1', amount: 12 })).body.seq).toBe(early.body.seq);
    const other = await send({ type: 'paid', id: 'm1', amount: 13 });
    expect([other.status, other.body.code]).toEqual([409, 'idempotencyConflict']);
    expect((await call('GET', `/runs/${runId}`)).body.acceptedEvents).toEqual(['paid']);

    held.release();
    const { output } = await fermata.runtime.waitFor(runId);
    expect(output).toEqual({ type: 'paid', amount: 12 });
    const late = await send({ type: 'paid', amount: 12 });
    expect([late.status, late.body.code]).toEqual([409, 'runEnded']);
    expect((await call('GET', `/runs/${runId}`)).body.acceptedEvents).toEqual([]);
  });

  it.each([
    [
      { type: 'payed', amount: 12 },
      409,
      'eventNotAccepted',
      { accepts: ['paid'], reason: 'No task of the workflow waits for it.' },
    ],
    [{ type: 'paid', amount: 9 }, 409, 'eventNotAccepted', { accepts: ['paid'] }],
    [{ type: 'paid' }, 422, 'expressionFailed', { task: 'p', expression: 'event.amount >= input.least' }],
    [{ type: 'fermata.cancel' }, 400, 'invalidRequest', {}],
    [{ amount: 12 }, 400, 'invalidRequest', {}],
  ])('%j is refused: %i %s', async (event, status, code, data) => {
    const harness = await openFermata();
    const { runId } = await startRun(harness, { tasks: [paid('p')] }, INPUT);
    await harness.fermata.runtime.idle();
    const answer = await harness.call('POST', `/runs/${runId}/events`, event);
    expect([answer.status, answer.body]).toEqual([status, expect.objectContaining({ code, ...data })]);
  });
});

describe('why', () => {
  it('says what a task waits for, until when, what would move it, and what was refused', async () => {
    const clock = new ManualClock();
    const harness = await openFermata({ clock });
    const { call } = harness;
    const { runId } = await startRun(
      harness,
      {
        tasks: [
          paid('p', { timeoutSeconds: 60, onTimeout: 'skip' }),
          { name: 'nap', kind: 'wait', seconds: 30 },
          paid('q', { event: { type: 'paid' }, dependsOn: ['nap'] }),
        ],
      },
      INPUT,
    );
    await harness.fermata.runtime.idle();
    await call('POST', `/runs/${runId}/events`, { type: 'paid', note: 'no amount' });
    const { body } = await call('GET', `/runs/${runId}/why`);
    const isoIn = (seconds: number): string => new Date(clock.now() + seconds * 1_000).toISOString();
    const path = `/api/v1/runs/${runId}`;
    expect(body.tasks).toMatchObject([
      {
        task: 'p',
        status: 'running',
        waitsFor: 'event',
        event: { type: 'paid', filter: 'event.amount >= input.least' },
        refused: { code: 'expressionFailed', message: expect.stringContaining('amount') },
        until: isoIn(60),
        moves: `POST ${path}/events {"type": "paid", …}, an event of which event.amount >= input.least is true; its timeout (then: skip); or POST ${path}/tasks/p/cancel`,
      },
      { task: 'nap', waitsFor: 'time', until: isoIn(30), moves: `the date, or POST ${path}/tasks/nap/cancel` },
      { task: 'q', waitsFor: 'dependencies', dependencies: ['nap'] },
    ]);
    expect(body.events).toEqual([{ type: 'paid', accepted: true, reason: 'Task "p" waits for it.' }]);
    expect((await call('GET', `/runs/${runId}`)).body.status).toBe('waiting');
    await harness.client.cancel(runId);
    await harness.fermata.runtime.waitFor(runId);
    expect((await call('GET', `/runs/${runId}/why`)).body).toMatchObject({
      tasks: [],
      events: [{ type: 'paid', accepted: false, reason: 'The run has ended. 1 is kept that nobody took.' }],
    });
  });

  it('says it of the items of a map too, and of the items of an item', async () => {
    const harness = await openFermata();
    const { call, fermata, client } = harness;
    const waits = { kind: 'map', items: '[1, 2]', task: { kind: 'wait', event: { type: 'paid' } } };
    const each = { name: 'each', kind: 'map', items: '["a"]', task: waits };
    const { runId } = await startRun(harness, { tasks: [each, { ...waits, name: 'more' }] });
    await fermata.runtime.idle();
    const { body } = await call('GET', `/runs/${runId}/why`);
    const event = { waitsFor: 'event', event: { type: 'paid' } };
    expect(body.tasks).toMatchObject([
      { task: 'each', waitsFor: 'items' },
      { task: 'more', waitsFor: 'items' },
      { task: 'each[0]', waitsFor: 'items' },
      { task: 'more[0]', ...event },
      { task: 'more[1]', ...event },
      { task: 'each[0][0]', ...event },
      { task: 'each[0][1]', ...event },
    ]);
    await client.cancel(runId);
    await fermata.runtime.waitFor(runId);
  });
});
