/** How actors and runs end: what belongs to them ends too, and whoever waits for them is told as XState tells it. */
import type { RunStatus } from '../store/runs.ts';
import { WRITE_REFS, type DurableActor } from './actor.ts';
import type { Step } from './cascade.ts';
import type { Logic } from './catalog.ts';
import { decode, encode } from './codec.ts';
import { ROOT, type RunMemory } from './run-memory.ts';
import { awaited, cancelAwaited, sendToRun, tellParent } from './parent.ts';
import * as xstate from './xstate.ts';

/** Delivery as a step of its own, for callers that have already changed something. */
export function deliverLater(
  memory: RunMemory,
  address: string,
  event: xstate.Event,
  {
    birth = -1,
    from,
    then = [],
  }: { readonly birth?: number; readonly from?: string; readonly then?: readonly Step[] } = {},
): void {
  memory.cascade.push({
    actor: null,
    ...(from === undefined ? {} : { from }),
    turn: memory.head.seq,
    next: 0,
    actions: [{ kind: 'send', to: { address, birth }, event, delay: undefined, sendId: undefined }, ...then],
  });
}

/** All actors below one, loaded; parents first, as XState stops them. */
export function familyOf(memory: RunMemory, actor: DurableActor): DurableActor[] {
  const family: DurableActor[] = [];
  const below = (parent: DurableActor): void => {
    for (const [id, child] of parent.children) {
      const found = child.kind === 'actor' ? memory.find(xstate.childAddress(parent.identity.address, id)) : undefined;
      if (found === undefined || found.status !== 'active') continue;
      family.push(found);
      below(found);
    }
  };
  below(actor);
  if (actor.identity.address !== ROOT) return family;
  if (actor.status !== 'done') void awaited(memory);
  if ((memory.head.counts['detached'] ?? 0) === 0) return family;
  for (const { address, status } of memory.rows.read('actors', () => memory.services.store.actors(memory.key)))
    if (status === 'active') memory.find(address);
  return [...memory.actors.values()].filter((other) => other !== actor && other.status === 'active');
}

/** An actor reached its end: what belongs to it ends too, and its parent is told as XState tells it. */
export function end(memory: RunMemory, actor: DurableActor, family: readonly DurableActor[]): void {
  for (const member of family) retire(memory, member, true);
  retire(memory, actor, false);
  const { address, parent } = actor.identity;
  if (address === ROOT) {
    endRun(memory, actor);
    if (actor.stopped) memory.inspection?.stopped(actor);
    else memory.inspection?.settled(address);
    return;
  }
  const event = endOf(actor);
  if (parent !== undefined && event !== undefined)
    deliverLater(memory, parent.address, event, { birth: parent.birth, from: address });
}

/** What its parent is told of an actor that is done or has failed; undefined for others. */
function endOf({ identity: { id }, status, snapshot }: DurableActor): xstate.Event | undefined {
  const { output, error } = snapshot as { output?: unknown; error?: unknown };
  if (status === 'done') return { type: `xstate.done.actor.${id}`, output, actorId: id };
  return status === 'error' ? { type: `xstate.error.actor.${id}`, error, actorId: id } : undefined;
}

/** Stops an actor and all below it. */
export function stop(memory: RunMemory, actor: DurableActor, family: readonly DurableActor[]): void {
  for (const member of [actor, ...family]) retire(memory, member, true);
}

/** A parent stops a child: at once, or as soon as the turn it is in the middle of is over. */
export function stopChild(
  memory: RunMemory,
  parent: DurableActor,
  { id, detached, kept = false }: Extract<xstate.Action, { kind: 'stop' }>,
): void {
  const child = detached ? undefined : parent.children.get(id);
  const address = xstate.childAddress(parent.identity.address, id);
  if (child?.kind === 'effect') {
    if (child.settled === undefined) dropEffect(memory, child.token, address);
    memory.references.delete(address);
  } else if (child !== undefined || detached) {
    const actor = memory.find(address);
    if (actor !== undefined && actor.status === 'active') {
      const family = familyOf(memory, actor);
      if (memory.cascade.busy(address)) memory.cascade.post(address, 'stop');
      else stop(memory, actor, family);
    }
  }
  if (child?.systemId !== undefined) freeSystemId(memory, address);
  if (!kept) parent.children.delete(id);
  else if (child?.kind === 'effect' && child.settled === undefined)
    parent.children.set(id, { ...child, settled: 'stopped' });
  parent.dirty = true;
}

/**
 * Whoever still lives under the id that `parent` gives to another makes way, with all below it: nothing could reach or stop
 * it any more, and what it waits for would come to the other. The birth of an actor says in the journal that the one before
 * it is gone; a call has none.
 */
