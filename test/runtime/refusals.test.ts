/** Nothing is dropped in silence (R7): what cannot be durable is refused, with a code and a place. */
import { describe, expect, it } from 'vitest';
import {
  assign,
  emit,
  enqueueActions,
  fromCallback,
  fromEventObservable,
  fromObservable,
  fromPromise,
  fromTransition,
  log,
  sendParent,
  sendTo,
  setup,
  spawnChild,
  createMachine,
  type AnyActorRef,
  type AnyStateMachine,
} from 'xstate';
import type { Machine } from '../../src/runtime/xstate.ts';
import { openRuntime } from '../harness/runtime.ts';
import { counter } from './machines.ts';

const child = createMachine({});
const refused = (machine: AnyStateMachine) => openRuntime({ machines: { 'm@1': machine as Machine } });

/** As XState made it before 5.31. */
function ofOlderXState(): AnyStateMachine {
  const made = Object.assign(Object.create(Object.getPrototypeOf(child) as object) as AnyStateMachine, child);
  delete (made as { options?: unknown }).options;
  return made;
}

describe('R7: refused at registration, every fault with its path', () => {
  it('a machine of an older XState', async () => {
    await expect(refused(ofOlderXState())).rejects.toMatchObject({
      code: 'invalidMachine',
      faults: [{ path: 'm@1: machine', message: expect.stringContaining('XState 5.31 or newer') }],
    });
  });

  it.each([
    ['an inline machine in invoke', createMachine({ id: 'm', invoke: { src: child } }), /m\.invoke\[0\]\.src.*inline/],
    [
      'an inline promise in invoke',
      createMachine({ id: 'm', initial: 'a', states: { a: { invoke: { src: fromPromise(async () => 1) } } } }),
      /m\.a\.invoke\[0\]\.src.*inline/,
    ],
    [
      'inline logic in spawnChild',
      createMachine({ id: 'm', on: { GO: { actions: spawnChild(child) } } }),
      /m\.on\["GO"\]\[0\]\.actions\[0\].*inline/,
    ],
    ['an undeclared actor', createMachine({ id: 'm', invoke: { src: 'nobody' } }), /no actor "nobody"/],
    ['a callback', setup({ actors: { back: fromCallback(() => {}) } }).createMachine({}), /actors\.back.*callbacks/],
    [
      'an observable',
      setup({ actors: { watch: fromObservable(() => ({ subscribe: () => ({ unsubscribe() {} }) })) } }).createMachine(
        {},
      ),
      /actors\.watch.*observables/,
    ],
    [
      'an observable of events',
      setup({
        actors: { watch: fromEventObservable(() => ({ subscribe: () => ({ unsubscribe() {} }) })) },
      }).createMachine({}),
      /actors\.watch.*observables/,
    ],
    [
      'a transition function',
      setup({ actors: { step: fromTransition((n: number) => n + 1, 0) } }).createMachine({}),
      /actors\.step.*transition/,
    ],
    [
      'a callback of a child',
      setup({ actors: { kid: setup({ actors: { back: fromCallback(() => {}) } }).createMachine({}) } }).createMachine(
        {},
      ),
      /m@1>kid: actors\.back/,
    ],
    [
      'onSnapshot',
      setup({ actors: { kid: child } }).createMachine({ id: 'm', invoke: { src: 'kid', onSnapshot: {} } }),
      /onSnapshot/,
    ],
    [
      'syncSnapshot',
      setup({ actors: { kid: child } }).createMachine({
        id: 'm',
        entry: spawnChild('kid', { syncSnapshot: true } as never),
      }),
      /m\.entry\[0\]\.syncSnapshot/,
    ],
  ])('%s', async (_, machine, message) => {
    await expect(refused(machine)).rejects.toMatchObject({
      code: 'invalidMachine',
      message: expect.stringMatching(message) as string,
    });
  });

  it('all faults at once', async () => {
    const machine = createMachine({ id: 'm', invoke: [{ src: child }, { src: 'nobody' }] });
    await expect(refused(machine)).rejects.toMatchObject({
      faults: [{ path: 'm@1: m.invoke[0].src' }, { path: 'm@1: m.invoke[1].src' }],
    });
  });

  it.each(['order', 'order@', '@1', 'a/b>c@1'])('the name %j', async (name) => {
    await expect(openRuntime({ machines: { [name]: counter } })).rejects.toMatchObject({ code: 'invalidMachine' });
  });
});

