/** Messages between runs: each is taken once, and none gets lost on the way (R8). */
import { describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import { openRuntime } from '../harness/runtime.ts';
import { counter } from './machines.ts';
import { faulty } from './stores.ts';

const sender = setup({
  types: {} as { events: { type: 'TELL'; to: string } },
  actions: { 'fermata.send': (_, _params: { to: { run: string }; event: { type: string } }) => {} },
}).createMachine({
  on: {
    TELL: {
      actions: { type: 'fermata.send', params: ({ event }) => ({ to: { run: event.to }, event: { type: 'ADD' } }) },
    },
  },
});

const machines = { 'counter@1': counter, 'sender@1': sender };

describe('R8: a message to another run', () => {
  it('is taken in the order in which it was sent', async () => {
    const under = await openRuntime({ machines });
    const [to, from] = [await under.runtime.start('counter'), await under.runtime.start('sender')];
    for (let i = 0; i < 20; i++) await under.runtime.send(from.runId, { type: 'TELL', to: to.runId });
    await under.settle();
    expect((await under.runtime.snapshot(to.runId)).snapshot.context).toEqual({ count: 20 });
  });

  it('that has ended is in its journal as ignored; to one that never was, in the log', async () => {
    const under = await openRuntime({ machines });
    const [to, from] = [await under.runtime.start('counter'), await under.runtime.start('sender')];
    await under.runtime.send(to.runId, { type: 'END' });
    await under.runtime.send(from.runId, { type: 'TELL', to: to.runId });
    await under.runtime.send(from.runId, { type: 'TELL', to: 'nobody' });
    await under.settle();
    const last = (await under.runtime.journal(to.runId)).at(-1);
    expect(last).toMatchObject({ kind: 'ignored', type: 'ADD', data: { fromRun: from.runId } });
    expect(under.logged.map(({ fields }) => fields)).toContainEqual({ fromRun: from.runId, toRun: 'nobody' });
  });

  it('is handed over although the one before it met a full disk', async () => {
    const store = faulty();
    const under = await openRuntime({ machines, wrap: store.wrap });
    const [to, from] = [await under.runtime.start('counter'), await under.runtime.start('sender')];
    await under.runtime.send(from.runId, { type: 'TELL', to: 'nobody' });
    await under.settle();
    const release = store.hold();
    const told = [
      under.runtime.send(from.runId, { type: 'TELL', to: 'nobody' }),
      under.runtime.send(from.runId, { type: 'TELL', to: to.runId }),
    ];
    release();
    await Promise.all(told);
    // Nothing has been handed over yet: the first is dropped by a commit of its own.
    store.fault = 'unchanged';
    await under.clock.advance(100, async () => {
      for (let i = 0; i < 25; i++) await new Promise((resolve) => setImmediate(resolve));
    });
    store.fault = 'none';
    await under.advance(2_000);
    expect((await under.runtime.snapshot(to.runId)).snapshot.context).toEqual({ count: 1 });
  });
});
