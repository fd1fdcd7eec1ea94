/** Spawned children: `spawnChild`, `stopChild`, and what becomes of them. */
import { enqueueActions, sendTo, spawnChild, stopChild } from 'xstate';
import { family, named } from './family.ts';
import type { Gates } from './gates.ts';
import { note, nothing, told, send } from './noting.ts';
import { tick, type Scenario } from './scenario.ts';

const crowd = (gates: Gates) =>
  family(gates).createMachine({
    context: nothing,
    initial: 'on',
    on: {
      SPAWN: { actions: ['spawn', 'echo'] },
      STOP: { actions: [stopChild(named), 'echo'] },
      TICK: { actions: sendTo(named, { type: 'TICK' }) },
      TELL: { actions: sendTo(named, { type: 'TELL' }) },
      END: { actions: [sendTo(named, { type: 'END' }), 'echo'] },
      LATER: { actions: sendTo(named, { type: 'LATER' }) },
      BREAK: { actions: sendTo(named, { type: 'BREAK' }) },
      TELL_AND_STOP: { actions: [sendTo(named, { type: 'TELL' }), stopChild(named)] },
      ANEW: { actions: [stopChild(named), 'spawn', sendTo(named, { type: 'TICK' })] },
      AT_BIRTH: { actions: ['spawn', sendTo(named, { type: 'TICK' }), sendTo(named, { type: 'TELL' })] },
      LEAVE: '.off',
      QUICK: { actions: [spawnChild('atOnce', { id: 'quick', input: { name: 'q' } }), 'echo'] },
      EAGER: { actions: [spawnChild('eager', { id: 'eager' }), 'echo'] },
      ASK: { actions: spawnChild('gate', { id: 'ask', input: { name: 'ask' } }) },
      ALL: {
        actions: enqueueActions(({ enqueue }) => {
          for (const name of ['z', 'm', 'a']) enqueue.spawnChild('child', { id: name, input: { name } });
          for (const name of ['a', 'z']) enqueue.sendTo(name, { type: 'TELL' });
          enqueue.stopChild('m');
        }),
      },
      OVER: '.over',
      TOLD: { actions: ['keep', 'echo'] },
      TOLD_TWICE: { actions: 'keep' },
      HELLO: { actions: ['keep', 'echo'] },
      WAITED: { actions: 'keep' },
      LAST: { actions: 'keep' },
      'xstate.done.actor.*': { actions: ['keep', 'echo'] },
      'xstate.error.actor.*': { actions: ['keep', 'echo'] },
    },
    states: { on: {}, off: { entry: note('off') }, over: { type: 'final' } },
  });

const onEntry = (gates: Gates) =>
  family(gates).createMachine({
    context: nothing,
    initial: 'a',
    entry: spawnChild('eager', { id: 'first' }),
    states: {
      a: {
        entry: spawnChild('child', { id: 'kid', input: { name: 'kid' } }),
        exit: stopChild('kid'),
        on: { NEXT: 'b' },
      },
      b: { entry: [sendTo('kid', { type: 'TICK' }), sendTo('first', { type: 'TICK' })], on: { NEXT: 'a' } },
    },
    on: { HELLO: { actions: 'keep' }, TICKED: { actions: 'keep' } },
  });

const who = (type: string, name: string) => told(type, { name });

/** Scenarios of spawned actors. */
export const spawnScenarios: readonly Scenario[] = [
  {
    name: 'lives until it is stopped',
    machine: crowd,
    steps: [who('SPAWN', 'a'), who('TICK', 'a'), who('STOP', 'a'), who('STOP', 'a')],
  },
  {
    name: 'outlives the state it was spawned in',
    machine: crowd,
    steps: [who('SPAWN', 'a'), ...send('LEAVE'), who('TELL', 'a')],
  },
  {
    name: 'stays in children when it is done',
    machine: crowd,
    steps: [who('SPAWN', 'a'), who('END', 'a'), who('TICK', 'a')],
  },
  { name: 'a done one is stopped', machine: crowd, steps: [who('SPAWN', 'a'), who('END', 'a'), who('STOP', 'a')] },
  {
    name: 'its error is an event',
    machine: crowd,
    steps: [who('SPAWN', 'a'), who('SPAWN', 'b'), who('BREAK', 'a'), who('TICK', 'b')],
  },
  {
    name: 'the same id again takes the place of the first',
    machine: crowd,
    steps: [who('SPAWN', 'a'), who('TICK', 'a'), who('SPAWN', 'a'), who('TICK', 'a'), who('TELL', 'a')],
  },
  {
    name: 'the same id again after the first is done',
    machine: crowd,
    steps: [who('SPAWN', 'a'), who('END', 'a'), who('SPAWN', 'a'), who('TELL', 'a')],
  },
  {
    name: 'stopped and spawned anew in one turn',
    machine: crowd,
    steps: [who('SPAWN', 'a'), who('TICK', 'a'), who('ANEW', 'a'), who('TELL', 'a')],
  },
  { name: 'spoken to in the turn that spawns it', machine: crowd, steps: [who('AT_BIRTH', 'a'), who('AT_BIRTH', 'b')] },
  {
    name: 'spoken to, then stopped in one turn',
    machine: crowd,
    steps: [who('SPAWN', 'a'), who('TELL_AND_STOP', 'a')],
  },
  { name: 'ends at birth', machine: crowd, steps: send('QUICK', 'QUICK') },
  { name: 'speaks at birth', machine: crowd, steps: send('EAGER') },
  { name: 'several in one turn, one of them stopped again', machine: crowd, steps: [...send('ALL'), who('TELL', 'z')] },
  {
    name: 'a promise, and its outcome',
    machine: crowd,
    steps: [...send('ASK'), { resolve: 'ask', with: 'yes' }, ...send('ASK'), { reject: 'ask', with: 'no' }],
  },
  {
    name: 'a promise spawned twice under one id',
    machine: crowd,
    steps: [...send('ASK', 'ASK'), { resolve: 'ask', with: 1 }],
  },
  {
    name: 'sleeps, and is stopped meanwhile',
    machine: crowd,
    steps: [who('SPAWN', 'a'), who('SPAWN', 'b'), who('LATER', 'a'), who('LATER', 'b'), who('STOP', 'b'), tick],
  },
  {
    name: 'the end of the parent stops it',
    machine: crowd,
    steps: [who('SPAWN', 'a'), who('SPAWN', 'b'), who('LATER', 'a'), ...send('OVER'), tick],
  },
  { name: 'spawned on entry, stopped on exit', machine: onEntry, steps: send('NEXT', 'NEXT') },
  {
    name: 'an id with every kind of character',
    machine: crowd,
    steps: [who('SPAWN', 'a/b%c d.e'), who('TELL', 'a/b%c d.e'), who('END', 'a/b%c d.e')],
  },
];
