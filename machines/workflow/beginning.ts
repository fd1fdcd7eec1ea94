/** A run begins. */
import { actionCreators } from '../action-creators.ts';
import { fact } from '../reserved.ts';
import type { WorkflowContext, WorkflowInput } from './context.ts';
import type { WorkflowEvent } from './events.ts';
import { beginSharing, takeOverShared } from './sharing.ts';
import { admit } from './slots.ts';

const { enqueueActions } = actionCreators<WorkflowContext, WorkflowEvent>();

/** What a run does that begins. */
export const beginActions = {
  begin: enqueueActions(({ enqueue, context, event }) => {
    const { workflow, version, total, timeoutMs, forkedFrom, parent } = context;
    fact(enqueue, 'run_started', {
      workflow,
      version,
      total,
      ...(forkedFrom === undefined ? {} : { forkedFrom }),
      ...(parent === undefined ? {} : { parent }),
    });
    if (timeoutMs !== undefined) enqueue.raise({ type: 'fermata.runTimedOut' }, { id: 'runTimeout', delay: timeoutMs });
    const { prepared } = (event as { input?: WorkflowInput }).input ?? {};
    if (prepared?.takesOver === true) takeOverShared(enqueue as never, context);
    else if (prepared?.shares === true) beginSharing(enqueue as never, context);
    enqueue.assign(admit(context, prepared, enqueue));
  }),
};
