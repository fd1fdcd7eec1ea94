/**
 * The budget of a run: where its actor is, which calls wait for money, and what the actor is told of them when there is
 * room again (`machines/budget.ts` decides).
 */
import type {
  BudgetContext,
  BudgetInput,
  LeavesBudget,
  Need,
  PreparedAsk,
  PreparedLeave,
  PreparedSharing,
  SettlesMoney,
} from '../../machines/budget.ts';
import { grantedTo } from '../cost/borrowing.ts';
import { grantOf, leftOf } from '../cost/reservation.ts';
import type { PreparedTask } from '../../machines/task/prepared.ts';
import type { ErrorData } from '../errors.ts';
import type { Prepare, Preparing } from '../runtime/registration.ts';
import type { DraftFact } from '../runtime/draft.ts';
import type { Projection } from '../runtime/projection.ts';
import type { RunRows } from '../runtime/rows.ts';
import { lesserIn, rowOfNeed, type StatedNeed } from './budget-need.ts';
import type { InputTokensOf } from './candidates.ts';
import type { PreparedModelCall } from './kinds/model.ts';

/** Id of the actor that keeps the budget. No task can have it: names have no slash. */
export const BUDGET = '/budget';

/** Where it is in its run. */
export const BUDGET_ADDRESS = '/%2Fbudget';

/** The task's own call among those that it pays for; the others are those of its function. */
export const OWN_CALL = 'call';

/** What a fact says of a call that waits, or does not wait any more. */
interface Waiting extends StatedNeed {
  readonly task: string;
  readonly call: string;
}

const FACTS: readonly string[] = ['budget_awaited', 'budget_granted', 'budget_left'];

/** Tokens of an answer under a budget whose author does not say: all models can give so many, and few answers need more. */
export const ANSWER_TOKENS = 4_096;

/** Bounds what the calls of tasks may cost that are paid from a budget: the length of their prompts, and of their answers. */
export function withBounds(inputTokensOf: InputTokensOf, prepare: Prepare): Prepare {
  return (preparing) => {
    const prepared = prepare(preparing);
    const { event, snapshot, rows } = preparing;
    const { name, budgeted } = (snapshot?.context ?? event['input']) as {
      readonly name: string;
      readonly budgeted?: true;
    };
    if (budgeted !== true) return prepared;
    const bounded = (call: PreparedModelCall): PreparedModelCall => ({
      ...call,
      maxOutputTokens: call.maxOutputTokens ?? Math.max(ANSWER_TOKENS, call.minOutputTokens ?? 0),
      inputTokens: inputTokensOf(rows, name, call).most,
    });
    if (event.type === 'task.callsModel') return bounded(prepared as PreparedModelCall);
    const { call } = (prepared ?? {}) as Partial<PreparedTask>;
    if (snapshot !== undefined || call?.kind !== 'model') return prepared;
    if (call.candidates !== undefined) {
      const candidates = call.candidates
        .filter(({ prices }) => prices !== undefined)
        .map((one) => ({ ...one, inputTokens: inputTokensOf(rows, name, { ...call, ...one }).most }));
      return candidates.length === 0
        ? { error: priceUnknown(call, name) }
        : { ...(prepared as PreparedTask), call: { ...bounded(call), candidates } };
    }
    return call.prices === undefined
      ? { error: priceUnknown(call, name) }
      : { ...(prepared as PreparedTask), call: bounded(call) };
  };
}

/** Nobody knows what a call would cost, so that no budget can be held that it is paid from. */
export function priceUnknown(
  { provider, model }: Pick<PreparedModelCall, 'provider' | 'model'>,
  task: string,
): ErrorData {
  const message = `Task "${task}" would ask ${provider}/${model}, and nobody knows what that costs: the budget of the run could not be held. Give its price in \`prices\` of the configuration or in config.prices of the document.`;
  return { code: 'priceUnknown', message, retry: 'never', data: { provider, model } };
}

/** Attaches to what may make room who may begin with that, and to a call that leaves whether it waits. */
export const prepareBudget: Prepare = (
  preparing,
): PreparedSharing | PreparedLeave | PreparedAsk | { run: string } | undefined => {
  const { event, snapshot, rows } = preparing;
  if (snapshot === undefined) {
    const { tree, upstreams } = event['input'] as BudgetInput;
    return tree === undefined && upstreams === undefined ? undefined : { run: rows.key.run };
  }
  const context = snapshot.context as BudgetContext;
  const prepared = prepareOwn(preparing, context);
  return context.above === undefined ? prepared : { waiting: [], ...prepared, on: utcDate(preparing.now) };
};

