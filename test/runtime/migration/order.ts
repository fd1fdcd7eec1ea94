/** An order in two versions, with everything that a migration has to carry over: regions, history, delays, calls, children. */
import { assign, fromPromise, sendTo, setup } from 'xstate';
import type { Migration } from '../../../src/runtime/migration.ts';
import type { PersistedSnapshot } from '../../../src/runtime/persisted.ts';

/** Milliseconds that an open order waits for its payment. */
export const PATIENCE = 2 * 3_600_000;

const pay = fromPromise<unknown, unknown>(() => Promise.reject(new RangeError('replaced by the effect "pay"')));
const actions = {
  'fermata.spawn': (_: unknown, _params: { readonly id: string; readonly src: string }) => {},
  'fermata.send': (_: unknown, _params: { readonly to: string; readonly event: { readonly type: string } }) => {},
};

const parcelV1 = setup({ types: {} as { context: { stations: number }; output: number } }).createMachine({
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

const parcelV2 = setup({ types: {} as { context: { stops: number }; output: number } }).createMachine({
  id: 'parcel',
  context: { stops: 0 },
  initial: 'underway',
  states: {
    underway: {
      on: { NEXT: { actions: assign({ stops: ({ context }) => context.stops + 1 }) }, ARRIVE: 'there' },
    },
    there: { type: 'final' },
  },
  output: ({ context }) => context.stops,
});

const desk = {
  initial: 'staffed',
  states: {
    staffed: {
      initial: 'calm',
      states: { calm: { on: { RUSH: 'busy' } }, busy: {}, hist: { type: 'history' } },
      on: { CLOSE: 'closed' },
    },
    closed: { on: { OPEN: 'staffed.hist' } },
  },
} as const;

const note = { actions: { type: 'fermata.send', params: { to: 'log', event: { type: 'NEXT' } } } } as const;
const logged = { type: 'fermata.spawn', params: { id: 'log', src: 'audit' } } as const;

/** `order@1`: a price in euros; waits two hours for its payment. */
export const orderV1 = setup({
  types: {} as { context: { price: number; paid: unknown } },
  actors: { pay, parcel: parcelV1, audit: parcelV1 },
  actions,
}).createMachine({
  id: 'order',
  context: { price: 5, paid: null },
  entry: logged,
  type: 'parallel',
  states: {
    sale: {
      initial: 'open',
      states: {
        open: { on: { PAY: 'paying', NOTE: note }, after: { [PATIENCE]: 'expired' } },
        paying: {
          invoke: {
            id: 'pay',
            src: 'pay',
            input: ({ context }: { context: { price: number } }) => context.price,
            onDone: { target: 'shipping', actions: assign({ paid: ({ event }) => event.output }) },
            onError: 'expired',
          },
        },
        shipping: {
          invoke: { id: 'parcel', src: 'parcel', onDone: 'done' },
          on: {
            NEXT: { actions: sendTo('parcel', { type: 'NEXT' }) },
            ARRIVE: { actions: sendTo('parcel', { type: 'ARRIVE' }) },
          },
        },
        expired: {},
        done: {},
      },
    },
    desk,
  },
});

/** `order@2`: cents and a currency; `open` is called `awaitingPayment` and waits for four; the parcel is a box. */
export const orderV2 = setup({
  types: {} as { context: { cents: number; currency: string; paid: unknown } },
  actors: { pay, box: parcelV2, audit: parcelV2 },
  actions,
}).createMachine({
  id: 'order',
  context: { cents: 500, currency: 'EUR', paid: null },
  entry: logged,
  type: 'parallel',
  states: {
    sale: {
      initial: 'awaitingPayment',
      states: {
        awaitingPayment: { on: { PAY: 'paying', NOTE: note }, after: { [2 * PATIENCE]: 'expired' } },
        paying: {
          invoke: {
            id: 'pay',
            src: 'pay',
            input: ({ context }: { context: { cents: number } }) => context.cents,
            onDone: { target: 'shipping', actions: assign({ paid: ({ event }) => event.output }) },
            onError: 'expired',
          },
        },
        shipping: {
          invoke: { id: 'parcel', src: 'box', onDone: 'done' },
          on: {
            NEXT: { actions: sendTo('parcel', { type: 'NEXT' }) },
            ARRIVE: { actions: sendTo('parcel', { type: 'ARRIVE' }) },
          },
        },
        expired: {},
        done: {},
      },
    },
    desk,
  },
});

interface OrderValue {
  readonly sale: string;
  readonly desk: unknown;
}

/** The parcel's part of it. */
function moveParcel(old: PersistedSnapshot): PersistedSnapshot {
  const { stations } = old.context as { stations: number };
  return { ...old, value: old.value === 'moving' ? 'underway' : old.value, context: { stops: stations } };
}

/** From the first version to the second. */
export const orderMigration: Migration = {
  from: 'order@1',
  snapshot(old) {
    const { price, paid } = old.context as { price: number; paid: unknown };
    const { sale, desk: region } = old.value as OrderValue;
    const children = Object.entries(old.children ?? {}).map(([id, child]) => [
      id,
      child.src === 'parcel' ? { ...child, src: 'box', snapshot: moveParcel(child.snapshot) } : child,
    ]);
    return {
      ...old,
      value: { sale: sale === 'open' ? 'awaitingPayment' : sale, desk: region },
      context: { cents: price * 100, currency: 'EUR', paid },
      children: Object.fromEntries(children),
    };
  },
  detached: { audit: moveParcel },
  timers: (pending) =>
    pending.map((timer) => {
      if (timer.id !== `xstate.after.${PATIENCE}.order.sale.open`) return timer;
      const type = `xstate.after.${2 * PATIENCE}.order.sale.awaitingPayment`;
      return { ...timer, id: type, event: { ...timer.event, type }, due: timer.due + PATIENCE };
    }),
};

/** Both versions, as they are registered. The text of a function is another one in a test than in a process of its own. */
export const machines = {
  'order@1': { machine: orderV1, definition: 'the first' },
  'order@2': { machine: orderV2, definition: 'the second', migrate: orderMigration },
};
