/** The slots of a run, `breadth` of them: who gets one, who gives one back. */
import { actionCreators } from '../action-creators.ts';
import { fact, send, spawn, type Enqueue } from '../reserved.ts';
import type { WorkflowContext } from './context.ts';
import { stepOf, type WorkflowEvent } from './events.ts';
import { handOver } from './outside-events.ts';
import type { PreparedStep } from './prepared.ts';

const { enqueueActions } = actionCreators<WorkflowContext, WorkflowEvent>();

/** Gives free slots to candidates. */
export function admit(
  context: WorkflowContext,
  prepared: PreparedStep | undefined,
  enqueue: Enqueue,
): Partial<WorkflowContext> {
  let { active, parked, nextRoot } = context;
  for (const { name, live, root } of prepared?.candidates ?? []) {
    if (active >= context.breadth) break;
    active++;
    if (root !== undefined) nextRoot = root + 1;
    if (live) {
      parked--;
      send(enqueue, name, { type: 'fermata.task.admitted' });
    } else {
      spawn(enqueue, name, 'task', { name });
    }
  }
  return { active, parked, nextRoot };
}

/** The tasks that were told to go on, once `name` has said what comes next. Given only where that changes: it is in every snapshot. */
export function heardFrom(
  { told }: WorkflowContext,
  name: string,
  more: readonly string[] = [],
): Pick<WorkflowContext, 'told'> {
  const left = [...(told ?? []).filter((other) => other !== name), ...more];
  return left.length === 0 && (told ?? []).length === 0 ? {} : { told: left };
}

/** What a run does about its slots. */
export const slotActions = {
  taskParked: enqueueActions(({ enqueue, context, event }, { admitting }: { admitting: boolean }) => {
    if (event.type !== 'fermata.task.parked') return;
    const counted = { ...context, active: context.active - 1, parked: context.parked + 1 };
    const kept = stepOf(event)?.kept;
    handOver(event.task, kept, enqueue);
    enqueue.assign({
      ...counted,
      // What it waits for is there, so that it goes on at once.
      ...(kept?.taken === undefined ? {} : heardFrom(context, event.task, [event.task])),
      ...(admitting && context.ending === null ? admit(counted, stepOf(event), enqueue) : {}),
    });
  }),
  taskWantsSlot: enqueueActions(({ enqueue, context, event }, { admitting }: { admitting: boolean }) => {
    if (event.type !== 'fermata.task.wantsSlot' || context.ending !== null) return;
    const heard = heardFrom(context, event.task);
    if (admitting && context.active < context.breadth) {
      send(enqueue, event.task, { type: 'fermata.task.admitted' });
      enqueue.assign({ active: context.active + 1, parked: context.parked - 1, ...heard });
    } else {
      fact(enqueue, 'task_queued', { task: event.task, description: event.description });
      enqueue.assign(heard);
    }
  }),
  taskJoins: enqueueActions(({ enqueue, context, event }, { admitting }: { admitting: boolean }) => {
    if (event.type !== 'fermata.task.joins' || context.ending !== null) return;
    const admitted = admitting ? admit(context, stepOf(event), enqueue) : {};
    enqueue.assign({ ...admitted, ...heardFrom(context, event.task) });
  }),
  admitAgain: enqueueActions(({ enqueue, context, event }) => {
    if (context.ending === null) enqueue.assign(admit(context, stepOf(event), enqueue));
  }),
};
