/** What reaches a run from outside its own cascade: requests, outcomes of effects, timers, messages, recovery. */
import { isDeepStrictEqual } from 'node:util';
import { FermataError } from '../errors.ts';
import type { EffectRow, MessageRow } from '../store/store.ts';
import type { DurableActor } from './actor.ts';
import type { Logic } from './catalog.ts';
import { encode } from './codec.ts';
import type { EffectStart } from './draft.ts';
import { deliverLater, disarm, end, familyOf, freeSystemId } from './ending.ts';
import type { Input, Receipt } from './input.ts';
import { migrate, undoMigration } from './migrating.ts';
import { ask } from './perform.ts';
import { restoreActors } from './persisted.ts';
import { accepts, ROOT, understands, type RunMemory } from './run-memory.ts';
import { begin, take } from './turn.ts';
import type * as xstate from './xstate.ts';
import { childAddress, ownEventTypes } from './xstate.ts';

/** Begins what an input causes. An error is the answer to a request from outside; nothing has changed then. */
export function takeInput(memory: RunMemory, input: Input): Receipt | Error | undefined {
  switch (input.kind) {
    case 'start':
      return start(memory, input);
    case 'event':
    case 'cancel':
    case 'migrate':
    case 'undoMigration':
      try {
        return asked(memory, input);
      } catch (thrown) {
        if (!(thrown instanceof FermataError) || thrown.code === 'machineMissing' || thrown.code === 'databaseCorrupt')
          throw thrown;
        return thrown;
      }
    case 'outcome':
      return outcome(memory, input);
    case 'notice': {
      const child = memory.find(input.actor)?.children.get(input.id);
      if (child?.kind === 'effect' && child.token === input.token && child.settled === undefined)
        deliverLater(memory, input.actor, input.event, { from: childAddress(input.actor, input.id) });
      return;
    }
    case 'timer':
      return timer(memory, input.row.token, input.row.source, input.row.timerJson);
    case 'message':
      return message(memory, input.row);
    case 'inDoubt':
      return inDoubt(memory, input.row);
    case 'unavailable':
      return unavailable(memory, input.row, input.error);
    case 'mark': {
      const actor = unanswered(memory, input.row.actor, input.row.token);
      if (actor === undefined) return;
      const start = startOf(memory, input.row, actor, false);
      memory.draft.effectsMarked.add(input.row.token);
      memory.draft.starts.set(input.row.token, { ...start, row: { ...start.row, marked: true } });
      return;
    }
    case 'fact':
      // The stream of a run that has ended is over: who follows it would never hear of it.
      if (memory.ended) memory.services.log(input.type, { runId: memory.key.run, actor: input.actor, ...input.data });
      else memory.fact(input.actor, input.type, input.data);
      return;
    case 'goOn':
      return;
  }
}

function asked(memory: RunMemory, input: Extract<Input, { kind: 'event' | 'cancel' | 'migrate' | 'undoMigration' }>) {
  switch (input.kind) {
    case 'event':
      return request(memory, input);
    case 'cancel':
      return cancel(memory, input);
    case 'migrate':
      return migrate(memory, input.step);
    case 'undoMigration':
      return undoMigration(memory, input.seq);
  }
}

function start(memory: RunMemory, input: Extract<Input, { kind: 'start' }>): Receipt {
  const logic = memory.services.catalog.logic(memory.origin.machine);
  memory.head.startedAt = memory.now;
  if (input.restore === undefined)
    begin(
      memory,
      { address: ROOT, birth: 1, id: memory.key.run, logic, parent: undefined, detached: false, systemId: undefined },
      input.input,
    );
  else restore(memory, logic, input.restore);
  if (logic.root.status === undefined) memory.fact(ROOT, 'run_started', { machine: memory.origin.machine });
  return memory.receipt();
}

