/** Whether a task is tried again. */
import { DEFAULT_RETRY, type RetryPolicy } from '../../src/document/definition.ts';
import { errorOf } from './call-error.ts';
import { goesToAnother } from './choosing.ts';
import type { TaskContext } from './context.ts';

/** How often it is tried. */
export function retryOf({ retry = DEFAULT_RETRY }: TaskContext): RetryPolicy {
  return retry;
}

/** True where it may be tried once more. */
export function triesLeft(context: TaskContext): boolean {
  return context.attempt <= retryOf(context).maxRetries;
}

/** The same of a call that has failed. */
export function isRetriable(context: TaskContext, event: { readonly type: string }): boolean {
  const error = errorOf(event);
  return (error.retry !== 'never' || goesToAnother(context, error)) && triesLeft(context);
}
