/** Descriptions of random machines, made into machines. */
import {
  assign,
  cancel,
  createMachine,
  emit,
  enqueueActions,
  raise,
  sendParent,
  sendTo,
  type AnyActorLogic,
  type AnyActorRef,
  type AnyStateMachine,
} from 'xstate';
import type { Gates } from './gates.ts';
import type { Act, Description, Move, State } from './random-description.ts';
import type { Scenario } from './scenario.ts';

/** What such a machine remembers. */
interface Memory {
  readonly log: readonly string[];
  readonly count: number;
  /** What it may still do without being asked: every step that asks for a next one costs some, so that all come to rest. */
  readonly fuel: number;
  /** Ids of the spawned children it has. */
  readonly spawned: readonly string[];
  /** It is in its root state, and has the child `held`. */
  readonly holds: boolean;
}

const FUEL = 8;

/** An event that an actor sent may only be answered with fuel; one from outside is free. */
interface Told {
  readonly type: string;
  readonly inside?: boolean;
  /** Whatever it comes from began when time passed, and not with a turn in which `held` may be replaced. */
  readonly calm?: boolean;
}

/** A scenario of a random machine. */
export function randomScenario(description: Description, name: string): Scenario {
  return { name, machine: (gates) => machineOf(description, gates), steps: description.steps };
}

/** The machine that a description means. */
export function machineOf({ root, kid0, kid1 }: Description, gates: Gates): AnyStateMachine {
  const gate = gates.logic;
  const grandchild = build(kid1, { gate }, false);
  const child = build(kid0, { gate, kid1: grandchild }, false);
  return build(root, { gate, kid0: child, kid1: grandchild }, true);
}

function build(root: State, actors: Readonly<Record<string, AnyActorLogic>>, isRoot: boolean): AnyStateMachine {
  const place = { paths: pathsOf(root, 'r'), actors, isRoot };
  const guards = {
    every: ({ context, event }: { context: Memory; event: Told }, { every }: { every: number }) =>
      context.count % every === 0 && (event.inside !== true || context.fuel > 0),
    outside: ({ context, event }: { context: Memory; event: Told }, { every }: { every: number }) =>
      context.count % every === 0 && event.inside !== true && !/^xstate\.(init|done\.state)/.test(event.type),
    fuelled: ({ context }: { context: Memory }, { every }: { every: number }) =>
      context.fuel > 0 && context.count % every === 0,
  };
  const config = {
    context: { log: [], count: 0, fuel: FUEL, spawned: [], holds: false },
    ...stateOf(root, 'r', place),
    output: ({ context }: { context: Memory }) => context.count,
  };
  return createMachine(config as never, { actors, guards } as never);
}

interface Place {
  /** Ids of the states of the machine. */
  readonly paths: readonly string[];
  readonly actors: Readonly<Record<string, AnyActorLogic>>;
  readonly isRoot: boolean;
}

function pathsOf({ kind, states, history }: State, path: string): readonly string[] {
  if (kind === 'atomic' || kind === 'final') return [path];
  return [
    path,
    ...states.flatMap((state, index) => pathsOf(state, `${path}_${index}`)),
    ...(history !== 'none' ? [`${path}_h`] : []),
  ];
}

function stateOf(state: State, path: string, place: Place): object {
  const { entry, exit, on, always, after, onDone, invoke, history, states } = state;
  const [arrives, leaves] = path === 'r' ? [[holds(true)], [holds(false)]] : [[], []];
  const common = { id: path, tags: path, entry: [...arrives, note(`+${path}`), ...actsOf(entry, place)] };
  if (state.kind === 'final') return { ...common, type: 'final', output: path };
  const children = Object.fromEntries(
    states.map((child, index) => [`${path}_${index}`, stateOf(child, `${path}_${index}`, place)]),
  );
  const past = { [`${path}_h`]: { id: `${path}_h`, type: 'history', history } };
  return {
    ...common,
    exit: [note(`-${path}`), ...actsOf(exit, place), ...leaves],
    on: Object.fromEntries(
      [...new Set(on.map(({ event }) => event))].map((event) => [
        event,
        on.filter((move) => move.event === event).map((move) => moveOf(move, place, 'every', path)),
      ]),
    ),
    always: always.map((move) => moveOf(move, place, 'fuelled', path)),
    after: Object.fromEntries(after.map((move) => [move.delay, moveOf(move, place, 'every', path)])),
    ...invoked(invoke, path, place, onDone),
    ...(state.kind === 'atomic'
      ? {}
      : {
          ...(state.kind === 'parallel' ? { type: 'parallel' } : { initial: `${path}_0` }),
          states: { ...children, ...(history === 'none' ? {} : past) },
          ...(onDone === null || path === 'r' ? {} : { onDone: moveOf(onDone, place, 'fuelled', path) }),
        }),
  };
}

