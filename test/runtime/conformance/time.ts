/** Time: after, delayed raise and sendTo, cancel. */
import { assign, cancel, emit, raise, sendParent, sendTo, setup } from 'xstate';
import { send, type Scenario } from './scenario.ts';

type Heard = { readonly type: string };

const sleeper = setup({
  types: {} as { context: { log: readonly string[] }; events: Heard; input: { ms: number } },
  actions: { note: assign({ log: ({ context, event }) => [...context.log, event.type] }) },
}).createMachine({
  context: { log: [] },
  initial: 'asleep',
  states: {
    asleep: {
      after: { 50: { target: 'awake', actions: sendParent({ type: 'AWAKE' }) } },
      on: { POKE: { target: 'asleep', reenter: true } },
    },
    awake: { after: { 30: 'end' }, on: { HELLO: { actions: 'note' } } },
    end: { type: 'final' },
  },
  output: ({ context }) => context.log,
});

const clockwork = setup({
  types: {} as { context: { log: readonly string[] }; events: Heard },
  actors: { sleeper },
  delays: { long: ({ context }) => 100 + context.log.length * 10, short: 20 },
  actions: {
    note: assign({ log: ({ context, event }) => [...context.log, event.type] }),
    say: emit(({ event }) => ({ type: 'tick', event: event.type })),
  },
}).createMachine({
  context: { log: [] },
  initial: 'waiting',
  on: {
    RAISE: { actions: raise({ type: 'RAISED' }, { delay: 40, id: 'raised' }) },
    TWICE: {
      actions: [
        raise({ type: 'RAISED' }, { delay: 40, id: 'raised' }),
        raise({ type: 'RAISED' }, { delay: 60, id: 'other' }),
      ],
    },
    CANCEL: { actions: cancel('raised') },
    RAISED: { actions: ['note', 'say'] },
    NAMELESS: {
      actions: [raise({ type: 'RAISED' }, { delay: 'short' }), raise({ type: 'RAISED' }, { delay: 'short' })],
    },
    SPAWN: '.spawned',
  },
  states: {
    waiting: {
      after: { long: { target: 'waited', actions: 'note' } },
      on: { AGAIN: { target: 'waiting', reenter: true } },
    },
    waited: { entry: 'say', on: { BACK: 'waiting' } },
    spawned: {
      invoke: { id: 'kid', src: 'sleeper', input: { ms: 50 }, onDone: { target: 'ended', actions: ['note', 'say'] } },
      on: {
        POKE: { actions: sendTo('kid', { type: 'POKE' }) },
        LATER: { actions: sendTo('kid', { type: 'HELLO' }, { delay: 60, id: 'hello' }) },
        NEVER: { actions: cancel('hello') },
        AWAKE: { actions: ['note', 'say'] },
        LEAVE: 'waiting',
      },
    },
    ended: {},
  },
});

const several = setup({
  types: {} as { context: { log: readonly string[] }; events: Heard },
  actions: {
    note: assign({ log: ({ context, event }) => [...context.log, event.type] }),
    say: emit(({ event }) => ({ type: 'tick', event: event.type })),
  },
}).createMachine({
  context: { log: [] },
  initial: 'on',
  states: {
    on: {
      entry: Array.from({ length: 12 }, (_, i) => raise({ type: `T${i}` }, { delay: 30 })),
      on: { '*': { actions: ['note', 'say'] } },
    },
  },
});

const sleepers = setup({
  types: {} as { context: { log: readonly string[] }; events: Heard },
  actors: { sleeper },
  actions: {
    note: assign({ log: ({ context, event }) => [...context.log, event.type] }),
    say: emit(({ event }) => ({ type: 'tick', event: event.type })),
  },
}).createMachine({
  context: { log: [] },
  invoke: ['a', 'b', 'c', 'd', 'e', 'f'].map((id) => ({ id, src: 'sleeper' as const, input: { ms: 1 } })),
  on: { 'xstate.done.actor.*': { actions: ['note', 'say'] }, AWAKE: { actions: ['note', 'say'] } },
});

/** Scenarios of time. */
export const timeScenarios: readonly Scenario[] = [
  {
    name: 'after, with a named delay',
    machine: () => clockwork,
    steps: [{ advance: 99 }, { advance: 1 }, ...send('BACK'), { advance: 105 }, { advance: 10 }],
  },
  {
    name: 'after begins anew on re-entry',
    machine: () => clockwork,
    steps: [{ advance: 60 }, ...send('AGAIN'), { advance: 60 }, { advance: 60 }],
  },
  {
    name: 'delayed raise, and cancel',
    machine: () => clockwork,
    steps: [...send('RAISE'), { advance: 20 }, ...send('CANCEL'), { advance: 40 }, ...send('RAISE'), { advance: 45 }],
  },
  {
    name: 'two delayed raises, one cancelled',
    machine: () => clockwork,
    steps: [...send('TWICE', 'CANCEL'), { advance: 70 }],
  },
  { name: 'two delayed raises without an id', machine: () => clockwork, steps: [...send('NAMELESS'), { advance: 25 }] },
  { name: 'cancel of what was never sent', machine: () => clockwork, steps: send('CANCEL') },
  {
    name: "a child's after, re-entered by its parent",
    machine: () => clockwork,
    steps: [...send('SPAWN'), { advance: 30 }, ...send('POKE'), { advance: 30 }, { advance: 30 }, { advance: 30 }],
  },
  {
    name: 'delayed sendTo, cancelled and not',
    machine: () => clockwork,
    steps: [
      ...send('SPAWN', 'LATER', 'NEVER'),
      { advance: 55 },
      { advance: 20 },
      ...send('LEAVE', 'SPAWN', 'LATER'),
      { advance: 70 },
      { advance: 30 },
    ],
  },
  {
    name: 'delayed sendTo to a child that is gone',
    machine: () => clockwork,
    steps: [...send('SPAWN', 'LATER', 'LEAVE'), { advance: 70 }],
  },
  { name: 'twelve timers due at the same moment', machine: () => several, steps: [{ advance: 30 }] },
  { name: 'six children with the same after', machine: () => sleepers, steps: [{ advance: 50 }, { advance: 30 }] },
];
