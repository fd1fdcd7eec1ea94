/**
 * R12: what XState 5.33.3 does without promising it, each thing that `src/runtime/xstate.ts` relies on or works around.
 * Where one of these fails after an upgrade, that file has to be read again.
 */
import { execFileSync } from 'node:child_process';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, vi } from 'vitest';
import {
  and,
  assign,
  cancel,
  createActor,
  createMachine,
  emit,
  enqueueActions,
  fromPromise,
  initialTransition,
  log,
  not,
  raise,
  sendParent,
  sendTo,
  setup,
  SimulatedClock,
  spawnChild,
  stateIn,
  stopChild,
  transition,
  type AnyActor,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type EventObject,
} from 'xstate';
import * as xstate from '../../src/runtime/xstate.ts';
import { turnsOfTheLoop } from '../harness/runtime.ts';

type Scope = Parameters<AnyStateMachine['transition']>[2];
interface Recorded {
  readonly type: string;
  readonly params: Record<string, unknown> | undefined;
}

/** A scope that only records, around the system of an actor that is never started. */
function recording(parent?: AnyActor): { scope: Scope; recorded: Recorded[]; deferred: unknown[] } {
  const recorded: Recorded[] = [];
  const deferred: unknown[] = [];
  const host = createActor(createMachine({}), parent === undefined ? {} : { parent });
  const scope = {
    self: host,
    id: 'self',
    sessionId: 'self',
    system: host.system,
    logger: () => {},
    defer: (later: unknown) => deferred.push(later),
    emit: () => {},
    stopChild: () => {},
    actionExecutor: ({ type, params }: Recorded) => recorded.push({ type, params }),
  };
  return { scope: scope as unknown as Scope, recorded, deferred };
}

const child = createMachine({
  id: 'child',
  initial: 'on',
  states: { on: { on: { END: 'end' } }, end: { type: 'final' } },
});
const never = fromPromise<string>(() => new Promise(() => {}));

function take(
  machine: AnyStateMachine,
  event: EventObject,
): ReturnType<typeof recording> & { snapshot: AnyMachineSnapshot } {
  const recorder = recording();
  const before = machine.getInitialSnapshot(recording().scope, undefined as never);
  return { ...recorder, snapshot: machine.transition(before, event, recorder.scope) };
}

