import { describe, expect, it } from 'vitest';
import { assign, createActor, setup } from 'xstate';
import { openFermata, type Harness } from '../harness/fermata.ts';

const order = setup({
  types: {} as {
    context: { items: string[]; paid: number };
    input: { items: string[] };
    events: { type: 'add'; item: string } | { type: 'pay'; amount: number } | { type: 'ship' };
  },
}).createMachine({
  id: 'order',
  context: ({ input }) => ({ items: input.items, paid: 0 }),
  initial: 'open',
  states: {
    open: {
      on: {
        add: { actions: assign({ items: ({ context, event }) => [...context.items, event.item] }) },
        pay: {
          target: 'paid',
          guard: ({ event }) => event.amount > 0,
          actions: assign({ paid: ({ event }) => event.amount }),
        },
      },
      after: { 86_400_000: 'expired' },
    },
    paid: { on: { ship: 'shipped' } },
    shipped: { type: 'final' },
    expired: { type: 'final' },
  },
  output: ({ context }) => context,
});
const config = { machines: { 'order@1': order } };

describe('runs of a machine of ones own', () => {
  it('are listed, started, sent to, read', async () => {
    const { call, fermata } = await openFermata({ config });
    expect((await call('GET', '/machines')).body.items).toEqual([
      { name: 'order', version: '1', machine: 'order@1', builtIn: false },
      { name: 'workflow', version: '1', machine: 'workflow@1', builtIn: true },
      { name: 'workflow', version: '2', machine: 'workflow@2', builtIn: true },
    ]);
    const { status, body } = await call('POST', '/machines/order/runs', { input: { items: ['tea'] }, tags: ['t'] });
    expect([status, body.status]).toEqual([202, 'waiting']);
    const at = `/runs/${body.runId}`;
    expect((await call('GET', at)).body).toMatchObject({
      workflow: null,
      machine: 'order@1',
      state: 'open',
      status: 'waiting',
      input: { items: ['tea'] },
      acceptedEvents: ['add', 'pay'],
      tags: ['t'],
      tasks: [],
    });
    expect((await call('POST', `${at}/events`, { type: 'add', item: '☕ "x"' })).body).toMatchObject({
      runId: body.runId,
      status: 'waiting',
      seq: expect.any(Number),
    });
    expect((await call('GET', `${at}/why`)).body.actors).toMatchObject([
      {
        actor: '/',
        state: 'open',
        accepts: expect.arrayContaining(['add', 'pay']),
        until: expect.stringMatching(/Z$/),
      },
    ]);
    await call('POST', `${at}/events`, { type: 'pay', amount: 3 });
    await call('POST', `${at}/events`, { type: 'ship' });
    await fermata.runtime.waitFor(body.runId);
    expect((await call('GET', at)).body).toMatchObject({
      status: 'completed',
      state: 'shipped',
      output: { items: ['tea', '☕ "x"'], paid: 3 },
      acceptedEvents: [],
    });
    expect((await call('GET', `${at}/results`)).body).toMatchObject({ output: { paid: 3 }, tasks: [] });
  });

  it('an event that is not accepted now: 409 with those that are', async () => {
    const { call, client } = await openFermata({ config });
    const { runId } = (await call('POST', '/machines/order@1/runs', { input: { items: [] } })).body;
    const wrong = await call('POST', `/runs/${runId}/events`, { type: 'ship' });
    expect([wrong.status, wrong.body.code, wrong.body.accepts]).toEqual([409, 'eventNotAccepted', ['add', 'pay']]);
    expect((await call('POST', `/runs/${runId}/events`, { type: 'pay', amount: -1 })).status).toBe(409);
    expect((await call('POST', `/runs/${runId}/events`, { type: 'xstate.after.1.order.open' })).body.code).toBe(
      'invalidRequest',
    );
    expect((await call('POST', `/runs/${runId}/events`, { type: 'fermata.cancel' })).body.code).toBe('invalidRequest');
    await client.cancel(runId);
    expect((await call('POST', `/runs/${runId}/events`, { type: 'pay', amount: 1 })).body).toMatchObject({
      status: 409,
      code: 'runEnded',
    });
  });

  it('an event with an id is taken once', async () => {
    const { call, client } = await openFermata({ config });
    const { runId } = (await call('POST', '/machines/order/runs', { input: { items: [] } })).body;
    const send = () => call('POST', `/runs/${runId}/events`, { type: 'add', item: 'tea', id: 'e1' });
    const [one, other] = await Promise.all([send(), send()]);
    expect(one.body.seq).toBe(other.body.seq);
    expect((await send()).body.seq).toBe(one.body.seq);
    expect((await client.snapshot(runId)).context).toEqual({ items: ['tea'], paid: 0 });
    await client.cancel(runId);
  });

  it('pause: 409 where the machine does not know it', async () => {
    const { call, client } = await openFermata({ config });
    const { runId } = (await call('POST', '/machines/order/runs', { input: { items: [] } })).body;
    expect((await call('POST', `/runs/${runId}/pause`)).body).toMatchObject({
      status: 409,
      code: 'wrongState',
      detail: expect.stringContaining('does not handle "fermata.pause"'),
    });
    expect((await call('POST', `/runs/${runId}/tasks/x/cancel`)).body).toMatchObject({
      status: 404,
      detail: expect.stringContaining('has no tasks'),
    });
    await client.cancel(runId);
  });
});

