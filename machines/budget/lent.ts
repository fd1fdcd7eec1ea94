/** What the budget of a run does about those above it: it asks them, keeps what they lend, and gives it back. */
import {
  idOn,
  isAnswered,
  leftBy,
  lentTo,
  paidAbove,
  recalled,
  tidied,
  withoutAsking,
  type Standing,
} from '../../src/cost/borrowing.ts';
import type { NanoDollars } from '../../src/cost/money.ts';
import { grantOf, inDollars, needWithin, type BudgetSums, type CallNeed } from '../../src/cost/reservation.ts';
import type { ErrorData } from '../../src/errors.ts';
import { actionCreators } from '../action-creators.ts';
import type { BudgetContext, BudgetEvent, Need } from '../budget.ts';
import { send, type Enqueue } from '../reserved.ts';

const { assign, enqueueActions } = actionCreators<BudgetContext, BudgetEvent>();

/** How long nothing may be under way until what is lent goes back: the next step of a chain begins within that. */
const IDLE_MS = 1_000;

/** What is asked of XState's `enqueue`. */
interface Enqueuing {
  assign(change: Pick<BudgetContext, 'above'>): void;
  raise(
    event: { readonly type: 'fermata.budget.idle' },
    options: { readonly id: string; readonly delay: number },
  ): void;
  cancel(id: string): void;
}

/** Its own sums: without a limit nothing of its own bounds it. */
export function ownSums({ limit = Infinity, settled, reserved }: BudgetContext): BudgetSums {
  return { limit, settled, reserved };
}

/** The date of an event; empty where there are no budgets above. */
export function dateOf({ prepared }: { readonly prepared?: { readonly on?: string } | undefined }): string {
  return prepared?.on ?? '';
}

/** How much a call gets now, of its own budget and of those above; undefined where it waits. */
export function nanosFor(call: Need, context: BudgetContext, on: string): NanoDollars | undefined {
  const own = grantOf(call, ownSums(context));
  if (own === undefined || context.above === undefined) return own;
  return paidAbove(context.above, on, needOfOne(call, own));
}

/** What is asked of those above for a call that gets so much of its own budget. */
function needOfOne({ need, least, lesser }: CallNeed, own: NanoDollars): CallNeed {
  return needWithin({ need, least, ...(lesser === undefined ? {} : { lesser }) }, own);
}

/**
 * Asks those above for the call that is next, and gives back what is not needed.
 *
 * @param context as it stands after the event
 */
export function askAbove(
  enqueue: Enqueue & Enqueuing,
  context: BudgetContext,
  event: BudgetEvent,
  {
    head,
    idle = false,
    closed = false,
  }: Partial<Pick<Standing, 'idle' | 'closed'>> & { readonly head?: Need | undefined } = {},
): void {
  if (context.above === undefined) return;
  const { waiting, reserved } = context;
  const own = head && grantOf(head, ownSums(context));
  const next = head && own !== undefined ? needOfOne(head, own) : undefined;
  const standing = { on: dateOf(event), waiting, head: next, idle, closed };
  const { above, said } = tidied(context.above, standing);
  for (const { run, event: told } of said) send(enqueue, { run }, { ...told });
  enqueue.assign({ above });
  const rests = waiting === 0 && reserved === 0 && above.blocks.length > 0 && !idle && !closed;
  if (rests) enqueue.raise({ type: 'fermata.budget.idle' }, { id: 'idle', delay: IDLE_MS });
  else enqueue.cancel('idle');
}

/** True where a budget above has nothing left for the call that needs the least. */
export function isOverAbove({ above, held, ...context }: BudgetContext, event: BudgetEvent): boolean {
  if (event.type !== 'fermata.upstream.over' || above === undefined || !isAnswered(above, event.from)) return false;
  const { limit, settled, lent } = event;
  const on = dateOf(event);
  // A day that is over has nothing to say about the next one.
  if (held === true || !above.upstreams.some((upstream) => idOn(upstream, on) === event.from)) return false;
  const next = event.prepared?.waiting.find((call) => grantOf(call, ownSums(context)) !== undefined);
  return next !== undefined && next.least > (limit ?? Infinity) - settled - lent;
}

/** What it does. */
export const lentActions = {
  keepLent: assign(({ context: { above }, event }) =>
    event.type === 'fermata.upstream.granted' && above !== undefined ? { above: lentTo(above, event) } : {},
  ),
  keepRecall: assign(({ context: { above }, event }) =>
    event.type === 'fermata.upstream.recall' && above !== undefined ? { above: recalled(above, event.from) } : {},
  ),
  keepLeft: assign(({ context: { above }, event }) =>
    event.type === 'fermata.upstream.left' && above !== undefined ? { above: leftBy(above, event.from) } : {},
  ),
  keepAnswer: assign(({ context: { above }, event }) =>
    event.type === 'fermata.upstream.over' && above !== undefined && isAnswered(above, event.from)
      ? { above: withoutAsking(above) }
      : {},
  ),
  giveBack: enqueueActions(({ enqueue, context, event }, given: Partial<Pick<Standing, 'idle' | 'closed'>>) =>
    askAbove(enqueue as never, context, event, given),
  ),
  exceedAbove: enqueueActions(({ enqueue, event }) => {
    if (event.type !== 'fermata.upstream.over') return;
    const { from, limit, settled } = event;
    const budget = from.slice('budget:'.length);
    const message = `${nameOf(from)}, ${inDollars(limit ?? 0)}, is used up: ${inDollars(settled)} are spent, and what is left is too little for any call that waits. What was found so far is kept. Retry the run when there is more: it goes on from here.`;
    const error: ErrorData = { code: 'budgetExceeded', message, retry: 'never', data: { budget } };
    enqueue.assign({ error });
  }),
};

/** A shared budget, for people. */
function nameOf(id: string): string {
  const [, kind, name = '', period] = id.split(':');
  if (kind === 'day') return `The budget of the day ${name} (UTC)`;
  if (kind === 'run') return `The budget of run ${name} and of all that it began`;
  const workflow = `The budget of the workflow "${decodeURIComponent(name)}"`;
  return period === undefined ? workflow : `${workflow} for ${period} (UTC)`;
}
