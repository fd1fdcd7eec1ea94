/** Attempts of a task: how one begins, what time it has, how long a failed one backs off, what becomes of a doubtful call. */
import type { ErrorData } from '../../src/errors.ts';
import type { InDoubtPolicy } from '../../src/runtime/effect.ts';
import { actionCreators } from '../action-creators.ts';
import { backoffMs } from '../backoff.ts';
import { fact } from '../reserved.ts';
import { assumed } from './assumed.ts';
import { retryOf } from './attempts-left.ts';
import { cutBill, factWithBill, type BilledCall } from './bill.ts';
import { errorOf } from './call-error.ts';
import { about, type TaskContext } from './context.ts';
import type { TaskEvent } from './events.ts';
import { chooses, fallsBackAtOnce } from './choosing.ts';
import { functionCallOf, isFunctionCall } from './function-calls.ts';
import { callMs } from './calls.ts';
import { asksFunction, onlyAsks } from './outcome.ts';
import type { FailedAttempt } from './prepared.ts';
import { counted, nothing, spentSoFar } from './spent.ts';

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
    enqueue.assign({ attempt, held: true, error: null, consequence: 'none', ...chooses(context) });
    armDeadline(enqueue, context);
    armAttempt(enqueue, context);
    // A wait says itself what it is for.
    if (context.call.kind === 'wait' && !onlyAsks(context)) return;
    fact(enqueue, 'task_started', { ...about(context), attempt, ...known, ...asked(context) });
  }),
  // It was called, or its work was done elsewhere, and now its function is: no other attempt.
  goOn: enqueueActions(({ enqueue, context }) => {
    enqueue.assign({ held: true });
    armAttempt(enqueue, context);
    fact(enqueue, 'task_started', { ...about(context), attempt: context.attempt, ...asked(context) });
  }),
  // The call begins anew after a crash, and so does its time (R10): the old date may lie in the downtime.
  stopTimeout: enqueueActions(({ enqueue }) => enqueue.cancel('attemptTimeout')),
  restartTimeout: enqueueActions(({ enqueue, context }) => {
    enqueue.cancel('attemptTimeout');
    armAttempt(enqueue, context);
  }),
  keepTimeout: assign(({ context, event }) => ({
    error: timeoutError(context, event),
    consequence: 'fail' as const,
    ...counted(context),
  })),
  keepError: assign(({ context, event }) => ({
    error: errorOf(event),
    consequence: 'fail' as const,
    ...nothing(context),
  })),
  backOff: enqueueActions(({ enqueue, context, event }) => {
    const { attempt, error } = context;
    const delay = fallsBackAtOnce(context)
      ? 0
      : backoffMs(retryOf(context), attempt, seedOf(context, event), error?.retryAfterMs);
    enqueue.raise({ type: 'fermata.task.backoffOver' }, { id: 'backoff', delay });
    factWithBill(enqueue as never, context, 'task_retrying', {
      ...about(context),
      attempt: context.attempt,
      error: context.error,
      delaySeconds: delay / 1_000,
    });
  }),
  stateDoubt: enqueueActions(({ enqueue, context }, { id, policy }: { id: string; policy: InDoubtPolicy }) => {
    const call = isFunctionCall(id) ? { call: id } : {};
    const bill = [...(context.bill ?? []), ...doubtful(context, id)];
    const stated = { ...context, bill };
    factWithBill(enqueue as never, stated, 'task_in_doubt', {
      ...about(context),
      attempt: context.attempt,
      policy,
      ...call,
    });
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

/** The request of a call that a crash has cut off: it may have been made, and may be paid for. */
function doubtful(context: TaskContext, id: string): readonly BilledCall[] {
  const { call, consumed, granted } = context;
  const asked = functionCallOf(context, id);
  if (asked?.asks !== undefined) return assumed(cutBill(asked.place, asked.asks, asked.consumed), asked.granted);
  return id === 'call' && call.kind === 'model' ? assumed(cutBill('call', call, consumed), granted) : [];
}

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
  // Whatever comes next, what its calls consumed is told with this.
  const usage = spentSoFar(context);
  return { code: 'taskTimedOut', retry: 'backoff', message, ...(usage === undefined ? {} : { data: { usage } }) };
}

/** What a fact says that begins a function which is to say what the task adds. */
function asked(context: TaskContext): { readonly asks?: string | undefined } {
  return onlyAsks(context) ? { asks: context.addTasks } : {};
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