function restore(memory: RunMemory, logic: Logic, persisted: unknown): void {
  const seq = memory.entry('event', ROOT, 'fermata.restore', {
    type: 'fermata.restore',
    snapshot: persisted,
    logic: logic.path,
  });
  const { actors, effects } = restoreActors(persisted, {
    logic,
    catalog: memory.services.catalog,
    refer: (to) => memory.refer(to),
    seq,
    id: memory.key.run,
  });
  for (const actor of actors) {
    memory.actors.set(actor.identity.address, actor);
    if (actor.identity.systemId !== undefined) memory.head.systemIds[actor.identity.systemId] = actor.identity.address;
  }
  for (const actor of actors) {
    memory.inspection?.began(actor, undefined, []);
    memory.inspection?.settled(actor.identity.address);
  }
  for (const { actor, ...asked } of effects) ask(memory, actor, asked);
  memory.draft.turns++;
  const root = memory.actors.get(ROOT);
  if (root !== undefined && root.status !== 'active') end(memory, root, familyOf(memory, root));
}

function request(memory: RunMemory, input: Extract<Input, { kind: 'event' }>): Receipt {
  if (input.messageId !== undefined) {
    const { messageId } = input;
    const before =
      memory.draft.taken.find(({ id }) => id === messageId)?.seq ??
      memory.rows.read(`taken/${messageId}`, () => memory.services.store.messageTaken(memory.key, messageId));
    if (before !== undefined) {
      assertSame(memory, before, messageId, input.event);
      return { seq: before, state: memory.runState(), repeated: true };
    }
  }
  if (memory.ended) {
    if (!input.checked) return memory.receipt();
    throw new FermataError(
      'runEnded',
      `Run ${memory.key.run} has ended (${memory.head.status}) and takes no more events.`,
      { data: { runStatus: memory.head.status } },
    );
  }
  const actor = memory.find(input.to);
  if (actor === undefined || actor.status !== 'active') {
    if (!input.checked) return memory.receipt();
    throw new FermataError(
      'eventNotAccepted',
      `Run ${memory.key.run} has no live actor "${input.to}" to take "${input.event.type}".`,
      { data: { accepts: [] } },
    );
  }
  const { event } = input;
  const { outside } = memory.services.catalog.logic(memory.origin.machine).root;
  // The system's own commands come by the same way.
  const isOutside = input.checked && input.to === ROOT && !event.type.startsWith('fermata.');
  if (outside !== undefined && isOutside)
    return taken(memory, actor, outside.receive({ event, snapshot: actor.snapshot, rows: memory.rows }), input);
  if (input.checked && !accepts(actor, event)) {
    const legal = ownEventTypes(actor.snapshot).filter((type) => !type.startsWith('fermata.'));
    throw new FermataError(
      'eventNotAccepted',
      `The machine of run ${memory.key.run} does not accept "${input.event.type}" in state ${JSON.stringify(actor.snapshot.value)}. It accepts: ${legal.join(', ') || 'no event from outside'}.`,
      {
        data: { state: actor.snapshot.value, accepts: legal },
      },
    );
  }
  return taken(memory, actor, event, input);
}

function taken(
  memory: RunMemory,
  actor: DurableActor,
  event: xstate.Event,
  { messageId }: Extract<Input, { kind: 'event' }>,
): Receipt {
  const frame = take(memory, actor, event, null);
  memory.cascade.push(frame);
  if (messageId !== undefined) memory.draft.taken.push({ id: messageId, seq: frame.turn });
  return memory.receipt(frame.turn);
}

/** The same id again is the same message again; another event under it would be dropped without a word. */
function assertSame(memory: RunMemory, seq: number, messageId: string, event: xstate.Event): void {
  const known = memory.draft.entries.find((entry) => entry.seq === seq)?.dataJson;
  const entry = (known === undefined ? memory.rows.entry(seq) : memory.decode(known)) as xstate.Event;
  // A machine that hears events from outside in its own way has it inside of another one.
  const isReceived =
    memory.services.catalog.logic(memory.origin.machine).root.outside !== undefined && 'event' in entry;
  const before = isReceived ? entry['event'] : entry;
  const given = Object.fromEntries(Object.keys(event).map((field) => [field, (before as xstate.Event)[field]]));
  if (isDeepStrictEqual(given, { ...event })) return;
  throw new FermataError(
    'idempotencyConflict',
    `Run ${memory.key.run} took another event under the id "${messageId}", a "${(before as xstate.Event).type}". Use a new id for a new event.`,
  );
}

