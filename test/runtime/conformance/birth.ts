/** What an actor decides in its first turn: whom it finds, whom it reaches, and what is left of it where that turn fails. */
import { assign, emit, enqueueActions, sendTo, setup, type AnyActorRef } from 'xstate';
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
  { name: 'says nothing where it fails', machine: () => failing, steps: [] },
  { name: 'says nothing where it fails, below a parent', machine: () => failingChild, steps: send('GO', 'GO') },
];
