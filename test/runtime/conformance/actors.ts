/** Actors: invoke, spawnChild, promise actors, output, onError, stopChild, systemId. */
import { assign, emit, enqueueActions, setup, sendTo, spawnChild, stopChild } from 'xstate';
import type { Gates } from './gates.ts';
import { send, type Scenario } from './scenario.ts';

const child = setup({
  types: {} as { context: { name: string; log: readonly string[] }; input: { name: string }; events: { type: string } },
  actions: {
    note: assign({ log: ({ context, event }) => [...context.log, event.type] }),
    say: emit(({ context, event }) => ({ type: 'child', name: context.name, heard: event.type })),
  },
}).createMachine({
  context: ({ input }) => ({ name: input.name, log: [] }),
  initial: 'on',
  entry: 'say',
  states: {
    on: { on: { TICK: { actions: ['note', 'say'] }, END: 'end', BREAK: { actions: () => {}, target: 'broken' } } },
    broken: { entry: assign({ log: () => fail('broken on purpose') }) },
    end: { type: 'final' },
  },
  output: ({ context }) => ({ ...context }),
});

function fail(message: string): never {
  // Thrown as a machine's own code would throw it.
  throw new RangeError(message);
}

const atOnce = setup({}).createMachine({ initial: 'end', states: { end: { type: 'final' } }, output: { quick: true } });

const family = (gates: Gates) =>
  setup({
    types: {} as { context: { got: readonly unknown[] }; events: { type: string; [key: string]: unknown } },
    actors: { child, atOnce, gate: gates.logic },
    actions: {
      keep: assign({ got: ({ context, event }) => [...context.got, said(event)] }),
      say: emit(({ event }) => ({ type: 'parent', heard: event.type })),
    },
  });

function said(event: { readonly type: string; readonly output?: unknown; readonly error?: unknown }): unknown {
  return [event.type, event.output ?? (event.error instanceof Error ? event.error.message : event.error) ?? null];
}

function named({ event }: { event: { readonly [key: string]: unknown } }): string {
  return String(event['name']);
}

const invoking = (gates: Gates) =>
  family(gates).createMachine({
    context: { got: [] },
    initial: 'idle',
    states: {
      idle: { on: { GO: 'busy' } },
      busy: {
        invoke: {
          id: 'kid',
          src: 'child',
          input: { name: 'k' },
          onDone: { target: 'done', actions: ['keep', 'say'] },
          onError: { target: 'failed', actions: 'keep' },
        },
        on: {
          TELL: { actions: sendTo('kid', { type: 'TICK' }) },
          FINISH: { actions: sendTo('kid', { type: 'END' }) },
          BREAK: { actions: sendTo('kid', { type: 'BREAK' }) },
          LEAVE: 'idle',
        },
      },
      done: { on: { GO: 'busy' } },
      failed: { on: { GO: 'busy' } },
    },
  });

const unhandled = (gates: Gates) =>
  family(gates).createMachine({
    context: { got: [] },
    invoke: { id: 'kid', src: 'child', input: { name: 'k' } },
    on: { BREAK: { actions: sendTo('kid', { type: 'BREAK' }) } },
  });

const promising = (gates: Gates) =>
  family(gates).createMachine({
    context: { got: [] },
    initial: 'asking',
    states: {
      asking: {
        invoke: [
          {
            id: 'first',
            src: 'gate',
            input: { name: 'first' },
            onDone: { actions: ['keep', 'say'] },
            onError: { target: 'sorry', actions: 'keep' },
          },
          {
            id: 'second',
            src: 'gate',
            input: { name: 'second' },
            onDone: { target: 'glad', actions: 'keep' },
            onError: { target: 'sorry', actions: 'keep' },
          },
        ],
        on: { LEAVE: 'left' },
      },
      left: { on: { BACK: 'asking' } },
      glad: { type: 'final' },
      sorry: { on: { BACK: { target: 'asking', reenter: true } } },
    },
    output: ({ context }) => context.got,
  });

