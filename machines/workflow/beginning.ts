/** A run begins. */
import { dollarsOf } from '../../src/cost/money.ts';
import { actionCreators } from '../action-creators.ts';
import { fact } from '../reserved.ts';
import { beginBudget } from './budget.ts';
import type { WorkflowContext, WorkflowInput } from './context.ts';
import type { WorkflowEvent } from './events.ts';
import { beginSharing, takeOverShared } from './sharing.ts';
import { admit } from './slots.ts';

const { enqueueActions } = actionCreators<WorkflowContext, WorkflowEvent>();

/** What a run does that begins. */
export const beginActions = {
  begin: enqueueActions(({ enqueue, context, event }) => {
    const { workflow, version, total, timeoutMs, budget, forkedFrom, parent } = context;
    const { limit } = budget?.tree ?? budget ?? {};
    const { prepared, estimate } = (event as { input?: WorkflowInput }).input ?? {};
    fact(enqueue, 'run_started', {
      workflow,
      version,
      total,
      ...(limit === undefined ? {} : { maxCostDollars: dollarsOf(limit) }),
      ...(budget?.upstreams === undefined
        ? {}
        : { budgets: budget.upstreams.map(({ id }) => id.slice('budget:'.length)) }),
      ...(forkedFrom === undefined ? {} : { forkedFrom }),
      ...(parent === undefined ? {} : { parent }),
      ...(estimate === undefined ? {} : { estimate }),
    });
    if (timeoutMs !== undefined) enqueue.raise({ type: 'fermata.runTimedOut' }, { id: 'runTimeout', delay: timeoutMs });
    beginBudget(enqueue as never, context);
    if (prepared?.takesOver === true) takeOverShared(enqueue as never, context);
    else if (prepared?.shares === true) beginSharing(enqueue as never, context);
    enqueue.assign(admit(context, prepared, enqueue));
  }),
};
