/** Actions: on entry, exit and transitions, with params, custom ones, raise, enqueueActions. */
import { assign, enqueueActions, log, raise, sendTo } from 'xstate';
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

/** Machines with an action that does something in the world. */
const doing = (gates: Gates) =>
  notingWith({
    actions: {
      do: (_: unknown, { what }: { what: string }) => void gates.did.push(what),
      doSeen: ({ context, event }: { context: Notes; event: Heard }) =>
        void gates.did.push(`${event.type} ${context.count}`),
      both: enqueueActions(({ enqueue }) => {
        enqueue({ type: 'do', params: { what: 'from both' } });
        enqueue.assign({ count: 9 });
      }),
    },
  });
const act = (what: string) => ({ type: 'do', params: { what } }) as const;

const worldly = (gates: Gates) =>
  doing(gates).createMachine({
    context: nothing,
    initial: 'a',
    entry: act('born'),
    states: {
      a: { entry: act('+a'), exit: act('-a'), on: { GO: { target: 'b', actions: [act('a to b'), 'add', 'doSeen'] } } },
      b: { entry: [act('+b'), raise({ type: 'ON' })], on: { ON: { target: 'c', actions: 'doSeen' } }, exit: act('-b') },
      c: {
        entry: 'both',
        on: {
          SEEN: {
            actions: [
              'doSeen',
              assign({ count: 1 }),
              'doSeen',
              ({ event }) => void gates.did.push(`inline ${event.type}`),
            ],
          },
          END: 'end',
        },
      },
      end: { type: 'final', entry: act('end') },
    },
    exit: act('gone'),
  });

const params = noting.createMachine({
  context: nothing,
  on: {
    STATIC: { actions: note('static') },
    CONTEXT: { actions: ['add', { type: 'note', params: ({ context }) => ({ text: `count ${context.count}` }) }] },
    EVENT: { actions: { type: 'note', params: ({ event }) => ({ text: String(event['text']) }) } },
  },
});

const raising = noting.createMachine({
  context: nothing,
  initial: 'a',
  on: { '*': { actions: 'heard' } },
  states: {
    a: {
      on: {
        GO: {
          actions: [
            raise({ type: 'ONE' }),
            note('after raise'),
            raise(({ context }) => ({ type: `AT_${context.count}` })),
            'add',
          ],
        },
        ONE: { actions: [note('one'), raise({ type: 'THREE' })] },
        MOVE: { target: 'b', actions: raise({ type: 'IN_B' }) },
      },
    },
    b: { entry: raise({ type: 'ENTERED' }), on: { IN_B: { actions: note('b hears') }, ENTERED: 'c' } },
    c: { entry: note('c') },
  },
});

const enqueueing = noting.createMachine({
  context: nothing,
  on: {
    GO: {
      actions: [
        enqueueActions(({ enqueue, check, event }) => {
          enqueue('heard');
          enqueue(note('noted'));
          enqueue.assign({ count: 3 });
          if (check(atLeast(1))) enqueue(say('already'));
          if (event['raise'] === true) enqueue.raise({ type: 'RAISED' });
          enqueue(enqueueActions(({ enqueue: inner, context }) => inner(note(`inner ${context.count}`))) as never);
        }),
        note('after'),
      ],
    },
    RAISED: { actions: [note('raised'), 'add'] },
  },
});

const orders = noting.createMachine({
  context: nothing,
  initial: 'a',
  ...inAndOut('root'),
  states: {
    a: {
      ...inAndOut('a'),
      initial: 'x',
      states: { x: { ...inAndOut('x'), on: { OUT: { target: '#z', actions: [note('1'), note('2')] } } } },
    },
    b: {
      ...inAndOut('b'),
      initial: { target: 'y', actions: note('initial') },
      states: { y: { ...inAndOut('y') }, z: { id: 'z', ...inAndOut('z') } },
      on: { BACK: 'a', Y: '.y' },
    },
  },
});

const logging = noting.createMachine({
  context: nothing,
  on: { LOG: { actions: [log('text'), log(({ event }: { event: Heard }) => event.type, 'label'), note('logged')] } },
});

const toChildren = (gates: Gates) =>
  family(gates).createMachine({
    context: nothing,
    invoke: { id: 'kid', src: 'child', input: { name: 'kid' } },
    on: {
      GO: {
        actions: enqueueActions(({ enqueue, event }) => {
          enqueue.sendTo('kid', { type: 'TELL' });
          enqueue('echo');
          enqueue.sendTo(({ self }) => self, { type: 'SELF', of: event.type });
          enqueue.spawnChild('eager', { id: 'new' });
          enqueue.sendTo('new', { type: 'TICK' });
          enqueue.stopChild('kid');
        }),
      },
      SELF: { actions: ['keep', 'echo', sendTo(({ self }) => self, { type: 'SECOND' })] },
      '*': { actions: ['keep', 'echo'] },
    },
  });

/** Scenarios of actions. */
export const actionScenarios: readonly Scenario[] = [
  { name: 'custom actions run once, in order, with what they saw', machine: worldly, steps: send('GO', 'SEEN', 'END') },
  {
    name: 'params: fixed, from context, from the event',
    machine: () => params,
    steps: [...send('STATIC', 'CONTEXT'), told('EVENT', { text: 'x' })],
  },
  {
    name: 'raised events come after the transition, first in first out',
    machine: () => raising,
    steps: send('GO', 'GO'),
  },
  { name: 'raised on the way and on entry', machine: () => raising, steps: send('MOVE') },
  {
    name: 'enqueueActions in enqueueActions, and what follows',
    machine: () => enqueueing,
    steps: [...send('GO'), told('GO', { raise: true })],
  },
  { name: 'exit, transition, entry, each in its order', machine: () => orders, steps: send('OUT', 'Y', 'BACK') },
  { name: 'log changes nothing', machine: () => logging, steps: send('LOG') },
  { name: 'enqueued for others: send, spawn, speak, stop', machine: toChildren, steps: send('GO') },
];