describe('R12: a scope that records is handed the actions as data', () => {
  const machine = setup({
    actors: { child, never },
    actions: { own: () => expect.unreachable('nothing is executed') },
  }).createMachine({
    entry: spawnChild('child', { id: 'kid' }),
    on: {
      SPAWN: { actions: spawnChild('never', { id: 'asked', input: { a: 1 } }) },
      RAISE: {
        actions: [
          raise({ type: 'NOW' }),
          raise({ type: 'LATER' }, { delay: 10 }),
          raise({ type: 'NAMED' }, { delay: 10, id: 'n' }),
        ],
      },
      CANCEL: { actions: cancel('n') },
      SEND: { actions: [sendTo('kid', { type: 'HI' }), sendTo('kid', { type: 'HI' }, { delay: 5 })] },
      STOP: { actions: stopChild('kid') },
      EMIT: { actions: emit({ type: 'said' }) },
      LOG: { actions: log('text', 'label') },
      OWN: { actions: { type: 'own', params: { a: 1 } } as never },
    },
    initial: 'idle',
    states: { idle: { on: { INVOKE: 'busy' } }, busy: { invoke: { id: 'inv', src: 'child', input: { b: 2 } } } },
  });

  it('spawnChild and invoke: id, src, input', () => {
    expect(take(machine, { type: 'SPAWN' }).recorded).toMatchObject([
      { type: 'xstate.spawnChild', params: { id: 'asked', src: 'never', input: { a: 1 } } },
    ]);
    expect(take(machine, { type: 'INVOKE' }).recorded).toMatchObject([
      { type: 'xstate.spawnChild', params: { id: 'inv', src: 'child', input: { b: 2 } } },
    ]);
  });

  it('raise: no delay where it is immediate and already done; no id where none was given', () => {
    const { recorded } = take(machine, { type: 'RAISE' });
    expect(recorded.map(({ type, params }) => [type, params?.['delay'], params?.['id']])).toEqual([
      ['xstate.raise', undefined, undefined],
      ['xstate.raise', 10, undefined],
      ['xstate.raise', 10, 'n'],
    ]);
  });

  it('cancel, sendTo, stopChild, emit, log and own actions', () => {
    expect(take(machine, { type: 'CANCEL' }).recorded).toMatchObject([
      { type: 'xstate.cancel', params: { sendId: 'n' } },
    ]);
    expect(take(machine, { type: 'SEND' }).recorded).toMatchObject([
      { type: 'xstate.sendTo', params: { targetId: 'kid', event: { type: 'HI' }, delay: undefined } },
      { type: 'xstate.sendTo', params: { targetId: 'kid', event: { type: 'HI' }, delay: 5 } },
    ]);
    expect(take(machine, { type: 'STOP' }).recorded).toMatchObject([
      { type: 'xstate.stopChild', params: { id: 'kid' } },
    ]);
    expect(take(machine, { type: 'EMIT' }).recorded).toMatchObject([
      { type: 'xstate.emit', params: { event: { type: 'said' } } },
    ]);
    expect(take(machine, { type: 'LOG' }).recorded).toMatchObject([{ type: 'xstate.log', params: { label: 'label' } }]);
    expect(take(machine, { type: 'OWN' }).recorded).toMatchObject([{ type: 'own', params: { a: 1 } }]);
  });

  it('spawn() inside assign gives no action, only something deferred', () => {
    const spawning = setup({ actors: { child } }).createMachine({
      context: { kid: null as unknown },
      on: { GO: { actions: assign({ kid: ({ spawn }) => spawn('child') }) } },
    });
    const { recorded, deferred } = take(spawning, { type: 'GO' });
    expect(recorded).toEqual([]);
    expect(deferred).toHaveLength(1);
  });

  it('every microstep is told to the system, which is where a loop can be stopped', () => {
    const { scope } = recording();
    const told: string[] = [];
    Object.assign(scope.system, { _sendInspectionEvent: ({ type }: { type: string }) => told.push(type) });
    createMachine({ initial: 'a', states: { a: { always: 'b' }, b: { always: 'c' }, c: {} } }).getInitialSnapshot(
      scope,
      undefined as never,
    );
    expect(told.filter((type) => type === '@xstate.microstep')).toHaveLength(2);
  });
});

describe('R12: what a naive scope gets wrong', () => {
  it('sendParent throws where self has no parent', () => {
    const machine = createMachine({ on: { GO: { actions: sendParent({ type: 'UP' }) } } });
    expect(() => take(machine, { type: 'GO' })).toThrow();
  });

  it('a send to what system.get does not know goes to the sender itself', () => {
    const machine = createMachine({
      on: { GO: { actions: sendTo(({ system }) => system.get('nobody'), { type: 'HI' }) } },
    });
    const { recorded, scope } = take(machine, { type: 'GO' });
    expect(recorded[0]?.params?.['to']).toBe(scope.self);
  });

  it('a stopped child is never unregistered, so that its systemId cannot be used again in one system', () => {
    const machine = setup({ actors: { child } }).createMachine({
      initial: 'on',
      states: {
        on: { invoke: { id: 'kid', src: 'child', systemId: 'known' }, on: { AGAIN: { target: 'on', reenter: true } } },
      },
    });
    const { scope } = recording();
    const snapshot = machine.getInitialSnapshot(scope, undefined as never);
    expect(() => machine.transition(snapshot, { type: 'AGAIN' }, scope)).toThrow(/already exists/);
  });

  it('a second restore in one system throws for the same reason', () => {
    const machine = setup({ actors: { child } }).createMachine({
      invoke: { id: 'kid', src: 'child', systemId: 'known' },
    });
    const persisted = createActor(machine).start().getPersistedSnapshot() as AnyMachineSnapshot;
    const { scope } = recording();
    machine.restoreSnapshot(persisted as never, scope);
    expect(() => machine.restoreSnapshot(persisted as never, scope)).toThrow(/already exists/);
  });

  it('sendTo throws for an actor outside children', () => {
    expect(() =>
      take(createMachine({ on: { GO: { actions: sendTo('t1', { type: 'HI' }) } } }), { type: 'GO' }),
    ).toThrow(/t1/);
  });

  it('an unhandled error of any child, also an unknown one, ends the machine in error', () => {
    const { snapshot } = take(createMachine({}), { type: 'xstate.error.actor.nobody', error: 'x' } as never);
    expect(snapshot).toMatchObject({ status: 'error', error: 'x' });
  });

  it('an entry action that is reached through raise sees the raised event', () => {
    const machine = setup({ types: {} as { context: { seen: string } } }).createMachine({
      context: { seen: '' },
      initial: 'a',
      states: {
        a: { on: { GO: { actions: raise({ type: 'INNER' }) }, INNER: 'b' } },
        b: { entry: assign({ seen: ({ event }) => event.type }) },
      },
    });
    expect(take(machine, { type: 'GO' }).snapshot.context).toEqual({ seen: 'INNER' });
  });
});

