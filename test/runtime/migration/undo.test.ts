/** A migration is taken back where nothing has happened since; what moves in between is seen. */
import { describe, expect, it } from 'vitest';
import { effect } from '../../../src/runtime/effect.ts';
import type { Runtime } from '../../../src/runtime/runtime.ts';
import { openRuntime, type RuntimeUnderTest } from '../../harness/runtime.ts';
import { counter } from '../machines.ts';
import { machines, PATIENCE } from './order.ts';

const hanging = effect({ run: () => new Promise(() => {}) });

/** Everything of a run that a migration may change. */
async function whole(runtime: Runtime, runId: string): Promise<unknown> {
  const { machine, status } = await runtime.read(runId);
  const actors = ['/', '/log'].map((actor) => runtime.snapshot(runId, { actor }));
  return {
    machine,
    status,
    actors: (await Promise.all(actors)).map(({ snapshot, pendingTimers }) => [snapshot, pendingTimers]),
  };
}

async function orders(
  under: RuntimeUnderTest,
): Promise<readonly [resting: string, calling: string, delivering: string]> {
  const start = async (): Promise<string> => (await under.runtime.start('order@1')).runId;
  const [resting, calling, closed] = [await start(), await start(), await start()];
  await under.runtime.send(calling, { type: 'PAY' });
  for (const type of ['RUSH', 'CLOSE', 'NOTE']) await under.runtime.send(closed, { type });
  await under.settle();
  return [resting, calling, closed];
}

describe('undo', () => {
  it('puts every run back as it was: state, children, calls and dates', async () => {
    const under = await openRuntime({ machines, actors: { pay: hanging }, leavesWork: true });
    const runs = await orders(under);
    const before = await Promise.all(runs.map((run) => whole(under.runtime, run)));
    expect((await under.runtime.migrations.migrate()).map(({ moved }) => moved)).toEqual([true, true, true]);
    const between = await Promise.all(runs.map((run) => whole(under.runtime, run)));
    expect(between.map((run) => (run as { machine: string }).machine)).toEqual(['order@2', 'order@2', 'order@2']);
    await under.restart({ passive: true });
    const undone = await under.runtime.migrations.undo();
    expect(undone.map(({ from, to, undone: done, why }) => [from, to, done, why])).toEqual(
      runs.map(() => ['order@1', 'order@2', true, undefined]),
    );
    expect(await Promise.all(runs.map((run) => whole(under.runtime, run)))).toEqual(before);
    for (const [index, run] of runs.entries()) {
      const { seq } = await under.runtime.read(run);
      const at = async (entry: number): Promise<unknown> =>
        (await under.runtime.snapshot(run, { at: entry })).snapshot.context;
      expect([await at(seq - 2), await at(seq - 1), await at(seq)], String(index)).toEqual([
        { price: 5, paid: null },
        { cents: 500, currency: 'EUR', paid: null },
        { price: 5, paid: null },
      ]);
    }
    expect(await under.runtime.migrations.undo(), 'there is nothing left to take back').toEqual([]);
    await under.restart({ passive: false });
    await under.advance(PATIENCE);
    expect((await under.runtime.snapshot(runs[0])).snapshot.value).toMatchObject({ sale: 'expired' });
    expect((await under.runtime.migrations.migrate()).every(({ moved }) => moved)).toBe(true);
  });

  it('leaves the runs that have taken an event since, and says which', async () => {
    const under = await openRuntime({ machines, actors: { pay: hanging }, leavesWork: true });
    const [resting, calling, closed] = await orders(under);
    await under.runtime.migrations.migrate();
    await under.runtime.send(closed, { type: 'OPEN' });
    await under.runtime.send(resting, { type: 'NOTE' });
    const undone = new Map((await under.runtime.migrations.undo()).map((run) => [run.runId, run]));
    expect(undone.get(calling)).toMatchObject({ undone: true });
    expect(undone.get(closed)).toMatchObject({ undone: false, why: expect.stringContaining('"OPEN"') as string });
    expect(undone.get(resting)).toMatchObject({ undone: false, why: expect.stringContaining('"NOTE"') as string });
    const versions = [resting, calling, closed].map(async (run) => (await under.runtime.read(run)).machine);
    expect(await Promise.all(versions)).toEqual(['order@2', 'order@1', 'order@2']);
  });

  it('is of the last migration, or of the one that is named', async () => {
    const to = (from: string) => ({ machine: counter, migrate: { from, snapshot: (old: object) => old as never } });
    const chain = { 'c@1': counter, 'c@2': to('c@1'), 'c@3': to('c@2'), 'd@1': counter, 'd@2': to('d@1') };
    const under = await openRuntime({ machines: chain });
    const [c, d] = [await under.runtime.start('c@1'), await under.runtime.start('d@1')];
    const { migrations } = under.runtime;
    await migrations.migrate({ to: 'd@2' });
    await migrations.migrate({ to: 'c@2' });
    await migrations.migrate({ to: 'c@3' });
    expect(await migrations.undo({ to: 'd@2' })).toMatchObject([{ runId: d.runId, undone: true, from: 'd@1' }]);
    expect(await migrations.undo()).toMatchObject([{ runId: c.runId, undone: true, from: 'c@2', to: 'c@3' }]);
    expect((await under.runtime.read(c.runId)).machine).toBe('c@2');
    expect(await migrations.undo(), 'only the last step is taken back').toMatchObject([
      { runId: c.runId, undone: false, why: expect.stringContaining('"fermata.migrate"') as string },
    ]);
  });

  it('needs the earlier version, and says so before anything moves', async () => {
    const under = await openRuntime({ machines });
    const { runId } = await under.runtime.start('order@1');
    await under.runtime.migrations.migrate();
    const runtime = await under.restart({ machines: { 'order@2': machines['order@2'] } });
    await expect(runtime.migrations.undo()).rejects.toMatchObject({
      code: 'machineMissing',
      message:
        'Nothing was put back: the runs would be at "order@1" again and wait for it (machineMissing), and this process registers only: order@2. They stay at "order@2". Register "order@1" beside it, and undo again.',
    });
    expect((await runtime.read(runId)).machine).toBe('order@2');
  });
});

