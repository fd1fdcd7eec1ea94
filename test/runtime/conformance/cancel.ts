/** Delayed events and their cancellation. */
import { cancel, enqueueActions, raise, sendTo } from 'xstate';
import { family, named } from './family.ts';
import type { Gates } from './gates.ts';
import { note, say, noting, nothing, inAndOut, told, send } from './noting.ts';
import { tick, type Scenario } from './scenario.ts';

const alarm = noting.createMachine({
  context: nothing,
  initial: 'on',
  on: {
    SET: { actions: raise(({ event }) => ({ type: 'RING', of: event['name'] }), { delay: 10, id: 'alarm' }) },
    SET_NAMED: {
      actions: enqueueActions(({ enqueue, event }) => {
        const name = String(event['name']);
        enqueue.raise({ type: 'RING', of: name }, { delay: 15, id: name });
      }),
    },
    SET_FREE: { actions: raise({ type: 'RING' }, { delay: ({ event }) => Number(event['ms']) }) },
    CANCEL: { actions: [cancel('alarm'), note('cancelled')] },
    CANCEL_NAMED: { actions: cancel(({ event }) => String(event['name'])) },
    BOTH: { actions: [raise({ type: 'RING' }, { delay: 10, id: 'alarm' }), cancel('alarm')] },
    ANEW: { actions: [cancel('alarm'), raise({ type: 'RING', of: 'anew' }, { delay: 10, id: 'alarm' })] },
    ENQUEUED: {
      actions: enqueueActions(({ enqueue }) => {
        enqueue.raise({ type: 'RING', of: 1 }, { delay: 5, id: 'one' });
        enqueue.raise({ type: 'RING', of: 2 }, { delay: 5, id: 'two' });
        enqueue.cancel('one');
      }),
    },
    RING: { actions: ['heard', say('rings')] },
    MOVE: '.off',
    END: '.end',
  },
  states: {
    on: { ...inAndOut('on') },
    off: { entry: raise({ type: 'RING', of: 'zero' }, { delay: 0 }) },
    end: { type: 'final' },
  },
});

const post = (gates: Gates) =>
  family(gates).createMachine({
    context: nothing,
    initial: 'on',
    on: {
      SPAWN: { actions: 'spawn' },
      LATER: { actions: sendTo(named, { type: 'TELL' }, { delay: 10, id: 'later' }) },
      CANCEL: { actions: cancel('later') },
      STOP: { actions: enqueueActions(({ enqueue, event }) => enqueue.stopChild(String(event['name']))) },
      ANEW: {
        actions: enqueueActions(({ enqueue, event }) => {
          enqueue.stopChild(String(event['name']));
          enqueue.spawnChild('child', { id: String(event['name']), input: { name: 'second' } });
        }),
      },
      TO_SELF: { actions: sendTo(({ self }) => self, { type: 'NOTE' }, { delay: 10, id: 'later' }) },
      NOTE: { actions: 'keep' },
      SLEEP: { actions: sendTo(named, { type: 'LATER' }) },
      TOLD: { actions: ['keep', 'echo'] },
      WAITED: { actions: 'keep' },
      LEAVE: '.off',
    },
    states: { on: { on: {} }, off: { entry: cancel('later') } },
  });

const who = (type: string, name: string) => told(type, { name });

/** Scenarios of delayed events. */
export const cancelScenarios: readonly Scenario[] = [
  { name: 'a delayed event that comes', machine: () => alarm, steps: [who('SET', 'a'), tick, tick] },
  { name: 'cancelled in time', machine: () => alarm, steps: [who('SET', 'a'), ...send('CANCEL'), tick] },
  { name: 'cancelled too late', machine: () => alarm, steps: [who('SET', 'a'), tick, ...send('CANCEL'), tick] },
  { name: 'set and cancelled in one turn', machine: () => alarm, steps: [...send('BOTH'), tick] },
  { name: 'cancelled and set anew in one turn', machine: () => alarm, steps: [who('SET', 'a'), ...send('ANEW'), tick] },
  {
    name: 'ids from the event',
    machine: () => alarm,
    steps: [who('SET_NAMED', 'a'), who('SET_NAMED', 'b'), who('CANCEL_NAMED', 'a'), tick, tick],
  },
  {
    name: 'delays from the event, due in another order than set',
    machine: () => alarm,
    steps: [told('SET_FREE', { ms: 9 }), told('SET_FREE', { ms: 3 }), tick],
  },
  { name: 'outlives the state that set it', machine: () => alarm, steps: [who('SET', 'a'), ...send('MOVE'), tick] },
  { name: 'ends with the machine', machine: () => alarm, steps: [who('SET', 'a'), ...send('END'), tick] },
  { name: 'enqueued, and cancelled among them', machine: () => alarm, steps: [...send('ENQUEUED'), tick] },
  { name: 'to a child, later', machine: post, steps: [who('SPAWN', 'a'), who('LATER', 'a'), tick] },
  {
    name: 'to a child, cancelled',
    machine: post,
    steps: [who('SPAWN', 'a'), who('LATER', 'a'), ...send('CANCEL'), tick],
  },
  {
    name: 'to a child that is stopped meanwhile',
    machine: post,
    steps: [who('SPAWN', 'a'), who('LATER', 'a'), who('STOP', 'a'), tick],
  },
  {
    name: 'to a child whose place another takes meanwhile',
    machine: post,
    steps: [who('SPAWN', 'a'), who('LATER', 'a'), who('ANEW', 'a'), tick],
  },
  { name: 'to oneself, later', machine: post, steps: [...send('TO_SELF'), tick] },
  { name: 'to oneself, cancelled on entry elsewhere', machine: post, steps: [...send('TO_SELF', 'LEAVE'), tick] },
  {
    name: 'ids of one actor are not those of another',
    machine: post,
    steps: [who('SPAWN', 'a'), who('SLEEP', 'a'), ...send('TO_SELF', 'CANCEL'), tick],
  },
];
