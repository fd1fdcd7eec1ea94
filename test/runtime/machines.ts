/** Small machines that several tests use. */
import { assign, fromPromise, sendParent, sendTo, setup } from 'xstate';

/** Counts `ADD`, ends on `END` with the count, waits in between. */
export const counter = setup({
  types: {} as { context: { count: number }; events: { type: 'ADD' } | { type: 'END' }; output: number },
}).createMachine({
  context: { count: 0 },
  initial: 'counting',
  states: {
    counting: { on: { ADD: { actions: assign({ count: ({ context }) => context.count + 1 }) }, END: 'end' } },
    end: { type: 'final' },
  },
  output: ({ context }) => context.count,
});

/** On `TELL` it sends `ADD`, with the number that it was given, to another run. */
export const sender = setup({
  types: {} as { events: { type: 'TELL'; to: string; n?: number } },
  actions: {
    'fermata.send': (_, _params: { to: { run: string }; event: { type: string; n: number | null } }) => {},
  },
}).createMachine({
  on: {
    TELL: {
      actions: {
        type: 'fermata.send',
        params: ({ event: { to, n = null } }) => ({ to: { run: to }, event: { type: 'ADD', n } }),
      },
    },
  },
});

/** A promise that its test settles. */
export class Deferred<Value = unknown> {
  readonly #settlers = Promise.withResolvers<Value>();
  readonly promise = this.#settlers.promise;
  readonly resolve = this.#settlers.resolve;
  readonly reject = this.#settlers.reject;
}

/** Asks once on `ASK`; `answered` or `refused` afterwards. The call is registered as the effect `call`. */
export const asker = setup({
  types: {} as { context: { answer: unknown }; events: { type: 'ASK' } | { type: 'LEAVE' }; output: unknown },
  actors: {
    call: fromPromise<unknown, unknown>(() =>
      Promise.reject(new RangeError('replaced by the effect of the same name')),
    ),
  },
}).createMachine({
  context: { answer: null },
  initial: 'idle',
  states: {
    idle: { on: { ASK: 'asking' } },
    asking: {
      invoke: {
        id: 'call',
        src: 'call',
        input: 'the question',
        onDone: { target: 'answered', actions: assign({ answer: ({ event }) => event.output }) },
        onError: { target: 'refused', actions: assign({ answer: ({ event }) => event.error }) },
      },
      on: { LEAVE: 'idle' },
    },
    answered: { on: { ASK: 'asking' } },
    refused: { on: { ASK: 'asking' } },
  },
});

const bouncer = setup({ types: {} as { events: { type: 'PING'; n: number } } }).createMachine({
  on: { PING: { actions: sendParent(({ event }) => ({ type: 'PONG', n: event.n + 1 })) } },
});

/** `SERVE` starts `bounces` messages to and fro between it and its child, all in one cascade. */
export const bouncing = setup({
  types: {} as { context: { heard: number }; events: { type: 'SERVE' } | { type: 'PONG'; n: number } },
  actors: { bouncer },
}).createMachine({
  context: { heard: 0 },
  invoke: { id: 'wall', src: 'bouncer' },
  on: {
    SERVE: { actions: sendTo('wall', { type: 'PING', n: 0 }) },
    PONG: [
      {
        guard: ({ event }) => event.n >= 2_500,
        actions: [assign({ heard: ({ event }) => event.n }), sendTo('wall', { type: 'NOBODY' } as never)],
      },
      {
        actions: [
          assign({ heard: ({ event }) => event.n }),
          sendTo('wall', ({ event }) => ({ type: 'PING', n: event.n })),
        ],
      },
    ],
  },
});