export function makeWay(memory: RunMemory, parent: DurableActor, id: string, forWhat: 'actor' | 'call'): void {
  const address = xstate.childAddress(parent.identity.address, id);
  const child = parent.children.get(id);
  // Told to stop in the middle of its turn, it is no child any more, and there until that turn is over.
  if (child === undefined && !memory.cascade.busy(address)) return;
  const actor = memory.find(address);
  const busy = memory.cascade.busy(address);
  if (actor !== undefined && (actor.status === 'active' || busy)) {
    const family = familyOf(memory, actor);
    for (const member of family) retire(memory, member, true);
    const stops = actor.status === 'active' && (forWhat === 'call' || memory.cascade.isToStop(address));
    retire(memory, actor, stops);
    for (const { identity } of family) memory.cascade.abandon(identity.address);
    // Where its turn was its last one, its parent is told so after it, as in XState.
    const event = endOf(actor);
    const to = { address: parent.identity.address, birth: parent.identity.birth };
    const last = event && ({ kind: 'send', to, event, delay: undefined, sendId: undefined } as const);
    memory.cascade.abandon(address, last);
  }
  if (child?.kind === 'effect' && child.settled === undefined) {
    dropEffect(memory, child.token, address);
    if (child.systemId !== undefined) freeSystemId(memory, address);
    parent.children.delete(id);
  }
}

/** Takes back a timer of an actor. */
export function disarm(memory: RunMemory, actor: DurableActor, token: string): void {
  const sendId = actor.timers.get(token) ?? '';
  actor.timers.delete(token);
  if (actor.identity.logic.callTimers.has(sendId)) memory.draft.dropCallTimer(token);
  else memory.draft.dropTimer(token);
}

/** Takes back everything an actor has asked for. */
function retire(memory: RunMemory, actor: DurableActor, stopped: boolean): void {
  if (stopped) {
    memory.entry('event', actor.identity.address, 'xstate.stop', { type: 'xstate.stop' });
    actor.stopped = true;
    memory.inspection?.stopped(actor);
  }
  actor.dirty = true;
  for (const token of actor.timers.keys()) disarm(memory, actor, token);
  for (const [id, child] of actor.children) {
    if (child.kind !== 'effect' || child.settled !== undefined) continue;
    const address = xstate.childAddress(actor.identity.address, id);
    dropEffect(memory, child.token, address);
    if (child.systemId !== undefined) freeSystemId(memory, address);
    actor.children.set(id, { ...child, settled: 'stopped' });
  }
  if (actor.stopped) actor.children.clear();
  if (actor.identity.systemId !== undefined) freeSystemId(memory, actor.identity.address);
  if (actor.identity.detached) memory.head.counts['detached'] = (memory.head.counts['detached'] ?? 1) - 1;
}

function dropEffect(memory: RunMemory, token: string, address: string): void {
  memory.inspection?.dropped(address);
  memory.acting--;
  memory.draft.dropEffect(token);
}

/** What was known under a systemId is not any more. */
export function freeSystemId(memory: RunMemory, address: string): void {
  for (const [systemId, at] of Object.entries(memory.head.systemIds))
    if (at === address) delete memory.head.systemIds[systemId];
}

function endRun(memory: RunMemory, root: DurableActor): void {
  const head = memory.head;
  const { registration, status } = endingOf(root);
  const error: unknown = root.status === 'error' ? toReason((root.snapshot as { error?: unknown }).error) : undefined;
  const { output, reason } = registration.outcome?.(root.snapshot) ?? {
    output: (root.snapshot as { output?: unknown }).output,
    reason: error,
  };
  head.endedAt = memory.now;
  if (output !== undefined) head.outputJson = encode(output, 'output', memory, WRITE_REFS);
  if (reason !== undefined || error !== undefined) head.reasonJson = encode(reason ?? error, 'reason', memory);
  if (registration.status === undefined || root.status !== 'done') {
    const why = reasonOf(memory);
    if (status === 'completed') memory.fact(ROOT, 'run_completed', { output });
    else if (status === 'failed') memory.fact(ROOT, 'run_failed', { error: why });
    else memory.fact(ROOT, 'run_cancelled', { reason: why });
  }
  head.status = status;
  // A machine that ends by itself has seen to them.
  if (root.status !== 'done') cancelAwaited(memory, status);
  sayFarewell(memory, registration);
  tellParent(memory, { status, output, reason: reason ?? error ?? reasonOf(memory) });
}

/** What the run has of others goes back to them with the commit that ends it. Its actors were looked up before. */
function sayFarewell(memory: RunMemory, { farewell }: Logic['root']): void {
  const contextOf = (address: string): unknown => memory.actors.get(address)?.snapshot.context;
  for (const { run, event } of farewell?.({ run: memory.key.run, contextOf }) ?? []) sendToRun(memory, run, event);
}

/** Why it ends as it does, as far as that is known already. */
function reasonOf({ head, rows }: RunMemory): unknown {
  return head.reasonJson === null ? undefined : decode(head.reasonJson, (blob) => rows.blob(blob));
}

function endingOf(root: DurableActor): { registration: Logic['root']; status: RunStatus } {
  const registration = root.identity.logic.root;
  if (root.status === 'error') return { registration, status: 'failed' };
  if (root.status === 'stopped') return { registration, status: 'cancelled' };
  return { registration, status: registration.status?.(root.snapshot) ?? 'completed' };
}

function toReason(error: unknown): { code: string; message: string } {
  const { code, message } = (typeof error === 'object' && error !== null ? error : { message: String(error) }) as {
    code?: unknown;
    message?: unknown;
  };
  return { code: typeof code === 'string' ? code : 'actorFailed', message: String(message) };
}
