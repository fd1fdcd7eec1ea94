/**
 * One turn: an actor takes one event and decides. Nothing is performed here.
 *
 * T1. Read first, change after: whatever may have to wait for a load (`Suspended`) does so before the first change, so
 *     that the turn can be taken again.
 * T2. What the turn wants stored can be stored, or it is that actor's error and nobody else's (R4, R9).
 */
import { FermataError } from '../errors.ts';
import { assertSnapshotStorable, DurableActor, WRITE_REFS, type ActorIdentity } from './actor.ts';
import type { Frame } from './cascade.ts';
import type { Catalog, Logic } from './catalog.ts';
import { assertStorable, portable } from './codec.ts';
import type { RunMemory } from './run-memory.ts';
import * as xstate from './xstate.ts';

/** Turns in one cascade that cause neither effect nor timer, and change no count of the run (R9). */
const MAX_IDLE_TURNS = 100_000;

/** The first turn of a new actor. Its frame goes on the cascade. */
export function begin(memory: RunMemory, identity: ActorIdentity, input: unknown): void {
  const { logic, address } = identity;
  const self = memory.refer(identity);
  const { rows, clockNow: now } = memory;
  const prepared = logic.prepare?.({ event: { type: 'xstate.init', input }, snapshot: undefined, rows, now });
  const given = prepared === undefined ? input : { ...(input as object | undefined), prepared };
  const event = { type: 'xstate.init', input: given, logic: logic.path };
  // As in XState, it is known before it decides: it may find itself, and so may the children it is born with.
  if (identity.systemId !== undefined) memory.head.systemIds[identity.systemId] = address;
  const decision = withoutActionsOfFailure(
    attempt(
      { catalog: memory.services.catalog, logic },
      () => xstate.decideInitial(logic.machine, given, memory.deciding(self)),
      (error) => xstate.stillborn(logic.machine, error),
    ),
  );
  const actor = new DurableActor(identity, self, decision.snapshot);
  // Its row takes the place of an earlier actor's at the same address, and lets go of what that one held.
  actor.blobs = memory.actors.get(address)?.blobs ?? actor.blobs;
  memory.actors.set(address, actor);
  memory.inspection?.began(actor, given, decision.actions);
  const turn = memory.entry('event', address, event.type, event);
  committed(memory, decision);
  // In this order: what it said to a child before anything else, it says before anything else.
  const actions = xstate.sentAfterSpawned(childrenFirst(memory, actor, decision.actions), address);
  memory.cascade.push({ actor: address, turn, actions, next: 0 });
}

/** As in XState, an actor that is born with an error does nothing of what it decided before: its actions wait until it has begun. */
function withoutActionsOfFailure(decision: xstate.Decision): xstate.Decision {
  return decision.snapshot.status === 'error' ? { ...decision, actions: [], custom: [] } : decision;
}

/**
 * As in XState, the children that an actor is born with begin before anything else that it does at birth, in the order in
 * which it shows them. Only those that end at birth do so in their place among its actions, which costs a second look at them.
 */
function childrenFirst(
  memory: RunMemory,
  parent: DurableActor,
  actions: readonly xstate.Action[],
): readonly xstate.Action[] {
  const spawns = actions.filter((action): action is SpawnAction => action.kind === 'spawn' && !action.detached);
  if (spawns.length === 0 || (spawns.length === 1 && spawns[0] === actions[0])) return actions;
  const byId = Map.groupBy(spawns, ({ id }) => id);
  const first: ReadonlySet<xstate.Action> = new Set(
    Object.keys(parent.snapshot.children).flatMap((id) => {
      // Of two under one id it has the later one, which has to take the place of the earlier.
      const under = byId.get(id) ?? [];
      const last = under.at(-1);
      return last !== undefined && livesOn(memory, parent, last, spawns) ? under : [];
    }),
  );
  return [...first, ...actions.filter((action) => !first.has(action))];
}

type SpawnAction = Extract<xstate.Action, { kind: 'spawn' }>;

/**
 * True where a child is still active once its first turn is over: it finds those of `siblings` that were spawned before it.
 * An effect begins after the commit, wherever it stands.
 */