const spawning = (gates: Gates) =>
  family(gates).createMachine({
    context: { got: [] },
    on: {
      SPAWN: {
        actions: enqueueActions(({ enqueue, event }) =>
          enqueue.spawnChild('child', { id: named({ event }), input: { name: named({ event }) } }),
        ),
      },
      QUICK: { actions: spawnChild('atOnce', { id: 'quick' }) },
      ASK: { actions: spawnChild('gate', { id: 'asked', input: { name: 'asked' } }) },
      STOP: { actions: stopChild(named) },
      TELL: { actions: sendTo(named, { type: 'TICK' }) },
      FINISH: { actions: sendTo(named, { type: 'END' }) },
      BOTH: { actions: [spawnChild('child', { id: 'brief', input: { name: 'brief' } }), stopChild('brief')] },
      AGAIN: {
        actions: [
          spawnChild('child', { id: 'twin', input: { name: 'one' } }),
          stopChild('twin'),
          spawnChild('child', { id: 'twin', input: { name: 'two' } }),
        ],
      },
      MANY: {
        actions: enqueueActions(({ enqueue }) => {
          for (const name of ['m1', 'm2', 'm3']) enqueue.spawnChild('child', { id: name, input: { name } });
          enqueue.sendTo('m2', { type: 'TICK' });
        }),
      },
      'xstate.done.actor.*': { actions: ['keep', 'say'] },
      'xstate.error.actor.*': { actions: 'keep' },
    },
  });

const invokedAndLeftAtOnce = (gates: Gates) =>
  family(gates).createMachine({
    context: { got: [] },
    initial: 'through',
    states: {
      through: { invoke: { id: 'kid', src: 'child', input: { name: 'brief' } }, always: 'on' },
      on: { on: { AGAIN: 'through' } },
    },
  });

const known = (gates: Gates) =>
  family(gates).createMachine({
    context: { got: [] },
    initial: 'on',
    states: {
      on: {
        invoke: {
          id: 'kid',
          src: 'child',
          systemId: 'known',
          input: { name: 'k' },
          onDone: { target: 'off', actions: 'keep' },
        },
        on: {
          TELL: { actions: sendTo(({ system }) => system.get('known'), { type: 'TICK' }) },
          AGAIN: { target: 'on', reenter: true },
          LEAVE: 'off',
          FINISH: { actions: sendTo(({ system }) => system.get('known'), { type: 'END' }) },
        },
      },
      off: {
        on: {
          BACK: 'on',
          OTHER: { actions: spawnChild('child', { id: 'other', systemId: 'known', input: { name: 'o' } }) },
          TELL: { actions: sendTo(({ system }) => system.get('known'), { type: 'TICK' }) },
        },
      },
    },
  });

const knownPromise = (gates: Gates) =>
  family(gates).createMachine({
    context: { got: [] },
    initial: 'on',
    states: {
      on: {
        invoke: {
          id: 'ask',
          src: 'gate',
          systemId: 'asker',
          input: { name: 'g' },
          onDone: { target: 'off', actions: 'keep' },
        },
        on: { AGAIN: { target: 'on', reenter: true }, LEAVE: 'off' },
      },
      off: {
        on: {
          BACK: 'on',
          OTHER: { actions: spawnChild('gate', { id: 'otherAsker', systemId: 'asker', input: { name: 'h' } }) },
        },
      },
    },
  });

const holdingReference = (gates: Gates) =>
  setup({
    types: {} as { context: { kid: unknown }; events: { type: string } },
    actors: { child, gate: gates.logic },
  }).createMachine({
    context: { kid: null },
    invoke: { id: 'kid', src: 'child', input: { name: 'k' } },
    on: {
      KEEP: { actions: assign({ kid: ({ self }) => (self.getSnapshot === undefined ? null : null) }) },
      TELL: { actions: sendTo('kid', { type: 'TICK' }) },
    },
  });

const chain = (gates: Gates, depth: number): ReturnType<typeof link> =>
  depth === 0 ? link(gates, undefined) : link(gates, chain(gates, depth - 1));
