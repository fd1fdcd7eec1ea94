/** States in states: which are entered and left, by which transition. */
import { assign, raise } from 'xstate';
import { note, noting, nothing, inAndOut, send } from './noting.ts';
import type { Scenario } from './scenario.ts';

const deep = noting.createMachine({
  context: nothing,
  id: 'deep',
  initial: 'a',
  ...inAndOut('root'),
  on: { ROOT: '.d', ROOT_AGAIN: { target: '.d', reenter: true }, EVERYWHERE: { actions: note('root hears') } },
  states: {
    a: {
      ...inAndOut('a'),
      initial: 'b',
      on: { A: { actions: note('a hears') }, A_SELF: 'a', A_AGAIN: { target: 'a', reenter: true }, A_IN: '.b2' },
      states: {
        b: {
          ...inAndOut('b'),
          initial: 'c',
          on: { B_AGAIN: { target: 'b', reenter: true }, UNCLE: '#deep.d', A: undefined },
          states: {
            c: {
              ...inAndOut('c'),
              on: { NEXT: 'c2', C_SELF: 'c', C_AGAIN: { target: 'c', reenter: true }, UP: '#deep.a' },
            },
            c2: { ...inAndOut('c2'), on: { COUSIN: '#deep.a.b2', EVERYWHERE: { actions: note('c2 hears') } } },
          },
        },
        b2: { ...inAndOut('b2'), on: { BACK: 'b.c2' } },
      },
    },
    d: { ...inAndOut('d'), on: { IN: 'a.b.c2', BACK: 'a' } },
  },
});

const initials = noting.createMachine({
  context: nothing,
  initial: { target: 'outer', actions: note('initial of root') },
  states: {
    outer: {
      entry: note('outer'),
      initial: { target: 'inner', actions: note('initial of outer') },
      states: { inner: { entry: note('inner') }, other: {} },
      on: { EXPLICIT: '.inner', DEFAULT: { target: 'outer', reenter: true } },
    },
  },
});

const skipping = noting.createMachine({
  context: nothing,
  initial: 'a',
  states: {
    a: { on: { GO: 'b' } },
    b: {
      initial: 'b1',
      states: {
        b1: { ...inAndOut('b1'), entry: [note('+b1'), raise({ type: 'ON' })], on: { ON: 'b2' } },
        b2: { ...inAndOut('b2'), initial: 'x', states: { x: { entry: note('+x') } } },
      },
    },
  },
});

const forbidden = noting.createMachine({
  context: nothing,
  initial: 'open',
  on: { NOTE: { actions: note('root') } },
  states: {
    open: { on: { CLOSE: 'closed' } },
    closed: { on: { NOTE: {}, OPEN: 'open' } },
  },
});

const guardedUp = noting.createMachine({
  context: nothing,
  initial: 'p',
  on: { GO: { actions: note('outermost') } },
  states: {
    p: {
      initial: 'q',
      on: { GO: [{ guard: { type: 'atLeast', params: { least: 2 } }, actions: note('outer') }] },
      states: {
        q: {
          on: {
            GO: [{ guard: { type: 'atLeast', params: { least: 4 } }, actions: note('inner') }],
            ADD: { actions: 'add' },
          },
        },
      },
    },
  },
});

const described = noting.createMachine({
  context: nothing,
  initial: 'a',
  tags: 'root',
  meta: { of: 'root' },
  states: {
    a: {
      tags: ['red', 'warm'],
      meta: { waits: 'a' },
      initial: 'x',
      states: { x: { tags: 'small', on: { NEXT: '#elsewhere' } } },
    },
    b: { id: 'elsewhere', tags: ['blue'], meta: { waits: 'b' }, on: { NEXT: 'a' } },
  },
});

const lone = noting.createMachine({
  context: nothing,
  entry: note('begun'),
  on: { NOTE: { actions: note('noted') }, AGAIN: { target: '.', reenter: true } },
});

/** Scenarios of nested states. */
export const nestingScenarios: readonly Scenario[] = [
  { name: 'enters from the outside in, leaves from the inside out', machine: () => deep, steps: send('NEXT', 'UNCLE') },
  { name: 'enters a deep state by its path', machine: () => deep, steps: send('ROOT', 'IN', 'COUSIN') },
  {
    name: 'the innermost state that handles an event takes it',
    machine: () => deep,
    steps: send('EVERYWHERE', 'NEXT', 'EVERYWHERE'),
  },
  {
    name: 'an undefined transition lets the event through to the parent',
    machine: () => deep,
    steps: send('A', 'NEXT', 'A'),
  },
  { name: 'a leaf that targets itself is not entered again', machine: () => deep, steps: send('C_SELF') },
  { name: 'a leaf that reenters itself is', machine: () => deep, steps: send('C_AGAIN') },
  {
    name: 'a compound state that targets itself enters its initial state again',
    machine: () => deep,
    steps: send('NEXT', 'A_SELF'),
  },
  {
    name: 'a compound state that reenters itself is left first',
    machine: () => deep,
    steps: send('NEXT', 'A_AGAIN', 'B_AGAIN'),
  },
  {
    name: 'a child of a compound state as target, without leaving it',
    machine: () => deep,
    steps: send('A_IN', 'ROOT', 'BACK'),
  },
  { name: 'an ancestor as target', machine: () => deep, steps: send('NEXT', 'A_IN', 'A_SELF', 'UP') },
  {
    name: 'a transition of the root, and one that reenters it',
    machine: () => deep,
    steps: send('ROOT', 'BACK', 'ROOT_AGAIN'),
  },
  {
    name: 'actions of initial transitions run when they are taken',
    machine: () => initials,
    steps: send('EXPLICIT', 'DEFAULT'),
  },
  { name: 'an event raised on the way in moves on at once', machine: () => skipping, steps: send('GO') },
  {
    name: 'an empty transition keeps the event from the parent',
    machine: () => forbidden,
    steps: send('NOTE', 'CLOSE', 'NOTE', 'OPEN', 'NOTE'),
  },
  {
    name: 'a guard that fails passes the event on to the parent',
    machine: () => guardedUp,
    steps: send('GO', 'ADD', 'ADD', 'GO', 'ADD', 'ADD', 'GO'),
  },
  { name: 'tags and meta follow the states', machine: () => described, steps: send('NEXT', 'NEXT') },
  { name: 'a machine without states', machine: () => lone, steps: send('NOTE', 'OTHER', 'NOTE') },
  {
    name: 'a machine that assigns on its way to its initial state',
    machine: () =>
      noting.createMachine({
        context: nothing,
        initial: 'a',
        entry: assign({ count: 5 }),
        states: {
          a: {
            entry: assign({ count: ({ context }) => context.count * 2 }),
            always: { guard: { type: 'atLeast', params: { least: 10 } }, target: 'b' },
          },
          b: {},
        },
      }),
    steps: [],
  },
];
