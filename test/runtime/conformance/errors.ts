/** What throws: the actor ends in error, its parent is told, and nobody else is touched. */
import { assign, emit, raise, sendTo, setup, stopChild } from 'xstate';
import { family, named } from './family.ts';
import type { Gates } from './gates.ts';
import { note, say, notingWith, nothing, told, send } from './noting.ts';
import { tick, type Scenario } from './scenario.ts';

function broken(where: string): never {
  // As a machine's own code would throw it.
  throw new RangeError(`broken in ${where}`);
}

const fragile = notingWith({
  actions: { breaks: assign({ log: () => broken('assign') }) },
  guards: { breaks: () => broken('guard') },
}).createMachine({
  context: nothing,
  initial: 'a',
  states: {
    a: {
      on: {
        ASSIGN: { target: 'b', actions: [say('before'), 'breaks', say('after')] },
        GUARD: { guard: 'breaks', target: 'b' },
        EMIT: { actions: emit(() => broken('emit')) },
        RAISE: { actions: raise(() => broken('raise')) },
        DELAY: { actions: raise({ type: 'X' }, { delay: () => broken('delay') }) },
        PARAMS: { actions: { type: 'note', params: () => broken('params') } },
        LATER: 'c',
        OUTPUT: 'end',
        UNKNOWN: { actions: sendTo('nobody', { type: 'X' }) },
        GO: 'b',
      },
    },
    b: { entry: note('b') },
    c: { after: { 10: { actions: 'breaks' } } },
    end: { type: 'final' },
  },
  output: () => broken('output'),
});

const brokenChild = setup({ types: {} as { context: { n: number }; input: { at: string } | undefined } }).createMachine(
  {
    context: ({ input }) => ({ n: input?.at === 'context' ? broken('context') : 1 }),
    initial: 'a',
    states: { a: { entry: assign({ n: () => broken('entry of a child') }) } },
  },
);

const parent = (gates: Gates) =>
  family(gates, { brokenChild }).createMachine({
    context: nothing,
    initial: 'idle',
    states: {
      idle: { on: { ENTRY: 'entry', CONTEXT: 'context', UNHANDLED: 'unhandled' } },
      entry: {
        invoke: {
          id: 'kid',
          src: 'brokenChild',
          input: { at: 'entry' },
          onError: { target: 'idle', actions: 'keep' },
        },
      },
      context: {
        invoke: {
          id: 'kid',
          src: 'brokenChild',
          input: { at: 'context' },
          onError: { target: 'idle', actions: 'keep' },
        },
      },
      unhandled: { invoke: { id: 'kid', src: 'brokenChild', input: { at: 'entry' } } },
    },
    on: { NOTE: { actions: note('noted') } },
  });

const crowd = (gates: Gates) =>
  family(gates).createMachine({
    context: nothing,
    on: {
      SPAWN: { actions: 'spawn' },
      BREAK: { actions: ['echo', sendTo(named, { type: 'BREAK' }), 'echo'] },
      BREAK_SELF: { actions: ['echo', sendTo('a', { type: 'TELL' }), assign({ log: () => broken('the parent') })] },
      STOP_AND_TELL: { actions: [stopChild(named), sendTo(named, { type: 'TICK' })] },
      'xstate.error.actor.a': { actions: 'keep' },
    },
  });

const at = (type: string) => [...send(type), ...send('GO')];
const who = (type: string, name: string) => told(type, { name });

/** Scenarios of errors. */
export const errorScenarios: readonly Scenario[] = [
  { name: 'an assignment', machine: () => fragile, steps: at('ASSIGN') },
  { name: 'a guard', machine: () => fragile, steps: at('GUARD') },
  { name: 'what to emit', machine: () => fragile, steps: at('EMIT') },
  { name: 'what to raise', machine: () => fragile, steps: at('RAISE') },
  { name: 'how long to wait', machine: () => fragile, steps: at('DELAY') },
  { name: 'params', machine: () => fragile, steps: at('PARAMS') },
  { name: 'a delayed transition', machine: () => fragile, steps: [...send('LATER'), tick, ...send('GO')] },
  { name: 'the output', machine: () => fragile, steps: at('OUTPUT') },
  { name: 'a message to nobody', machine: () => fragile, steps: at('UNKNOWN') },
  {
    name: 'a message to a child that this turn stops',
    machine: crowd,
    steps: [who('SPAWN', 'a'), who('STOP_AND_TELL', 'a')],
  },
  { name: 'the entry of a child', machine: parent, steps: send('ENTRY', 'NOTE') },
  { name: 'the context of a child', machine: parent, steps: send('CONTEXT', 'NOTE') },
  { name: 'the entry of a child, and nobody takes it', machine: parent, steps: send('UNHANDLED', 'NOTE') },
  {
    name: 'one child of two, taken',
    machine: crowd,
    steps: [who('SPAWN', 'a'), who('SPAWN', 'b'), who('BREAK', 'a'), who('SPAWN', 'a')],
  },
  {
    name: 'one child of two, not taken',
    machine: crowd,
    steps: [who('SPAWN', 'a'), who('SPAWN', 'b'), who('BREAK', 'b')],
  },
  { name: 'a turn that throws sends nothing', machine: crowd, steps: [who('SPAWN', 'a'), ...send('BREAK_SELF')] },
];