/** The root of a machine holds its child under the id `held`, other states under their own. */
function invoked(src: State['invoke'], path: string, { actors, isRoot, ...place }: Place, onDone: Move | null): object {
  const held = path === 'r';
  const [fallback = 'gate'] = Object.keys(actors).filter((name) => name.startsWith('kid'));
  const source = src === 'none' ? (held ? fallback : undefined) : src in actors ? src : fallback;
  if (source === undefined) return {};
  const told =
    onDone === null ? { actions: [note('told')] } : moveOf(onDone, { ...place, actors, isRoot }, 'fuelled', path);
  return {
    invoke: {
      id: held ? 'held' : path,
      src: source,
      ...(held && isRoot ? { systemId: 'held' } : {}),
      ...(source === 'gate' ? { input: gateOf(path, isRoot) } : {}),
      onDone: told,
      onError: { actions: [note('sorry')] },
    },
  };
}

/** Whose gate it is: the path of the actor and of the state, so that no two wait at one. */
function gateOf(at: string, isRoot: boolean) {
  return ({ self }: { self: AnyActorRef }) => ({ name: isRoot ? at : `${addressIn(self)}/${at}` });
}

function addressIn(actor: AnyActorRef): string {
  const above = actor._parent;
  return above?._parent === undefined ? actor.id : `${addressIn(above)}/${actor.id}`;
}

/**
 * Ways back to where a machine is already, which are not taken because plain XState goes astray there:
 * - without `reenter` to the root, or by a history state to what it lies in: a state is entered and not left, and what it
 *   invoked lives on, out of reach, beside the one that takes its id;
 * - to the root of all while it starts or in a chain of steps: `held` is stopped after its successor asks for its systemId,
 *   an error there and none here. An event from outside may lead back, and does.
 */
function moveOf({ every, to, reenter, acts }: Move, place: Place, guard: 'every' | 'fuelled', source: string): object {
  const target = to === null ? undefined : place.paths[to % place.paths.length];
  const again = reenter || target === 'r';
  const back = place.isRoot && (target === 'r' || (again && source === 'r'));
  const past = target?.endsWith('_h') === true && `${source}_`.startsWith(target.slice(0, -1));
  return {
    guard: { type: back && guard === 'every' ? 'outside' : guard, params: { every } },
    ...(target === undefined || past || (back && guard === 'fuelled') ? {} : { target: `#${target}`, reenter: again }),
    actions: [guard === 'fuelled' ? burn : burnInside, ...actsOf(acts, place)],
  };
}

const burn = assign({ fuel: ({ context }: { context: Memory }) => context.fuel - 1 });
const burnInside = assign({
  fuel: ({ context, event }: { context: Memory; event: Told }) => context.fuel - (event.inside === true ? 1 : 0),
});

/** What is sent to a child that is not there throws; what becomes of the children then differs on purpose (`orphans.ts`). */
function holds(is: boolean) {
  return assign({ holds: is });
}

function note(text: string) {
  return assign({
    // The end of the log: what came before was compared before.
    log: ({ context, event }: { context: Memory; event: { type: string } }) =>
      [...context.log, `${text} ${event.type}`].slice(-12),
  });
}

/**
 * What is delayed takes back what is still delayed under the same id: of two that wait under one id, plain XState forgets
 * the earlier one, which then nobody can take back, not even the end of its actor (docs/machines.md).
 */
function actsOf(acts: readonly Act[], place: Place): readonly unknown[] {
  return acts.flatMap((act) => [...('delay' in act && act.delay > 0 ? [cancel(act.event)] : []), actionOf(act, place)]);
}