describe('a run that moves between rehearsal and migration', () => {
  it('is tried again as it is then: moved where it still passes, left whole where it does not', async () => {
    const strict = {
      machine: counter,
      migrate: {
        from: 'c@1',
        snapshot: (old: { context?: unknown }) =>
          (old.context as { count: number }).count < 2 ? (old as never) : expect.fail('too many'),
      },
    };
    let arrives = (): Promise<unknown> => Promise.resolve();
    const under = await openRuntime({
      machines: { 'c@1': counter, 'c@2': strict },
      // Between the look at all runs and the move of the first one, which is when the new definition is registered.
      wrap: (store) => ({
        ...store,
        async machineHash(machine, ...hash) {
          await arrives();
          return store.machineHash(machine, ...hash);
        },
      }),
    });
    const [few, many, ended] = [
      await under.runtime.start('c@1'),
      await under.runtime.start('c@1'),
      await under.runtime.start('c@1'),
    ];
    arrives = async () => {
      await under.runtime.send(few.runId, { type: 'ADD' });
      for (let i = 0; i < 2; i++) await under.runtime.send(many.runId, { type: 'ADD' });
      await under.runtime.send(ended.runId, { type: 'END' });
    };
    const results = new Map((await under.runtime.migrations.migrate()).map((run) => [run.runId, run]));
    arrives = () => Promise.resolve();
    expect(results.get(few.runId)).toMatchObject({ moved: true, breaks: [] });
    expect(results.get(many.runId)).toMatchObject({ moved: false, breaks: [{ code: 'threw', actor: '/' }] });
    expect(results.get(ended.runId)).toMatchObject({ moved: false, breaks: [{ code: 'blocked' }] });
    expect(await under.runtime.read(few.runId)).toMatchObject({ machine: 'c@2' });
    expect((await under.runtime.snapshot(few.runId)).snapshot.context).toEqual({ count: 1 });
    expect(await under.runtime.read(many.runId)).toMatchObject({ machine: 'c@1', status: 'waiting' });
    await under.runtime.send(many.runId, { type: 'ADD' });
    expect((await under.runtime.snapshot(many.runId)).snapshot.context).toEqual({ count: 3 });
    const undone = await under.runtime.migrations.undo();
    expect(undone.map(({ runId, undone: done }) => [runId, done])).toEqual([[few.runId, true]]);
  });
});
