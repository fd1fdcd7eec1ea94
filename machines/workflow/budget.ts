/** The budget of a run: begun with it, asked by its tasks, and the end of the run where nothing is left of it. */
import type { ErrorActorEvent } from 'xstate';
import { BUDGET, BUDGET_ADDRESS } from '../../src/document/budget.ts';
import type { ErrorData } from '../../src/errors.ts';
import { actionCreators } from '../action-creators.ts';
import type { ChildEnded } from '../../src/runtime/parent.ts';
import type { BudgetInput } from '../budget.ts';
import { send, type Enqueue } from '../reserved.ts';
import type { WorkflowContext } from './context.ts';
import { beginEnding } from './ending.ts';
import { stepOf, type WorkflowEvent } from './events.ts';

const { enqueueActions } = actionCreators<WorkflowContext, WorkflowEvent>();

/** Its budget begins before any of its tasks does. */
export function beginBudget(
  enqueue: { spawnChild(src: 'budget', options: { readonly id: string; readonly input: BudgetInput }): void },
  { budget }: WorkflowContext,
): void {
  if (budget !== undefined) enqueue.spawnChild('budget', { id: BUDGET, input: budget });
}

/** A task has ended, and whoever has to end with it was told so: what it has left over may be shared. */
export function shareRest(enqueue: Enqueue, { budget }: Pick<WorkflowContext, 'budget'>, hasEndedBadly: boolean): void {
  if (budget !== undefined && hasEndedBadly) send(enqueue, BUDGET_ADDRESS, { type: 'fermata.budget.release' });
}

/** True for the end of a run that this one waited for, on a budget that pays for this one, too. */
export function isOverHere({ budget, ending }: WorkflowContext, { runId, status, reason }: ChildEnded): boolean {
  const { code, data } = (reason ?? {}) as Partial<ErrorData>;
  const over = data?.['budget'];
  if (ending !== null || status !== 'cancelled' || code !== 'budgetExceeded' || typeof over !== 'string') return false;
  // One of a run that is not its own is that of a run above it.
  if (over.startsWith('run:')) return over !== `run:${runId}`;
  return budget?.upstreams?.some(({ id }) => `budget:${over}` === id || `budget:${over}`.startsWith(`${id}:`)) === true;
}

/** What a run does about its budget. */
export const budgetActions = {
  budgetOver: enqueueActions(({ enqueue, context, event }) => {
    if (event.type !== 'fermata.budget.over' || context.ending !== null) return;
    enqueue.assign(beginEnding(context, { status: 'cancelled', reason: event.error }, stepOf(event), enqueue));
  }),
  // What a budget of several runs says: messages come to the root of a run.
  tellBudget: enqueueActions(({ enqueue, event }) => {
    const { type, ...said } = event;
    if (type.startsWith('fermata.upstream.')) send(enqueue, BUDGET_ADDRESS, { ...said, type });
  }),
  budgetBroke: enqueueActions(({ enqueue, context, event }) => {
    const { error } = event as ErrorActorEvent<Partial<ErrorData>>;
    const message = `Nobody knows any more what its calls may spend: ${error?.message ?? JSON.stringify(error)}`;
    const reason: ErrorData = { code: error?.code ?? 'actorFailed', message };
    if (context.ending === null)
      enqueue.assign(beginEnding(context, { status: 'failed', reason }, stepOf(event), enqueue));
  }),
};