/** A machine with one action on `GO`, and what becomes of its run. */
async function afterGo(machine: AnyStateMachine) {
  const under = await openRuntime({ machines: { 'm@1': machine as Machine, 'counter@1': counter } });
  const { runId } = await under.runtime.start('m');
  const other = await under.runtime.start('counter');
  await under.runtime.send(runId, { type: 'GO' });
  await under.runtime.send(other.runId, { type: 'ADD' });
  await under.settle();
  return { under, run: await under.runtime.read(runId), runId };
}

describe('R7: refused in the turn; the actor ends in error, others go on', () => {
  const broken = setup({ types: {} as { context: Record<string, unknown> }, actors: { child } });

  it('spawn() in assign', async () => {
    const { run } = await afterGo(
      broken.createMachine({ context: {}, on: { GO: { actions: assign({ kid: ({ spawn }) => spawn('child') }) } } }),
    );
    expect(run).toMatchObject({ status: 'failed', reason: { code: 'spawnInAssign' } });
  });

  it('inline logic from a function', async () => {
    const spawning = broken.createMachine({
      context: {},
      on: {
        GO: { actions: enqueueActions(({ enqueue }) => enqueue.spawnChild(createMachine({}) as never, { id: 'x' })) },
      },
    });
    const { run } = await afterGo(spawning);
    expect(run).toMatchObject({ status: 'failed', reason: { code: 'inlineActor' } });
  });

  it('an actor that nobody knows, from a function', async () => {
    const spawning = broken.createMachine({
      context: {},
      on: { GO: { actions: enqueueActions(({ enqueue }) => enqueue.spawnChild('typo' as never, { id: 'x' })) } },
    });
    const { run } = await afterGo(spawning);
    expect(run).toMatchObject({ status: 'failed', reason: { code: 'inlineActor' } });
  });

  it('a detached actor that nobody knows', async () => {
    const spawning = setup({
      actions: { 'fermata.spawn': (_, _params: { readonly id: string; readonly src: string }) => {} },
    }).createMachine({ on: { GO: { actions: { type: 'fermata.spawn', params: { id: 'x', src: 'typo' } } } } });
    const { run } = await afterGo(spawning);
    expect(run).toMatchObject({
      status: 'failed',
      reason: { code: 'inlineActor', message: expect.stringContaining('"typo"') as string },
    });
  });

  it('syncSnapshot from a function', async () => {
    const spawning = broken.createMachine({
      context: {},
      on: {
        GO: {
          actions: enqueueActions(({ enqueue }) =>
            enqueue.spawnChild('child', { id: 'kid', syncSnapshot: true } as never),
          ),
        },
      },
    });
    const { run } = await afterGo(spawning);
    expect(run).toMatchObject({ status: 'failed', reason: { code: 'invalidMachine' } });
  });

  it.each([
    ['a function', () => () => {}, 'context.deep[0].bad'],
    ['a symbol', () => Symbol('s'), 'context.deep[0].bad'],
    ['an instance of a class', () => new (class Money {})(), 'context.deep[0].bad'],
    ['a promise', () => Promise.resolve(), 'context.deep[0].bad'],
  ])('%s in context, by path', async (_, value, path) => {
    const { run } = await afterGo(
      broken.createMachine({ context: {}, on: { GO: { actions: assign({ deep: () => [{ bad: value() }] }) } } }),
    );
    expect(run).toMatchObject({
      status: 'failed',
      reason: { code: 'notSerializable', message: expect.stringContaining(path) as string },
    });
  });

  it('a context may nest whatever an event may nest', async () => {
    const keeper = setup({ types: {} as { context: { kept: unknown }; events: { type: 'KEEP'; value: unknown } } });
    const machine = keeper.createMachine({
      context: { kept: null },
      on: { KEEP: { actions: assign({ kept: ({ event }) => event.value }) } },
    });
    const under = await openRuntime({ machines: { 'm@1': machine as Machine, 'counter@1': counter } });
    const [{ runId }, other] = await Promise.all([under.runtime.start('m'), under.runtime.start('counter')]);
    for (let depth = 190; depth <= 205; depth++) {
      const value = Array.from({ length: depth }).reduce<unknown>((inner) => [inner], 1);
      const sent = under.runtime.send(runId, { type: 'KEEP', value });
      const both = await Promise.allSettled([sent, under.runtime.send(other.runId, { type: 'ADD' })]);
      expect(both[1]?.status, `beside ${depth}`).toBe('fulfilled');
      if (both[0]?.status === 'rejected') expect(both[0].reason).toMatchObject({ code: 'notSerializable' });
    }
    expect((await under.runtime.read(runId)).status).toBe('waiting');
  });

  it('a cycle in context', async () => {
    const { run } = await afterGo(
      broken.createMachine({
        context: {},
        on: {
          GO: {
            actions: assign(() => {
              const loop: Record<string, unknown> = {};
              loop['self'] = loop;
              return { loop };
            }),
          },
        },
      }),
    );
    expect(run).toMatchObject({ status: 'failed', reason: { code: 'notSerializable' } });
  });

  it.each([
    [
      'the output',
      broken.createMachine({
        context: {},
        initial: 'on',
        states: { on: { on: { GO: 'end' } }, end: { type: 'final' } },
        output: { deep: [{ bad: () => {} }] },
      }),
      'output.deep[0].bad',
    ],
    [
      'the input of a child',
      broken.createMachine({
        context: {},
        on: {
          GO: {
            actions: enqueueActions(({ enqueue }) =>
              enqueue.spawnChild('child', { id: 'kid', input: { deep: [{ bad: Symbol('s') }] } as never }),
            ),
          },
        },
      }),
      'deep[0].bad',
    ],
    [
      'what is emitted',
      broken.createMachine({ context: {}, on: { GO: { actions: emit({ type: 'said', bad: () => {} } as never) } } }),
      'bad',
    ],
  ])('%s that cannot be stored, by path', async (_, machine, path) => {
    const { run } = await afterGo(machine);
    expect(run).toMatchObject({
      status: 'failed',
      reason: { code: 'notSerializable', message: expect.stringContaining(path) as string },
    });
  });

  it.each([
    ['in one turn', [1, 2]],
    ['in a later turn', [2]],
  ])('a systemId that another actor of the run has, %s', async (_, ids) => {
    const spawning = broken.createMachine({
      context: {},
      entry: ids.length === 1 ? spawnChild('child', { id: '1', systemId: 'one' }) : [],
      on: {
        GO: {
          actions: enqueueActions(({ enqueue }) => {
            for (const id of ids) enqueue.spawnChild('child', { id: String(id), systemId: 'one' });
          }),
        },
      },
    });
    const { run } = await afterGo(spawning);
    expect(run).toMatchObject({
      status: 'failed',
      reason: { code: 'invalidMachine', message: expect.stringContaining('"one"') as string },
    });
  });

  it("an event that cannot be stored is the sender's error only", async () => {
    const kid = setup({}).createMachine({
      on: { TELL: { actions: sendParent({ type: 'HEARD', fn: () => {} } as never) } },
    });
    const parent = setup({ types: {} as { context: { error: unknown } }, actors: { kid } }).createMachine({
      context: { error: null },
      invoke: { id: 'kid', src: 'kid', onError: { actions: assign({ error: ({ event }) => event.error }) } },
      on: { GO: { actions: sendTo('kid', { type: 'TELL' } as never) } },
    });
    const { under, run, runId } = await afterGo(parent);
    expect(run.status).toBe('waiting');
    expect((await under.runtime.snapshot(runId)).snapshot.context).toMatchObject({
      error: { code: 'notSerializable' },
    });
  });

  it.each([
    ['another actor', ({ system }: { system: { get(id: string): unknown } }) => system.get('kid')],
    ['the actor itself', ({ self }: { self: unknown }) => self],
  ])('a snapshot of %s, looked at in a turn', async (_, of) => {
    const { run } = await afterGo(
      broken.createMachine({
        context: {},
        invoke: { id: 'kid', src: 'child', systemId: 'kid' },
        on: { GO: { actions: assign({ seen: (given) => (of(given) as AnyActorRef).getSnapshot() }) } },
      }),
    );
    expect(run).toMatchObject({ status: 'failed', reason: { code: 'snapshotOfReference' } });
  });
});

