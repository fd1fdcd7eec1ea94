/** What the budget of a run does with its own money: it reserves, settles, and shares what becomes free. */
import { grantedTo, reservedAbove, settledAbove } from '../../src/cost/borrowing.ts';
import { dollarsOf, type NanoDollars } from '../../src/cost/money.ts';
import { grantOf, inDollars, leftOf } from '../../src/cost/reservation.ts';
import { statedNeed } from '../../src/document/budget-need.ts';
import { actionCreators } from '../action-creators.ts';
import type { BudgetContext, BudgetEvent, BudgetFits, BudgetGranted, BudgetOver, Need } from '../budget.ts';
import { fact, send, sendTask, type Enqueue } from '../reserved.ts';
import { askAbove, dateOf, nanosFor, ownSums } from './lent.ts';

const { assign, enqueueActions } = actionCreators<BudgetContext, BudgetEvent>();

/** Address of its run. */
const ROOT = '/';

/** What it does. */
export const purseActions = {
  reserve: enqueueActions(({ enqueue, context, event }) => {
    if (event.type !== 'fermata.budget.reserve') return;
    const nanos = nanosFor(event, context, dateOf(event));
    if (nanos !== undefined) {
      const reserved = { ...context, ...reserving(context, event, nanos, dateOf(event)) };
      enqueue.assign(reserved);
      tell(enqueue, event, nanos, context.above === undefined ? undefined : dateOf(event));
      askAbove(enqueue as never, reserved, event);
      return;
    }
    wait(enqueue as never, context, event);
    askAbove(enqueue as never, { ...context, waiting: context.waiting + 1 }, event, { head: event });
  }),
  // What budgets of several runs have left is not known here. They are told what else would do, and lend for the best that fits.
  sayWhatFits: enqueueActions(({ enqueue, context, event }) => {
    if (event.type !== 'fermata.budget.ask') return;
    const kept = event.each * (event.prepared?.toCome ?? 0);
    const left = Math.min(leftOf(ownSums(context)), Number.MAX_SAFE_INTEGER);
    const fits: BudgetFits = { type: 'fermata.budget.fits', call: event.call, left, kept };
    sendTask(enqueue, event.task, { ...fits });
  }),
  letWait: enqueueActions(({ enqueue, context, event }) => {
    if (event.type === 'fermata.budget.reserve') wait(enqueue as never, context, event);
  }),
  settle: enqueueActions(({ enqueue, context, event }) => {
    if (event.type !== 'fermata.budget.settle') return;
    const { task, call, reserved, spent, on = '', last = false } = event;
    const { above } = context;
    enqueue.assign({
      settled: context.settled + spent,
      reserved: context.reserved - reserved,
      ...(above === undefined ? {} : { above: settledAbove(above, on, `${task}/${call}`, { reserved, spent }) }),
      ...((context.held ?? false) === last ? {} : { held: last }),
    });
  }),
  overcharge: enqueueActions(({ enqueue, context, event }) => {
    if (event.type !== 'fermata.budget.settle') return;
    const { task, call, reserved, spent } = event;
    fact(enqueue, 'overcharged', { task, call, reservedDollars: dollarsOf(reserved), costDollars: dollarsOf(spent) });
    const message = `The provider billed ${inDollars(spent)} for a call of task "${task}" that could cost ${inDollars(reserved)} at most. The run was stopped: ${context.limit === undefined ? 'a budget' : `its budget of ${inDollars(context.limit)}`} cannot be held with prices or token counts that are not true. Check them.`;
    enqueue.assign({ error: { code: 'overcharge', message, retry: 'never' } });
  }),
  share: enqueueActions(({ enqueue, context, event }) => {
    const waits =
      context.held === true
        ? []
        : event.prepared !== undefined && 'waiting' in event.prepared
          ? event.prepared.waiting
          : [];
    const on = dateOf(event);
    let now = context;
    let head: Need | undefined;
    for (const need of waits) {
      const nanos = nanosFor(need, now, on);
      if (nanos === undefined) {
        if (grantOf(need, ownSums(now)) !== undefined) head ??= need;
        continue;
      }
      now = { ...now, ...reserving(now, need, nanos, on), waiting: now.waiting - 1 };
      fact(enqueue, 'budget_granted', { task: need.task, call: need.call, grantedDollars: dollarsOf(nanos) });
      tell(enqueue, need, nanos, context.above === undefined ? undefined : on);
    }
    enqueue.assign({ reserved: now.reserved, waiting: now.waiting });
    askAbove(enqueue as never, now, event, { head });
  }),
  leave: enqueueActions(({ enqueue, context, event }) => {
    if (event.type !== 'fermata.budget.leave') return;
    const { task, call, need, prepared } = event;
    if (prepared?.waits === true) {
      fact(enqueue, 'budget_left', { task, call });
      enqueue.assign({ waiting: context.waiting - 1 });
      return;
    }
    const { above } = context;
    const key = `${task}/${call}`;
    const date = dateOf(event);
    // It got all that it needs, or, where nothing else was reserved, all that there was.
    const granted = above === undefined ? { nanos: need, on: date } : grantedTo(above, key, { need, on: date });
    const reserved = Math.min(granted.nanos, context.reserved);
    enqueue.assign({
      reserved: context.reserved - reserved,
      ...(above === undefined ? {} : { above: settledAbove(above, granted.on, key, { reserved, spent: 0 }) }),
    });
  }),
  release: assign(({ context }) => (context.held === true ? { held: false } : {})),
  exceed: enqueueActions(({ enqueue, context }) => {
    const { settled, limit = 0 } = context;
    const message = `The run's budget of ${inDollars(limit)} is used up: ${inDollars(settled)} are spent, and what is left is too little for any call that waits. What was found so far is kept. Retry the run, with a higher budget.maxCostDollars where a call needs more: it goes on from here.`;
    enqueue.assign({ error: { code: 'budgetExceeded', message, retry: 'never' } });
  }),
  tellOver: enqueueActions(({ enqueue, context }) => {
    if (context.error === undefined) return;
    const over: BudgetOver = { type: 'fermata.budget.over', error: context.error };
    send(enqueue, ROOT, { ...over });
  }),
};

/** Money is set aside for a call. */
function reserving(
  { reserved, above }: BudgetContext,
  { task, call, need }: Need,
  nanos: NanoDollars,
  on: string,
): Pick<BudgetContext, 'reserved' | 'above'> {
  if (above === undefined) return { reserved: reserved + nanos };
  return { reserved: reserved + nanos, above: reservedAbove(above, on, `${task}/${call}`, need, nanos) };
}

/** There is no room for a call, or none any more. */
function wait(
  enqueue: Enqueue & { assign(change: Pick<BudgetContext, 'waiting'>): void },
  { waiting }: BudgetContext,
  { task, call, ...need }: Need,
): void {
  fact(enqueue, 'budget_awaited', { task, call, ...statedNeed(need) });
  enqueue.assign({ waiting: waiting + 1 });
}

function tell(enqueue: Enqueue, { task, call }: Pick<Need, 'task' | 'call'>, nanos: NanoDollars, on?: string): void {
  const granted: BudgetGranted = { type: 'fermata.budget.granted', call, nanos, ...(on === undefined ? {} : { on }) };
  sendTask(enqueue, task, { ...granted });
}
