/** What a run hears of the effects that it has asked for: how they end, what they say, that nobody knows or can make them. */
import type { FermataError } from '../errors.ts';
import type { EffectRow } from '../store/effects.ts';
import type { RunOrigin } from '../store/runs.ts';
import type { Repeat, Step } from './cascade.ts';
import type { DurableActor } from './actor.ts';
import type { EffectStart } from './draft.ts';
import { deliverLater, freeSystemId } from './ending.ts';
import type { Input } from './input.ts';
import { understands, type RunMemory, type RunServices } from './run-memory.ts';
import { childAddress, type Event } from './xstate.ts';

/** It has ended. What comes under an old token is ignored (R6). */
export function outcome(memory: RunMemory, input: Extract<Input, { kind: 'outcome' }>): void {
  const actor = unanswered(memory, input.actor, input.token);
  const child = actor?.children.get(input.id);
  memory.draft.dropEffect(input.token);
  if (actor === undefined || child?.kind !== 'effect') {
    memory.entry('ignored', input.actor, input.event.type, { type: input.event.type, token: input.token });
    return;
  }
  memory.acting--;
  actor.children.set(input.id, { ...child, settled: input.event.type.startsWith('xstate.done.') ? 'done' : 'error' });
  actor.dirty = true;
  const from = childAddress(input.actor, input.id);
  if (child.systemId !== undefined) freeSystemId(memory, from);
  memory.inspection?.answered(from, input.event);
  deliverLater(memory, input.actor, input.event, { from });
}

/** It says something while it is under way. */
export function notice(memory: RunMemory, { actor, id, token, event }: Extract<Input, { kind: 'notice' }>): void {
  if (unanswered(memory, actor, token) !== undefined)
    deliverLater(memory, actor, event, { from: childAddress(actor, id) });
}

/** It is about to be called: that is committed first (R5). */
export function mark(memory: RunMemory, row: EffectRow): void {
  const actor = unanswered(memory, row.actor, row.token);
  if (actor === undefined) return;
  memory.draft.starts.set(row.token, startOf(memory, { ...row, marked: true }, actor, false));
  memory.draft.effectsMarked.add(row.token);
}

/** Cut off by a crash, it is settled by its policy (R5). */
export function inDoubt(memory: RunMemory, row: EffectRow): void {
  const actor = unanswered(memory, row.actor, row.token);
  if (actor === undefined) {
    memory.draft.dropEffect(row.token);
    return;
  }
  const start = startOf(memory, row, actor, true);
  const error = whyUnavailable(memory.services, memory.origin, start);
  if (error !== undefined) {
    memory.draft.unavailable.set(row.token, { start, error });
    unavailable(memory, row, error);
    return;
  }
  if (start.policy !== 'retry' && !row.marked) {
    // Never sent: the mark comes before the call, once it has its place.
    memory.draft.starts.set(row.token, startOf(memory, row, actor, false));
    const unsent: Event = { type: 'fermata.unsent', id: start.id, key: start.key };
    if (understands(actor, unsent)) deliverLater(memory, row.actor, unsent);
    return;
  }
  const event: Event = { type: 'fermata.inDoubt', id: start.id, key: start.key, policy: start.policy };
  const understood = understands(actor, event);
  if (start.policy === 'retry' && !understood) memory.draft.starts.set(row.token, start);
  if (!understood)
    memory.fact(row.actor, 'effect_in_doubt', { actor: row.actor, id: start.id, key: start.key, policy: start.policy });
  if (start.policy === 'fail' || (start.policy === 'ask' && !understood)) {
    const error = {
      code: 'effectInDoubt',
      retry: 'never',
      message: `A crash cut off the call "${start.id}" (key ${start.key}); whether the other side did it is unknown.`,
    };
    outcome(memory, {
      kind: 'outcome',
      actor: row.actor,
      id: start.id,
      token: row.token,
      event: { type: `xstate.error.actor.${start.id}`, error, actorId: start.id },
    });
  }
  // Pushed last and so delivered first: an actor that has failed already could not state its doubt any more.
  if (!understood) return;
  // Called again only behind that: the actor may want to pay for it first, or not want it any more.
  const then: readonly Step[] =
    start.policy === 'retry' ? [{ kind: 'repeat', row, begunAt: memory.services.begunAt }] : [];
  deliverLater(memory, row.actor, event, { then });
}

/**
 * Calls again what a crash has cut off, unless its actor has given it up. What an earlier process was about to do has been cut
 * off once more: this one finds that out by itself, and would make the call twice.
 */
export function repeat(memory: RunMemory, { row, begunAt }: Repeat): void {
  if (begunAt !== memory.services.begunAt) return;
  const actor = unanswered(memory, row.actor, row.token);
  if (actor !== undefined) memory.draft.starts.set(row.token, startOf(memory, row, actor, true));
}

/** Why a call cannot or must not be made in this process; undefined where it can. */
export function whyUnavailable(
  { catalog, withheld }: Pick<RunServices, 'catalog' | 'withheld'>,
  { tags }: Pick<RunOrigin, 'tags'>,
  { row: { src }, logicPath, input }: EffectStart,
): FermataError | undefined {
  return withheld?.({ src, tags }) ?? catalog.unavailable(logicPath, src, input);
}

/** Its time must not run out while nobody calls. It begins anew with the call (R10), in a process that can make it. */
export function unavailable(memory: RunMemory, row: EffectRow, error: FermataError): void {
  const actor = unanswered(memory, row.actor, row.token);
  const event: Event = { type: 'fermata.unavailable', code: error.code, message: error.message };
  if (actor !== undefined && understands(actor, event)) deliverLater(memory, row.actor, event);
}

/** The actor that still waits for the effect under this token. */
function unanswered(memory: RunMemory, address: string, token: string): DurableActor | undefined {
  const actor = memory.find(address);
  if (actor === undefined || actor.status !== 'active') return undefined;
  for (const child of actor.children.values())
    if (child.kind === 'effect' && child.token === token && child.settled === undefined) return actor;
  return undefined;
}

/** The actor says whose effect it is: since it was asked for, the run may have moved to another version of its machine. */
function startOf(memory: RunMemory, row: EffectRow, actor: DurableActor, repeated: boolean): EffectStart {
  const stored = memory.decode(row.effectJson) as Pick<EffectStart, 'id' | 'key' | 'input' | 'policy' | 'repeated'>;
  return { ...stored, logicPath: actor.identity.logic.path, row, repeated: repeated || stored.repeated };
}