function prepareOwn(
  { event, rows, now }: Preparing,
  context: BudgetContext,
): PreparedSharing | PreparedLeave | PreparedAsk | undefined {
  switch (event.type) {
    case 'fermata.budget.settle': {
      const { reserved, spent } = event as unknown as SettlesMoney;
      return sharing(rows, { ...context, settled: context.settled + spent, reserved: context.reserved - reserved });
    }
    case 'fermata.budget.ask': {
      const { total = 0, settled = 0 } = rows.counts;
      return { toCome: Math.max(0, total - settled - 1) };
    }
    case 'fermata.budget.release':
    case 'fermata.upstream.granted':
    case 'fermata.upstream.recall':
    case 'fermata.upstream.over':
      return sharing(rows, context);
    case 'fermata.budget.leave': {
      const { task, call, need } = event as unknown as LeavesBudget;
      const key = keyOf(task, call);
      if (rows.get('budgetWait', key)?.open === true) return { waits: true, waiting: [] };
      const on = utcDate(now);
      const granted = context.above === undefined ? need : grantedTo(context.above, key, { need, on }).nanos;
      const reserved = context.reserved - Math.min(granted, context.reserved);
      return { waits: false, waiting: sharing(rows, { ...context, reserved })?.waiting ?? [] };
    }
    default:
      return undefined;
  }
}

/** Of the calls that wait, those that fit one after the other: a page of them at the most, since the next call that ends makes room as well. */
function sharing(rows: RunRows, { limit = Infinity, ...context }: BudgetContext): PreparedSharing | undefined {
  if (context.waiting === 0) return undefined;
  const sums = { limit, settled: context.settled, reserved: context.reserved };
  const waiting: Need[] = [];
  let { reserved } = sums;
  for (const { task, call, need, least, lesserJson } of rows.openBudgetWaits().items) {
    if (least > leftOf({ ...sums, reserved })) break;
    const nanos = grantOf({ need, least }, { ...sums, reserved });
    if (nanos === undefined) continue;
    reserved += nanos;
    waiting.push({ task, call, need, least, ...lesserIn(lesserJson) });
  }
  return { waiting };
}

/** The date of a moment: `2026-11-22`. */
export function utcDate(at: number): string {
  return new Date(at).toISOString().slice(0, 'yyyy-mm-dd'.length);
}

/** Of the row of a call. */
function keyOf(task: string, call: string): string {
  return `${task}/${call}`;
}

/** Keeps the rows of the calls that wait. */
export function budgetProjection(): Projection {
  return {
    facts: FACTS,
    project({ type, data }: DraftFact, rows) {
      const { task, call, ...need } = data as unknown as Waiting;
      const key = keyOf(task, call);
      if (type === 'budget_awaited') {
        const row = { task, call, ...rowOfNeed(need), open: true, held: 0 };
        return { rows: [{ table: 'budgetWait', key, row }] };
      }
      const before = rows.get('budgetWait', key);
      return before === undefined ? {} : { rows: [{ table: 'budgetWait', key, row: { ...before, open: false } }] };
    },
  };
}

/** Adds to the preparation of the workflow machine who is stopped where its budget ends it. */
export function withBudget(prepare: Prepare): Prepare {
  return (preparing) => {
    const { event, snapshot, rows } = preparing;
    if (event.type === 'fermata.budget.over' || event.type === `xstate.error.actor.${BUDGET}`)
      return { live: rows.live() };
    const prepared = prepare(preparing);
    const { code } = (event['reason'] ?? {}) as { readonly code?: unknown };
    if (event.type === 'fermata.childEnded' && code === 'budgetExceeded')
      return { ...(prepared as object | undefined), live: rows.live() };
    const isBroken = event.type.startsWith('xstate.error.actor.');
    const hasBudget = (snapshot?.context as { readonly budget?: unknown } | undefined)?.budget !== undefined;
    return isBroken && hasBudget ? { ...(prepared as object), live: rows.live() } : prepared;
  };
}
