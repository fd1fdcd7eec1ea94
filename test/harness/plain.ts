/**
 * The reserved actions of the runtime (R3) on plain XState, so that the built-in machines run under `createActor`,
 * `@xstate/graph` and inspection without our runtime.
 *
 * What differs from the runtime: prepared data comes from `prepare` here, and a message to another run goes to `onMessage`.
 */
import {
  createActor,
  createMachine,
  type AnyActor,
  type AnyActorLogic,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type EventObject,
} from 'xstate';

/** Something an actor stated with `fermata.fact`. */
export interface StatedFact {
  /** Id of the actor. */
  readonly actor: string;
  readonly type: string;
  readonly [key: string]: unknown;
}

/** What a plain run may be given. */
export interface PlainOptions {
  /** In place of a machine's own actors, by name: what calls model or code. */
  readonly actors?: Readonly<Record<string, AnyActorLogic>>;
  /** Input for a detached child, with what the runtime would have attached. */
  readonly prepare?: (id: string, input: unknown) => unknown;
  readonly onMessage?: (to: string, event: EventObject) => void;
}

/** A machine made to run on plain XState, and what it has stated so far. */
export interface PlainMachine<Machine extends AnyStateMachine> {
  readonly machine: Machine;
  readonly facts: readonly StatedFact[];
  /** Detached children by id, ended ones included. */
  readonly detached: ReadonlyMap<string, AnyActor>;
}

type Scope = Parameters<AnyStateMachine['transition']>[2];

interface Stoppable {
  _stop(): void;
}

interface ActionArguments {
  readonly self: AnyActor;
}

/**
 * `machine` and its child machines, with `fermata.spawn`, `send`, `stop` and `fact` that work without the runtime.
 *
 * @example
 * const { machine, facts } = onPlainXState(taskMachine, { actors: { code: fromPromise(async () => ({ value: 1 })) } })
 * createActor(machine, { input: { name: 'sum', prepared } }).start()
 */
export function onPlainXState<Machine extends AnyStateMachine>(
  machine: Machine,
  options: PlainOptions = {},
): PlainMachine<Machine> {
  const facts: StatedFact[] = [];
  const detached = new Map<string, AnyActor>();
  const { prepare = (_, input) => input, onMessage = () => {} } = options;
  const actions = {
    'fermata.fact': ({ self }: ActionArguments, params: { readonly type: string }) =>
      void facts.push({ actor: self.id, ...params }),
    'fermata.spawn': (
      { self }: ActionArguments,
      { id, src, input }: { readonly id: string; readonly src: string; readonly input: unknown },
    ) => {
      const { machine: parent } = self.getSnapshot() as AnyMachineSnapshot;
      const logic = (parent.implementations.actors as Record<string, AnyActorLogic>)[src] as AnyActorLogic;
      // As in the runtime, a child begins once the turn of its parent is over.
      queueMicrotask(() => {
        const child = createActor(logic, { id, parent: self, input: prepare(id, input) });
        detached.set(id, child);
        child.start();
      });
    },
    'fermata.send': (
      _: ActionArguments,
      { to, event }: { readonly to: string | { readonly run: string }; readonly event: EventObject },
    ) => {
      if (typeof to === 'string') queueMicrotask(() => detached.get(to)?.send(event));
      else onMessage(to.run, event);
    },
    'fermata.stop': (_: ActionArguments, { id }: { readonly id: string }) => {
      // Only a root can be stopped by hand; this is what a parent's `stopChild` comes to.
      queueMicrotask(() => (detached.get(id) as unknown as Stoppable)._stop());
    },
  };
  const provide = (given: AnyStateMachine): AnyStateMachine => {
    const own = given.implementations.actors as Record<string, AnyActorLogic>;
    const children = Object.entries({ ...own, ...options.actors }).map(([name, logic]) => [
      name,
      isMachine(logic) ? provide(logic) : logic,
    ]);
    return given.provide({ actions, actors: Object.fromEntries(children) } as never);
  };
  return { machine: provide(machine) as Machine, facts, detached };
}

/**
 * A child machine that can be explored alone by `@xstate/graph`, whose actors have no parent: what it sends there is dropped.
 *
 * @example getShortestPaths(explorable(taskMachine), { input, events })
 */
export function explorable<Machine extends AnyStateMachine>(machine: Machine): Machine {
  const copy = machine.provide({}) as Machine;
  const parent = createActor(createMachine({}));
  const transition = copy.transition.bind(copy);
  const begin = copy.getInitialSnapshot.bind(copy);
  const withParent = (scope: Scope): Scope => ({ ...scope, self: Object.assign({}, scope.self, { _parent: parent }) });
  copy.transition = (snapshot, event, scope) => transition(snapshot, event, withParent(scope));
  copy.getInitialSnapshot = (scope, input) => begin(withParent(scope), input);
  return copy;
}

function isMachine(logic: AnyActorLogic): logic is AnyStateMachine {
  return '__xstatenode' in logic;
}
