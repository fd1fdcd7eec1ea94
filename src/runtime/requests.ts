/** What is asked of a run from outside: to begin, to take an event, to end, to go on with another version of its machine. */
import { isDeepStrictEqual } from 'node:util';
import type { DurableActor } from './actor.ts';
import { FermataError } from '../errors.ts';
import type { Logic } from './catalog.ts';
import { encode } from './codec.ts';
import { end, familyOf } from './ending.ts';
import type { Input, Receipt } from './input.ts';
import { migrate, undoMigration } from './migrating.ts';
import { ask } from './perform.ts';
import { restoreActors } from './persisted.ts';
import { accepts, ROOT, understands, type RunMemory } from './run-memory.ts';
import { begin, take } from './turn.ts';
import { ownEventTypes, type Event } from './xstate.ts';

type Request = Extract<Input, { kind: 'event' | 'cancel' | 'migrate' | 'undoMigration' }>;

/** Takes a request to a run that is there. An error is the answer to it; nothing has changed then. */
export function takeRequest(memory: RunMemory, input: Request): Receipt | Error {
  try {
    switch (input.kind) {
      case 'event':
        return takeEvent(memory, input);
      case 'cancel':
        return cancel(memory, input);
      case 'migrate':
        return migrate(memory, input.step);
      case 'undoMigration':
        return undoMigration(memory, input.seq);
    }
  } catch (thrown) {
    if (!(thrown instanceof FermataError) || thrown.code === 'machineMissing' || thrown.code === 'databaseCorrupt')
      throw thrown;
    return thrown;
  }
}

/** The first turn of a run. */
export function start(memory: RunMemory, input: Extract<Input, { kind: 'start' }>): Receipt {
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

function takeEvent(memory: RunMemory, input: Extract<Input, { kind: 'event' }>): Receipt {
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
  event: Event,
  { messageId }: Extract<Input, { kind: 'event' }>,
): Receipt {
  const frame = take(memory, actor, event, null);
  memory.cascade.push(frame);
  if (messageId !== undefined) memory.draft.taken.push({ id: messageId, seq: frame.turn });
  return memory.receipt(frame.turn);
}

/** The same id again is the same message again; another event under it would be dropped without a word. */
function assertSame(memory: RunMemory, seq: number, messageId: string, event: Event): void {
  const known = memory.draft.entries.find((entry) => entry.seq === seq)?.dataJson;
  const entry = (known === undefined ? memory.rows.entry(seq) : memory.decode(known)) as Event;
  // A machine that hears events from outside in its own way has it inside of another one.
  const isReceived =
    memory.services.catalog.logic(memory.origin.machine).root.outside !== undefined && 'event' in entry;
  const before = isReceived ? entry['event'] : entry;
  const given = Object.fromEntries(Object.keys(event).map((field) => [field, (before as Event)[field]]));
  if (isDeepStrictEqual(given, { ...event })) return;
  throw new FermataError(
    'idempotencyConflict',
    `Run ${memory.key.run} took another event under the id "${messageId}", a "${(before as Event).type}". Use a new id for a new event.`,
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
  const event: Event = { type: 'fermata.cancel', ...(reason === undefined ? {} : { reason }) };
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
