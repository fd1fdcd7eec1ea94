/**
 * The machines of the golden sets. Nothing here is ever changed: runs of them are stored in files that are older than
 * this build. What a new set needs beyond them gets a new name or a new version.
 */
import { assign, emit, fromPromise, sendTo, setup } from 'xstate';
import type { MachineRegistration } from '../../src/runtime/registration.ts';

const reserved = {
  'fermata.spawn': (_: unknown, _params: { readonly id: string; readonly src: string }) => {},
  'fermata.send': (
    _: unknown,
    _params: { readonly to: string | { readonly run: string }; readonly event: { readonly type: string } },
  ) => {},
};

const parcel = setup({ types: {} as { context: { stations: number }; output: number } }).createMachine({
  id: 'parcel',
  context: { stations: 0 },
  initial: 'moving',
  states: {
    moving: {
      on: { NEXT: { actions: assign({ stations: ({ context }) => context.stations + 1 }) }, ARRIVE: 'there' },
    },
    there: { type: 'final' },
  },
  output: ({ context }) => context.stations,
});

/** Regions, history, a delay of a month, a promise actor, a child machine with a systemId, a detached actor, emitted events. */
const order = setup({
  types: {} as { context: { price: number; paid: unknown; since: Date; tags: Set<string> } },
  actors: {
    pay: fromPromise<unknown, { price: number }>(() => Promise.reject(new RangeError('replaced by the effect "pay"'))),
    parcel,
  },
  actions: reserved,
  delays: { patience: 30 * 86_400_000 },
}).createMachine({
  id: 'order',
  context: { price: 5, paid: null, since: new Date(0), tags: new Set(['new']) },
  type: 'parallel',
  entry: { type: 'fermata.spawn', params: { id: 'log', src: 'parcel' } },
  states: {
    sale: {
      initial: 'open',
      states: {
        open: {
          on: {
            PAY: 'paying',
            NOTE: { actions: { type: 'fermata.send', params: { to: 'log', event: { type: 'NEXT' } } } },
          },
          after: { patience: 'expired' },
        },
        paying: {
          invoke: {
            id: 'pay',
            src: 'pay',
            input: ({ context }: { context: { price: number } }) => ({ price: context.price }),
            onDone: {
              target: 'shipping',
              actions: [assign({ paid: ({ event }) => event.output }), emit({ type: 'paid' } as never)],
            },
            onError: 'expired',
          },
        },
        shipping: {
          invoke: { id: 'parcel', src: 'parcel', systemId: 'parcel', onDone: 'done' },
          on: {
            NEXT: { actions: sendTo('parcel', { type: 'NEXT' }) },
            ARRIVE: { actions: sendTo('parcel', { type: 'ARRIVE' }) },
          },
        },
        expired: { type: 'final' },
        done: { type: 'final' },
      },
    },
    desk: {
      initial: 'staffed',
      states: {
        staffed: {
          initial: 'calm',
          states: { calm: { on: { RUSH: 'busy' } }, busy: {}, hist: { type: 'history' } },
          on: { CLOSE: 'closed', LEAVE: 'left' },
        },
        closed: { on: { OPEN: 'staffed.hist', LEAVE: 'left' } },
        left: { type: 'final' },
      },
    },
  },
});

/** `SERVE` begins 350 messages to and fro: more turns than one group has. */
const bounce = setup({
  types: {} as { context: { heard: number } },
  actors: {
    wall: setup({}).createMachine({
      id: 'wall',
      on: { PING: { actions: sendTo(({ system }) => system.get('player') as never, { type: 'PONG' } as never) } },
    }),
    player: setup({ types: {} as { context: { n: number } } }).createMachine({
      id: 'player',
      context: { n: 0 },
      on: {
        PONG: {
          guard: ({ context }) => context.n < 350,
          actions: [
            assign({ n: ({ context }) => context.n + 1 }),
            sendTo(({ system }) => system.get('wall') as never, { type: 'PING' } as never),
          ],
        },
      },
    }),
  },
}).createMachine({
  id: 'bounce',
  context: { heard: 0 },
  initial: 'on',
  states: {
    on: {
      invoke: [
        { id: 'wall', src: 'wall', systemId: 'wall' },
        { id: 'player', src: 'player', systemId: 'player' },
      ],
      on: { SERVE: { actions: sendTo('player', { type: 'PONG' } as never) }, LEAVE: 'off' },
    },
    off: { type: 'final' },
  },
});

/** Tells another run; ends on `LEAVE`, breaks on `BREAK`. */
const chat = setup({
  types: {} as { context: { heard: string[] }; events: { type: string; text: string; to: string }; output: unknown },
  actions: reserved,
}).createMachine({
  id: 'chat',
  context: { heard: [] },
  initial: 'on',
  states: {
    on: {
      on: {
        TELL: {
          actions: {
            type: 'fermata.send',
            params: ({ event }) => ({ to: { run: event.to }, event: { type: 'HEAR', text: event.text } }),
          },
        },
        HEAR: { actions: assign({ heard: ({ context, event }) => [...context.heard, event.text] }) },
        BREAK: {
          actions: assign(() => {
            throw new RangeError('broken on purpose');
          }),
        },
        LEAVE: 'off',
      },
    },
    off: { type: 'final' },
  },
  output: ({ context }: { context: { heard: string[] } }) => context.heard,
});

const note = (context: object) =>
  setup({ types: {} as { context: object } }).createMachine({
    id: 'note',
    context,
    initial: 'kept',
    states: { kept: { on: { LEAVE: 'gone' }, after: { 2_592_000_000: 'gone' } }, gone: { type: 'final' } },
    output: ({ context: last }: { context: object }) => last,
  });

/** As they are registered. What is compared of a definition is its name here: a test has other texts of its functions. */
export const machines: Readonly<Record<string, MachineRegistration>> = {
  'order@1': { machine: order, definition: 'golden order 1' },
  'bounce@1': { machine: bounce as never, definition: 'golden bounce 1' },
  'chat@1': { machine: chat as never, definition: 'golden chat 1' },
  'note@1': { machine: note({ text: '' }), definition: 'golden note 1' },
  'note@2': {
    machine: note({ text: '', lines: 0 }),
    definition: 'golden note 2',
    migrate: {
      from: 'note@1',
      snapshot: (old) => ({ ...old, context: { ...Object(old.context), lines: 1 } as object }),
    },
  },
};
