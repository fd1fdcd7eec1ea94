/** How a task ends, and what is stated of it. */
import { actionCreators } from '../action-creators.ts';
import { fact, type Enqueue } from '../reserved.ts';
import type { CallOutput } from './calls.ts';
import { about, type TaskContext, type TaskOutput } from './context.ts';
import type { TaskEvent } from './events.ts';
import { spentInVain } from './spent.ts';

const { assign, enqueueActions } = actionCreators<TaskContext, TaskEvent>();

/** XState's `enqueue`, as far as a completion needs it. */
type Enqueuing = Enqueue & { assign(change: { readonly completion: Readonly<Record<string, unknown>> }): void };

/** It has completed: that is stated, or kept until its result is published. */
export function stateCompletion(
  enqueue: Enqueuing,
  { publishes }: TaskContext,
  data: Readonly<Record<string, unknown>>,
): void {
  if (publishes === true) enqueue.assign({ completion: data });
  else fact(enqueue, 'task_completed', data);
}

/** The same, of one that has called. */
export function stateCompleted(
  enqueue: Enqueuing,
  context: TaskContext,
  { value, usage, model, requestId, finishReason }: CallOutput,
  more: Readonly<Record<string, unknown>> = {},
): void {
  stateCompletion(enqueue, context, {
    ...about(context),
    result: value,
    attempt: context.attempt,
    ...context.known?.facts,
    ...more,
    ...(usage === undefined ? {} : { usage }),
    ...(model === undefined ? {} : { model }),
    ...(requestId === undefined ? {} : { requestId }),
    ...(finishReason === undefined ? {} : { finishReason }),
  });
}

/** What a task does that ends. */
export const endActions = {
  complete: enqueueActions(({ enqueue, context }, outcome: CallOutput) => stateCompleted(enqueue, context, outcome)),
  stateChoice: enqueueActions(({ enqueue, context }) => {
    const { call, attempt } = context;
    if (call.kind !== 'condition') return;
    const data = { ...about(context), result: call.decision, attempt, condition: call.found };
    stateCompletion(enqueue, context, data);
  }),
  stateSkip: enqueueActions(({ enqueue, context }) => {
    const { reason, condition, reused } = context.skip ?? {};
    fact(enqueue, 'task_skipped', {
      ...about(context),
      reason,
      ...(condition === undefined ? {} : { condition }),
      ...(reused === undefined ? {} : { reused }),
    });
  }),
  stateFailure: enqueueActions(({ enqueue, context }, { status }: { status: TaskOutput['status'] }) => {
    const type = status === 'cancelled' ? 'task_cancelled' : 'task_failed';
    const usage = spentInVain(context);
    fact(enqueue, type, {
      ...about(context),
      status,
      attempt: context.attempt,
      ...(usage === undefined ? {} : { usage }),
      ...(status === 'cancelled' ? { reason: context.error?.message } : { error: context.error }),
      ...(context.stopped === undefined ? {} : { condition: context.stopped }),
      ...context.lost,
    });
  }),
  keepCancel: assign({
    error: ({ event }) => ({
      code: 'cancelled',
      message: (event.type === 'fermata.cancel' ? event.reason : undefined) ?? 'Cancelled.',
      retry: 'never' as const,
    }),
    consequence: 'fail',
  }),
};

/** What its run is told of its end. */
export function taskOutput(context: TaskContext, { type }: { readonly type: string }): TaskOutput {
  const { name, held, consequence, error } = context;
  return { name, status: endOf(type), held, consequence, error };
}

/** XState names the final state that was reached in the event it makes the output with: `xstate.done.state.task.failed`. */
function endOf(type: string): TaskOutput['status'] {
  return type.slice(type.lastIndexOf('.') + 1) as TaskOutput['status'];
}
