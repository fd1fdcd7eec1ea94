/**
 * An address holds one actor at a time, from its first turn on: what becomes of those who are replaced, and from when on one
 * is found. Each goes another way in plain XState (docs/machines.md, "What goes another way, and why").
 */
import { describe, expect, it } from 'vitest';
import { assign, createActor, emit, enqueueActions, fromPromise, raise, sendParent, sendTo, setup } from 'xstate';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { openRuntime } from '../harness/runtime.ts';
import { runPlain } from './conformance/plain-run.ts';
import { send, tick, type Step } from './conformance/scenario.ts';

/** Notes at birth whether it finds somebody under the systemId, and ends. */
const finder = setup({ types: {} as { context: { found: boolean } } }).createMachine({
  context: { found: false },
  entry: assign({ found: ({ system }) => system.get('known') !== undefined }),
  initial: 'end',
  states: { end: { type: 'final' } },
});

const finders = setup({ actors: { finder, known: setup({}).createMachine({}) } }).createMachine({
  invoke: [
    { id: 'before', src: 'finder' },
    { id: 'known', src: 'known', systemId: 'known' },
    { id: 'after', src: 'finder' },
  ],
});

/** The same, and lives on: it begins before the one it looks for, and does not find it. */
const early = setup({
  types: {} as { context: { found: boolean } },
  actors: {
    known: setup({}).createMachine({}),
    lasting: setup({ types: {} as { context: { found: boolean } } }).createMachine({
      context: { found: false },
      entry: assign({ found: ({ system }) => system.get('known') !== undefined }),
    }),
  },
}).createMachine({
  context: { found: false },
  invoke: [
    { id: 'early', src: 'lasting' },
    { id: 'known', src: 'known', systemId: 'known' },
    { id: 'late', src: 'lasting' },
  ],
});

const never = fromPromise(() => new Promise(() => {}));

/** Waits for a call and a timer, has a child that does so too, and asks for a successor in the middle of its turn. */
const kid = setup({
  types: {} as { context: { heard: readonly string[] }; events: { type: string } },
  actors: { never, below: setup({ actors: { never } }).createMachine({ invoke: { id: 'call', src: 'never' } }) },
}).createMachine({
  context: { heard: [] },
  invoke: [
    { id: 'call', src: 'never' },
    { id: 'below', src: 'below' },
  ],
  after: { 1_000: { actions: sendParent({ type: 'WOKE' }) } },
  on: {
    SOON: { actions: raise({ type: 'ASK' }, { delay: 5 }) },
    ASK: {
      actions: [
        sendParent({ type: 'ANEW' }),
        emit({ type: 'asked' }),
        sendParent({ type: 'LATER' }, { delay: 5 }),
        sendParent({ type: 'LAST' }),
      ],
    },
  },
});

const parent = setup({
  types: {} as { context: { heard: readonly string[] }; events: { type: string } },
  actors: { kid, never },
  actions: { hear: assign({ heard: ({ context, event }) => [...context.heard, event.type] }) },
}).createMachine({
  context: { heard: [] },
  on: {
    SPAWN: { actions: enqueueActions(({ enqueue }) => enqueue.spawnChild('kid', { id: 'kid' })) },
    CALL: { actions: enqueueActions(({ enqueue }) => enqueue.spawnChild('never', { id: 'kid' })) },
    SOON: { actions: sendTo('kid', { type: 'SOON' }) },
    ANEW: {
      actions: enqueueActions(({ enqueue }) => {
        enqueue.stopChild('kid');
        enqueue.spawnChild('kid', { id: 'kid' });
      }),
    },
    STOP: { actions: enqueueActions(({ enqueue }) => enqueue.stopChild('kid')) },
    '*': { actions: 'hear' },
  },
});

async function begun(events: readonly string[]) {
  const under = await openRuntime({ machines: { 'parent@1': parent } });
  const { runId } = await under.runtime.start('parent');
  for (const type of events) {
    await under.runtime.send(runId, { type });
    await under.settle();
  }
  return { ...under, runId };
}

/** What is taken and emitted, as `what actor type`. */
async function traceOf(runtime: Runtime, runId: string): Promise<readonly string[]> {
  const entries = await runtime.journal(runId, { after: 0, limit: 1_000 });
  return entries.flatMap(({ kind, actor, type }) =>
    kind === 'event' || type === 'emitted' ? [`${actor} ${type}`] : [],
  );
}