describe('R7: what JSON cannot carry is kept', () => {
  it('in context, events and output, over a restart', async () => {
    const values = {
      map: new Map<unknown, unknown>([[{ k: 1 }, new Set([1])]]),
      date: new Date(5),
      error: new RangeError('bad'),
      nothing: undefined,
      big: 12345678901234567890n,
      minusZero: -0,
      nan: NaN,
      bytes: new Uint8Array([1, 2]),
    };
    const machine = setup({
      types: {} as { context: { got: unknown }; events: { type: 'GO'; got: unknown } | { type: 'END' } },
    }).createMachine({
      context: { got: null },
      initial: 'on',
      states: {
        on: { on: { GO: { actions: assign({ got: ({ event }) => event.got }) }, END: 'end' } },
        end: { type: 'final' },
      },
      output: ({ context }) => context.got,
    });
    const under = await openRuntime({ machines: { 'm@1': machine } });
    const { runId } = await under.runtime.start('m', { input: values });
    await under.runtime.send(runId, { type: 'GO', got: values });
    await under.restart();
    expect(((await under.runtime.snapshot(runId)).snapshot.context as { got: unknown }).got).toEqual({
      ...values,
      error: expect.objectContaining({ name: 'RangeError', message: 'bad' }) as unknown,
    });
    await under.runtime.send(runId, { type: 'END' });
    const { output, input } = await under.runtime.read(runId);
    for (const kept of [output, input]) {
      expect(kept).toMatchObject({ map: values.map, date: values.date, big: values.big, minusZero: -0, nan: NaN });
      expect(kept).toHaveProperty('nothing', undefined);
    }
  });

  it('an input or event from outside that cannot be stored is refused to the caller', async () => {
    const under = await openRuntime({ machines: { 'counter@1': counter } });
    await expect(under.runtime.start('counter', { input: { f: () => {} } })).rejects.toMatchObject({
      code: 'notSerializable',
      data: { path: 'input.f' },
    });
    await expect(
      under.runtime.start('counter', { input: { list: Object.assign([], { length: 4_000_000_000 }) } }),
    ).rejects.toMatchObject({
      code: 'notSerializable',
      data: { path: 'input.list' },
    });
    const { runId } = await under.runtime.start('counter');
    await expect(under.runtime.send(runId, { type: 'ADD', f: Symbol('x') })).rejects.toMatchObject({
      code: 'notSerializable',
    });
    expect((await under.runtime.snapshot(runId)).snapshot.context).toEqual({ count: 0 });
  });

  it('a snapshot to go on from that cannot be stored is refused to the caller', async () => {
    const under = await openRuntime({ machines: { 'counter@1': counter } });
    const loop: Record<string, unknown> = {};
    loop['self'] = loop;
    for (const context of [{ count: () => {} }, loop]) {
      const snapshot = { status: 'active', value: 'counting', context, historyValue: {}, children: {} };
      await expect(under.runtime.start('counter', { snapshot })).rejects.toMatchObject({ code: 'notSerializable' });
    }
    expect(await under.runtime.list({ limit: 10 })).toEqual([]);
  });

  it('a reference to an actor in the output', async () => {
    const machine = setup({ types: {} as { context: Record<string, never> }, actors: { child } }).createMachine({
      context: {},
      initial: 'on',
      states: { on: { on: { GO: 'end' } }, end: { type: 'final' } },
      output: ({ self }) => ({ who: self }),
    });
    const { run } = await afterGo(machine);
    expect(run).toMatchObject({ status: 'completed', output: { who: { address: '/' } } });
  });
});

