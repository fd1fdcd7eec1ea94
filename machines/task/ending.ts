/** How a task ends otherwise than by completing, and what is stated of it. */
import { actionCreators } from '../action-creators.ts';
import { fact } from '../reserved.ts';
import { factWithBill } from './bill.ts';
import { about, type TaskContext, type TaskOutput } from './context.ts';
import type { TaskEvent } from './events.ts';
import { eventTaken, FORGOTTEN } from './outcome.ts';
import { spentInVain } from './spent.ts';

const { assign, enqueueActions } = actionCreators<TaskContext, TaskEvent>();

/** What a task does that ends. */
export const endActions = {
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
    factWithBill(enqueue as never, context, type, {
      ...about(context),
      status,
      attempt: context.attempt,
      ...(usage === undefined ? {} : { usage }),
      ...(status === 'cancelled' ? { reason: context.error?.message } : { error: context.error }),
      ...(status === 'cancelled' && context.because !== undefined ? { because: context.because } : {}),
      ...(context.stopped === undefined ? {} : { condition: context.stopped }),
      ...eventTaken(context),
    });
    if ((context.outcome ?? null) !== null) enqueue.assign(FORGOTTEN);
  }),
  keepCancel: assign(({ event }) => {
    const { reason = 'Cancelled.', because } = event.type === 'fermata.cancel' ? event : {};
    return {
      error: { code: 'cancelled', message: reason, retry: 'never' as const },
      consequence: 'fail' as const,
      ...(because === undefined ? {} : { because }),
    };
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
