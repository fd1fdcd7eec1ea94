/** Final states: what is done, what is told, and what comes out. */
import { assign, raise, sendParent, sendTo } from 'xstate';
import { family } from './family.ts';
import type { Gates } from './gates.ts';
import {
  note,
  say,
  noting,
  notingWith,
  nothing,
  inAndOut,
  atLeast,
  told,
  send,
  type Heard,
  type Notes,
} from './noting.ts';
import type { Scenario } from './scenario.ts';

const steps = noting.createMachine({
  context: nothing,
  initial: 'first',
  states: {
    first: {
      ...inAndOut('first'),
      initial: 'a',
      onDone: {
        target: 'second',
        actions: [note('first done'), assign({ count: ({ event }) => Number((event.output as { n: number }).n) })],
      },
      states: {
        a: { on: { NEXT: 'b' } },
        b: { ...inAndOut('b'), type: 'final', output: ({ event }: { event: Heard }) => ({ n: event['n'] ?? 1 }) },
      },
    },
    second: {
      initial: 'deep',
      onDone: 'end',
      states: {
        deep: { initial: 'x', onDone: { target: 'last' }, states: { x: { on: { NEXT: 'y' } }, y: { type: 'final' } } },
        last: { entry: note('last'), type: 'final' },
      },
    },
    end: { ...inAndOut('end'), type: 'final', output: ({ context }: { context: Notes }) => context.count },
  },
  output: ({ event, context }) => ({
    of: event['output'],
    log: context.log,
  }),
  ...inAndOut('root'),
});

const regions = noting.createMachine({
  context: nothing,
  initial: 'work',
  states: {
    work: {
      type: 'parallel',
      onDone: { target: 'end', actions: say('all') },
      states: {
        a: { initial: 'x', states: { x: { on: { A: 'end' } }, end: { type: 'final', output: 'of a' } } },
        b: {
          type: 'parallel',
          onDone: { actions: say('b') },
          states: {
            c: { initial: 'x', states: { x: { on: { C: 'end' } }, end: { type: 'final' } } },
            d: {
              initial: 'x',
              onDone: { actions: say('d') },
              states: { x: { on: { D: 'end', C: 'end' } }, end: { type: 'final' } },
            },
          },
        },
      },
    },
    end: { type: 'final' },
  },
});

const parallelRoot = noting.createMachine({
  context: nothing,
  type: 'parallel',
  ...inAndOut('root'),
  states: {
    a: {
      ...inAndOut('a'),
      initial: 'x',
      states: { x: { on: { A: 'end', ALL: 'end' } }, end: { ...inAndOut('a end'), type: 'final', output: 1 } },
    },
    b: {
      ...inAndOut('b'),
      initial: 'x',
      states: { x: { on: { B: 'end', ALL: 'end' } }, end: { ...inAndOut('b end'), type: 'final', output: 2 } },
    },
  },
  output: ({ context, event }: { context: Notes; event: Heard }) => ({ n: context.log.length, event: event.type }),
});

const farewell = noting.createMachine({
  context: nothing,
  initial: 'on',
  exit: [sendParent({ type: 'ROOT_EXIT' }), 'heard'],
  states: {
    on: {
      on: { END: { target: 'end', actions: sendParent({ type: 'ON_THE_WAY' }) } },
      exit: sendParent({ type: 'EXIT' }),
    },
    end: { type: 'final', entry: [sendParent({ type: 'ENTRY' }), raise({ type: 'NEVER' })] },
  },
  output: ({ context }) => context.log,
});

const hearing = notingWith({ actors: { farewell } }).createMachine({
  context: nothing,
  initial: 'on',
  states: {
    on: {
      invoke: {
        id: 'kid',
        src: 'farewell',
        onDone: {
          target: 'off',
          actions: assign({ log: ({ context, event }) => [...context.log, `done ${JSON.stringify(event.output)}`] }),
        },
      },
    },
    off: {},
  },
  on: { END: { actions: sendTo('kid', { type: 'END' }) }, '*': { actions: 'heard' } },
});

const outputs: readonly [string, unknown][] = [
  ['null', null],
  ['zero', 0],
  ['a value', { a: [1] }],
];

const byChild = (gates: Gates) =>
  family(gates).createMachine({
    context: nothing,
    initial: 'on',
    invoke: { id: 'q', src: 'atOnce', onDone: { target: '.end', actions: 'keep' } },
    states: { on: {}, end: { type: 'final' } },
    output: ({ context }) => context.log,
  });

/** Scenarios of final states. */
export const finalScenarios: readonly Scenario[] = [
  {
    name: 'onDone with the output of the final child, then the root output',
    machine: () => steps,
    steps: [told('NEXT', { n: 7 }), ...send('NEXT', 'NEXT')],
  },
  { name: 'regions that are done one after the other', machine: () => regions, steps: send('A', 'C') },
  { name: 'a region of regions first', machine: () => regions, steps: send('D', 'C', 'A') },
  { name: 'a parallel root, exits in reversed document order', machine: () => parallelRoot, steps: send('A', 'B') },
  { name: 'a parallel root, done by one event', machine: () => parallelRoot, steps: send('ALL') },
  { name: 'last words come before the end is told', machine: () => hearing, steps: send('END', 'END') },
  {
    name: 'a root that ends at birth',
    machine: () =>
      noting.createMachine({
        context: nothing,
        initial: 'a',
        ...inAndOut('root'),
        states: { a: { ...inAndOut('a'), type: 'final', output: { early: true } } },
        output: ({ event }) => (event as { output?: unknown }).output,
      }),
    steps: send('ANY'),
  },
  { name: 'a root that a child ends at birth', machine: byChild, steps: [] },
  ...outputs.map(([name, value]): Scenario => ({
    name: `output: ${name}`,
    machine: () =>
      noting.createMachine({
        context: nothing,
        initial: 'a',
        states: { a: { on: { END: 'b' } }, b: { type: 'final' } },
        output: value as never,
      }),
    steps: send('END', 'END'),
  })),
  {
    name: 'no output',
    machine: () =>
      noting.createMachine({
        context: nothing,
        initial: 'a',
        states: { a: { on: { END: 'b' } }, b: { type: 'final' } },
      }),
    steps: send('END'),
  },
  {
    name: 'reached by always',
    machine: () =>
      noting.createMachine({
        context: nothing,
        initial: 'a',
        on: { ADD: { actions: 'add' } },
        states: { a: { always: { guard: atLeast(2), target: 'b' } }, b: { type: 'final', entry: say('end') } },
        output: ({ context }) => context.count,
      }),
    steps: send('ADD', 'ADD', 'ADD'),
  },
  {
    name: 'what was raised at the end is not taken',
    machine: () =>
      noting.createMachine({
        context: nothing,
        initial: 'a',
        on: { RAISED: { actions: note('raised') } },
        states: {
          a: { on: { END: { target: 'b', actions: raise({ type: 'RAISED' }) } } },
          b: { type: 'final', entry: raise({ type: 'RAISED' }) },
        },
        output: ({ context }) => context.log,
      }),
    steps: send('END'),
  },
];
