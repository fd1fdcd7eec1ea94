/** Who takes what when: mailboxes, depth first, across three generations and systemIds. */
import { assign, enqueueActions, raise, sendParent, sendTo, type AnyActorRef } from 'xstate';
import { note, noting, notingWith, nothing, told, send, type Heard } from './noting.ts';
import type { Scenario } from './scenario.ts';

/** Hands on what it gets, until nothing is left of it. */
const runner = noting.createMachine({
  context: nothing,
  on: {
    BATON: {
      actions: [
        'heard',
        enqueueActions(({ enqueue, event, system }) => {
          const [next, ...rest] = (event as Heard)['to'] as readonly string[];
          enqueue.sendParent({ type: 'PASSED', left: rest.length });
          if (next !== undefined) enqueue.sendTo(system.get(next) as AnyActorRef, { type: 'BATON', to: rest });
          enqueue.emit({ type: 'ran', left: rest.length });
        }),
      ],
    },
  },
});

const relay = notingWith({ actors: { runner } }).createMachine({
  context: nothing,
  invoke: ['a', 'b', 'c'].map((id) => ({ id, systemId: id, src: 'runner' as const })),
  on: {
    GO: {
      actions: [
        sendTo('a', ({ event }) => ({ type: 'BATON', to: event['to'] })),
        sendTo('c', ({ event }) => ({ type: 'BATON', to: event['to'] })),
        raise({ type: 'STARTED' }),
      ],
    },
    STARTED: { actions: note('started') },
    PASSED: { actions: assign({ log: ({ context, event }) => [...context.log, `passed ${String(event['left'])}`] }) },
  },
});

const leaf = noting.createMachine({
  context: nothing,
  entry: sendParent({ type: 'LEAF' }),
  on: { ASK: { actions: [sendParent({ type: 'ONE' }), sendParent({ type: 'TWO' })] } },
});
const branch = notingWith({ actors: { leaf } }).createMachine({
  context: nothing,
  entry: sendParent({ type: 'BRANCH' }),
  invoke: [
    { id: 'l1', src: 'leaf' },
    { id: 'l2', src: 'leaf' },
  ],
  on: {
    ASK: { actions: [sendTo('l1', { type: 'ASK' }), sendParent({ type: 'ASKED' }), sendTo('l2', { type: 'ASK' })] },
    ONE: { actions: ['heard', sendParent({ type: 'ONE' })] },
    '*': { actions: 'heard' },
  },
});
const tree = notingWith({ actors: { branch } }).createMachine({
  context: nothing,
  invoke: [
    { id: 'b1', src: 'branch' },
    { id: 'b2', src: 'branch' },
  ],
  on: {
    ALL: { actions: [sendTo('b1', { type: 'ASK' }), sendTo('b2', { type: 'ASK' })] },
    ASKED: { actions: ['heard', sendTo('b2', { type: 'EXTRA' })] },
    '*': { actions: 'heard' },
  },
});

/** Answers its sender: references travel in events. */
const clerk = noting.createMachine({
  context: nothing,
  on: { ASK: { actions: ['heard', sendTo(({ event }) => event['from'] as AnyActorRef, { type: 'ANSWER' })] } },
});
const customer = notingWith({ actors: { clerk } }).createMachine({
  context: nothing,
  invoke: [
    { id: 'clerk', src: 'clerk' },
    { id: 'other', src: 'clerk' },
  ],
  on: {
    GO: { actions: sendTo('clerk', ({ self }) => ({ type: 'ASK', from: self })) },
    FOR_OTHER: {
      actions: enqueueActions(({ enqueue, context: _ }) =>
        enqueue.sendTo(
          'clerk',
          ({ system, self }: { system: { get(id: string): unknown }; self: unknown }) =>
            ({ type: 'ASK', from: system.get('nobody') ?? self }) as never,
        ),
      ),
    },
    ANSWER: { actions: 'heard' },
  },
});

const selfish = noting.createMachine({
  context: nothing,
  initial: 'a',
  states: {
    a: {
      on: { GO: { target: 'b', actions: [sendTo(({ self }) => self, { type: 'SENT' }), raise({ type: 'RAISED' })] } },
    },
    b: { on: { RAISED: { actions: 'heard' }, SENT: { target: 'c', actions: 'heard' } } },
    c: { entry: sendTo(({ self }) => self, { type: 'AGAIN' }), on: { AGAIN: { actions: 'heard' } } },
  },
});

/** Scenarios of order. */
export const orderScenarios: readonly Scenario[] = [
  {
    name: 'handed on by systemId, depth first',
    machine: () => relay,
    steps: [told('GO', { to: ['b', 'c', 'a'] }), told('GO', { to: [] })],
  },
  {
    name: 'back to one who is still busy: it waits in the mailbox',
    machine: () => relay,
    steps: [told('GO', { to: ['a', 'a', 'c', 'a', 'b', 'b'] })],
  },
  { name: 'three generations are born and speak', machine: () => tree, steps: [] },
  { name: 'three generations answer', machine: () => tree, steps: send('ALL', 'ALL') },
  { name: 'a reference in an event is answered', machine: () => customer, steps: send('GO', 'FOR_OTHER') },
  { name: 'raised before sent to oneself', machine: () => selfish, steps: send('GO') },
];
