/** Parents and children that most scenarios of actors are made of. */
import { assign, emit, enqueueActions, sendParent, sendTo, setup, type AnyActorLogic } from 'xstate';
import type { Gates } from './gates.ts';
import { notingWith, nothing, type Heard, type Notes } from './noting.ts';

/** What a child is told at its birth. */
export interface ChildInput {
  readonly name: string;
}

interface ChildContext extends Notes {
  readonly name: string;
}

/** A child that hears `TICK`, tells its parent on `TELL`, ends on `END`, throws on `BREAK`. It emits all it hears. */
export const child = setup({
  types: {} as { context: ChildContext; input: ChildInput | undefined; events: Heard; emitted: Heard },
  actions: {
    heard: assign({ log: ({ context, event }) => [...context.log, event.type] }),
    says: emit(({ context, event }) => ({ type: 'child', name: context.name, heard: event.type })),
    breaks: assign({
      log: (): readonly string[] => {
        // As a machine's own code would throw it.
        throw new RangeError('broken on purpose');
      },
    }),
  },
}).createMachine({
  context: ({ input }) => ({ ...nothing, name: input?.name ?? 'nameless' }),
  initial: 'on',
  entry: 'says',
  exit: sendParent(({ context }) => ({ type: 'GOODBYE', from: context.name })),
  states: {
    on: {
      on: {
        TICK: { actions: ['heard', 'says'] },
        TELL: {
          actions: [
            'heard',
            sendParent(({ context }) => ({ type: 'TOLD', from: context.name })),
            'says',
            sendParent({ type: 'TOLD_TWICE' }),
          ],
        },
        END: { target: 'end', actions: sendParent({ type: 'LAST' }) },
        BREAK: { actions: 'breaks' },
        LATER: { target: 'waiting' },
      },
    },
    waiting: { after: { 10: { target: 'on', actions: sendParent({ type: 'WAITED' }) } } },
    end: { type: 'final' },
  },
  output: ({ context }) => ({ name: context.name, log: context.log }),
});

/** Ends as soon as it begins. */
export const atOnce = setup({
  types: {} as { input: ChildInput | undefined; context: ChildContext },
}).createMachine({
  context: ({ input }) => ({ ...nothing, name: input?.name ?? 'quick' }),
  initial: 'end',
  states: { end: { type: 'final' } },
  output: ({ context }) => ({ quick: context.name }),
});

/** Speaks to its parent while it begins. */
export const eager = setup({ types: {} as { events: Heard } }).createMachine({
  entry: [sendParent({ type: 'HELLO' }), sendParent({ type: 'HELLO_AGAIN' })],
  on: { TICK: { actions: sendParent({ type: 'TICKED' }) } },
});

/** A child that has a child of its own, and passes on what is meant for it. */
export const middle = notingWith({ actors: { child } }).createMachine({
  context: nothing,
  initial: 'on',
  invoke: { id: 'below', src: 'child', input: { name: 'below' }, onDone: { target: '.end', actions: 'heard' } },
  states: {
    on: {
      on: {
        DOWN: { actions: ['heard', sendTo('below', { type: 'TELL' })] },
        FINISH: { actions: sendTo('below', { type: 'END' }) },
        BREAK: { actions: sendTo('below', { type: 'BREAK' }) },
        TOLD: { actions: ['heard', sendParent({ type: 'UP' })] },
        '*': { actions: 'heard' },
      },
    },
    end: { type: 'final' },
  },
  output: ({ context }) => context.log,
});

/** Machines that may have any of these as children. */
export const family = (gates: Gates, others: Readonly<Record<string, AnyActorLogic>> = {}) =>
  notingWith({
    actors: { child, atOnce, eager, middle, gate: gates.logic, ...others },
    actions: {
      /** Notes the event with its output or error. */
      keep: assign({ log: ({ context, event }: { context: Notes; event: Heard }) => [...context.log, told(event)] }),
      /** Emits which event was heard. */
      echo: emit(({ event }) => ({ type: 'parent', heard: event.type })),
      /** Begins a child as the event says. */
      spawn: enqueueActions(({ enqueue, event }: SpawnArguments) => {
        enqueue.spawnChild('child', { id: String(event['name']), input: { name: String(event['name']) } });
      }),
    },
  });

interface SpawnArguments {
  readonly event: Heard;
  readonly enqueue: { spawnChild(src: string, options: { readonly id: string; readonly input: ChildInput }): void };
}

function told({ type, output, error }: Heard): string {
  const said = error instanceof Error ? error.message : (output ?? error);
  return said === undefined ? type : `${type} ${JSON.stringify(said)}`;
}

/** The name that an event carries. */
export const named = ({ event }: { event: Heard }): string => String(event['name']);
