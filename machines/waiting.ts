/** What a task that waits decides: when its wait is over, and what follows where nothing came in time. Pure. */
import type { Consequence } from '../src/document/consequence.ts';
import type { PreparedWait } from '../src/document/kinds/wait.ts';
import type { ErrorData } from '../src/errors.ts';

/** What a fact says about a wait that begins: the type of the event, or the date (ISO 8601). */
export type WaitsFor = { readonly event: string } | { readonly date: string };

/** When a wait for a time is over, in milliseconds since 1970; undefined where it is for an event. */
export function dueAt({ for: what }: PreparedWait, now: number): number | undefined {
  if ('event' in what) return undefined;
  return 'until' in what ? what.until : now + what.seconds * 1_000;
}

/** What a wait that begins is for. */
export function waitsFor(wait: PreparedWait, now: number): WaitsFor {
  if ('event' in wait.for) return { event: wait.for.event.type };
  return { date: new Date(dueAt(wait, now) ?? now).toISOString() };
}

/** What an event from outside leaves as the output of the task that took it: its `id` names the message, not what it says. */
export function outputOf({ id: _, ...event }: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return event;
}

/** How a wait ends to whose end nothing came; the task itself ends `timedOut`, as an approval that expires. */
export function missed(
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
