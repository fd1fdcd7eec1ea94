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
import { callMs } from './calls.ts';
import { asksFunction, hasOutcome } from './outcome.ts';
import type { FailedAttempt } from './prepared.ts';
import { answeredUsage } from './spent.ts';

const { assign, enqueueActions } = actionCreators<TaskContext, TaskEvent>();

/** What a task does about its attempts. */
export const attemptActions = {
  begin: enqueueActions(({ enqueue, context }) => {
    const known = context.known === true ? context.outcome?.facts : undefined;
    // Of a known outcome nothing begins: it is only said, with the tasks that it adds.
    if (known !== undefined && !asksFunction(context)) {
      if (context.addTasks !== undefined) fact(enqueue, 'task_started', { ...about(context), attempt: 0, ...known });
      return;
    }
    const attempt = (context.repeatOf ?? null) === null ? context.attempt + 1 : context.attempt;
    // What an earlier attempt ended with is over.
    enqueue.assign({ attempt, held: true, error: null, consequence: 'none' });
    armDeadline(enqueue, context);
    armAttempt(enqueue, context);
    // A wait says itself what it is for.
    if (context.call.kind === 'wait' && !hasOutcome(context)) return;
    fact(enqueue, 'task_started', { ...about(context), attempt, ...known, ...asked(context) });
  }),
  // It was called, or its work was done elsewhere, and now its function is: no other attempt.
  goOn: enqueueActions(({ enqueue, context }) => {
    enqueue.assign({ held: true });
    armAttempt(enqueue, context);
    fact(enqueue, 'task_started', { ...about(context), attempt: context.attempt, ...asked(context) });
  }),
  // The call begins anew after a crash, and so does its time (R10): the old date may lie in the downtime.
  restartTimeout: enqueueActions(({ enqueue, context }) => {
    enqueue.cancel('attemptTimeout');
    armAttempt(enqueue, context);
  }),
  keepTimeout: assign({ error: ({ context, event }) => timeoutError(context, event), consequence: 'fail' }),
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

/** What has taken too long: the task as a whole, or a call of it. */
function timeoutError(context: TaskContext, { type }: { readonly type: string }): ErrorData {
  const { name, attempt, addTasks, timeoutMs } = context;
  const task = JSON.stringify(name);
  const isWhole = type === 'fermata.task.timedOut';
  const ms = (isWhole ? timeoutMs : callMs(context)) ?? 0;
  const isOwn = isWhole || ms === timeoutMs;
  const what = isWhole
    ? `Task ${task}`
    : isOwn
      ? `Attempt ${attempt} of task ${task}`
      : `The function "${addTasks}", which says what task ${task} adds,`;
  const help = isOwn ? ' Raise timeoutSeconds if that is not enough.' : '';
  const message = `${what} took longer than ${ms / 1_000} s.${help}`;
  // Another attempt forgets them: what they consumed is told with this one.
  const usage = answeredUsage(context.functionCalls);
  return { code: 'taskTimedOut', retry: 'backoff', message, ...(usage === undefined ? {} : { data: { usage } }) };
}

/** How often it is tried. */
export function retryOf({ retry = DEFAULT_RETRY }: TaskContext): RetryPolicy {
  return retry;
}

/** What a fact says that begins a function which is to say what the task adds. */
function asked(context: TaskContext): { readonly asks?: string | undefined } {
  return hasOutcome(context) ? { asks: context.addTasks } : {};
}

/** XState's `enqueue`, as far as timers need it. */
type Raising = { raise: unknown };

function raise(enqueue: Raising, type: string, id: string, delay: number): void {
  (enqueue.raise as (event: object, options: object) => void)({ type }, { id, delay });
}

/** A call's time ends with the process, as the call does. */
function armAttempt(enqueue: Raising, context: TaskContext): void {
  const ms = callMs(context);
  if (ms !== undefined) raise(enqueue, 'fermata.task.attemptTimedOut', 'attemptTimeout', ms);
}

/** What takes longer keeps its date (R10): it is for all attempts together, and goes on while the task backs off. */
function armDeadline(enqueue: Raising, { timeoutMs, call, attempt }: TaskContext): void {
  if (timeoutMs === undefined || attempt > 0) return;
  if (
    call.kind === 'map' ||
    call.kind === 'reduce' ||
    call.kind === 'planExecuteReflect' ||
    call.kind === 'subworkflow'
  )
    raise(enqueue, 'fermata.task.timedOut', 'deadline', timeoutMs);
}

function seedOf({ seed, name }: TaskContext, event: { readonly type: string }): string {
  return (event as { readonly prepared?: FailedAttempt }).prepared?.seed ?? seed ?? name;
}
