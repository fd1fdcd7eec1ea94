/** Events from outside: a task that waits takes one, or it is kept for one to come. */
import { actionCreators } from '../action-creators.ts';
import { fact, send, type Enqueue } from '../reserved.ts';
import type { WorkflowContext } from './context.ts';
import type { WorkflowEvent } from './events.ts';
import type { FilterFailure, PreparedStep } from './prepared.ts';

const { enqueueActions } = actionCreators<WorkflowContext, WorkflowEvent>();

/** Gives a task that begins to wait what was kept for it. */
export function handOver(task: string, kept: PreparedStep['kept'], enqueue: Enqueue): void {
  stateFailures(kept?.failures ?? [], enqueue);
  if (kept?.taken === undefined) return;
  const { event, seq } = kept.taken;
  send(enqueue, task, { type: 'fermata.task.event', event, keptEvent: seq });
}

function stateFailures(failures: readonly FilterFailure[], enqueue: Enqueue): void {
  for (const failure of failures) fact(enqueue, 'event_refused', { ...failure });
}

/** What a run does about an event from outside. */
export const outsideEventActions = {
  eventCame: enqueueActions(({ enqueue, event }) => {
    if (event.type !== 'fermata.outside') return;
    const { event: given, takenBy, failures } = event;
    stateFailures(failures, enqueue);
    if (takenBy !== undefined) send(enqueue, takenBy, { type: 'fermata.task.event', event: given });
    else fact(enqueue, 'event_kept', { eventType: given.type, event: given });
  }),
};
