/**
 * Whether what is under way in a run has its place in the new machine, and the other way round: a state whose call
 * nobody makes, or whose time never runs out, would be waited for without end.
 */
import type { DurableActor } from './actor.ts';
import type { MovedActor } from './migrated-tree.ts';
import type { MigratedTimers } from './migrated-timers.ts';
import type { Break, BreakCode } from './migration-break.ts';
import * as xstate from './xstate.ts';

const AFTER = 'xstate.after.';

/**
 * Everything of the moved actors that has no place.
 *
 * @param before the actors as they are; undefined where their machine is not registered any more
 */
export function misfits(
  actors: readonly MovedActor[],
  before: ReadonlyMap<string, DurableActor | undefined>,
  timers: MigratedTimers,
  revive: (actor: MovedActor) => DurableActor,
): readonly Break[] {
  const live = new Map<string, DurableActor>();
  for (const actor of actors) if (actor.status === 'active') live.set(actor.address, revive(actor));
  const breaks: Break[] = [];
  for (const [address, actor] of live) {
    const add = (code: BreakCode, message: string): void => void breaks.push({ code, actor: address, message });
    const earlier = before.get(address);
    const ended = (id: string): boolean => !live.has(xstate.childAddress(address, id));
    for (const [id, src] of homeless(actor, earlier, ended))
      add(
        'childWithoutPlace',
        `"${id}" (${src}) is under way, and no active state of the new machine invokes it; let it end first, or keep its state and id`,
      );
    const known = new Set(earlier === undefined ? [] : notStarted(earlier).map(({ id }) => id));
    for (const { state, id, src } of notStarted(actor)) {
      if (known.has(id)) continue;
      add(
        'invokeNotStarted',
        `state "${state}" invokes "${src}" as "${id}", which is not under way and would be waited for without end`,
      );
    }
    const unarmed = new Set(earlier === undefined ? [] : notArmed(earlier, new Set(earlier.timers.values())));
    const pending = timers.pending.filter((timer) => timer.actor === address).map(({ event }) => event.type);
    for (const type of notArmed(actor, new Set([...pending, ...endless(actor, timers)]))) {
      if (unarmed.has(type)) continue;
      add(
        'delayNotArmed',
        `its delayed transition "${type}" is not pending and would never fire; arm it with migrate.timers`,
      );
    }
  }
  for (const { actor, to, event } of timers.pending) {
    const taker = live.get(to);
    // An actor that has ended hears nothing, before and after.
    if (taker === undefined || takes(taker, event.type)) continue;
    const message = `"${event.type}" is pending for "${to}", and nothing of the new machine takes it; give it another type, or leave it out, with migrate.timers`;
    breaks.push({ code: 'timerWithoutPlace', actor, message });
  }
  return breaks;
}

/** Children under way that a state invoked, and that no active state of the new machine invokes. */
function homeless(
  actor: DurableActor,
  earlier: DurableActor | undefined,
  ended: (id: string) => boolean,
): [id: string, src: string][] {
  const places = new Map(xstate.invocations(actor.snapshot).map(({ id, src }) => [id, src]));
  const invoked = earlier && new Set(xstate.invocations(earlier.snapshot).map(({ id }) => id));
  return [...actor.children].flatMap(([id, child]): [string, string][] => {
    if (child.kind === 'effect' ? child.settled !== undefined : ended(id)) return [];
    const place = places.get(id);
    if (place !== undefined) return place === child.src ? [] : [[id, child.src]];
    // Without the old machine, the form of the id that XState gives to an invocation without one.
    const wasInvoked = invoked?.has(id) ?? /^\d+\../.test(id);
    return wasInvoked ? [[id, child.src]] : [];
  });
}

function notStarted(actor: DurableActor): { state: string; id: string; src: string }[] {
  return xstate.invocations(actor.snapshot).filter(({ id }) => !actor.children.has(id));
}

function notArmed(actor: DurableActor, pending: ReadonlySet<string>): string[] {
  return xstate
    .pendingDelays(actor.snapshot)
    .map(({ event }) => event)
    .filter((type) => !pending.has(type));
}

/** Delays without an end have no row; they are armed all the same. */
function endless(actor: DurableActor, { pending, gone }: MigratedTimers): string[] {
  const rows = new Set([...pending.map(({ event }) => event.type), ...gone.map(({ token }) => token)]);
  return [...actor.timers].flatMap(([token, id]) => (rows.has(token) || rows.has(id) ? [] : [id]));
}

function takes(actor: DurableActor, type: string): boolean {
  if (!type.startsWith(AFTER)) return xstate.knowsEvent(actor.identity.logic.machine, type);
  return xstate.pendingDelays(actor.snapshot).some(({ event }) => event === type);
}
