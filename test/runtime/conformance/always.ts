/** Transitions that need no event. */
import { and, assign, not, or, raise, stateIn } from 'xstate';
import { note, say, noting, nothing, inAndOut, atLeast, told, send } from './noting.ts';
import type { Scenario } from './scenario.ts';

const chain = noting.createMachine({
  context: nothing,
  initial: 'a',
  states: {
    a: { on: { GO: 'b' } },
    b: { ...inAndOut('b'), always: 'c' },
    c: { ...inAndOut('c'), always: { target: 'd', actions: say('on the way') } },
    d: { ...inAndOut('d'), initial: 'x', states: { x: { always: 'y' }, y: inAndOut('y') } },
  },
});

const counter = noting.createMachine({
  context: nothing,
  initial: 'low',
  on: { ADD: { actions: 'add' }, RESET: { actions: assign({ count: 0 }) } },
  states: {
    low: {
      always: [
        { guard: atLeast(10), target: 'high', actions: note('leap') },
        { guard: atLeast(3), target: 'middle' },
      ],
    },
    middle: {
      entry: say('middle'),
      always: [
        { guard: atLeast(10), target: 'high' },
        { guard: not(atLeast(3)), target: 'low' },
      ],
    },
    high: { entry: say('high'), always: { guard: not(atLeast(10)), target: 'low' } },
  },
});

const looping = noting.createMachine({
  context: nothing,
  initial: 'off',
  states: {
    off: { on: { FILL: 'filling' } },
    filling: {
      always: [
        { guard: not(atLeast(5)), actions: ['add', say('drop')] },
        { target: 'full', guard: atLeast(5) },
      ],
    },
    full: { on: { EMPTY: { target: 'off', actions: assign({ count: 0 }) } } },
  },
});

const beforeRaised = noting.createMachine({
  context: nothing,
  initial: 'a',
  states: {
    a: { on: { GO: { target: 'b', actions: raise({ type: 'RAISED' }) } } },
    b: { always: 'c', on: { RAISED: { actions: note('b') } } },
    c: { on: { RAISED: { actions: note('c'), target: 'd' } } },
    d: { always: { target: 'e', actions: 'heard' } },
    e: {},
  },
});

const ofParent = noting.createMachine({
  context: nothing,
  initial: 'p',
  states: {
    p: {
      initial: 'x',
      always: { guard: atLeast(2), target: 'out' },
      states: {
        x: { on: { ADD: { target: 'y', actions: 'add' } } },
        y: { ...inAndOut('y'), always: { target: 'x', actions: note('back') } },
      },
    },
    out: { entry: note('out') },
  },
});

const composed = noting.createMachine({
  context: nothing,
  initial: 'on',
  on: { ADD: { actions: 'add' } },
  states: {
    on: {
      initial: 'x',
      on: { SWAP: '.y' },
      states: { x: {}, y: {} },
      always: [
        { guard: and([atLeast(2), or([stateIn({ on: 'y' }), atLeast(4)]), not(atLeast(9))]), target: 'off' },
        { guard: atLeast(9), target: 'far' },
      ],
    },
    off: {},
    far: {},
  },
});

const carried = noting.createMachine({
  context: nothing,
  initial: 'a',
  states: {
    a: { on: { GO: 'b' } },
    b: {
      always: [
        { guard: { type: 'carries', params: { name: 'by' } }, actions: 'add', target: 'c' },
        { target: 'd', actions: 'heard' },
      ],
    },
    c: { on: { BACK: 'a' } },
    d: { on: { BACK: 'a' } },
  },
});

/** Scenarios of eventless transitions. */
export const alwaysScenarios: readonly Scenario[] = [
  { name: 'through several states at once', machine: () => chain, steps: send('GO') },
  {
    name: 'the first whose guard holds',
    machine: () => counter,
    steps: [told('ADD', { by: 12 }), ...send('RESET'), told('ADD', { by: 3 })],
  },
  { name: 'looked at after every event', machine: () => counter, steps: send('ADD', 'ADD', 'ADD', 'RESET') },
  {
    name: 'back and forth in one turn',
    machine: () => counter,
    steps: [told('ADD', { by: 10 }), told('ADD', { by: -8 }), told('ADD', { by: 5 })],
  },
  { name: 'without a target, until its guard fails', machine: () => looping, steps: send('FILL', 'EMPTY', 'FILL') },
  { name: 'before what was raised', machine: () => beforeRaised, steps: send('GO') },
  { name: 'of a parent and of a child', machine: () => ofParent, steps: send('ADD', 'ADD') },
  { name: 'guards of guards', machine: () => composed, steps: send('ADD', 'ADD', 'SWAP') },
  { name: 'guards of guards, the other way', machine: () => composed, steps: send('ADD', 'ADD', 'ADD', 'ADD') },
  {
    name: 'sees the event that led there',
    machine: () => carried,
    steps: [told('GO', { by: 7 }), ...send('BACK', 'GO')],
  },
  {
    name: 'from the initial state, down to the end',
    machine: () =>
      noting.createMachine({
        context: { log: [], count: 3 },
        initial: 'a',
        states: {
          a: { always: 'b' },
          b: { entry: say('b'), always: { guard: atLeast(3), target: 'c' } },
          c: { type: 'final' },
        },
        output: ({ context }) => context.count,
      }),
    steps: send('ANY'),
  },
];