function cancel(memory: RunMemory, { reason, decideNothing }: Extract<Input, { kind: 'cancel' }>): Receipt {
  if (memory.ended)
    throw new FermataError(
      'runEnded',
      `Run ${memory.key.run} has ended (${memory.head.status}) and cannot be cancelled.`,
      { data: { runStatus: memory.head.status } },
    );
  const root = memory.find(ROOT);
  const event: xstate.Event = { type: 'fermata.cancel', ...(reason === undefined ? {} : { reason }) };
  if (root === undefined)
    throw new FermataError('databaseCorrupt', `Run ${memory.key.run} has no root actor. Delete the run.`);
  if (!decideNothing && understands(root, event)) {
    const frame = take(memory, root, event, null);
    memory.cascade.push(frame);
    return memory.receipt(frame.turn);
  }
  const family = familyOf(memory, root);
  const seq = memory.entry('event', ROOT, event.type, event);
  root.stopped = true;
  memory.head.reasonJson = encode({ code: 'cancelled', message: reason ?? 'Cancelled.' }, 'reason', memory);
  end(memory, root, family);
  return memory.receipt(seq);
}

function outcome(memory: RunMemory, input: Extract<Input, { kind: 'outcome' }>): undefined {
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
  if (child.systemId !== undefined) freeSystemId(memory, childAddress(actor.identity.address, input.id));
  const from = childAddress(actor.identity.address, input.id);
  memory.inspection?.answered(from, input.event);
  deliverLater(memory, actor.identity.address, input.event, { from });
}

function message(memory: RunMemory, row: MessageRow): undefined {
  const event = memory.decode(row.eventJson) as xstate.Event;
  memory.draft.messagesTaken.push(row.id);
  if (memory.ended) memory.entry('ignored', ROOT, event.type, { ...event, fromRun: row.fromRun });
  else deliverLater(memory, ROOT, event);
}

function timer(memory: RunMemory, token: string, source: string, timerJson: string): undefined {
  const actor = memory.find(source);
  const { to, event } = memory.decode(timerJson) as {
    to: xstate.Address;
    event: xstate.Event;
  };
  if (actor === undefined || actor.status !== 'active' || !actor.timers.has(token)) {
    memory.draft.dropTimer(token);
    memory.entry('ignored', source, event.type, { type: event.type, token });
    return;
  }
  disarm(memory, actor, token);
  actor.dirty = true;
  deliverLater(memory, to.address, event, { birth: to.birth, from: source });
}

function inDoubt(memory: RunMemory, row: EffectRow): undefined {
  const actor = unanswered(memory, row.actor, row.token);
  if (actor === undefined) {
    memory.draft.dropEffect(row.token);
    return;
  }
  const start = startOf(memory, row, actor, true);
  const error = memory.services.catalog.unavailable(start.logicPath, row.src, start.input);
  if (error !== undefined) {
    memory.draft.unavailable.set(row.token, { start, error });
    return unavailable(memory, row, error);
  }
  if (start.policy !== 'retry' && !row.marked) {
    // Never sent: the mark comes before the call, once it has its place.
    memory.draft.starts.set(row.token, startOf(memory, row, actor, false));
    const unsent: xstate.Event = { type: 'fermata.unsent', id: start.id, key: start.key };
    if (understands(actor, unsent)) deliverLater(memory, row.actor, unsent);
    return;
  }
  const event: xstate.Event = { type: 'fermata.inDoubt', id: start.id, key: start.key, policy: start.policy };
  const understood = understands(actor, event);
  if (start.policy === 'retry') memory.draft.starts.set(row.token, start);
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
  if (understood) deliverLater(memory, row.actor, event);
}

/** Its time must not run out while nobody calls. It begins anew with the call (R10), in a process that can make it. */
function unavailable(memory: RunMemory, row: EffectRow, error: FermataError): undefined {
  const actor = unanswered(memory, row.actor, row.token);
  const event: xstate.Event = { type: 'fermata.unavailable', code: error.code, message: error.message };
  if (actor !== undefined && understands(actor, event)) deliverLater(memory, row.actor, event);
}

/** The actor that still waits for the effect under memory token. */
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