describe('R7: machines that are missing or changed', () => {
  it('a run of a machine that is not registered waits; others go on; it goes on once the machine is back', async () => {
    const under = await openRuntime({ machines: { 'counter@1': counter, 'other@1': counter } });
    const [lost, fine] = [await under.runtime.start('other'), await under.runtime.start('counter')];
    await under.restart({ machines: { 'counter@1': counter } });
    await expect(under.runtime.send(lost.runId, { type: 'ADD' })).rejects.toMatchObject({
      code: 'machineMissing',
      data: { registered: ['counter@1'] },
    });
    await under.runtime.send(fine.runId, { type: 'ADD' });
    expect((await under.runtime.why(lost.runId)).blocked).toMatchObject({ code: 'machineMissing' });
    await under.restart({ machines: { 'counter@1': counter, 'other@1': counter } });
    await under.runtime.send(lost.runId, { type: 'ADD' });
    expect((await under.runtime.snapshot(lost.runId)).snapshot.context).toEqual({ count: 1 });
  });

  it("a missing machine's due timer neither spins nor is lost", async () => {
    const sleepy = setup({}).createMachine({ initial: 'a', states: { a: { after: { 1_000: 'b' } }, b: {} } });
    const under = await openRuntime({ machines: { 'sleepy@1': sleepy, 'counter@1': counter } });
    const { runId } = await under.runtime.start('sleepy');
    await under.restart({ machines: { 'counter@1': counter } });
    await under.advance(2 * 3_600_000);
    await under.restart({ machines: { 'sleepy@1': sleepy, 'counter@1': counter } });
    await under.settle();
    expect((await under.runtime.snapshot(runId)).snapshot.value).toBe('b');
  });

  it('starting what is not registered names what is', async () => {
    const under = await openRuntime({ machines: { 'counter@1': counter } });
    await expect(under.runtime.start('nothing')).rejects.toMatchObject({
      code: 'machineMissing',
      message: expect.stringContaining('counter@1') as string,
    });
  });

  const version = (id: string, guard: () => boolean) =>
    setup({ guards: { may: guard } }).createMachine({
      id,
      initial: 'a',
      states: { a: { on: { GO: { guard: 'may' } } } },
    });

  it.each([
    ['structure', version('a', () => true), version('b', () => true)],
    ['a named guard', version('a', () => true), version('a', () => false)],
  ])('a definition whose %s changed under the same name@version is refused at start', async (_, before, after) => {
    const under = await openRuntime({ machines: { 'm@1': before as Machine } });
    await under.runtime.close();
    await expect(under.open({ machines: { 'm@1': after as Machine } })).rejects.toMatchObject({
      code: 'machineChanged',
      data: { machine: 'm@1' },
    });
    await under.open({ machines: { 'm@1': before as Machine, 'm@2': after as Machine } });
    expect(await under.runtime.start('m')).toMatchObject({ status: 'waiting' });
    expect((await under.runtime.list({ limit: 1 }))[0]?.machine).toBe('m@2');
  });
});

