/** Whether a task whose call ends is over with it, and not well: as its statechart decides. */
import { isRetriable, triesLeft } from './attempts-left.ts';
import type { TaskContext } from './context.ts';

/** True where the event that ends a call ends its task as well, otherwise than by completing. */
export function endsBadly(context: TaskContext, event: { readonly type: string }): boolean {
  const { type } = event;
  if (type === 'fermata.cancel' || type === 'fermata.task.stops' || type === 'fermata.task.timedOut') return true;
  if (type === 'fermata.task.attemptTimedOut') return !triesLeft(context);
  return type.startsWith('xstate.error.actor.') && !isRetriable(context, event);
}
