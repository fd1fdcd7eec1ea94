/** Context: what is assigned, from what, and in which order. */
import { assign, setup } from 'xstate';
import { told, send } from './noting.ts';
import type { Scenario } from './scenario.ts';

interface Cart {
  readonly items: readonly string[];
  readonly total: number;
  readonly note?: string | undefined;
  readonly last: unknown;
}

const shop = setup({
  types: {} as {
    context: Cart;
    input: { readonly total?: number } | undefined;
    events: { type: string; [key: string]: unknown };
  },
  actions: {
    put: assign({
      items: ({ context, event }) => [...context.items, String(event['item'])],
      total: ({ context, event }) => context.total + Number(event['price'] ?? 0),
    }),
    times: assign({ total: ({ context }, { by }: { by: number }) => context.total * by }),
    all: assign(({ context, event }, given: { last: unknown }) => ({
      last: given.last,
      note: `${event.type} ${context.total}`,
    })),
  },
});

const cart = shop.createMachine({
  context: ({ input }) => ({ items: [], total: input?.total ?? 0, last: null }),
  on: {
    PUT: { actions: 'put' },
    TWICE: { actions: ['put', 'put', { type: 'times', params: { by: 10 } }] },
    SWAP: { actions: assign({ total: 5, note: ({ context }) => `was ${context.total}` }) },
    FORGET: { actions: assign({ note: undefined }) },
    NEW: { actions: assign({ extra: ({ event }: { event: { type: string } }) => event.type } as never) },
    WHOLE: { actions: { type: 'all', params: ({ event }) => ({ last: event['value'] }) } },
    NOTHING: { actions: assign({}) },
  },
});

const values = [0, -1.5, '', 'ü\u0000\u{1F600}', true, null, [], {}, [[1], { a: { b: [null] } }], 'x'.repeat(20_000)];

/** Scenarios of assignments. */
export const assignScenarios: readonly Scenario[] = [
  {
    name: 'context from input',
    machine: () => cart,
    input: { total: 3 },
    steps: [told('PUT', { item: 'tea', price: 4 })],
  },
  { name: 'context without input', machine: () => cart, steps: [told('PUT', { item: 'tea', price: 4 })] },
  {
    name: 'one after the other, each on the result of the last',
    machine: () => cart,
    steps: [told('TWICE', { item: 'a', price: 2 })],
  },
  {
    name: 'fixed and computed; all see the context before',
    machine: () => cart,
    input: { total: 9 },
    steps: send('SWAP', 'SWAP'),
  },
  { name: 'undefined, and a key that was not there', machine: () => cart, steps: send('SWAP', 'FORGET', 'NEW') },
  {
    name: 'the whole at once, with params',
    machine: () => cart,
    steps: [told('WHOLE', { value: { deep: [1] } }), ...send('NOTHING')],
  },
  { name: 'every kind of value', machine: () => cart, steps: values.map((value) => told('WHOLE', { value })) },
];
