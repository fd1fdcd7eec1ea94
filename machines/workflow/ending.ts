/** A run ends: it is told to, or something has gone wrong; what is alive is stopped, and what it came to is stated. */
import { BUDGET_ADDRESS } from '../../src/document/budget.ts';
import type { ErrorData } from '../../src/errors.ts';
import { actionCreators } from '../action-creators.ts';
import { fact, send, type Enqueue } from '../reserved.ts';
import type { Ending, WorkflowContext } from './context.ts';
import { stepOf, type WorkflowEvent } from './events.ts';
import type { PreparedStep } from './prepared.ts';

const { enqueueActions } = actionCreators<WorkflowContext, WorkflowEvent>();

/** From now on the run only ends: nothing more begins, and what is alive is told to stop. */
export function beginEnding(
  { budget }: Pick<WorkflowContext, 'budget'>,
  ending: Ending,
  prepared: PreparedStep | undefined,
  enqueue: Enqueue,
  except?: string,
): Partial<WorkflowContext> {
  // Nobody gets anything any more: else each task that is told to stop would make room for one that is told next.
  if (budget !== undefined) send(enqueue, BUDGET_ADDRESS, { type: 'fermata.budget.close' });
  for (const name of prepared?.live ?? []) {
    if (name === except) continue;
    const reason = ending.status === 'cancelled' ? ending.reason.message : `The run ended: ${ending.reason.message}`;
    send(enqueue, name, { type: 'fermata.cancel', reason });
  }
  return { ending };
}

/** What a run does that ends. */
export const endActions = {
  cancelRun: enqueueActions(({ enqueue, event, context }) => {
    if (event.type !== 'fermata.cancel' || context.ending !== null) return;
    enqueue.assign(
      beginEnding(
        context,
        { status: 'cancelled', reason: { code: 'cancelled', message: event.reason ?? 'Cancelled.' } },
        event.prepared,
        enqueue,
      ),
    );
  }),
  timeOut: enqueueActions(({ enqueue, event, context }) => {
    if (context.ending !== null) return;
    const message = `The run took longer than ${(context.timeoutMs ?? 0) / 1_000} s. Raise config.timeoutSeconds if that is not enough.`;
    const reason: ErrorData = { code: 'runTimedOut', message };
    enqueue.assign(beginEnding(context, { status: 'failed', reason }, stepOf(event), enqueue));
  }),
  stateCompleted: enqueueActions(({ enqueue, context }) => {
    fact(enqueue, 'run_completed', { output: context.output });
  }),
  stateFailed: enqueueActions(({ enqueue, context }) => {
    fact(enqueue, 'run_failed', { error: context.ending?.reason });
  }),
  stateCancelled: enqueueActions(({ enqueue, context }) => {
    fact(enqueue, 'run_cancelled', { reason: context.ending?.reason });
  }),
};
