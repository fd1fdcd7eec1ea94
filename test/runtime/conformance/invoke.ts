/** Invoked machines and promises. */
import { forwardTo, raise, sendTo } from 'xstate';
import { family, named } from './family.ts';
import type { Gates } from './gates.ts';
import { note, nothing, told, send } from './noting.ts';
import { tick, type Scenario } from './scenario.ts';

const office = (gates: Gates) =>
  family(gates).createMachine({
    context: nothing,
    initial: 'closed',
    states: {
      closed: { on: { OPEN: 'open' } },
      open: {
        invoke: [
          {
            id: 'ann',
            src: 'child',
            input: { name: 'ann' },
            onDone: { actions: ['keep', 'echo'] },
            onError: { target: 'closed', actions: 'keep' },
          },
          { id: 'bob', src: 'child', input: { name: 'bob' }, onDone: { target: 'done', actions: ['keep', 'echo'] } },
        ],
        on: {
          TICK: { actions: [sendTo('bob', { type: 'TICK' }), sendTo('ann', { type: 'TICK' })] },
          ASK: { actions: sendTo(named, { type: 'TELL' }) },
          END: { actions: [forwardTo('ann'), 'echo'] },
          END_BOB: { actions: sendTo('bob', { type: 'END' }) },
          BREAK: { actions: sendTo(named, { type: 'BREAK' }) },
          SLEEP: { actions: sendTo('ann', { type: 'LATER' }) },
          CLOSE: { target: 'closed', actions: sendTo('ann', { type: 'TICK' }) },
          AGAIN: { target: 'open', reenter: true },
          SELF: 'open',
        },
      },
      done: { on: { OPEN: 'open' } },
    },
    on: {
      TOLD: { actions: ['keep', 'echo'] },
      TOLD_TWICE: { actions: 'keep' },
      LAST: { actions: 'keep' },
      GOODBYE: { actions: 'keep' },
      WAITED: { actions: 'keep' },
    },
  });

const passing = (gates: Gates) =>
  family(gates).createMachine({
    context: nothing,
    initial: 'a',
    states: {
      a: { on: { GO: 'b', RAISE: { target: 'd' } } },
      b: { invoke: { id: 'kid', src: 'eager' }, always: 'c' },
      c: { on: { GO: 'd' } },
      d: { invoke: { id: 'kid', src: 'eager' }, entry: raise({ type: 'AWAY' }), on: { AWAY: 'e' } },
      e: { invoke: { id: 'kid', src: 'eager' } },
    },
    on: { HELLO: { actions: 'keep' }, HELLO_AGAIN: { actions: ['keep', 'echo'] } },
  });

const answeredAtOnce = (gates: Gates) =>
  family(gates).createMachine({
    context: nothing,
    initial: 'idle',
    states: {
      idle: { on: { GO: 'asking', BOTH: 'both' } },
      asking: { invoke: { id: 'kid', src: 'eager' }, on: { HELLO: { target: 'answered', actions: 'keep' } } },
      answered: { on: { HELLO_AGAIN: { actions: note('too late?') }, GO: 'asking' } },
      both: {
        type: 'parallel',
        states: {
          l: { invoke: { src: 'atOnce', id: 'q1', input: { name: 'one' }, onDone: { actions: 'keep' } } },
          r: { invoke: { src: 'atOnce', id: 'q2', input: { name: 'two' }, onDone: { actions: ['keep', 'echo'] } } },
        },
      },
    },
  });

const nested = (gates: Gates) =>
  family(gates).createMachine({
    context: nothing,
    initial: 'on',
    states: {
      on: {
        invoke: {
          id: 'mid',
          src: 'middle',
          onDone: { target: 'off', actions: 'keep' },
          onError: { target: 'failed', actions: 'keep' },
        },
        on: {
          DOWN: { actions: ['echo', sendTo('mid', { type: 'DOWN' }), 'echo'] },
          FINISH: { actions: sendTo('mid', { type: 'FINISH' }) },
          BREAK: { actions: sendTo('mid', { type: 'BREAK' }) },
          UP: { actions: ['keep', 'echo'] },
          LEAVE: 'off',
        },
      },
      off: { on: { BACK: 'on' } },
      failed: {},
    },
  });

const promises = (gates: Gates) =>
  family(gates).createMachine({
    context: nothing,
    initial: 'idle',
    states: {
      idle: { on: { ASK: 'asking', TWO: 'two' } },
      asking: {
        initial: 'x',
        invoke: {
          id: 'ask',
          src: 'gate',
          input: { name: 'ask' },
          onDone: { target: 'idle', actions: 'keep' },
          onError: { target: 'sorry', actions: 'keep' },
        },
        on: { AGAIN: { target: 'asking', reenter: true }, LEAVE: 'idle' },
        states: { x: { on: { NEXT: 'y' } }, y: {} },
      },
      two: {
        type: 'parallel',
        onDone: { target: 'idle', actions: note('both') },
        states: {
          l: {
            initial: 'on',
            states: {
              on: { invoke: { src: 'gate', input: { name: 'l' }, onDone: { target: 'off', actions: 'keep' } } },
              off: { type: 'final' },
            },
          },
          r: {
            initial: 'on',
            states: {
              on: { invoke: { src: 'gate', input: { name: 'r' }, onDone: { target: 'off', actions: 'keep' } } },
              off: { type: 'final' },
            },
          },
        },
      },
      sorry: { on: { ASK: 'asking' } },
    },
  });

