/** Runs go on with another version of their machine: moved whole, in one entry, with everything that is under way. */
import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { assign, raise, setup } from 'xstate';
import { effect, type EffectContext } from '../../../src/runtime/effect.ts';
import type { Runtime } from '../../../src/runtime/runtime.ts';
import { openRuntime } from '../../harness/runtime.ts';
import { counter, Deferred } from '../machines.ts';
import { asynchronous, watching } from '../stores.ts';
import { PATIENCE, orderMigration, orderV1, orderV2 } from './order.ts';

const before = { 'order@1': orderV1 };
const both = { ...before, 'order@2': { machine: orderV2, migrate: orderMigration } };
const after = { 'order@2': both['order@2'] };

/** An effect whose calls a test sees and answers. */
function calls() {
  const made: { readonly key: string; readonly repeated: boolean; readonly answer: Deferred }[] = [];
  const pay = effect({
    run: (_input: unknown, { key, repeated }: EffectContext) => {
      const answer = new Deferred();
      made.push({ key, repeated, answer });
      return answer.promise;
    },
  });
  return { made, actors: { pay } };
}

/** One text for everything that can be seen of a run's actors, now or as of an entry. */
async function seen(runtime: Runtime, runId: string, at?: number): Promise<string> {
  const actors = ['/', '/log'].map(async (actor) => {
    try {
      return (await runtime.snapshot(runId, { actor, ...(at === undefined ? {} : { at }) })).snapshot;
    } catch {
      return undefined;
    }
  });
  return hash('sha256', JSON.stringify(await Promise.all(actors)));
}

