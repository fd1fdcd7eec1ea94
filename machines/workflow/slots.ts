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
      spawn(enqueue, name, 'task', { name, ...(context.budget === undefined ? {} : { budgeted: true }) });
    }
  }
  return { active, parked, nextRoot };
}

/**
 * The tasks that were told to go on or to stop, once `name` (where one has) has said what comes next and `more` are told.
 * Given only where that changes: it is in every snapshot.
 */
export function heardFrom(
  { unheard = [] }: WorkflowContext,
  name: string | undefined,
  more: readonly string[] = [],
): Pick<WorkflowContext, 'unheard'> {
  const left = [...unheard.filter((other) => other !== name), ...more];
  return left.length === 0 && unheard.length === 0 ? {} : { unheard: left };
}

/** Of tasks that are told to stop the last one: they end in this order, so that with its end all are heard of. */
export function lastOf(stopped: readonly string[]): readonly string[] {
  return stopped.slice(-1);
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
