/** Guards: named, inline, with params, composed, looking at states and events. */
import { and, assign, not, or, stateIn } from 'xstate';
import { note, noting, notingWith, nothing, atLeast, told, send } from './noting.ts';
import type { Scenario } from './scenario.ts';

const first = noting.createMachine({
  context: nothing,
  on: {
    GO: [
      { guard: atLeast(10), actions: note('ten') },
      { guard: ({ event }) => event['vip'] === true, actions: note('vip') },
      {
        guard: { type: 'atLeast', params: ({ event }) => ({ least: Number(event['least'] ?? 5) }) },
        actions: note('enough'),
      },
      { actions: note('else') },
    ],
    STRICT: { guard: atLeast(2), actions: note('strict') },
    ADD: { actions: 'add' },
  },
});

const composed = notingWith({
  guards: {
    some: or([
      { type: 'atLeast', params: { least: 5 } },
      ({ event }: { event: { type: string; vip?: unknown } }) => event.vip === true,
    ] as never),
    few: not('some' as never),
    narrow: and(['some' as never, not({ type: 'atLeast', params: { least: 8 } } as never)]),
  },
}).createMachine({
  context: nothing,
  on: {
    GO: [
      { guard: 'narrow', actions: note('narrow') },
      { guard: 'few', actions: note('few') },
      { guard: 'some', actions: note('some') },
    ],
    ADD: { actions: 'add' },
  },
});

const placed = noting.createMachine({
  context: nothing,
  id: 'placed',
  type: 'parallel',
  states: {
    a: {
      initial: 'x',
      states: { x: { on: { A: 'y' } }, y: { id: 'theY', initial: 'p', states: { p: { on: { A: 'q' } }, q: {} } } },
    },
    b: {
      on: {
        LOOK: [
          { guard: stateIn({ a: { y: 'q' } }), actions: note('deep') },
          { guard: stateIn('#theY'), actions: note('by id') },
          { guard: not(stateIn({ a: 'y' })), actions: note('not there') },
        ],
      },
    },
  },
});

const interim = noting.createMachine({
  context: nothing,
  initial: 'a',
  states: {
    a: { on: { GO: { target: 'b', actions: assign({ count: 7 }) } } },
    b: { always: [{ guard: atLeast(7), target: 'c' }] },
    c: { entry: note('c') },
  },
});

const levels = noting.createMachine({
  context: nothing,
  type: 'parallel',
  states: {
    one: { initial: 'x', states: { x: { on: { GO: { guard: atLeast(1), target: 'y' } } }, y: {} } },
    two: {
      initial: 'x',
      states: { x: { on: { GO: { guard: not(atLeast(1)), target: 'y', actions: 'add' } } }, y: { on: { GO: 'x' } } },
    },
  },
});

/** Scenarios of guards. */
export const guardScenarios: readonly Scenario[] = [
  {
    name: 'the first that holds, in order',
    machine: () => first,
    steps: [
      ...send('GO'),
      told('GO', { vip: true }),
      told('ADD', { by: 5 }),
      ...send('GO'),
      told('ADD', { by: 5 }),
      ...send('GO'),
    ],
  },
  {
    name: 'params from the event',
    machine: () => first,
    steps: [told('ADD', { by: 2 }), told('GO', { least: 2 }), told('GO', { least: 3 })],
  },
  {
    name: 'none holds: refused, and nothing changes',
    machine: () => first,
    steps: send('STRICT', 'ADD', 'STRICT', 'ADD', 'STRICT'),
  },
  {
    name: 'named guards made of others',
    machine: () => composed,
    steps: [
      ...send('GO'),
      told('GO', { vip: true }),
      told('ADD', { by: 6 }),
      ...send('GO'),
      told('ADD', { by: 6 }),
      ...send('GO'),
    ],
  },
  { name: 'stateIn by value and by id', machine: () => placed, steps: send('LOOK', 'A', 'LOOK', 'A', 'LOOK') },
  { name: 'checked with what the transition before assigned', machine: () => interim, steps: send('GO') },
  { name: 'all regions are asked before any of them acts', machine: () => levels, steps: send('GO', 'GO', 'GO') },
];
