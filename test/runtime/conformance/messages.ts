/** Messages between actors of one run: sendTo, sendParent, emit, and the order in which they arrive (depth-first). */
import { assign, emit, enqueueActions, sendParent, sendTo, setup } from 'xstate';
import type { Scenario } from './scenario.ts';

type Ball = { readonly type: string; readonly n?: number };
const step = (event: Ball) => (event.n ?? 0) + 1;

const player = setup({
  types: {} as { context: { heard: readonly number[] }; events: Ball },
  actions: {
    note: assign({ heard: ({ context, event }) => [...context.heard, event.n ?? 0] }),
    say: emit(({ event }) => ({ type: 'hit', n: event.n })),
  },
}).createMachine({
  context: { heard: [] },
  on: {
    PING: {
      actions: [
        'note',
        'say',
        sendParent(({ event }) => ({ type: 'PONG', n: step(event) })),
        sendParent({ type: 'HEARD' }),
      ],
    },
  },
});

/** Two children that answer each ball, and a parent that counts. */
export const pingPong = setup({
  types: {} as { context: { heard: readonly string[] }; events: Ball },
  actors: { player },
  actions: {
    note: assign({ heard: ({ context, event }) => [...context.heard, `${event.type}${event.n ?? ''}`] }),
    say: emit(({ event }) => ({ type: 'back', n: event.n })),
  },
}).createMachine({
  context: { heard: [] },
  invoke: [
    { id: 'left', src: 'player' },
    { id: 'right', src: 'player' },
  ],
  on: {
    SERVE: { actions: [sendTo('left', { type: 'PING', n: 0 }), sendTo('right', { type: 'PING', n: 100 }), 'say'] },
    PONG: {
      actions: [
        'note',
        'say',
        enqueueActions(({ enqueue, event }) => {
          if ((event.n ?? 0) % 100 < 8)
            enqueue.sendTo((event.n ?? 0) < 100 ? 'left' : 'right', { type: 'PING', n: step(event) });
        }),
      ],
    },
    HEARD: { actions: 'note' },
  },
});

const speaker = setup({
  types: {} as { context: { heard: readonly string[] }; events: { type: string } },
  actors: { player },
  actions: {
    note: assign({ heard: ({ context, event }) => [...context.heard, event.type] }),
    say: emit(({ event }) => ({ type: 'spoke', about: event.type })),
  },
}).createMachine({
  context: { heard: [] },
  entry: sendParent({ type: 'BORN' }),
  on: {
    ASK: { actions: ['say', sendParent({ type: 'ANSWER' }), sendTo(({ self }) => self, { type: 'LATER' }), 'note'] },
    LATER: { actions: ['note', 'say', sendParent({ type: 'LAST' })] },
    END: '.end',
  },
  initial: 'on',
  states: { on: {}, end: { type: 'final', entry: [sendParent({ type: 'GOODBYE' }), 'say'] } },
});

const listener = setup({
  types: {} as { context: { heard: readonly string[] }; events: { type: string } },
  actors: { speaker },
  actions: {
    note: assign({ heard: ({ context, event }) => [...context.heard, event.type] }),
    say: emit(({ event }) => ({ type: 'heard', what: event.type })),
  },
}).createMachine({
  context: { heard: [] },
  initial: 'on',
  invoke: [
    { id: 'one', src: 'speaker', onDone: { actions: ['note', 'say'] } },
    { id: 'two', src: 'speaker', onDone: { target: '.off', actions: ['note', 'say'] } },
  ],
  on: {
    GO: { actions: [sendTo('one', { type: 'ASK' }), sendTo('two', { type: 'ASK' }), sendTo('one', { type: 'ASK' })] },
    CLOSE: {
      actions: [sendTo('one', { type: 'END' }), sendTo('one', { type: 'ASK' }), sendTo('two', { type: 'END' })],
    },
    BORN: { actions: ['note', 'say'] },
    ANSWER: { actions: ['note', 'say'] },
    LAST: { actions: ['note', 'say', sendTo('two', { type: 'UNKNOWN' })] },
    GOODBYE: { actions: 'note' },
  },
  states: { on: {}, off: {} },
});

const relayed = setup({
  types: {} as { context: { path: readonly string[] }; events: { type: string } },
  actions: { note: assign({ path: ({ context, event }) => [...context.path, event.type] }) },
}).createMachine({
  context: { path: [] },
  initial: 'a',
  states: {
    a: { on: { GO: { target: 'b', actions: sendTo(({ self }) => self, { type: 'SELF' }) } } },
    b: { on: { SELF: { target: 'c', actions: 'note' } } },
    c: {},
  },
});

/** Scenarios of messages. */
export const messageScenarios: readonly Scenario[] = [
  {
    name: 'two ping-pongs, depth-first',
    machine: () => pingPong,
    steps: [{ send: { type: 'SERVE' } }, { send: { type: 'SERVE' } }],
  },
  {
    name: 'answers, messages to oneself and endings in order',
    machine: () => listener,
    steps: [{ send: { type: 'GO' } }, { send: { type: 'CLOSE' } }, { send: { type: 'GO' } }],
  },
  { name: 'a message to oneself comes after the turn', machine: () => relayed, steps: [{ send: { type: 'GO' } }] },
];