const link = (gates: Gates, below: unknown) =>
  setup({
    types: {} as { context: { heard: number }; events: { type: string } },
    actors: { below: (below ?? gates.logic) as typeof child },
    actions: {
      count: assign({ heard: ({ context }) => context.heard + 1 }),
      say: emit(({ event }) => ({ type: 'link', heard: event.type })),
    },
  }).createMachine({
    context: { heard: 0 },
    initial: 'on',
    states: {
      on: {
        invoke: { id: 'below', src: 'below', input: { name: 'bottom' }, onDone: { target: 'end', actions: 'say' } },
        on: {
          DOWN: {
            actions: [
              'count',
              'say',
              ...(below === undefined ? [] : [sendTo('below', { type: 'DOWN' })]),
              'say',
            ] as never,
          },
        },
      },
      end: { type: 'final' },
    },
    output: ({ context }) => context.heard,
  });

const about = (type: string, name: string) => ({ send: { type, name } });

/** Scenarios of parents and children. */
export const actorScenarios: readonly Scenario[] = [
  {
    name: 'invoke a machine, talk to it, its output',
    machine: invoking,
    steps: send('GO', 'TELL', 'TELL', 'FINISH', 'GO', 'LEAVE', 'GO', 'FINISH'),
  },
  { name: 'an invoked machine that throws, onError', machine: invoking, steps: send('GO', 'BREAK', 'GO', 'TELL') },
  { name: 'an error nobody handles', machine: unhandled, steps: send('BREAK') },
  {
    name: 'promise actors, resolved in turn',
    machine: promising,
    steps: [
      { resolve: 'first', with: { n: 1 } },
      { resolve: 'second', with: 'two' },
    ],
  },
  {
    name: 'promise actors, rejected and asked again',
    machine: promising,
    steps: [
      { resolve: 'first', with: 1 },
      { reject: 'second', with: 'no' },
      ...send('BACK'),
      { resolve: 'second', with: 2 },
    ],
  },
  {
    name: 'a promise that comes after its state was left',
    machine: promising,
    steps: [...send('LEAVE'), { resolve: 'first', with: 1 }, ...send('BACK'), { resolve: 'second', with: 2 }],
  },
  {
    name: 'spawned children, done children stay',
    machine: spawning,
    steps: [about('SPAWN', 'a'), about('SPAWN', 'b'), about('TELL', 'b'), about('FINISH', 'a'), about('STOP', 'b')],
  },
  { name: 'a child that ends at once', machine: spawning, steps: [...send('QUICK'), ...send('QUICK')] },
  { name: 'a spawned promise', machine: spawning, steps: [...send('ASK'), { resolve: 'asked', with: [1, 2] }] },
  {
    name: 'a spawned promise, stopped',
    machine: spawning,
    steps: [
      ...send('ASK'),
      about('STOP', 'asked'),
      { resolve: 'asked', with: 1 },
      ...send('ASK'),
      { reject: 'asked', with: 'late' },
    ],
  },
  { name: 'spawned and stopped in one turn', machine: spawning, steps: send('BOTH') },
  {
    name: 'spawned, stopped and spawned again in one turn',
    machine: spawning,
    steps: [...send('AGAIN'), about('TELL', 'twin')],
  },
  {
    name: 'many children spawned in one turn',
    machine: spawning,
    steps: [...send('MANY'), about('FINISH', 'm3'), about('TELL', 'm1')],
  },
  { name: 'invoked and left at once', machine: invokedAndLeftAtOnce, steps: send('AGAIN', 'AGAIN') },
  {
    name: 'a systemId, re-entered, left and taken by another',
    machine: known,
    steps: send('TELL', 'AGAIN', 'TELL', 'LEAVE', 'TELL', 'OTHER', 'TELL'),
  },
  { name: 'a systemId is free when its actor ends', machine: known, steps: send('FINISH', 'OTHER', 'TELL') },
  {
    name: 'a systemId of a promise, re-entered and taken by another',
    machine: knownPromise,
    steps: send('AGAIN', 'LEAVE', 'OTHER'),
  },
  {
    name: 'a systemId of a promise is free when it ends',
    machine: knownPromise,
    steps: [{ resolve: 'g', with: 1 }, ...send('OTHER')],
  },
  { name: 'a reference in context', machine: holdingReference, steps: send('KEEP', 'TELL') },
  {
    name: 'a chain of seven, ended from the bottom',
    machine: (gates) => chain(gates, 6),
    steps: [...send('DOWN', 'DOWN'), { resolve: 'bottom', with: 0 }],
  },
];
