/** What an actor decides in its first turn: whom it finds, whom it reaches, and what is left of it where that turn fails. */
import {
  assign,
  emit,
  enqueueActions,
  sendParent,
  sendTo,
  setup,
  spawnChild,
  stopChild,
  type AnyActorRef,
} from 'xstate';
import type { Gates } from './gates.ts';
import { send, tick, type Scenario } from './scenario.ts';

interface Memory {
  readonly log: readonly string[];
}

const parts = setup({
  types: {} as { context: Memory; events: { type: string } },
  actions: { hear: assign({ log: ({ context, event }) => [...context.log, event.type] }) },
});

const finder = parts.createMachine({
  context: { log: [] },
  entry: enqueueActions(({ enqueue, system }) => {
    const known = system.get('finder') as AnyActorRef | undefined;
    if (known !== undefined) enqueue.sendTo(known, { type: 'FOUND' });
  }),
  on: { FOUND: { actions: 'hear' } },
});

const known = setup({ actors: { finder } }).createMachine({
  initial: 'on',
  states: {
    on: { invoke: { id: 'kid', src: 'finder', systemId: 'finder' }, on: { AGAIN: { target: 'on', reenter: true } } },
  },
});

const listener = parts.createMachine({ context: { log: [] }, on: { '*': { actions: 'hear' } } });

const replaced = setup({ actors: { listener } }).createMachine({
  on: {
    GO: {
      actions: enqueueActions(({ enqueue }) => {
        enqueue.spawnChild('listener', { id: 'kid' });
        enqueue.sendTo('kid', { type: 'FIRST' });
        enqueue.stopChild('kid');
        enqueue.spawnChild('listener', { id: 'kid' });
        enqueue.sendTo('kid', { type: 'SECOND' });
      }),
    },
  },
});

const replacedLater = setup({ actors: { listener } }).createMachine({
  on: {
    GO: {
      actions: enqueueActions(({ enqueue }) => {
        enqueue.spawnChild('listener', { id: 'kid' });
        enqueue.sendTo('kid', { type: 'LATE' }, { delay: 10 });
      }),
    },
    ANEW: {
      actions: enqueueActions(({ enqueue }) => {
        enqueue.stopChild('kid');
        enqueue.spawnChild('listener', { id: 'kid' });
      }),
    },
  },
});

const failing = setup({ types: {} as { context: { n: number } }, actors: { listener } }).createMachine({
  context: { n: 0 },
  initial: 'a',
  entry: [emit({ type: 'said' }), sendTo(({ self }) => self, { type: 'X' })],
  states: {
    a: { always: { target: 'b', actions: emit({ type: 'left' }) } },
    b: { entry: assign({ n: () => broken() }) },
  },
});

const failingChild = setup({ actors: { failing } }).createMachine({
  initial: 'idle',
  states: { idle: { on: { GO: 'busy' } }, busy: { invoke: { id: 'kid', src: 'failing', onError: 'idle' } } },
});

const early = setup({ actors: { finder } }).createMachine({
  invoke: [
    { id: 'early', src: 'finder' },
    { id: 'kid', src: 'finder', systemId: 'finder' },
    { id: 'late', src: 'finder' },
  ],
});

const seeker = setup({ types: {} as { context: { found: boolean } } }).createMachine({
  context: { found: false },
  entry: [assign({ found: ({ system }) => system.get('known') !== undefined }), emit({ type: 'sought' })],
  initial: 'seeking',
  states: { seeking: { always: { guard: ({ context }) => context.found, target: 'end' } }, end: { type: 'final' } },
});

const sought = setup({ actors: { seeker, listener } }).createMachine({
  entry: [
    spawnChild('listener', { id: 'known', systemId: 'known' }),
    emit({ type: 'said' }),
    spawnChild('seeker', { id: 'seeker' }),
  ],
});

const selfish = parts.createMachine({
  context: { log: [] },
  entry: sendTo(({ self }) => self, { type: 'OWN' }),
  on: { '*': { actions: 'hear' } },
});

const toldFirst = setup({ actors: { selfish } }).createMachine({
  initial: 'idle',
  states: {
    idle: { on: { GO: 'busy' } },
    busy: {
      entry: [sendTo('kid', { type: 'TOLD' }), emit({ type: 'said' }), sendTo('kid', { type: 'TOLD_TWICE' })],
      invoke: { id: 'kid', src: 'selfish' },
      on: { GO: { target: 'busy', reenter: true } },
    },
  },
});

const afterPromise = (gates: Gates) =>
  setup({ actors: { listener, gate: gates.logic } }).createMachine({
    initial: 'calling',
    states: {
      calling: {
        invoke: { id: 'kid', src: 'gate', input: { name: 'kid' } },
        exit: sendTo('kid', { type: 'LATE' }, { delay: 10 }),
        on: { GO: 'listening', WAIT: { actions: sendTo('kid', { type: 'LATER' }, { delay: 5 }) } },
      },
      listening: { invoke: { id: 'kid', src: 'listener' } },
    },
  });