describe('R12: restoring', () => {
  const withHistory = createMachine({
    initial: 'a',
    states: {
      a: { initial: 'x', on: { OUT: 'b' }, states: { x: { on: { NEXT: 'y' } }, y: {}, h: { type: 'history' } } },
      b: { on: { BACK: 'a.h' } },
    },
  });

  it('resolveState ignores children and has no history; restoreSnapshot keeps both', () => {
    const machine = setup({ actors: { child } }).createMachine({ invoke: { id: 'kid', src: 'child' } });
    const persisted = createActor(machine).start().getPersistedSnapshot() as AnyMachineSnapshot;
    expect(Object.keys(machine.resolveState({ value: {}, children: persisted.children } as never).children)).toEqual(
      [],
    );
    expect(Object.keys(machine.restoreSnapshot(persisted as never, recording().scope).children)).toEqual(['kid']);

    const actor = createActor(withHistory).start();
    for (const type of ['NEXT', 'OUT']) actor.send({ type });
    const saved = JSON.parse(JSON.stringify(actor.getPersistedSnapshot())) as AnyMachineSnapshot;
    expect(withHistory.resolveState({ value: saved.value }).historyValue ?? {}).toEqual({});
    const restored = withHistory.restoreSnapshot(saved as never, recording().scope);
    expect(withHistory.transition(restored, { type: 'BACK' }, recording().scope).value).toEqual({ a: 'y' });
  });

  it('a pending after never fires after a plain restore', () => {
    const machine = createMachine({ initial: 'a', states: { a: { after: { 10: 'b' } }, b: {} } });
    const snapshot = createActor(machine, { clock: new SimulatedClock() }).start().getPersistedSnapshot();
    const clock = new SimulatedClock();
    const actor = createActor(machine, { snapshot, clock }).start();
    clock.increment(1_000);
    expect(actor.getSnapshot().value).toBe('a');
  });

  it('an invoked promise runs twice', () => {
    const run = vi.fn<() => Promise<string>>(() => new Promise(() => {}));
    const machine = setup({ actors: { ask: fromPromise(run) } }).createMachine({ invoke: { src: 'ask' } });
    const snapshot = createActor(machine).start().getPersistedSnapshot();
    createActor(machine, { snapshot }).start();
    expect(run).toHaveBeenCalledTimes(2);
  });

  it('a child of unknown logic is dropped while its parent stays active', () => {
    const machine = setup({ actors: { child } }).createMachine({ invoke: { id: 'kid', src: 'child' } });
    const persisted = createActor(machine).start().getPersistedSnapshot() as AnyMachineSnapshot;
    const poorer = createMachine({});
    const restored = createActor(poorer, { snapshot: persisted as never })
      .start()
      .getSnapshot();
    expect(restored.children).toEqual({});
    expect(restored.status).toBe('active');
  });

  it('a snapshot of another machine restores without complaint', () => {
    const one = createMachine({ id: 'one', initial: 'a', states: { a: {} } });
    const other = createMachine({ id: 'other', initial: 'z', states: { z: {}, a: { on: { GO: 'z' } } } });
    const restored = createActor(other, { snapshot: createActor(one).start().getPersistedSnapshot() as never }).start();
    restored.send({ type: 'GO' });
    expect(restored.getSnapshot().value).toBe('z');
  });

  it('an inline child persists as an empty src in the production build', () => {
    const program = `
      import { createActor, createMachine, fromPromise, spawnChild } from 'xstate';
      const machine = createMachine({ entry: spawnChild(fromPromise(async () => 1), { id: 'kid' }) });
      console.log(JSON.stringify(createActor(machine).start().getPersistedSnapshot()));`;
    const printed = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] },
    });
    const { children } = JSON.parse(printed) as { children: Record<string, { src?: unknown }> };
    expect(children['kid']?.src).toEqual({});
  });

  it('Error, Map, Set, Date and undefined do not survive JSON', () => {
    const context = {
      error: new Error('e'),
      map: new Map([[1, 2]]),
      set: new Set([1]),
      date: new Date(0),
      nothing: undefined,
    };
    const persisted = JSON.parse(
      JSON.stringify(createActor(createMachine({ context })).start().getPersistedSnapshot()),
    ) as AnyMachineSnapshot;
    expect(persisted.context).toEqual({ error: {}, map: {}, set: {}, date: '1970-01-01T00:00:00.000Z' });
  });

  it("a reference to the parent in a child's context comes back undefined", () => {
    const keeping = setup({ types: {} as { context: { parent: unknown }; input: { parent: unknown } } }).createMachine({
      context: ({ input }) => ({ parent: input.parent }),
    });
    const machine = setup({ actors: { keeping } }).createMachine({
      invoke: { id: 'kid', src: 'keeping', input: ({ self }) => ({ parent: self }) },
    });
    const persisted = JSON.parse(JSON.stringify(createActor(machine).start().getPersistedSnapshot())) as never;
    const kid = createActor(machine, { snapshot: persisted }).start().getSnapshot().children['kid'] as AnyActor;
    expect((kid.getSnapshot() as AnyMachineSnapshot).context).toEqual({ parent: undefined });
  });
});

