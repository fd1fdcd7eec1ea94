/**
 * What a task does about the budget of its run: money is reserved before a call begins, and settled when it ends, however
 * it ends. Calls of a run without a budget have no `inputTokens`, and nothing of this happens.
 */
import type { NanoDollars } from '../../src/cost/money.ts';
import { boundedOutput, needOf, type Allowed, type CallBounds, type CallNeed } from '../../src/cost/reservation.ts';
import { BUDGET_ADDRESS, OWN_CALL } from '../../src/document/budget.ts';
import type { PreparedModelCall } from '../../src/document/kinds/model.ts';
import { actionCreators } from '../action-creators.ts';
import type { LeavesBudget, ReservesMoney, SettlesMoney } from '../budget.ts';
import { send, type Enqueue } from '../reserved.ts';
import { costOf } from './assumed.ts';
import { endsBadly } from './bad-end.ts';
import { askWhatFits, asksWhatFits, otherwise, paidChoice } from './choosing.ts';
import { ownBill } from './bill.ts';
import type { TaskContext } from './context.ts';
import type { TaskEvent } from './events.ts';

const { assign, enqueueActions } = actionCreators<TaskContext, TaskEvent>();

/** True for a call of a run that has a budget. */
export function isPaidFor(call: TaskContext['call'] | undefined): call is PreparedModelCall {
  return call?.kind === 'model' && call.inputTokens !== undefined;
}

/** What bounds the cost of a call. */
export function boundsOf({ inputTokens = 0, maxOutputTokens = 0, minOutputTokens, responseFormat }: PreparedModelCall) {
  const bounds: CallBounds = {
    inputTokens,
    maxOutputTokens,
    minOutputTokens: minOutputTokens ?? maxOutputTokens,
    repairs: responseFormat !== 'text',
  };
  return bounds;
}

/** A call asks for money; `otherwise`: it can do with less than its own model takes. */
export function reserve(
  enqueue: Enqueue,
  task: string,
  call: string,
  asked: PreparedModelCall,
  { least = Infinity, lesser }: Partial<Omit<CallNeed, 'need'>> = {},
): void {
  if (asked.prices === undefined) return;
  const needed = needOf(boundsOf(asked), asked.prices);
  const event: ReservesMoney = {
    type: 'fermata.budget.reserve',
    task,
    call,
    ...needed,
    least: Math.min(least, needed.least),
    ...(lesser === undefined ? {} : { lesser }),
  };
  send(enqueue, BUDGET_ADDRESS, { ...event });
}

/** A call has ended. What nobody knows the cost of has cost all that was reserved for it. */
export function settle(
  enqueue: Enqueue,
  task: string,
  call: string,
  {
    reserved,
    on,
    spent,
    last,
  }: {
    readonly reserved: NanoDollars;
    /** As granted. */
    readonly on: string | undefined;
    readonly spent: NanoDollars;
    readonly last: boolean;
  },
): void {
  const event: SettlesMoney = {
    type: 'fermata.budget.settle',
    task,
    call,
    reserved,
    spent,
    ...(on === undefined ? {} : { on }),
    ...(last ? { last } : {}),
  };
  send(enqueue, BUDGET_ADDRESS, { ...event });
}

/** A call that has asked for money is given up. */
export function leave(enqueue: Enqueue, task: string, call: string, asked: PreparedModelCall): void {
  if (asked.prices === undefined) return;
  const { need } = needOf(boundsOf(asked), asked.prices);
  const event: LeavesBudget = { type: 'fermata.budget.leave', task, call, need };
  send(enqueue, BUDGET_ADDRESS, { ...event });
}

/** What a call is made with that was granted money: as long an answer as that pays for. */
export function paidInput(
  asked: PreparedModelCall,
  nanos: NanoDollars,
): { readonly maxOutputTokens: number; readonly allowed: Allowed } | Record<never, never> {
  const { prices } = asked;
  if (prices === undefined || !isPaidFor(asked)) return {};
  const bounds = boundsOf(asked);
  const { inputTokens, minOutputTokens } = bounds;
  return {
    maxOutputTokens: boundedOutput(nanos, bounds, prices) ?? minOutputTokens,
    allowed: { nanos, inputTokens, minOutputTokens, prices },
  };
}

/** The bound of a prompt that has become longer: each byte that comes on top may be a token. */
export function longerBy(
  { prompt, inputTokens, candidates }: PreparedModelCall,
  longer: string,
): Pick<PreparedModelCall, 'inputTokens' | 'candidates'> {
  if (inputTokens === undefined) return {};
  const bytes = new TextEncoder().encode(longer.slice(prompt.length)).length;
  return {
    inputTokens: inputTokens + bytes,
    ...(candidates === undefined
      ? {}
      : { candidates: candidates.map((one) => ({ ...one, inputTokens: (one.inputTokens ?? 0) + bytes })) }),
  };
}

/** What a task does about the money of its own call. */
export const payingActions = {
  askForMoney: enqueueActions(({ enqueue, context }) => {
    if (asksWhatFits(context)) return askWhatFits(enqueue as never, context);
    if (isPaidFor(context.call)) reserve(enqueue as never, context.name, OWN_CALL, context.call, otherwise(context));
  }),
  keepGrant: assign(({ context, event }) => {
    if (event.type !== 'fermata.budget.granted') return {};
    const { nanos, on } = event;
    return { ...paidChoice(context, nanos), granted: nanos, ...(on === undefined ? {} : { grantedOn: on }) };
  }),
  stopAsking: enqueueActions(({ enqueue, context, event }) => {
    if (event.type !== 'fermata.budget.granted' && isPaidFor(context.call) && !asksWhatFits(context))
      leave(enqueue as never, context.name, OWN_CALL, context.call);
  }),
  settleCall: enqueueActions(({ enqueue, context, event }) => {
    const { name, granted, grantedOn: on } = context;
    if (granted === undefined) return;
    const bill = ownBill(context, event);
    // It is on the bill already, as one in doubt.
    const spent = bill === 'in doubt' ? granted : costOf(bill);
    settle(enqueue as never, name, OWN_CALL, { reserved: granted, on, spent, last: endsBadly(context, event) });
  }),
};
