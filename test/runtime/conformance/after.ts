/** Delayed transitions: `after` in all its forms, and across levels and children. */
import { assign } from 'xstate';
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
import { tick, type Scenario } from './scenario.ts';

const lights = noting.createMachine({
  context: nothing,
  initial: 'green',
  states: {
    green: {
      ...inAndOut('green'),
      after: { 10: 'yellow' },
      on: { HOLD: { actions: note('held') }, AGAIN: { target: 'green', reenter: true }, OFF: 'off' },
    },
    yellow: { ...inAndOut('yellow'), after: { 10: { target: 'red', actions: say('red soon') } } },
    red: { ...inAndOut('red'), after: { 20: 'green' } },
    off: { on: { ON: 'green' } },
  },
});

const levels = noting.createMachine({
  context: nothing,
  initial: 'a',
  after: { 35: { actions: note('root') } },
  states: {
    a: {
      initial: 'x',
      after: { 25: 'b' },
      on: { INNER: '.x', X_AGAIN: { target: '.x', reenter: true } },
      states: { x: { after: { 10: 'y' } }, y: { after: { 10: 'x' } } },
    },
    b: { entry: note('b') },
  },
});

const several = noting.createMachine({
  context: nothing,
  initial: 'a',
  on: { ADD: { actions: 'add' } },
  states: {
    a: {
      after: {
        10: [
          { guard: atLeast(2), target: 'many' },
          { guard: atLeast(1), target: 'one' },
          { actions: note('none yet') },
        ],
        20: { target: 'late', actions: note('late') },
      },
    },
    many: { entry: say('many') },
    one: { entry: say('one') },
    late: {},
  },
});

const named = notingWith({
  delays: {
    fixed: 10,
    counted: ({ context }: { context: Notes }) => 10 * (context.count + 1),
    told: ({ event }: { event: Heard }) => Number(event['ms'] ?? 10),
  },
}).createMachine({
  context: nothing,
  initial: 'a',
  states: {
    a: { after: { fixed: 'b' } },
    b: { entry: 'add', after: { counted: { target: 'c', actions: 'heard' } } },
    c: { on: { WAIT: 'd' } },
    d: { after: { told: 'e' } },
    e: { after: { 0: 'f' } },
    f: { entry: note('f') },
  },
});

const regions = noting.createMachine({
  context: nothing,
  type: 'parallel',
  states: {
    a: { initial: 'x', states: { x: { after: { 10: 'y' } }, y: { entry: note('a'), after: { 10: 'x' } } } },
    b: { initial: 'x', states: { x: { after: { 10: 'y' } }, y: { entry: note('b'), on: { BACK: 'x' } } } },
    c: { initial: 'x', states: { x: { after: { 20: { target: 'y', actions: say('c') } } }, y: { type: 'final' } } },
  },
});

const withChildren = (gates: Gates) =>
  family(gates).createMachine({
    context: nothing,
    initial: 'on',
    states: {
      on: {
        invoke: [
          { id: 'kid', src: 'child', input: { name: 'kid' } },
          { src: 'gate', id: 'ask', input: { name: 'ask' }, onDone: { target: 'answered', actions: 'keep' } },
        ],
        after: { 20: { target: 'off', actions: note('timeout') } },
      },
      answered: { after: { 10: 'on' } },
      off: { entry: assign({ count: 1 }), on: { BACK: 'on' } },
    },
  });

const always = noting.createMachine({
  context: nothing,
  initial: 'a',
  states: {
    a: { after: { 10: { actions: 'add' } }, always: { guard: atLeast(1), target: 'b' } },
    b: { after: { 10: { target: 'c' } } },
    c: { type: 'final', entry: say('end') },
  },
  output: ({ context }) => context.count,
});

/** Scenarios of delayed transitions. */
export const afterScenarios: readonly Scenario[] = [
  { name: 'one state after the other', machine: () => lights, steps: [tick, tick, tick, tick] },
  {
    name: 'an event that stays does not begin it anew',
    machine: () => lights,
    steps: [...send('HOLD'), tick, ...send('HOLD')],
  },
  {
    name: 'leaving ends it, coming back begins it anew',
    machine: () => lights,
    steps: [...send('OFF'), tick, ...send('ON', 'AGAIN'), tick],
  },
  { name: 'of nested states and of the root', machine: () => levels, steps: [tick, tick, tick, tick] },
  {
    name: 'an inner transition leaves the outer one running',
    machine: () => levels,
    steps: [tick, ...send('INNER'), tick, ...send('X_AGAIN'), tick],
  },
  { name: 'guards are asked when it is due', machine: () => several, steps: [...send('ADD', 'ADD'), tick] },
  { name: 'guards that fail, then a later one', machine: () => several, steps: [tick, tick] },
  { name: 'the second of several guards', machine: () => several, steps: [...send('ADD'), tick, tick] },
  {
    name: 'named delays, from context, from the event, and none',
    machine: () => named,
    steps: [tick, tick, tick, told('WAIT', { ms: 10 }), tick, tick],
  },
  { name: 'of parallel regions at one moment', machine: () => regions, steps: [tick, tick, ...send('BACK'), tick] },
  { name: 'a timeout of a call and of a child', machine: withChildren, steps: [tick, tick, ...send('BACK'), tick] },
  { name: 'an answer in time', machine: withChildren, steps: [tick, { resolve: 'ask', with: 1 }, tick, tick] },
  { name: 'then always, to the end', machine: () => always, steps: [tick, tick] },
];