function livesOn(
  memory: RunMemory,
  { identity }: DurableActor,
  spawn: SpawnAction,
  siblings: readonly SpawnAction[],
): boolean {
  const child = memory.services.catalog.child(identity.logic, spawn.src);
  if (child === undefined || 'effect' in child) return false;
  const parent = memory.refer(identity);
  const refer = ({ id, src }: SpawnAction): xstate.ActorReference =>
    new xstate.ActorReference(
      { address: xstate.childAddress(identity.address, id), birth: -1, id, src, parent },
      () => {},
    );
  const deciding = memory.deciding(refer(spawn));
  const known = new Map(siblings.slice(0, siblings.indexOf(spawn) + 1).map((one) => [one.systemId, one]));
  const systemGet = (systemId: string): xstate.ActorReference | undefined => {
    const sibling = known.get(systemId);
    if (sibling === undefined) return deciding.systemGet(systemId);
    return sibling === spawn ? deciding.self : refer(sibling);
  };
  try {
    const { machine } = child.logic;
    return xstate.decideInitial(machine, spawn.input, { ...deciding, systemGet }).snapshot.status === 'active';
  } catch {
    return false;
  }
}

/**
 * One turn: the actor takes the event and decides. Its actions are not performed yet.
 *
 * @param sender address of who sent the event just now, null for the outside; left out where it lay in the mailbox
 */
export function take(memory: RunMemory, actor: DurableActor, event: xstate.Event, sender?: string | null): Frame {
  const { logic, address } = actor.identity;
  const { rows, clockNow: now } = memory;
  const prepared = logic.prepare?.({ event, snapshot: actor.snapshot, rows, now });
  const taken = prepared === undefined ? event : { ...event, prepared };
  const decision = attempt(
    { catalog: memory.services.catalog, logic },
    () => {
      if (++memory.idleTurns > MAX_IDLE_TURNS)
        throw new FermataError(
          'endlessLoop',
          `Run ${memory.key.run} took ${MAX_IDLE_TURNS} turns in one go without waiting for anything; actor "${address}" was the last. Two of its actors probably answer each other forever.`,
        );
      return xstate.decideNext(logic.machine, actor.snapshot, taken, memory.deciding(actor.self));
    },
    (error) => xstate.failedSnapshot(actor.snapshot, error),
  );
  if (sender !== undefined) memory.inspection?.sent(sender ?? undefined, actor, taken);
  memory.inspection?.took(actor, taken, decision.actions);
  const turn = memory.entry('event', address, taken.type, taken);
  actor.snapshot = decision.snapshot;
  actor.dirty = true;
  committed(memory, decision);
  return { actor: address, turn, actions: decision.actions, next: 0 };
}

function committed(memory: RunMemory, decision: xstate.Decision): void {
  memory.draft.turns++;
  memory.draft.custom.push(...decision.custom);
}

/** Whose decision it is. */
interface Place {
  readonly catalog: Catalog;
  readonly logic: Logic;
}

/** A decision whose failure is the actor's own: what throws, or cannot be stored, leaves it in `failed` without actions (R9). */
export function attempt(
  place: Place,
  decide: () => xstate.Decision,
  failed: (error: unknown) => xstate.Snapshot,
): xstate.Decision {
  try {
    return checked(place, decide());
  } catch (thrown) {
    return { snapshot: failed(portable(thrown)), actions: [], custom: [] };
  }
}

/** Whatever the decision wants spawned exists, and wants stored can be stored; otherwise it is the actor's error, not the group's (R4). */
function checked({ catalog, logic }: Place, decision: xstate.Decision): xstate.Decision {
  if (decision.snapshot.status === 'error')
    return {
      ...decision,
      snapshot: xstate.failedSnapshot(decision.snapshot, portable((decision.snapshot as { error?: unknown }).error)),
    };
  assertSnapshotStorable(decision.snapshot);
  for (const action of decision.actions) {
    if (action.kind === 'spawn') {
      if (catalog.child(logic, action.src) === undefined) throw unknownActor(logic, action);
      assertStorable(action.input, `input of "${action.id}"`, WRITE_REFS);
    } else if (action.kind === 'send' || (action.kind === 'sendDetached' && typeof action.to === 'string'))
      assertStorable(action.event, `event "${action.event.type}"`, WRITE_REFS);
    // A reference means nothing in another run.
    else if (action.kind === 'sendDetached') assertStorable(action.event, `event "${action.event.type}"`);
    else if (action.kind === 'fact') assertStorable(action.data, `fact "${action.type}"`, WRITE_REFS);
  }
  return decision;
}

function unknownActor({ path }: Logic, { id, src }: { readonly id: string; readonly src: string }): FermataError {
  return new FermataError(
    'inlineActor',
    `Machine "${path}" spawns "${id}" of "${src}", which it does not declare in setup({ actors }) and nobody registered. Declare it under that name.`,
  );
}
