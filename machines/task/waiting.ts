/** A task that waits, for a time or an event: when its wait is over, and what follows where nothing came in time. */
import type { Consequence } from '../../src/document/consequence.ts';
import type { PreparedWait } from '../../src/document/kinds/wait.ts';
import type { ErrorData } from '../../src/errors.ts';
import { actionCreators } from '../action-creators.ts';
import { fact } from '../reserved.ts';
import { about, type TaskContext } from './context.ts';
import type { TaskEvent } from './events.ts';

const { assign, enqueueActions } = actionCreators<TaskContext, TaskEvent>();

/** What a fact says about a wait that begins: the type of the event, or the date (ISO 8601). */
type WaitsFor = { readonly event: string } | { readonly date: string };

/** When a wait for a time is over, in milliseconds since 1970; undefined where it is for an event. */
function dueAt({ for: what }: PreparedWait, now: number): number | undefined {
  if ('event' in what) return undefined;
  return 'until' in what ? what.until : now + what.seconds * 1_000;
}

/** What a wait that begins is for. */
function waitsFor(wait: PreparedWait, now: number): WaitsFor {
  if ('event' in wait.for) return { event: wait.for.event.type };
  return { date: new Date(dueAt(wait, now) ?? now).toISOString() };
}

/** What an event from outside leaves as the output of the task that took it: its `id` names the message, not what it says. */
function outputOf({ id: _, ...event }: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return event;
}

/** How a wait ends to whose end nothing came; the task itself ends `timedOut`, as an approval that expires. */
function missed(
  name: string,
  wait: PreparedWait,
  seconds: number,
): { readonly error: ErrorData; readonly consequence: Consequence } {
  const what = 'event' in wait.for ? `No event "${wait.for.event.type}" that it takes came` : 'Its time did not come';
  return {
    error: {
      code: 'waitTimedOut',
      message: `${what} for task "${name}" within ${seconds} s. Raise timeoutSeconds, or say with onTimeout what is to follow.`,
      retry: 'never',
    },
    consequence: wait.onTimeout === 'skip' ? 'none' : 'fail',
  };
}

/** The output of a wait for a time: the date for which it waited. */
function dateOf({ call, now = 0 }: TaskContext): string | null {
  const due = call.kind === 'wait' ? dueAt(call, now) : undefined;
  return due === undefined ? null : new Date(due).toISOString();
}

/** True where it completes though nothing came. */
export function goesWithout({ call }: TaskContext): boolean {
  return call.kind === 'wait' && call.onTimeout === 'continue';
}

/** What a task does that waits. */
export const waitActions = {
  beginWait: enqueueActions(({ enqueue, context, event }) => {
    const { call, timeoutMs, attempt } = context;
    if (call.kind !== 'wait') return;
    const now = (event.type === 'fermata.task.admitted' ? event.prepared?.now : undefined) ?? context.now ?? 0;
    const due = dueAt(call, now);
    enqueue.assign({ now });
    if (due !== undefined)
      enqueue.raise({ type: 'fermata.task.timeCame' }, { id: 'wait', delay: Math.max(0, due - now) });
    if (timeoutMs !== undefined)
      enqueue.raise({ type: 'fermata.task.waitTimedOut' }, { id: 'waitTimeout', delay: timeoutMs });
    fact(enqueue, 'task_started', { ...about(context), attempt, waitsFor: waitsFor(call, now) });
  }),
  keepDate: assign(({ context }) => ({ outcome: { value: dateOf(context), facts: {} } })),
  keepEvent: assign(({ event }) => {
    if (event.type !== 'fermata.task.event') return {};
    const { event: taken, keptEvent } = event;
    return { outcome: { value: outputOf(taken), facts: keptEvent === undefined ? {} : { keptEvent } } };
  }),
  keepNothing: assign({ outcome: { value: null, facts: {} } }),
  missTime: assign(({ context }) =>
    context.call.kind === 'wait' ? missed(context.name, context.call, (context.timeoutMs ?? 0) / 1_000) : {},
  ),
};
