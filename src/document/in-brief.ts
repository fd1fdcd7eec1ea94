/**
 * What a task is made ready with, without what most tasks have in common. It stands in the journal and, with the task's
 * context, in each version of its row: of a small task it was a third.
 */
import type { TaskContext } from '../../machines/task/context.ts';
import type { FailedAttempt, PreparedTask } from '../../machines/task/prepared.ts';
import type { Prepare } from '../runtime/registration.ts';
import { DEFAULT_RETRY, type RetryPolicy } from './definition.ts';

/** Events that may end an attempt which is not the last one. */
const ENDS_ATTEMPT: ReadonlySet<string> = new Set([
  'xstate.error.actor.call',
  'xstate.error.actor.chooseTasks',
  'fermata.task.attemptTimedOut',
  // Of a sub-workflow: its run may have ended before it is known to have begun.
  'xstate.error.actor.startRun',
  'xstate.done.actor.startRun',
  'fermata.task.childEnded',
]);

/** Leaves out what the task machine knows by itself, and gives it the seed of its chance when an attempt has failed. */
export function inBrief(prepare: Prepare): Prepare {
  return (preparing) => {
    const { event, snapshot, rows } = preparing;
    if (snapshot !== undefined && ENDS_ATTEMPT.has(event.type)) {
      const { name } = snapshot.context as TaskContext;
      return { seed: `${rows.origin.seed}/${name}` } satisfies FailedAttempt;
    }
    const prepared = prepare(preparing);
    return snapshot === undefined && isTask(prepared) ? brief(prepared) : prepared;
  };
}

function isTask(prepared: unknown): prepared is PreparedTask {
  return typeof prepared === 'object' && prepared !== null && 'call' in prepared;
}

function brief({ retry, onInDoubt, seed: _, ...rest }: PreparedTask): PreparedTask {
  return {
    ...rest,
    ...(retry === undefined || isDefault(retry) ? {} : { retry }),
    ...(onInDoubt === undefined || onInDoubt === 'retry' ? {} : { onInDoubt }),
  };
}

function isDefault({ maxRetries, initialSeconds, factor, maxSeconds }: RetryPolicy): boolean {
  return (
    maxRetries === DEFAULT_RETRY.maxRetries &&
    initialSeconds === DEFAULT_RETRY.initialSeconds &&
    factor === DEFAULT_RETRY.factor &&
    maxSeconds === DEFAULT_RETRY.maxSeconds
  );
}