const lastWords = (gates: Gates) =>
  setup({
    types: {} as { context: Memory; events: { type: string } },
    actions: { hear: assign({ log: ({ context, event }) => [...context.log, event.type] }) },
    actors: {
      kid: setup({ actors: { gate: gates.logic } }).createMachine({
        invoke: { id: 'call', src: 'gate', input: { name: 'call' } },
        initial: 'on',
        states: { on: { after: { 5: 'end' } }, end: { type: 'final', entry: sendParent({ type: 'ANEW' }) } },
        exit: emit({ type: 'gone' }),
      }),
    },
  }).createMachine({
    context: { log: [] },
    initial: 'on',
    states: { on: { invoke: { id: 'kid', src: 'kid' }, on: { ANEW: { target: 'on', reenter: true } } } },
    on: { '*': { actions: 'hear' } },
  });

const talker = setup({ actors: { listener } }).createMachine({
  entry: [sendTo('kid', { type: 'FIRST' }), emit({ type: 'said' }), sendTo('kid', { type: 'SECOND' })],
  invoke: { id: 'kid', src: 'listener' },
});

const talkerBelow = setup({ actors: { talker } }).createMachine({
  initial: 'idle',
  states: { idle: { on: { GO: 'busy' } }, busy: { invoke: { id: 'talker', src: 'talker' } } },
});

const brief = setup({}).createMachine({
  initial: 'end',
  entry: emit({ type: 'brief' }),
  states: { end: { type: 'final' } },
});

const lasting = setup({}).createMachine({ entry: emit({ type: 'lasting' }) });

const parent = setup({ actors: { brief, lasting } }).createMachine({
  invoke: [
    { id: 'brief', src: 'brief' },
    { id: 'lasting', src: 'lasting' },
  ],
});

const numbered = setup({ actors: { lasting } }).createMachine({
  // JavaScript lists the keys that are numbers first.
  invoke: ['b', '2', 'a', '1'].map((id) => ({ id, src: 'lasting' }) as const),
});

const armedBefore = setup({ actors: { listener } }).createMachine({
  initial: 'idle',
  states: {
    idle: { on: { GO: 'one' } },
    one: {
      entry: sendTo('kid', { type: 'LATE' }, { delay: 10 }),
      invoke: { id: 'kid', src: 'listener' },
      on: { ANEW: { target: 'one', reenter: true }, OTHER: 'other' },
    },
    other: { invoke: { id: 'kid', src: 'listener' } },
  },
});

const anewAtTheEnd = setup({ actors: { listener } }).createMachine({
  initial: 'on',
  states: {
    on: {
      entry: spawnChild('listener', { id: 'kid' }),
      on: { END: { target: 'end', actions: [stopChild('kid'), spawnChild('listener', { id: 'kid' })] } },
    },
    end: { type: 'final' },
  },
});

function broken(): number {
  // Thrown as a machine's own code would throw it.
  throw new RangeError('broken at birth');
}

/** Scenarios of first turns. */
export const birthScenarios: readonly Scenario[] = [
  { name: 'finds itself under its systemId', machine: () => known, steps: [] },
  { name: 'finds itself, and not who was there before', machine: () => known, steps: send('AGAIN', 'AGAIN') },
  { name: 'does not hear what its predecessor in the same turn was sent', machine: () => replaced, steps: send('GO') },
  {
    name: 'does not hear what its predecessor was sent for later, when that one was born',
    machine: () => replacedLater,
    steps: [...send('GO', 'ANEW'), tick],
  },
  { name: 'hears itself what it was sent for later', machine: () => replacedLater, steps: [...send('GO'), tick] },
  { name: 'does not find who begins after it', machine: () => early, steps: [] },
  {
    name: 'does not hear what was armed for its predecessor, before that one had begun',
    machine: () => armedBefore,
    steps: [...send('GO', 'OTHER'), tick],
  },
  {
    name: 'hears itself what was armed for it before it had begun',
    machine: () => armedBefore,
    steps: [...send('GO'), tick],
  },
  {
    name: 'hears what was armed for it and nothing else, after it was begun anew',
    machine: () => armedBefore,
    steps: [...send('GO'), { advance: 5 }, ...send('ANEW'), { advance: 5 }, { advance: 5 }],
  },
  { name: 'its children hear what is said to them before it says anything else', machine: () => talker, steps: [] },
  { name: 'hears what it was told before what it says to itself', machine: () => toldFirst, steps: send('GO', 'GO') },
  {
    name: 'hears nothing that was armed for a promise under its id',
    machine: afterPromise,
    steps: [...send('WAIT', 'GO'), tick],
  },
  {
    name: 'is itself, and keeps its calls, where it is begun by the last words of the one before it',
    machine: lastWords,
    steps: [tick, { advance: 3 }],
  },
  { name: 'its children hear it so below a parent, too', machine: () => talkerBelow, steps: send('GO') },
  { name: 'a child that ends at birth begins after one that lives on', machine: () => parent, steps: [] },
  { name: 'a child that ends because it finds another does so in its place', machine: () => sought, steps: [] },
  { name: 'its children begin in the order in which it shows them', machine: () => numbered, steps: [] },
  {
    name: 'a child that is begun anew where its parent ends has never been, and the one before it is gone',
    machine: () => anewAtTheEnd,
    steps: send('END'),
  },
  { name: 'says nothing where it fails', machine: () => failing, steps: [] },
  { name: 'says nothing where it fails, below a parent', machine: () => failingChild, steps: send('GO', 'GO') },
];