const uncaught = (gates: Gates) =>
  family(gates).createMachine({
    context: nothing,
    invoke: { id: 'ask', src: 'gate', input: { name: 'ask' } },
    on: { NOTE: { actions: note('noted') } },
  });

const ending = (gates: Gates) =>
  family(gates).createMachine({
    context: nothing,
    initial: 'on',
    invoke: [
      { id: 'mid', src: 'middle' },
      { id: 'ask', src: 'gate', input: { name: 'ask' } },
    ],
    states: { on: { on: { END: 'end' } }, end: { type: 'final' } },
    output: 'over',
  });

const byDefault = (gates: Gates) =>
  family(gates).createMachine({
    id: 'm',
    context: nothing,
    initial: 'a',
    states: {
      a: { initial: 'b', states: { b: { invoke: [{ src: 'child' }, { src: 'child', input: { name: 'second' } }] } } },
    },
    on: {
      GO: { actions: [sendTo('0.m.a.b', { type: 'TICK' }), sendTo('1.m.a.b', { type: 'END' })] },
      'xstate.done.actor.*': { actions: 'keep' },
    },
  });

/** Scenarios of invoked actors. */
export const invokeScenarios: readonly Scenario[] = [
  { name: 'two children, spoken to in the order of the actions', machine: office, steps: send('OPEN', 'TICK') },
  {
    name: 'a child that answers is heard after the turn',
    machine: office,
    steps: [...send('OPEN'), told('ASK', { name: 'bob' }), told('ASK', { name: 'ann' })],
  },
  {
    name: 'forwardTo, last words, exit actions and output in order',
    machine: office,
    steps: send('OPEN', 'END', 'END_BOB', 'OPEN'),
  },
  {
    name: 'the end of one leads out and stops the other',
    machine: office,
    steps: send('OPEN', 'END_BOB', 'TICK', 'OPEN', 'TICK'),
  },
  {
    name: 'an error that onError takes',
    machine: office,
    steps: [...send('OPEN'), told('BREAK', { name: 'ann' }), ...send('OPEN', 'TICK')],
  },
  {
    name: 'an error that nobody takes ends the parent',
    machine: office,
    steps: [...send('OPEN'), told('BREAK', { name: 'bob' }), ...send('TICK')],
  },
  {
    name: 'sent to a child on the way out: it is told before it stops',
    machine: office,
    steps: send('OPEN', 'CLOSE', 'OPEN'),
  },
  {
    name: 'reentered: children begin anew',
    machine: office,
    steps: send('OPEN', 'TICK', 'AGAIN', 'TICK', 'SELF', 'TICK'),
  },
  {
    name: 'left while a child sleeps: it never wakes',
    machine: office,
    steps: [...send('OPEN', 'SLEEP', 'CLOSE'), tick, ...send('OPEN'), tick],
  },
  {
    name: 'a child that wakes later',
    machine: office,
    steps: [...send('OPEN', 'SLEEP'), tick, ...send('SLEEP', 'AGAIN'), tick],
  },
  { name: 'left in the same turn: never begun', machine: passing, steps: send('GO', 'GO') },
  { name: 'left by a raised event in the same turn, invoked elsewhere', machine: passing, steps: send('RAISE') },
  { name: 'a child that speaks at birth', machine: answeredAtOnce, steps: send('GO', 'GO') },
  { name: 'children that end at birth', machine: answeredAtOnce, steps: send('BOTH') },
  { name: 'three generations, down and up', machine: nested, steps: send('DOWN', 'DOWN', 'FINISH') },
  { name: 'three generations, an error climbs', machine: nested, steps: send('BREAK') },
  { name: 'three generations, stopped from the top', machine: nested, steps: send('DOWN', 'LEAVE', 'BACK', 'DOWN') },
  {
    name: 'a promise that resolves',
    machine: promises,
    steps: [...send('ASK', 'NEXT'), { resolve: 'ask', with: { n: 1 } }, ...send('ASK')],
  },
  {
    name: 'a promise that rejects',
    machine: promises,
    steps: [...send('ASK'), { reject: 'ask', with: 'no' }, ...send('ASK'), { resolve: 'ask', with: 'yes' }],
  },
  {
    name: 'a promise asked again before it answered',
    machine: promises,
    steps: [...send('ASK', 'AGAIN'), { resolve: 'ask', with: 2 }],
  },
  {
    name: 'a promise left before it answered',
    machine: promises,
    steps: [...send('ASK', 'LEAVE'), { resolve: 'ask', with: 3 }, ...send('ASK')],
  },
  {
    name: 'two promises of two regions',
    machine: promises,
    steps: [...send('TWO'), { resolve: 'r', with: 1 }, { resolve: 'l', with: 2 }],
  },
  {
    name: 'a rejection that nobody takes ends the machine',
    machine: uncaught,
    steps: [...send('NOTE'), { reject: 'ask', with: 'no' }, ...send('NOTE')],
  },
  {
    name: 'a resolution that nobody takes is taken nevertheless',
    machine: uncaught,
    steps: [{ resolve: 'ask', with: 1 }, ...send('NOTE')],
  },
  {
    name: 'the end of the parent ends all below',
    machine: ending,
    steps: [...send('END'), { resolve: 'ask', with: 1 }],
  },
  { name: 'ids that XState makes up', machine: byDefault, steps: send('GO') },
];
