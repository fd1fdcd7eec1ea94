/** Runs that tasks of a run wait for: their ends are passed on, and they pause along. */
import { actionCreators } from '../action-creators.ts';
import type { ErrorData } from '../../src/errors.ts';
import { send } from '../reserved.ts';
import { isOverHere } from './budget.ts';
import { beginEnding } from './ending.ts';
import type { WorkflowContext } from './context.ts';
import { stepOf, type WorkflowEvent } from './events.ts';

const { enqueueActions } = actionCreators<WorkflowContext, WorkflowEvent>();

/** What a run does about the runs of its tasks. */
export const childRunActions = {
  childEnded: enqueueActions(({ enqueue, context, event }) => {
    if (event.type !== 'fermata.childEnded') return;
    const { task, prepared: _, ...end } = event;
    send(enqueue, task, { ...end, type: 'fermata.task.childEnded' });
    if (isOverHere(context, event)) {
      const reason = event.reason as ErrorData;
      enqueue.assign(beginEnding(context, { status: 'cancelled', reason }, stepOf(event), enqueue, task));
    }
  }),
  childProgressed: enqueueActions(({ enqueue, event }) => {
    if (event.type !== 'fermata.childProgressed') return;
    const { task, attempt, progress } = event;
    send(enqueue, task, { type: 'fermata.task.childProgressed', attempt, percent: progress });
  }),
  passOn: enqueueActions(({ enqueue, event }, { type }: { type: 'fermata.task.pause' | 'fermata.task.resume' }) => {
    for (const name of stepOf(event)?.parents ?? []) send(enqueue, name, { type });
  }),
};
