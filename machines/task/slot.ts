/** The slot of `breadth` that a task holds while it runs. */
import { actionCreators } from '../action-creators.ts';
import { about, type TaskContext } from './context.ts';
import type { TaskEvent } from './events.ts';

const { enqueueActions, sendParent } = actionCreators<TaskContext, TaskEvent>();

/** What a task tells its run about the slot that it holds, or wants. */
export const slotActions = {
  park: enqueueActions(({ enqueue, context }) => {
    if (context.held) enqueue.sendParent({ type: 'fermata.task.parked', task: context.name });
    enqueue.assign({ held: false });
  }),
  askForSlot: sendParent(({ context }) => ({ type: 'fermata.task.wantsSlot', ...about(context) })),
};