describe('R12: what XState leaves as it is', () => {
  it('maxIterations is Infinity unless a machine says otherwise', () => {
    expect(createMachine({}).options.maxIterations ?? Infinity).toBe(Infinity);
  });

  it('finished spawned children stay among the children', () => {
    const machine = setup({ actors: { child } }).createMachine({
      entry: spawnChild('child', { id: 'kid' }),
      on: { GO: { actions: sendTo('kid', { type: 'END' }) } },
    });
    const actor = createActor(machine).start();
    actor.send({ type: 'GO' });
    expect((actor.getSnapshot().children as Record<string, AnyActor>)['kid']?.getSnapshot()).toMatchObject({
      status: 'done',
    });
  });

  it('a stale done or after event moves a state that was entered again', async () => {
    const machine = setup({ actors: { never } }).createMachine({
      id: 'm',
      initial: 'on',
      states: {
        on: {
          invoke: { id: 'ask', src: 'never', onDone: 'answered' },
          after: { 50: 'late' },
          on: { AGAIN: { target: 'on', reenter: true } },
        },
        answered: {},
        late: {},
      },
    });
    const again = () => {
      const actor = createActor(machine, { clock: new SimulatedClock() }).start();
      actor.send({ type: 'AGAIN' });
      return actor;
    };
    const answered = again();
    answered.send({ type: 'xstate.done.actor.ask', output: 'of the first call' } as never);
    expect(answered.getSnapshot().value).toBe('answered');
    const late = again();
    late.send({ type: 'xstate.after.50.m.on' } as never);
    expect(late.getSnapshot().value).toBe('late');
    await turnsOfTheLoop(1);
  });
});

describe('R3: types of events', () => {
  // Long ones, so that few of them weigh something.
  const typeOf = (n: number): string => `${n} `.padEnd(2_000, 'x');
  const machine = createMachine({
    context: { count: 0 },
    initial: 'a',
    states: { a: {} },
    on: { '*': { actions: assign({ count: ({ context }) => context.count + 1 }) } },
  });
  const weight = (decide: (type: string) => void): number => {
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc') as () => void;
    gc();
    const before = process.memoryUsage().heapUsed;
    for (let n = 0; n < 10_000; n++) decide(typeOf(n));
    gc();
    return (process.memoryUsage().heapUsed - before) / 1e6;
  };

  it('are remembered by XState for good', () => {
    let [snapshot] = initialTransition(machine);
    expect(weight((type) => ([snapshot] = transition(machine, snapshot, { type })))).toBeGreaterThan(15);
  });

  it('are forgotten by the runtime, and taken all the same', () => {
    const self = new xstate.ActorReference({ address: '/', birth: 1, id: 'x', src: 'x' }, () => {});
    const deciding: xstate.Deciding = { self, systemGet: () => undefined, systemAll: () => ({}), log: () => {} };
    let { snapshot } = xstate.decideInitial(machine, undefined, deciding);
    expect(
      weight((type) => void ({ snapshot } = xstate.decideNext(machine, snapshot, { type }, deciding))),
    ).toBeLessThan(10);
    expect(snapshot.context).toEqual({ count: 10_000 });
  });
});