it("a machine that is a part of the house is nobody else's to start", async () => {
  const { call } = await openFermata({ config });
  const answer = await call('POST', '/machines/budget/runs', { input: { limit: 1 } });
  expect(answer).toMatchObject({ status: 404, body: { code: 'notFound' } });
  expect(answer.body['detail']).not.toContain('budget@1');
});

it('GET /machines pages', async () => {
  const { call } = await openFermata({ config });
  const { body: first } = await call('GET', '/machines?limit=1');
  expect(first).toMatchObject({ items: [{ name: 'order' }], nextCursor: expect.any(String) });
  const { body: second } = await call('GET', `/machines?limit=1&cursor=${first.nextCursor}`);
  expect(second).toMatchObject({ items: [{ machine: 'workflow@1' }], nextCursor: expect.any(String) });
  const { body: last } = await call('GET', `/machines?limit=1&cursor=${second.nextCursor}`);
  expect(last).toMatchObject({ items: [{ machine: 'workflow@2' }], nextCursor: null });
});

describe('from a snapshot', () => {
  it('goes on, and says which delays it cannot restore', async () => {
    const { call, client } = await openFermata({ config });
    const actor = createActor(order, { input: { items: ['tea'] } }).start();
    const snapshot = actor.getPersistedSnapshot();
    actor.stop();
    const { status, body } = await call('POST', '/machines/order/runs', { snapshot });
    expect(status).toBe(202);
    expect(body.notRestored).toEqual([
      { state: 'order.open', event: 'xstate.after.86400000.order.open', delay: 86_400_000 },
    ]);
    await call('POST', `/runs/${body.runId}/events`, { type: 'pay', amount: 1 });
    expect((await client.snapshot(body.runId)).value).toBe('paid');
    const round = await call('POST', '/machines/order/runs', { snapshot: await client.snapshot(body.runId) });
    expect([round.status, round.body.notRestored]).toEqual([202, []]);
    await client.cancel(body.runId);
    await client.cancel(round.body.runId);
  });

  it('refuses what is none, or none of this machine', async () => {
    const { call } = await openFermata({ config });
    for (const snapshot of ['x', {}, { status: 'active', value: 'nowhere', context: {} }]) {
      const { status, body } = await call('POST', '/machines/order/runs', { snapshot });
      expect([snapshot, status, body.code]).toEqual([snapshot, 400, 'invalidRequest']);
    }
    expect((await call('POST', '/machines/order/runs', { snapshot: {}, input: {} })).body.errors[0].path).toBe(
      'snapshot',
    );
    expect((await call('POST', '/machines/workflow/runs', { input: {} })).body.code).toBe('invalidRequest');
    expect((await call('GET', '/runs')).body.items).toEqual([]);
  });

  it('Idempotency-Key: the same run, also where the machine is not registered any more', async () => {
    const ended = setup({}).createMachine({ id: 'brief', initial: 'over', states: { over: { type: 'final' } } });
    const before = await openFermata({ config: { machines: { 'brief@1': ended } } });
    const start = (harness: Harness) => harness.call('POST', '/machines/brief/runs', {}, { 'idempotency-key': 'k' });
    const first = await start(before);
    await before.fermata.runtime.waitFor(first.body.runId);
    await before.close();
    for (const machines of [{}, { 'brief@1': ended, 'brief@2': ended }]) {
      const harness = await openFermata({ config: { machines }, database: before.database });
      const again = await start(harness);
      expect([again.status, again.body.runId]).toEqual([202, first.body.runId]);
      await harness.close();
    }
  });

  it('Idempotency-Key: one run', async () => {
    const { call, client } = await openFermata({ config });
    const start = () => call('POST', '/machines/order/runs', { input: { items: [] } }, { 'idempotency-key': 'k' });
    const [one, other] = await Promise.all([start(), start()]);
    expect(one.body.runId).toBe(other.body.runId);
    await client.cancel(one.body.runId);
  });
});