describe('a migration', () => {
  it('R2: moves state, context, history, children and detached actors in one entry, and replay is right on both sides', async () => {
    const { made, actors } = calls();
    const under = await openRuntime({ machines: before, actors });
    const { runId } = await under.runtime.start('order');
    const events = ['NOTE', 'RUSH', 'CLOSE', 'PAY'];
    for (const type of events) await under.runtime.send(runId, { type });
    await under.settle();
    made[0]?.answer.resolve('receipt 1');
    await under.settle();
    await under.runtime.send(runId, { type: 'NEXT' });
    const { seq } = await under.runtime.read(runId);
    const seenBefore = await Promise.all(Array.from({ length: seq }, (_, at) => seen(under.runtime, runId, at + 1)));
    const runtime = await under.restart({ machines: both });
    expect(await runtime.migrations.migrate()).toEqual([
      { runId, from: 'order@1', to: 'order@2', breaks: [], moved: true },
    ]);
    expect(await runtime.read(runId)).toMatchObject({ machine: 'order@2', seq: seq + 1 });
    const { snapshot } = await runtime.snapshot(runId);
    expect(snapshot).toMatchObject({
      value: { sale: 'shipping', desk: 'closed' },
      context: { cents: 500, currency: 'EUR', paid: 'receipt 1' },
      children: { parcel: { src: 'box', snapshot: { value: 'underway', context: { stops: 1 } } } },
    });
    expect((await runtime.snapshot(runId, { actor: '/log' })).snapshot).toMatchObject({ context: { stops: 1 } });
    expect(await Promise.all(Array.from({ length: seq }, (_, at) => seen(runtime, runId, at + 1)))).toEqual(seenBefore);
    expect(await seen(runtime, runId, seq + 1)).toBe(await seen(runtime, runId));

    // The first version is not needed any more, also not to look back as far as the migration.
    await under.restart({ machines: after });
    for (const type of ['OPEN', 'NEXT', 'ARRIVE']) await under.runtime.send(runId, { type });
    await under.settle();
    expect((await under.runtime.snapshot(runId)).snapshot).toMatchObject({
      value: { sale: 'done', desk: { staffed: 'busy' } },
    });
    const last = (await under.runtime.read(runId)).seq;
    expect(await seen(under.runtime, runId, last)).toBe(await seen(under.runtime, runId));
    await under.runtime.cancel(runId);
  });

  it('R5, R6: a call under way keeps its token: its answer finds the new version, with the process alive', async () => {
    const { made, actors } = calls();
    const under = await openRuntime({ machines: both, actors });
    const { runId } = await under.runtime.start('order@1');
    await under.runtime.send(runId, { type: 'PAY' });
    await under.settle();
    expect((await under.runtime.migrations.migrate()).map(({ moved }) => moved)).toEqual([true]);
    made[0]?.answer.resolve('receipt 2');
    await under.settle();
    expect((await under.runtime.snapshot(runId)).snapshot).toMatchObject({
      value: { sale: 'shipping' },
      context: { cents: 500, paid: 'receipt 2' },
      children: { parcel: { src: 'box', snapshot: { value: 'underway' } } },
    });
    expect(made).toHaveLength(1);
  });

  it('R5: and with the process dead, where only the new version is registered: the same key, again', async () => {
    const { made, actors } = calls();
    const under = await openRuntime({ machines: both, actors });
    const { runId } = await under.runtime.start('order@1');
    await under.runtime.send(runId, { type: 'PAY' });
    await under.settle();
    await under.runtime.migrations.migrate();
    await under.crash({ machines: after });
    await under.settle();
    expect(made.map(({ key, repeated }) => [key === made[0]?.key, repeated])).toEqual([
      [true, false],
      [true, true],
    ]);
    made[1]?.answer.resolve('receipt 3');
    await under.settle();
    expect((await under.runtime.snapshot(runId)).snapshot.context).toMatchObject({ paid: 'receipt 3' });
  });

  it('R10: a delayed transition keeps its date, or gets the one that the migration says', async () => {
    const under = await openRuntime({ machines: before });
    const { runId } = await under.runtime.start('order');
    await under.advance(PATIENCE / 2);
    await under.restart({ machines: both });
    await under.runtime.migrations.migrate();
    const due = new Date(Date.UTC(2026, 0, 1) + 2 * PATIENCE).toISOString();
    expect((await under.runtime.snapshot(runId)).pendingTimers.map((timer) => timer.due)).toEqual([due]);
    await under.restart({ machines: after });
    await under.advance(PATIENCE);
    expect((await under.runtime.snapshot(runId)).snapshot.value).toMatchObject({ sale: 'awaitingPayment' });
    await under.advance(PATIENCE);
    expect((await under.runtime.snapshot(runId)).snapshot.value).toMatchObject({ sale: 'expired' });
  });

  it('is a turn of every live actor, for who watches the run', async () => {
    const under = await openRuntime({ machines: both });
    const { runId } = await under.runtime.start('order@1');
    await under.runtime.migrations.migrate();
    await under.runtime.send(runId, { type: 'RUSH' });
    await under.runtime.cancel(runId);
    const turns = await Array.fromAsync(under.runtime.turns(runId));
    expect(turns.map(({ address, event, machine }) => [address, event.type, machine === orderV2])).toEqual([
      ['/', 'xstate.init', false],
      ['/log', 'xstate.init', false],
      ['/', 'fermata.migrate', true],
      ['/log', 'fermata.migrate', false],
      ['/', 'RUSH', true],
      ['/', 'fermata.cancel', true],
      ['/log', 'xstate.stop', false],
    ]);
  });

  it('a delay that is still there is not touched: same token, same date', async () => {
    const step = (extra: object) =>
      setup({ delays: { long: 5_000 } }).createMachine({
        id: 'm',
        context: extra,
        initial: 'a',
        entry: raise({ type: 'LATE' }, { delay: 9_000, id: 'late' }),
        on: { LATE: '.c' },
        states: { a: { after: { long: 'b' } }, b: {}, c: {} },
      });
    const under = await openRuntime({ machines: { 'm@1': step({}) } });
    const { runId } = await under.runtime.start('m');
    await under.advance(4_000);
    const migrate = { from: 'm@1', snapshot: (old: object) => ({ ...old, context: { more: 1 } }) as never };
    await under.restart({ machines: { 'm@2': { machine: step({ more: 0 }), migrate } } });
    expect(await under.runtime.migrations.migrate()).toMatchObject([{ runId, moved: true }]);
    await under.advance(1_000);
    expect((await under.runtime.snapshot(runId)).snapshot).toMatchObject({ value: 'b', context: { more: 1 } });
    await under.advance(4_000);
    expect((await under.runtime.snapshot(runId)).snapshot.value).toBe('c');
  });

  it('big values and references to actors come through, on a store that answers later', async () => {
    const machine = (id: string) =>
      setup({ types: {} as { context: Record<string, unknown> } }).createMachine({
        id,
        context: ({ self }) => ({ text: 'x'.repeat(40_000), me: self, when: new Date(5), bag: new Map([[1, 2]]) }),
        on: { GO: { actions: assign({ n: ({ context }) => Number(context['n'] ?? 0) + 1 }) } },
      });
    const under = await openRuntime({ machines: { 'm@1': machine('m') }, wrap: asynchronous });
    const { runId } = await under.runtime.start('m');
    const migrate = {
      from: 'm@1',
      snapshot: (old: { context?: unknown }) => ({ ...old, context: { ...Object(old.context), n: 1 } }) as never,
    };
    await under.restart({ machines: { 'm@2': { machine: machine('m'), migrate } } });
    expect(await under.runtime.migrations.migrate()).toMatchObject([{ moved: true }]);
    await under.restart();
    await under.runtime.send(runId, { type: 'GO' });
    const { context } = (await under.runtime.snapshot(runId)).snapshot as { context: Record<string, unknown> };
    expect(context).toMatchObject({ n: 2, text: 'x'.repeat(40_000), when: new Date(5), bag: new Map([[1, 2]]) });
    expect(context['me']).toMatchObject({ xstate$$type: 1 });
    await under.runtime.cancel(runId);
    await under.runtime.delete(runId);
  });

  it('goes to the newest version that has a migration, or the one that is named; ended runs stay', async () => {
    const counting = setup({}).createMachine({
      initial: 'on',
      states: { on: { on: { END: 'end' } }, end: { type: 'final' } },
    });
    const to = (from: string[]) => ({
      machine: counting,
      migrate: from.map((name) => ({ from: name, snapshot: (old: object) => old as never })),
    });
    const machines = { 'c@1': counting, 'c@2': to(['c@1']), 'c@10': to(['c@1', 'c@2']), 'other@1': counting };
    const under = await openRuntime({ machines });
    const [first, second, ended] = [
      await under.runtime.start('c@1'),
      await under.runtime.start('c@2'),
      await under.runtime.start('c@1'),
    ];
    await under.runtime.send(ended.runId, { type: 'END' });
    await under.runtime.start('other');
    const plan = (await under.runtime.migrations.rehearse()).map(({ runId, to: target }) => [runId, target]);
    expect(new Map(plan as [string, string][])).toEqual(
      new Map([
        [first.runId, 'c@10'],
        [second.runId, 'c@10'],
      ]),
    );
    expect(await under.runtime.migrations.migrate({ to: 'c@2' })).toMatchObject([
      { runId: first.runId, to: 'c@2', moved: true },
    ]);
    await expect(under.runtime.migrations.rehearse({ from: 'c@3' })).rejects.toMatchObject({
      code: 'invalidRequest',
      message: expect.stringContaining('c@1 to c@10') as string,
    });
  });

  it('300 runs, each in a commit of its own, and none is left behind', async () => {
    const groups: number[] = [];
    const under = await openRuntime({
      machines: { 'counter@1': counter },
      wrap: watching(({ runs }) => groups.push(runs.length)),
    });
    const started = await Promise.all(Array.from({ length: 300 }, () => under.runtime.start('counter')));
    const migrate = { from: 'counter@1', snapshot: (old: object) => ({ ...old, context: { count: 100 } }) as never };
    await under.restart({ machines: { 'counter@2': { machine: counter, migrate } } });
    groups.length = 0;
    const results = await under.runtime.migrations.migrate();
    expect(groups).toEqual(Array.from({ length: 300 }, () => 1));
    expect(results.every(({ moved }) => moved)).toBe(true);
    expect(new Set(results.map(({ runId }) => runId))).toEqual(new Set(started.map(({ runId }) => runId)));
    expect(await under.runtime.migrations.rehearse()).toEqual([]);
  });
});