describe('R3: what a turn leaves behind until the next full collection', () => {
  const machine = setup({
    actors: { call: fromPromise(() => Promise.resolve()) },
    actions: { named: enqueueActions(({ enqueue }) => enqueue.assign({ named: true })) },
  }).createMachine({
    context: { named: false, inline: 0 },
    initial: 'a',
    states: {
      a: {
        id: 'left',
        on: { go: { target: 'b', actions: enqueueActions(({ enqueue }) => enqueue.assign({ inline: 1 })) } },
      },
      b: {
        entry: 'named',
        initial: { target: 'c', actions: enqueueActions(({ enqueue }) => enqueue.assign({ inline: 2 })) },
        invoke: { src: 'call', id: 'call' },
        states: {
          c: { always: { target: 'd', actions: enqueueActions(({ enqueue }) => enqueue.assign({ inline: 3 })) } },
          d: { exit: enqueueActions(({ enqueue }) => enqueue.assign({ inline: 4 })), on: { back: '#left' } },
        },
      },
    },
  });
  /** Bytes a turn among the old objects, after collections of the young ones. */
  const kept = (turn: () => void): number => {
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc') as (options?: { type: 'minor' }) => void;
    const old = (): number =>
      getHeapSpaceStatistics()
        .filter(({ space_name: space }) => space === 'old_space')
        .reduce((bytes, { space_used_size: used }) => bytes + used, 0);
    for (let n = 0; n < 3_000; n++) turn();
    gc();
    const before = old();
    for (let n = 0; n < 5_000; n++) turn();
    gc({ type: 'minor' });
    gc({ type: 'minor' });
    console.log((old() - before) / 5_000);
    return (old() - before) / 5_000;
  };

  it('is the snapshots, the events, the system and the actions in XState, and little of it here', () => {
    const plain = (): void => {
      const [first] = initialTransition(machine);
      transition(machine, first, { type: 'go' });
    };
    const turn = (): xstate.Snapshot => {
      const self = new xstate.ActorReference({ address: '/', birth: 1, id: 'x', src: 'x' }, () => {});
      const deciding: xstate.Deciding = { self, systemGet: () => undefined, systemAll: () => ({}), log: () => {} };
      const { snapshot } = xstate.decideInitial(machine, undefined, deciding);
      return xstate.decideNext(machine, snapshot, { type: 'go' }, deciding).snapshot;
    };
    expect(turn()).toMatchObject({ value: { b: 'd' }, context: { named: true, inline: 3 } });
    expect(kept(turn)).toBeLessThan(kept(plain) / 2);
  });

  it('although enqueueActions gives all that it gives in XState', () => {
    const given = (decide: (machine: AnyStateMachine) => void): unknown => {
      let seen: unknown;
      const collect = enqueueActions(({ enqueue, check, ...rest }) => {
        const methods = Object.keys(enqueue).sort();
        seen = {
          methods,
          checks: [check('yes'), check(not('yes')), check(stateIn('a'))],
          rest: Object.keys(rest).sort(),
        };
        enqueue.emit({ type: 'said' });
        enqueue({ type: 'own', params: { n: 1 } });
      });
      decide(
        setup({ guards: { yes: () => true }, actions: { own: () => {} } }).createMachine({
          initial: 'a',
          states: { a: { entry: collect as never } },
        }),
      );
      return seen;
    };
    const self = new xstate.ActorReference({ address: '/', birth: 1, id: 'x', src: 'x' }, () => {});
    const deciding: xstate.Deciding = { self, systemGet: () => undefined, systemAll: () => ({}), log: () => {} };
    let decision: xstate.Decision | undefined;
    const ours = given((bare) => (decision = xstate.decideInitial(bare, undefined, deciding)));
    const theirs = given((plain) => initialTransition(plain));
    expect(ours).toEqual(theirs);
    expect(ours).toMatchObject({ checks: [true, false, true], rest: ['context', 'event', 'self', 'system'] });
    expect(decision).toMatchObject({ actions: [{ kind: 'fact', type: 'emitted' }], custom: [{ type: 'own' }] });
  });
});

