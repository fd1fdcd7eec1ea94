/** Messages between runs: each is taken once, and none gets lost on the way (R8). */
import { describe, expect, it } from 'vitest';
import type { Store } from '../../src/store/store.ts';
import { openRuntime, turnsOfTheLoop } from '../harness/runtime.ts';
import { counter, sender } from './machines.ts';
import { faulty } from './stores.ts';

const machines = { 'counter@1': counter, 'sender@1': sender };

describe('R8: a message to another run', () => {
  it('is taken once, in the order in which it was sent, in one commit or in several, over a crash', async () => {
    const under = await openRuntime({ machines });
    const [to, from] = [await under.runtime.start('counter'), await under.runtime.start('sender')];
    const tell = (n: number) => under.runtime.send(from.runId, { type: 'TELL', to: to.runId, n });
    for (let n = 0; n < 10; n++) await tell(n);
    await Promise.all(Array.from({ length: 10 }, (_, n) => tell(10 + n)));
    await under.crash();
    await under.settle();
    const taken = (await under.runtime.journal(to.runId)).filter(({ type }) => type === 'ADD');
    expect(taken.map(({ data }) => (data as { n: number }).n)).toEqual(Array.from({ length: 20 }, (_, n) => n));
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
    // Nothing has been handed over yet: the first is dropped by a commit of its own, and the second taken by another one.
    store.fault = 'unchanged';
    await under.clock.advance(100, turnsOfTheLoop);
    store.fault = 'none';
    await under.clock.advance(2_000, turnsOfTheLoop);
    await under.settle();
    expect((await under.runtime.snapshot(to.runId)).snapshot.context).toEqual({ count: 1 });
  });

  it('is handed over although one before it is for a run that cannot begin, and whose messages wait for it in their order', async () => {
    const addressed = (run: string) => (run === 'house' ? { machine: 'counter@2' } : undefined);
    const under = await openRuntime({ machines, addressed });
    const [to, from] = [await under.runtime.start('counter'), await under.runtime.start('sender')];
    const tell = (runId: string, n: number) => under.runtime.send(from.runId, { type: 'TELL', to: runId, n });
    for (let n = 0; n < 3; n++) {
      await tell('house', n);
      await tell(to.runId, n);
    }
    await under.settle();
    expect((await under.runtime.snapshot(to.runId)).snapshot.context).toEqual({ count: 3 });
    await under.advance(5_000);
    expect(under.logged).toContainEqual({
      message: 'messages could not be handed over',
      fields: { toRun: 'house', error: expect.stringContaining('counter@2') },
    });
    // Once it can begin it has all of them.
    await under.restart({ machines: { ...machines, 'counter@2': counter } });
    await under.settle();
    const taken = (await under.runtime.journal('house')).filter(({ type }) => type === 'ADD');
    expect(taken.map(({ data }) => (data as { n: number }).n)).toEqual([0, 1, 2]);
  });

  it('is read once at each try, however many wait for a run that cannot begin', async () => {
    const addressed = (run: string) => (run === 'house' ? { machine: 'counter@2' } : undefined);
    let read = 0;
    const wrap = (store: Store): Store => ({
      ...store,
      async messages(...asked) {
        const rows = await store.messages(...asked);
        read += rows.length;
        return rows;
      },
    });
    const under = await openRuntime({ machines, addressed, wrap });
    const from = await under.runtime.start('sender');
    const many = Array.from({ length: 2_500 }, (_, n) => ({ type: 'TELL', to: 'house', n }));
    await Promise.all(many.map((event) => under.runtime.send(from.runId, event)));
    await under.settle();
    read = 0;
    await under.advance(1_000);
    expect(read).toBe(many.length);
  });
});
