/** R10: the time of a call is in memory, as the call is: it costs no row, begins anew with a repeat, and never fails to come. */
import { describe, expect, it } from 'vitest';
import { cancel, enqueueActions, fromPromise, setup } from 'xstate';
import { effect } from '../../src/runtime/effect.ts';
import type { CommitGroup } from '../../src/store/commit.ts';
import type { Store } from '../../src/store/store.ts';
import { openRuntime, turnsOfTheLoop } from '../harness/runtime.ts';
import { watching } from './stores.ts';

const arm = { type: 'late' } as const;

/** Calls on `go`, for three seconds at most; before it calls it states something that may be too much for one group. */
const caller = (big: number) =>
  setup({
    types: {} as { events: { type: 'go' } | { type: 'late' } | { type: 'fermata.inDoubt' } },
    actors: { call: fromPromise(() => Promise.resolve()) },
    actions: {
      'fermata.fact': (_, _params: { type: string; text: string }) => {},
      again: enqueueActions(({ enqueue }) => {
        enqueue.cancel('attemptTimeout');
        enqueue.raise(arm, { id: 'attemptTimeout', delay: 3_000 });
      }),
    },
  }).createMachine({
    initial: 'idle',
    states: {
      idle: { on: { go: 'calling' } },
      calling: {
        entry: ['again', { type: 'fermata.fact', params: { type: 'began', text: 'x'.repeat(big) } }],
        exit: cancel('attemptTimeout'),
        invoke: { src: 'call', id: 'call' },
        on: { late: 'timedOut', 'fermata.inDoubt': { actions: 'again' } },
      },
      timedOut: {},
    },
  });

const machines = (big = 1) => ({
  'caller@1': { machine: caller(big), callTimers: { '': ['attemptTimeout'] }, definition: 'one for all' },
});
const never = { call: effect({ run: () => new Promise(() => {}) }) };

describe('R10: the time of a call', () => {
  it('has no row, and is shown all the same', async () => {
    const groups: CommitGroup[] = [];
    const wrap = watching((group) => groups.push(group));
    const under = await openRuntime({ machines: machines(), actors: never, wrap });
    const { runId } = await under.runtime.start('caller');
    await under.runtime.send(runId, { type: 'go' });
    await under.settle();
    expect(groups.flatMap(({ runs }) => runs.flatMap(({ timersArmed }) => timersArmed))).toEqual([]);
    const until = new Date(under.clock.now() + 3_000).toISOString();
    expect((await under.runtime.why(runId)).actors).toMatchObject([{ state: 'calling', until }]);
    await under.advance(3_000);
    expect((await under.runtime.read(runId)).state).toBe('timedOut');
  });

  it('begins anew with the call that is repeated after a crash', async () => {
    const under = await openRuntime({ machines: machines(), actors: never });
    const { runId } = await under.runtime.start('caller');
    await under.runtime.send(runId, { type: 'go' });
    await under.settle();
    await under.advance(2_000);
    await under.crash();
    await under.settle();
    await under.advance(2_000);
    expect((await under.runtime.read(runId)).state).toBe('calling');
    await under.advance(1_000);
    expect((await under.runtime.read(runId)).state).toBe('timedOut');
  });

  it('comes also where a group is cut, and the process killed, between its arming and the call', async () => {
    let commits = 0;
    let dead = false;
    // Nothing is committed any more once the part of the turn is that arms the time, and does not call yet.
    const wrap = (store: Store): Store => ({
      ...store,
      async commit(group) {
        if (dead) return new Promise(() => {});
        await store.commit(group);
        if (++commits === 2) dead = true;
      },
    });
    const under = await openRuntime({ machines: machines(9_000_000), actors: never, wrap });
    const { runId } = await under.runtime.start('caller');
    void under.runtime.send(runId, { type: 'go' }).catch(() => {});
    await turnsOfTheLoop(50);
    expect(dead).toBe(true);
    await under.crash({ wrap: (store) => store });
    await under.settle();
    expect((await under.runtime.why(runId)).actors).toMatchObject([{ state: 'calling', effects: [{ id: 'call' }] }]);
    await under.advance(3_000);
    expect((await under.runtime.read(runId)).state).toBe('timedOut');
  });
});