function actionOf(act: Act, place: Place): unknown {
  switch (act.do) {
    case 'note':
      return note('noted');
    case 'add':
      return assign({ count: ({ context }: { context: Memory }) => context.count + 1 });
    case 'emit':
      return emit(({ context, event }: { context: Memory; event: { type: string } }) => ({
        type: 'said',
        count: context.count,
        of: event.type,
      }));
    case 'cancel':
      return cancel(act.event);
    case 'raise':
      return act.delay > 0
        ? raise(late(act), later(act))
        : fuelled((enqueue, given) => enqueue.raise(inside(act, given, place)));
    case 'self':
      return act.delay > 0
        ? sendTo(({ self }: { self: AnyActorRef }) => self, late(act), later(act))
        : fuelled((enqueue, given) => enqueue.sendTo(given.self, inside(act, given, place)));
    case 'parent':
      if (place.isRoot) return note('no parent');
      return act.delay > 0
        ? sendParent(late(act), later(act))
        : fuelled((enqueue, given) => enqueue.sendParent(inside(act, given, place)));
    case 'kid':
      return fuelled((enqueue, given) => {
        const { holds: held, spawned } = given.context;
        if (act.to === 'held' ? !held : !spawned.includes(act.to)) return;
        if (act.delay > 0) enqueue.sendTo(act.to, late(act), later(act));
        else enqueue.sendTo(act.to, inside(act, given, place));
      });
    case 'system':
      return fuelled((enqueue, given) => {
        if (!place.isRoot && !isCalm(given, place)) return;
        const known = given.system.get('held') as AnyActorRef | undefined;
        if (known !== undefined) enqueue.sendTo(known, inside(act, given, place));
      });
    case 'spawn':
      return fuelled((enqueue, { context }) => {
        const src = act.src in place.actors ? act.src : 'gate';
        if (context.spawned.includes(act.id)) return;
        enqueue.spawnChild(src, { id: act.id, ...(src === 'gate' ? { input: gateOf(act.id, place.isRoot) } : {}) });
        enqueue.assign({ spawned: [...context.spawned, act.id] });
      });
    case 'stop':
      return enqueueActions(({ enqueue, context }) => {
        const { spawned } = context as unknown as Memory;
        if (!spawned.includes(act.id)) return;
        enqueue.stopChild(act.id);
        enqueue.assign({ spawned: spawned.filter((id) => id !== act.id) });
      });
  }
}

function inside({ event }: { readonly event: string }, given: Given, place: Place): Told {
  return { type: event, inside: true, ...(isCalm(given, place) ? { calm: true } : {}) };
}

function late({ event }: { readonly event: string }): Told {
  return { type: event, inside: true, calm: true };
}

/**
 * An actor is known under its systemId from its first turn on, in plain XState already from the middle of the turn that
 * spawns it (docs/machines.md). So `held`, which only the root of all spawns, is asked for by others only where the root has
 * not just begun or led back to where it is: an `after` of the root may lead back.
 */
function isCalm({ event }: Given, { isRoot }: Place): boolean {
  return event.calm === true || (!isRoot && event.type.startsWith('xstate.after.'));
}

function later({ event, delay }: { readonly event: string; readonly delay: number }) {
  return { id: event, delay };
}

interface Enqueue {
  raise(event: object): void;
  sendTo(to: unknown, event: object, options?: object): void;
  sendParent(event: object): void;
  spawnChild(src: string, options: object): void;
  assign(changes: object): void;
}
interface Given {
  readonly context: Memory;
  readonly event: Told;
  readonly self: AnyActorRef;
  readonly system: { get(id: string): unknown };
}

/** What asks for a next step is done only while there is fuel. */
function fuelled(act: (enqueue: Enqueue, given: Given) => void): unknown {
  return enqueueActions(({ enqueue, context, event, self, system }) => {
    const memory = context as unknown as Memory;
    if (memory.fuel <= 0) return;
    enqueue.assign({ fuel: memory.fuel - 1 });
    act(enqueue as unknown as Enqueue, { context: memory, event: event as Told, self: self as AnyActorRef, system });
  });
}
