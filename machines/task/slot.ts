/** The slot of `breadth` that a task holds while it runs. */
import { actionCreators } from '../action-creators.ts';
import { fact } from '../reserved.ts';
import { about, type TaskContext } from './context.ts';
import type { TaskEvent } from './events.ts';
import { eventTaken } from './outcome.ts';

const { enqueueActions, sendParent } = actionCreators<TaskContext, TaskEvent>();

/** Tasks have joined the run for it: they may begin, and it holds no slot while it waits for them. */
export function letGo(
  enqueue: {
    sendParent(event: { readonly type: string; readonly task: string }): void;
    assign(change: { readonly held: false }): void;
  },
  { held, name }: TaskContext,
): void {
  enqueue.sendParent({ type: held ? 'fermata.task.parked' : 'fermata.task.joins', task: name });
  enqueue.assign({ held: false });
}

/** What a task tells its run about the slot that it holds, or wants. */
export const slotActions = {
  park: enqueueActions(({ enqueue, context }) => {
    if (context.held) enqueue.sendParent({ type: 'fermata.task.parked', task: context.name });
    enqueue.assign({ held: false });
  }),
  admitAdded: enqueueActions(({ enqueue, context }) => letGo(enqueue, context)),
  askForSlot: sendParent(({ context }) => ({ type: 'fermata.task.wantsSlot', ...about(context) })),
  // Said before anybody else moves: no event is to be given to it any more.
  stateWaited: enqueueActions(({ enqueue, context }) => {
    if (context.call.kind === 'wait') fact(enqueue, 'wait_ended', { ...about(context), ...eventTaken(context) });
  }),
};
