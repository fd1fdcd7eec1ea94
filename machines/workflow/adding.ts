/** Tasks join a run that a task adds: the items of a map, what a model or a function wrote, the tasks of a round. */
import { actionCreators } from '../action-creators.ts';
import { fact, send } from '../reserved.ts';
import type { WorkflowContext } from './context.ts';
import type { WorkflowEvent } from './events.ts';
import { beginSharing } from './sharing.ts';
import { stateSkipped } from './task-ends.ts';

const { enqueueActions } = actionCreators<WorkflowContext, WorkflowEvent>();

/** What a run does about tasks that join it. */
export const addingActions = {
  taskAdds: enqueueActions(({ enqueue, context, event }) => {
    if (event.type !== 'fermata.task.adds') return;
    const { task, description, items, prepared: { additions, concurrency, shares } = {} } = event;
    if (context.ending !== null) return;
    if (shares === true) beginSharing(enqueue as never, context);
    if (items !== undefined) {
      // One that was cancelled while this was on its way needs none.
      if (concurrency === undefined) return;
      fact(enqueue, 'task_added', { task, description, position: context.total, items, concurrency });
      enqueue.assign({ total: context.total + items.length });
      return;
    }
    if (additions === undefined) return;
    if ('refused' in additions) {
      send(enqueue, task, { type: 'fermata.task.refused', error: additions.refused });
      return;
    }
    const { tasks, skip, warning } = additions;
    for (const [at, { spec, depth, join }] of tasks.entries()) {
      const { name, description: own = name } = spec;
      const position = context.total + at;
      fact(enqueue, 'task_added', { task: name, description: own, parent: task, position, depth, join, spec });
    }
    for (const { name, because } of skip) stateSkipped(enqueue, { task: name, because });
    enqueue.assign({ total: context.total + tasks.length, settled: context.settled + skip.length });
    send(enqueue, task, {
      type: 'fermata.task.added',
      count: tasks.length,
      ...(skip.length === 0 ? {} : { skipped: skip.length }),
      ...(warning === undefined ? {} : { warning }),
    });
  }),
};