describe('R7: custom actions', () => {
  it('one that throws is stated as action_failed, and the state stays', async () => {
    const machine = setup({
      actions: {
        bad: () => {
          throw new RangeError('no printer');
        },
      },
    }).createMachine({ initial: 'a', states: { a: { on: { GO: { target: 'b', actions: 'bad' } } }, b: {} } });
    const { under, runId } = await afterGo(machine);
    expect((await under.runtime.snapshot(runId)).snapshot).toMatchObject({ value: 'b', status: 'active' });
    expect(under.facts.filter(({ type }) => type === 'action_failed').map(({ data }) => data)).toEqual([
      { action: 'bad', message: 'no printer' },
    ]);
  });

  it('one that is an async function may throw later: the same', async () => {
    const machine = setup({
      actions: {
        late: () => Promise.reject(new RangeError('no printer')) as never,
      },
    }).createMachine({ initial: 'a', states: { a: { on: { GO: { target: 'b', actions: 'late' } } }, b: {} } });
    const { under } = await afterGo(machine);
    expect(under.facts.filter(({ type }) => type === 'action_failed').map(({ data }) => data)).toEqual([
      { action: 'late', message: 'no printer' },
    ]);
  });

  it('one that throws when its run has ended is logged: the stream of that run is over', async () => {
    const machine = setup({
      actions: {
        bad: () => {
          throw new RangeError('no printer');
        },
      },
    }).createMachine({ initial: 'a', states: { a: { on: { GO: 'b' } }, b: { type: 'final', entry: 'bad' } } });
    const { under, runId } = await afterGo(machine);
    expect((await under.runtime.journal(runId)).at(-1)).toMatchObject({ type: 'run_completed' });
    expect(under.logged).toContainEqual({
      message: 'action_failed',
      fields: { runId, actor: '/', action: 'bad', message: 'no printer' },
    });
  });

  it('they run once, and not again in recovery or time travel', async () => {
    let runs = 0;
    const machine = setup({ actions: { own: () => void runs++ } }).createMachine({ on: { GO: { actions: 'own' } } });
    const { under, runId } = await afterGo(machine);
    await under.restart();
    await under.runtime.snapshot(runId, { at: 3 });
    await under.settle();
    expect(runs).toBe(1);
  });

  it('log reaches the log, with run and actor, once and in time', async () => {
    const { under, runId } = await afterGo(createMachine({ on: { GO: { actions: log('hello') } } }));
    expect(under.logged.filter(({ message }) => message.includes('hello'))).toEqual([
      { message: 'hello', fields: { runId, actor: '/' } },
    ]);
  });

  it('an action may send to the actor itself', async () => {
    const machine = setup({
      types: {} as { events: { type: 'GO' } | { type: 'HEARD' } },
      actions: { tell: ({ self }) => self.send({ type: 'HEARD' } as never) },
    }).createMachine({
      initial: 'a',
      states: { a: { on: { GO: { actions: 'tell' }, HEARD: 'b' } }, b: {} },
    });
    const { under, runId } = await afterGo(machine);
    expect((await under.runtime.snapshot(runId)).snapshot.value).toBe('b');
  });
});

describe('R7: reserved names', () => {
  it.each(['xstate.done.actor.x', 'xstate.init', 'fermata.cancel', ''])(
    'an event %j from outside is refused',
    async (type) => {
      const under = await openRuntime({ machines: { 'counter@1': counter } });
      const { runId } = await under.runtime.start('counter');
      await expect(under.runtime.send(runId, { type })).rejects.toMatchObject({ code: 'invalidRequest' });
    },
  );

  it('what a machine emits cannot be taken for a fact of ours', async () => {
    const { under } = await afterGo(
      createMachine({ on: { GO: { actions: emit({ type: 'run_completed', output: 'forged' }) } } }),
    );
    const facts = under.facts.filter(({ run }) => run === 'run-1').map(({ type }) => type);
    expect(facts).not.toContain('run_completed');
    expect(under.facts.find(({ type }) => type === 'emitted')?.data).toEqual({
      event: { type: 'run_completed', output: 'forged' },
    });
  });
});
