/** What must survive that nobody looks at meanwhile: history, timers, children of children, systemIds, mailboxes. */
import { assign, sendTo, setup, type AnyActorRef } from 'xstate';
import { family, named } from './family.ts';
import type { Gates } from './gates.ts';
import { noting, notingWith, nothing, inAndOut, told, send, type Heard } from './noting.ts';
import { tick, type Scenario } from './scenario.ts';

const everything = (gates: Gates) =>
  family(gates).createMachine({
    context: nothing,
    type: 'parallel',
    states: {
      work: {
        initial: 'one',
        on: { REST: '.rest' },
        states: {
          one: { ...inAndOut('one'), on: { NEXT: 'two' } },
          two: {
            ...inAndOut('two'),
            initial: 'x',
            states: { x: { on: { NEXT: 'y' } }, y: { after: { 30: { actions: 'heard' } } } },
          },
          rest: { on: { BACK: 'past' } },
          past: { type: 'history', history: 'deep' },
        },
      },
      people: {
        invoke: { id: 'mid', src: 'middle', onDone: { actions: 'keep' } },
        on: {
          SPAWN: { actions: 'spawn' },
          TELL: { actions: sendTo(named, { type: 'TELL' }) },
          LATER: { actions: sendTo(named, { type: 'LATER' }) },
          DOWN: { actions: sendTo('mid', { type: 'DOWN' }) },
          FINISH: { actions: sendTo('mid', { type: 'FINISH' }) },
          TOLD: { actions: 'keep' },
          UP: { actions: 'keep' },
          WAITED: { actions: 'keep' },
        },
      },
      call: {
        initial: 'on',
        states: {
          on: {
            invoke: { id: 'ask', src: 'gate', input: { name: 'ask' }, onDone: { target: 'off', actions: 'keep' } },
          },
          off: {},
        },
      },
    },
  });

const guest = noting.createMachine({
  context: nothing,
  on: {
    HELLO: { actions: ['heard', sendTo(({ system }) => system.get('host') as AnyActorRef, { type: 'THANKS' })] },
  },
});
const house = notingWith({ actors: { guest } }).createMachine({
  context: nothing,
  invoke: { id: 'g', systemId: 'guest', src: 'guest' },
  on: { THANKS: { actions: 'heard' } },
});
const street = notingWith({ actors: { house } }).createMachine({
  context: nothing,
  invoke: { id: 'h', systemId: 'host', src: 'house' },
  on: { GREET: { actions: sendTo(({ system }) => system.get('guest') as AnyActorRef, { type: 'HELLO' }) } },
});

const holding = setup({
  types: {} as {
    context: { readonly kept: { readonly me: AnyActorRef } | null; readonly count: number };
    events: Heard;
  },
  actors: { guest },
}).createMachine({
  context: { kept: null, count: 0 },
  invoke: { id: 'g', src: 'guest' },
  on: {
    KEEP: { actions: assign({ kept: ({ self }) => ({ me: self }) }) },
    USE: { actions: sendTo(({ context, self }) => context.kept?.me ?? self, { type: 'USED' }) },
    USED: { actions: assign({ count: ({ context }) => context.count + 1 }) },
  },
});

const who = (type: string, name: string) => told(type, { name });

/** Scenarios of what must survive. */
export const rehydrationScenarios: readonly Scenario[] = [
  {
    name: 'history, timers and calls beside each other',
    machine: everything,
    steps: [...send('NEXT', 'NEXT'), tick, ...send('REST', 'BACK'), tick, tick, tick, { resolve: 'ask', with: 1 }],
  },
  {
    name: 'children that sleep',
    machine: everything,
    steps: [who('SPAWN', 'a'), who('LATER', 'a'), who('SPAWN', 'b'), tick, who('TELL', 'a')],
  },
  { name: 'children of children', machine: everything, steps: send('DOWN', 'FINISH', 'NEXT') },
  {
    name: 'a done child stays done',
    machine: everything,
    steps: [...send('FINISH'), who('SPAWN', 'mid2'), who('TELL', 'mid2')],
  },
  { name: 'systemIds of three generations', machine: () => street, steps: send('GREET', 'GREET') },
  { name: 'a reference to oneself in context', machine: () => holding, steps: send('KEEP', 'USE', 'USE') },
  {
    name: 'a machine that has ended',
    machine: () =>
      setup({}).createMachine({
        initial: 'a',
        states: { a: { on: { END: 'b' } }, b: { type: 'final', tags: 'over' } },
        output: 1,
      }),
    steps: send('END', 'END'),
  },
];
