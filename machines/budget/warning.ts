/** When people are warned of what a run has spent: once, whether it knows that by itself or hears it of all that it has begun. */
import { dollarsOf } from '../../src/cost/money.ts';
import { actionCreators } from '../action-creators.ts';
import type { BudgetContext, BudgetEvent } from '../budget.ts';
import { fact, type Enqueue } from '../reserved.ts';

const { enqueueActions } = actionCreators<BudgetContext, BudgetEvent>();

/** What people are told. */
export interface CostWarning {
  readonly costDollars: number;
  readonly warnAtDollars: number;
  readonly maxCostDollars?: number;
}

/** What it does. */
export const warningActions = {
  warn: enqueueActions(({ enqueue, context }) => {
    const { settled } = context;
    const { warnAt, limit } = boundsOf(context);
    if (warnAt === undefined || settled < warnAt) return;
    warnOnce(enqueue as never, context, {
      costDollars: dollarsOf(settled),
      warnAtDollars: dollarsOf(warnAt),
      ...(limit === undefined ? {} : { maxCostDollars: dollarsOf(limit) }),
    });
  }),
  // The budget of a run with all that it begins is kept elsewhere, and those who watch the run watch nothing else.
  warnOfAll: enqueueActions(({ enqueue, context, event }) => {
    if (event.type !== 'fermata.upstream.warned') return;
    const { costDollars, warnAtDollars, maxCostDollars } = event;
    const most = maxCostDollars === undefined ? {} : { maxCostDollars };
    warnOnce(enqueue as never, context, { costDollars, warnAtDollars, ...most });
  }),
};

function warnOnce(
  enqueue: Enqueue & { assign(change: Pick<BudgetContext, 'warned'>): void },
  { warned }: BudgetContext,
  warning: CostWarning,
): void {
  if (warned === true) return;
  fact(enqueue, 'cost_warning', { ...warning });
  enqueue.assign({ warned: true });
}

/** Its own bounds, wherever they are kept. */
function boundsOf({ above, ...own }: BudgetContext): Pick<BudgetContext, 'limit' | 'warnAt'> {
  return above?.upstreams.find(({ id }) => id === `budget:run:${above.run}`) ?? own;
}
