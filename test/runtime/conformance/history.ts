/** History states: shallow, deep, with and without a past, in parallel states, over restarts. */
import { note, noting, nothing, inAndOut, send } from './noting.ts';
import type { Scenario } from './scenario.ts';

const player = noting.createMachine({
  context: nothing,
  initial: 'off',
  states: {
    off: { on: { SHALLOW: 'on.last', DEEP: 'on.exact', PLAIN: 'on' } },
    on: {
      ...inAndOut('on'),
      initial: 'one',
      on: { OFF: 'off', REMEMBER: '.last', AGAIN: { target: '.exact', reenter: true } },
      states: {
        one: { ...inAndOut('one'), on: { NEXT: 'two' } },
        two: {
          ...inAndOut('two'),
          initial: 'p',
          on: { NEXT: 'three' },
          states: {
            p: { ...inAndOut('p'), on: { IN: 'q' } },
            q: { ...inAndOut('q'), initial: 'r', states: { r: { on: { IN: 's' } }, s: inAndOut('s') } },
          },
        },
        three: inAndOut('three'),
        last: { type: 'history' },
        exact: { type: 'history', history: 'deep' },
      },
    },
  },
});

const withDefault = noting.createMachine({
  context: nothing,
  initial: 'off',
  states: {
    off: { on: { ON: 'on.past' } },
    on: {
      initial: { target: 'first', actions: note('initial action') },
      on: { OFF: 'off' },
      states: {
        first: inAndOut('first'),
        second: { ...inAndOut('second'), on: { NEXT: 'first' } },
        past: { type: 'history', target: 'second' },
      },
    },
  },
});

const startsInHistory = noting.createMachine({
  context: nothing,
  initial: 'a',
  states: {
    a: {
      initial: 'past',
      on: { OUT: 'b' },
      states: { x: inAndOut('x'), y: { ...inAndOut('y'), on: { NEXT: 'x' } }, past: { type: 'history', target: 'y' } },
    },
    b: { on: { BACK: 'a' } },
  },
});

const regions = noting.createMachine({
  context: nothing,
  initial: 'both',
  states: {
    both: {
      type: 'parallel',
      on: { OUT: 'out' },
      states: {
        left: {
          initial: 'l1',
          states: {
            l1: { ...inAndOut('l1'), on: { LEFT: 'l2' } },
            l2: { ...inAndOut('l2'), initial: 'm1', states: { m1: { on: { LEFT: 'm2' } }, m2: inAndOut('m2') } },
            was: { type: 'history', history: 'deep' },
          },
        },
        right: {
          initial: 'r1',
          states: {
            r1: { ...inAndOut('r1'), on: { RIGHT: 'r2' } },
            r2: { ...inAndOut('r2') },
            was: { type: 'history' },
          },
        },
        shallow: { type: 'history' },
        deep: { type: 'history', history: 'deep' },
      },
    },
    out: {
      on: {
        SHALLOW: 'both.shallow',
        DEEP: 'both.deep',
        PARTLY: 'both.left.was',
        FULLY: { target: ['both.left.was', 'both.right.was'] },
      },
    },
  },
});

const transient = noting.createMachine({
  context: nothing,
  initial: 'work',
  states: {
    work: {
      initial: 'a',
      on: { CHECK: 'checking' },
      states: { a: { on: { NEXT: 'b' } }, b: inAndOut('b'), past: { type: 'history' } },
    },
    checking: { entry: note('checked'), always: 'work.past' },
  },
});

const stages = noting.createMachine({
  context: nothing,
  initial: 'running',
  states: {
    running: {
      initial: 'normal',
      on: { HALT: 'halted' },
      states: { normal: { on: { TURBO: 'turbo' } }, turbo: inAndOut('turbo'), past: { type: 'history' } },
    },
    halted: {
      initial: 'cold',
      on: { START: 'running.past' },
      states: { cold: { on: { WARM: 'warm' } }, warm: {}, past: { type: 'history' } },
    },
  },
});

/** Scenarios of history states. */
export const historyScenarios: readonly Scenario[] = [
  {
    name: 'shallow: the child last left, with its own initial state',
    machine: () => player,
    steps: send('PLAIN', 'NEXT', 'IN', 'OFF', 'SHALLOW'),
  },
  { name: 'deep: the very leaf', machine: () => player, steps: send('PLAIN', 'NEXT', 'IN', 'IN', 'OFF', 'DEEP') },
  { name: 'shallow without a past', machine: () => player, steps: send('SHALLOW', 'NEXT') },
  { name: 'deep without a past', machine: () => player, steps: send('DEEP') },
  {
    name: 'the past is of the last time',
    machine: () => player,
    steps: send('PLAIN', 'NEXT', 'OFF', 'PLAIN', 'OFF', 'SHALLOW'),
  },
  { name: 'from inside the state itself', machine: () => player, steps: send('PLAIN', 'NEXT', 'NEXT', 'REMEMBER') },
  { name: 'reentering by its own deep history', machine: () => player, steps: send('PLAIN', 'NEXT', 'IN', 'AGAIN') },
  {
    name: 'a default target, without the initial action',
    machine: () => withDefault,
    steps: send('ON', 'NEXT', 'OFF', 'ON'),
  },
  { name: 'as the initial state', machine: () => startsInHistory, steps: send('NEXT', 'OUT', 'BACK') },
  {
    name: 'of a parallel state, shallow',
    machine: () => regions,
    steps: send('LEFT', 'LEFT', 'RIGHT', 'OUT', 'SHALLOW'),
  },
  { name: 'of a parallel state, deep', machine: () => regions, steps: send('LEFT', 'LEFT', 'RIGHT', 'OUT', 'DEEP') },
  { name: 'of one region only', machine: () => regions, steps: send('LEFT', 'RIGHT', 'OUT', 'PARTLY') },
  { name: 'of two regions at once', machine: () => regions, steps: send('LEFT', 'LEFT', 'RIGHT', 'OUT', 'FULLY') },
  { name: 'through a state that is left at once', machine: () => transient, steps: send('NEXT', 'CHECK') },
  {
    name: 'of two states in turn',
    machine: () => stages,
    steps: send('TURBO', 'HALT', 'WARM', 'START', 'HALT', 'START'),
  },
];