describe('R8: who is replaced under its id', () => {
  it.each([
    ['a machine by a machine', ['SPAWN', 'SPAWN'], 2],
    ['a machine by a call', ['SPAWN', 'CALL'], 1],
    ['a call by a machine', ['CALL', 'SPAWN'], 2],
    ['a call by a call', ['CALL', 'CALL'], 1],
  ])('leaves nothing that waits: %s', async (_, events, calls) => {
    const { runtime, runId, advance } = await begun(events);
    expect((await runtime.why(runId)).actors.flatMap(({ effects }) => effects)).toHaveLength(calls);
    await runtime.send(runId, { type: 'STOP' });
    expect((await runtime.read(runId)).status).toBe('waiting');
    await advance(2_000);
    const { snapshot } = await runtime.snapshot(runId);
    expect(snapshot).toMatchObject({ context: { heard: [] }, children: {} });
    expect((await runtime.why(runId)).actors).toMatchObject([{ actor: '/', effects: [] }]);
  });

  it('goes on in plain XState, where nobody can stop it', () => {
    const plain = createActor(parent).start();
    plain.send({ type: 'SPAWN' });
    const first = plain.getSnapshot().children['kid'];
    plain.send({ type: 'SPAWN' });
    plain.send({ type: 'STOP' });
    expect(first?.getSnapshot().status).toBe('active');
    plain.stop();
  });

  it('is stopped before the other begins, in the middle of its own turn too; what it then says is heard, and nothing later', async () => {
    const { runtime, runId, advance } = await begun(['SPAWN', 'SOON']);
    await advance(5);
    await advance(100);
    const trace = await traceOf(runtime, runId);
    expect(trace.slice(trace.indexOf('/ ANEW'))).toEqual([
      '/ ANEW',
      '/kid/below xstate.stop',
      '/kid xstate.stop',
      '/kid xstate.init',
      '/kid/below xstate.init',
      '/kid emitted',
      '/ LAST',
    ]);
    await runtime.send(runId, { type: 'STOP' });
    expect((await runtime.why(runId)).actors).toMatchObject([{ actor: '/', effects: [] }]);
  });

  it.each<readonly [string, readonly Step[], number | undefined]>([
    ['in its own turn', [...send('SPAWN', 'SOON'), tick], 3],
    ['without being stopped', send('SPAWN', 'SPAWN'), undefined],
    ['after it was stopped', send('SPAWN', 'ANEW'), undefined],
  ])(
    'ends the comparison of a random machine where plain XState stops it after the other begins, and not else: %s',
    async (_, steps, step) => {
      const { replacedIn, steps: seen } = await runPlain({ name: 'replaced', machine: () => parent, steps });
      expect(replacedIn).toBe(step);
      if (step === undefined) return;
      const kid = seen[step]?.trace.flatMap(([what, actor, event]) =>
        what === 'takes' && actor === '/kid' ? [(event as { type: string }).type] : [],
      );
      expect(kid).toEqual(['ASK', 'xstate.init', 'xstate.stop']);
    },
  );
});

describe('R8: an actor is found under its systemId', () => {
  const found = (persisted: unknown, id: string): unknown =>
    (persisted as { children: Record<string, { snapshot: { context: unknown } }> }).children[id]?.snapshot.context;

  it('from its first turn on, which here may come before that of one that was spawned earlier', async () => {
    const { runtime } = await openRuntime({ machines: { 'finders@1': finders } });
    const { runId } = await runtime.start('finders');
    const { snapshot } = await runtime.snapshot(runId);
    // It ends at birth: as in plain XState, it begins after those that live on. There it has decided before them.
    expect(found(snapshot, 'before')).toEqual({ found: true });
    expect(found(snapshot, 'after')).toEqual({ found: true });
    const plain = createActor(finders).start();
    expect(found(plain.getPersistedSnapshot(), 'before')).toEqual({ found: false });
    expect(found(plain.getPersistedSnapshot(), 'after')).toEqual({ found: true });
    plain.stop();
  });

  it('and by no name that every object of JavaScript has', async () => {
    const machine = setup({ types: {} as { context: { found: readonly string[] } } }).createMachine({
      context: { found: [] },
      entry: assign({
        found: ({ system }) => ['constructor', 'toString', '__proto__'].filter((id) => system.get(id) !== undefined),
      }),
    });
    const { runtime } = await openRuntime({ machines: { 'curious@1': machine } });
    const { runId } = await runtime.start('curious');
    const plain = createActor(machine).start();
    expect(plain.getSnapshot().context).toEqual({ found: [] });
    expect((await runtime.snapshot(runId)).snapshot).toMatchObject({ status: 'active', context: { found: [] } });
    plain.stop();
  });

  it('from the same turn on when its turns are taken again', async () => {
    const { runtime } = await openRuntime({ machines: { 'early@1': early } });
    const { runId } = await runtime.start('early');
    const { snapshot: now } = await runtime.snapshot(runId);
    const at = (await runtime.read(runId)).seq;
    const { snapshot: again } = await runtime.snapshot(runId, { at });
    expect([found(now, 'early'), found(now, 'late')]).toEqual([{ found: false }, { found: true }]);
    expect(again).toEqual(now);
    const plain = createActor(early).start();
    expect(found(plain.getPersistedSnapshot(), 'early')).toEqual({ found: false });
    plain.stop();
  });
});
