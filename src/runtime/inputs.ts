/** What reaches a run from outside its own cascade: requests, outcomes of effects, timers, messages, recovery. */
import type { MessageRow } from '../store/messages.ts';
import type { TimerRow } from '../store/timers.ts';
import type { DurableActor, LaterReceiver } from './actor.ts';
import { deliverLater, disarm } from './ending.ts';
import type { Input, Receipt } from './input.ts';
import { inDoubt, mark, notice, outcome, unavailable } from './open-effects.ts';
import { start, takeRequest } from './requests.ts';
import { ROOT, type RunMemory } from './run-memory.ts';
import type { Event } from './xstate.ts';

/** Begins what an input causes. An error is the answer to a request from outside; nothing has changed then. */
export function takeInput(memory: RunMemory, input: Input): Receipt | Error | void {
  switch (input.kind) {
    case 'start':
      return start(memory, input);
    case 'event':
    case 'cancel':
    case 'migrate':
    case 'undoMigration':
      return takeRequest(memory, input);
    case 'outcome':
      return outcome(memory, input);
    case 'notice':
      return notice(memory, input);
    case 'mark':
      return mark(memory, input.row);
    case 'inDoubt':
      return inDoubt(memory, input.row);
    case 'unavailable':
      return unavailable(memory, input.row, input.error);
    case 'timer':
      return timer(memory, input.row);
    case 'message':
      return message(memory, input.row);
    case 'fact':
      // The stream of a run that has ended is over: who follows it would never hear of it.
      if (memory.ended) memory.services.log(input.type, { runId: memory.key.run, actor: input.actor, ...input.data });
      else memory.fact(input.actor, input.type, input.data);
      return;
    case 'goOn':
      return;
  }
}

function timer(memory: RunMemory, { token, source, timerJson }: TimerRow): void {
  const actor = memory.find(source);
  const { to, event } = memory.decode(timerJson) as {
    to: LaterReceiver;
    event: Event;
  };
  if (actor === undefined || actor.status !== 'active' || !actor.timers.has(token)) {
    memory.draft.dropTimer(token);
    memory.entry('ignored', source, event.type, { type: event.type, token });
    return;
  }
  disarm(memory, actor, token);
  actor.dirty = true;
  const birth = to.spawn === undefined ? to.birth : birthOf(actor, to.spawn);
  if (birth !== undefined) deliverLater(memory, to.address, event, { birth, from: source });
}

/** The child that was spawned under this token; undefined where it is gone, whoever has its place. */
function birthOf(parent: DurableActor, token: string): number | undefined {
  for (const child of parent.children.values()) if (child.kind === 'actor' && child.token === token) return child.birth;
  return undefined;
}

function message(memory: RunMemory, row: MessageRow): void {
  const event = memory.decode(row.eventJson) as Event;
  memory.draft.messagesTaken.push(row.id);
  if (memory.ended) memory.entry('ignored', ROOT, event.type, { ...event, fromRun: row.fromRun });
  else deliverLater(memory, ROOT, event);
}
