/** Attempts of a task: how one begins, what time it has, how long a failed one backs off, what becomes of a doubtful call. */
import { DEFAULT_RETRY, type RetryPolicy } from '../../src/document/definition.ts';
import type { ErrorData } from '../../src/errors.ts';
import type { InDoubtPolicy } from '../../src/runtime/effect.ts';
import { actionCreators } from '../action-creators.ts';
import { backoffMs } from '../backoff.ts';
import { fact } from '../reserved.ts';
import { errorOf } from './call-error.ts';
import { about, type TaskContext } from './context.ts';
import type { TaskEvent } from './events.ts';
import { isFunctionCall } from './function-calls.ts';
import { spreads } from './items.ts';
import { onlyAdds } from './known-outcome.ts';
import type { FailedAttempt } from './prepared.ts';
import { answeredUsage } from './spent.ts';

const { assign, enqueueActions } = actionCreators<TaskContext, TaskEvent>();

/** What a task does about its attempts. */
export const attemptActions = {
  begin: enqueueActions(({ enqueue, context }) => {
    // Of a known outcome nothing begins: it is only published.
    if (context.completion !== undefined) return;
    if (onlyAdds(context))
      return fact(enqueue, 'task_started', { ...about(context), attempt: 0, ...context.known.facts });
    const attempt = (context.repeatOf ?? null) === null ? context.attempt + 1 : context.attempt;
    // What an earlier attempt ended with is over.
    enqueue.assign({ attempt, held: true, error: null, consequence: 'none' });
    // A wait is no call: its time is kept across downtime (R10), by timers of its own.
    if (context.call.kind === 'wait') return;
    armTimeout(enqueue, context);
    fact(enqueue, 'task_started', { ...about(context), attempt, ...context.known?.facts });
  }),
  // The call begins anew after a crash, and so does its time (R10): the old date may lie in the downtime.
  restartTimeout: enqueueActions(({ enqueue, context }) => {
    enqueue.cancel('attemptTimeout');
    armTimeout(enqueue, context);
  }),
  keepTimeout: assign({ error: ({ context }) => timeoutError(context), consequence: 'fail' }),
  keepError: assign({ error: ({ event }) => errorOf(event), consequence: 'fail' }),
  backOff: enqueueActions(({ enqueue, context, event }) => {
    const { attempt, error } = context;
    const delay = backoffMs(retryOf(context), attempt, seedOf(context, event), error?.retryAfterMs);
    enqueue.raise({ type: 'fermata.task.backoffOver' }, { id: 'backoff', delay });
    fact(enqueue, 'task_retrying', {
      ...about(context),
      attempt: context.attempt,
      error: context.error,
      delaySeconds: delay / 1_000,
    });
  }),
  stateDoubt: enqueueActions(({ enqueue, context }, { id, policy }: { id: string; policy: InDoubtPolicy }) => {
    const call = isFunctionCall(id) ? { call: id } : {};
    fact(enqueue, 'task_in_doubt', { ...about(context), attempt: context.attempt, policy, ...call });
  }),
  stateProgress: enqueueActions(({ enqueue, context, event }) => {
    if (event.type !== 'task.progress') return;
    fact(enqueue, 'progress', {
      ...about(context),
      percent: event.percent,
      ...(event.note === undefined ? {} : { note: event.note }),
    });
  }),
};

/** What a task has taken too long for. */
export function timeoutError(context: TaskContext): ErrorData {
  const what =
    spreads(context) || context.call.kind === 'planExecuteReflect' || context.call.kind === 'subworkflow'
      ? `Task "${context.name}"`
      : `Attempt ${context.attempt} of task "${context.name}"`;
  // Another attempt forgets them: what they consumed is told with this one.
  const usage = (context.outcome ?? null) === null ? answeredUsage(context.functionCalls) : undefined;
  return {
    code: 'taskTimedOut',
    retry: 'backoff',
    message: `${what} took longer than ${(context.timeoutMs ?? 0) / 1_000} s. Raise timeoutSeconds if that is not enough.`,
    ...(usage === undefined ? {} : { data: { usage } }),
  };
}

/** How often it is tried. */
export function retryOf({ retry = DEFAULT_RETRY }: TaskContext): RetryPolicy {
  return retry;
}

/** A call's time ends with the process, as the call does; what waits for longer keeps its date (R10). */
function armTimeout(enqueue: { raise: unknown }, { timeoutMs, call, attempt }: TaskContext): void {
  if (timeoutMs === undefined) return;
  // Of all its attempts together: it goes on while the task backs off.
  if (call.kind === 'subworkflow' && attempt > 0) return;
  const raise = enqueue.raise as (event: object, options: { readonly id: string; readonly delay: number }) => void;
  if (call.kind === 'map' || call.kind === 'reduce' || call.kind === 'planExecuteReflect')
    raise({ type: 'fermata.task.timedOut' }, { id: 'timeout', delay: timeoutMs });
  else if (call.kind === 'subworkflow') raise({ type: 'fermata.task.timedOut' }, { id: 'deadline', delay: timeoutMs });
  else raise({ type: 'fermata.task.attemptTimedOut' }, { id: 'attemptTimeout', delay: timeoutMs });
}

function seedOf({ seed, name }: TaskContext, event: { readonly type: string }): string {
  return (event as { readonly prepared?: FailedAttempt }).prepared?.seed ?? seed ?? name;
}