describe('R7: the text of a definition', () => {
  const own = setup({ actors: { kid: createMachine({}) } }).createMachine({
    initial: 'a',
    entry: [
      raise({ type: 'A' }),
      assign({ n: 1 }),
      sendTo('kid', { type: 'B' } as never),
      log('text'),
      spawnChild('kid'),
    ],
    states: { a: { always: { guard: and([stateIn('b'), not(stateIn('a'))]) as never, target: 'b' } }, b: {} },
  });

  it("holds nothing of XState's own code, which is another in each release and each bundle", () => {
    const text = xstate.definitionText(own as never);
    expect(text).not.toMatch(/actorScope|snapshot\b.*=>|checkAnd\(/);
    expect(text).toContain('"checkAnd"');
    expect(text).toContain('{"n":1}');
  });

  it('changes with a function of the user', () => {
    const count = (by: number) =>
      xstate.definitionText(
        createMachine({ entry: by === 1 ? assign({ n: () => 1 }) : assign({ n: () => 2 }) }) as never,
      );
    expect(count(1)).toBe(count(1));
    expect(count(1)).not.toBe(count(2));
  });
});

describe('what a stored snapshot needs of another version of its machine', () => {
  const machine = setup({ actors: { call: fromPromise(async () => 1) } }).createMachine({
    id: 'm',
    initial: 'a',
    states: {
      a: { initial: 'b', states: { b: { invoke: { src: 'call' } }, c: { invoke: { id: 'mine', src: 'call' } } } },
      p: {
        type: 'parallel',
        states: { x: {}, y: { initial: 'z', states: { z: {} } } },
        on: { 'file.*': 'a', GO: 'a' },
      },
      h: { initial: 'q', states: { q: {}, past: { type: 'history' } } },
    },
  });

  it('XState restores a value that stops half way down as if its first state had been entered: it is said to be none', () => {
    const half = xstate.fromStored(machine, { status: 'active', value: 'a', context: {} });
    expect((half._nodes as { id: string }[]).map(({ id }) => id)).toEqual(['m', 'm.a', 'm.a.b']);
    expect(half.value).toEqual({ a: 'b' });
    expect(xstate.valueFault(machine, 'a')).toContain('{"a":"b"}');
    expect(xstate.valueFault(machine, { p: { y: 'z' } })).toContain('"x":{}');
    expect(xstate.valueFault(machine, { a: { b: 'deeper' } })).toBeTruthy();
    expect(xstate.valueFault(machine, 'gone')).toContain('gone');
    for (const whole of [{ a: 'c' }, { p: { x: {}, y: 'z' } }, { h: 'q' }])
      expect(xstate.valueFault(machine, whole)).toBeUndefined();
  });

  it('XState forgets a history whose states are gone: they are named', () => {
    expect(xstate.unknownHistory(machine, { 'm.h.past': [{ id: 'm.h.q' }] })).toEqual([]);
    expect(xstate.unknownHistory(machine, { 'm.h.past': [{ id: 'm.h.old' }] })).toEqual(['m.h.old']);
  });

  it('what active states invoke, by the id of the child', () => {
    const at = (value: object) =>
      xstate.invocations(xstate.fromStored(machine, { status: 'active', value, context: {} }));
    expect(at({ a: 'b' })).toEqual([{ state: 'm.a.b', id: '0.m.a.b', src: 'call' }]);
    expect(at({ a: 'c' })).toEqual([{ state: 'm.a.c', id: 'mine', src: 'call' }]);
  });

  it('which events some state takes', () => {
    expect(['GO', 'file.saved', 'file', 'STOP'].map((type) => xstate.knowsEvent(machine, type))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  it('which events the active states name: those alone on which they do something', () => {
    const states = setup({}).createMachine({
      on: { AROUND: { actions: () => {} } },
      initial: 'a',
      states: {
        a: { on: { GO: 'b', NOTHING: {}, AGAIN: { target: 'a', reenter: true }, '*': { actions: () => {} } } },
        b: { on: { BACK: 'a' } },
      },
    });
    for (const value of ['a', 'b']) {
      const snapshot = xstate.fromStored(states, { status: 'active', value, context: {} });
      const named = ['AROUND', 'GO', 'NOTHING', 'AGAIN', 'BACK', 'OTHER', '*'].filter((type) =>
        xstate.namesEvent(snapshot, type),
      );
      expect(named.toSorted()).toEqual(xstate.ownEventTypes(snapshot));
    }
    const inA = xstate.fromStored(states, { status: 'active', value: 'a', context: {} });
    expect(xstate.ownEventTypes(inA)).toEqual(['*', 'AGAIN', 'AROUND', 'GO']);
  });
});
