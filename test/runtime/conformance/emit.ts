/** What actors emit, and in which order. */
import { assign, emit, enqueueActions, raise, sendTo } from 'xstate';
import { family } from './family.ts';
import type { Gates } from './gates.ts';
import { note, say, noting, nothing, atLeast, told, send, type Heard } from './noting.ts';
import type { Scenario } from './scenario.ts';

const single = noting.createMachine({
  context: nothing,
  entry: emit({ type: 'born' }),
  on: {
    PLAIN: { actions: emit({ type: 'plain', value: [1, { a: null }] }) },
    DYNAMIC: {
      actions: emit(({ event, context }) => ({ type: `dynamic.${String(event['name'])}`, count: context.count })),
    },
    AROUND: { actions: [say('before'), assign({ count: 5 }), say('after'), assign({ count: 6 })] },
    RAISE: { actions: [say('first'), raise({ type: 'PLAIN' }), say('second')] },
    ENQUEUE: {
      actions: enqueueActions(({ enqueue, event }) => {
        for (let i = 0; i < Number(event['times']); i++) enqueue.emit({ type: 'n', i });
      }),
    },
    OURS: { actions: emit({ type: 'run_completed', output: 'forged' }) },
    INNER: { actions: emit({ type: 'xstate.done.actor.x' }) },
  },
});

const moving = noting.createMachine({
  context: nothing,
  initial: 'a',
  states: {
    a: { exit: say('leaves a'), on: { GO: { target: 'b', actions: say('between') } } },
    b: {
      entry: [say('enters b'), 'add'],
      initial: 'x',
      states: {
        x: { entry: say('enters x'), always: { guard: atLeast(1), target: 'y', actions: say('x to y') } },
        y: { entry: say('enters y') },
      },
      on: { END: 'end' },
    },
    end: { type: 'final', entry: say('last') },
  },
  exit: say('root leaves'),
});

const parent = (gates: Gates) =>
  family(gates).createMachine({
    context: nothing,
    invoke: [
      { id: 'a', src: 'child', input: { name: 'a' } },
      { id: 'b', src: 'child', input: { name: 'b' } },
    ],
    on: {
      GO: { actions: ['echo', sendTo('a', { type: 'TELL' }), 'echo', sendTo('b', { type: 'TELL' }), 'echo'] },
      TOLD: { actions: [note('told'), 'echo'] },
      TOLD_TWICE: { actions: 'echo' },
      OTHER: { actions: emit(({ event }: { event: Heard }) => ({ type: 'other', n: event['n'] })) },
    },
  });

/** Scenarios of emitted events. */
export const emitScenarios: readonly Scenario[] = [
  {
    name: 'at birth, plain and computed',
    machine: () => single,
    steps: [...send('PLAIN'), told('DYNAMIC', { name: 'x' })],
  },
  { name: 'each sees the context as it stands at its place', machine: () => single, steps: send('AROUND', 'AROUND') },
  { name: 'around a raised event', machine: () => single, steps: send('RAISE') },
  {
    name: 'from enqueueActions',
    machine: () => single,
    steps: [told('ENQUEUE', { times: 3 }), told('ENQUEUE', { times: 0 })],
  },
  { name: 'types that look like ours', machine: () => single, steps: send('OURS', 'INNER') },
  { name: 'on exit, transition and entry', machine: () => moving, steps: send('GO', 'END') },
  { name: 'by parent and children in turn', machine: parent, steps: [...send('GO'), told('OTHER', { n: 1 })] },
];
