/**
 * What the model calls of a task cost. Pure: the prices were read where the task was made ready (R2), so that whoever
 * replays its journal needs no price book, and a price that changes meanwhile changes only what is made ready later.
 *
 * B1. A call is on the bill in the cascade in which its outcome comes: on the fact that states that, else on one of its
 *     own (`model_called`).
 * B2. A request whose usage nobody knows (cut off, in doubt, not reported) is on it, too, without a cost. It is never
 *     taken for nothing.
 * B3. Each request is billed by itself: two short prompts may be cheaper than one as long as both.
 */
import type { PreparedModelCall } from '../../src/document/kinds/model.ts';
import { billOf, isFree, type BillableUsage, type UnitPrices } from '../../src/cost/unit-prices.ts';
import type { ErrorData } from '../../src/errors.ts';
import { actionCreators } from '../action-creators.ts';
import { fact, type Enqueue } from '../reserved.ts';
import { errorOf } from './call-error.ts';
import type { CallOutput } from './calls.ts';
import { about, type TaskContext } from './context.ts';
import { assumed } from './assumed.ts';
import type { TaskEvent } from './events.ts';
import type { Usage } from './spent.ts';

const { assign, enqueueActions } = actionCreators<TaskContext, TaskEvent>();

/** One request to a model, as facts carry it. */
export interface BilledCall {
  /** `call`: the task's own. Else its place among the calls of its function. */
  readonly call: string;
  readonly provider: string;
  /** The model that was asked. */
  readonly model: string;
  /** The model that answered, as its provider names it; absent where it is not known, or the same. */
  readonly answered?: string;
  /** Tokens as the provider counted them; null: not known, though it may be paid for. */
  readonly usage: BillableUsage | null;
  /** By which it is billed; absent: nobody knows what the model costs. */
  readonly prices?: UnitPrices;
  /** In whole billionths of a US dollar; null: not known. */
  readonly costNanos: number | null;
  /** Nobody knows what it used: it is taken to have cost what was reserved for it. */
  readonly assumed?: true;
}

/** Whom a call asks, and what that costs. */
export type Asked = Pick<PreparedModelCall, 'provider' | 'model' | 'prices'>;

/** The outcome of a call: what it gave, or what it failed with. */
type CallOutcome = { readonly output: CallOutput } | { readonly error: ErrorData };

/** Errors of calls that were not made, or whose request has been put on the bill as one in doubt. */
const NOT_CALLED: ReadonlySet<string> = new Set(['providerMissing', 'effectInDoubt', 'functionNotDeterministic']);

/** What the requests of a call cost that has come to an outcome. */
export function callBill(call: string, asked: Asked, outcome: CallOutcome): readonly BilledCall[] {
  return usagesOf(outcome).map((usage) => billed(call, asked, usage, answeredBy(outcome)));
}

/** True where the request has been put on the bill as one in doubt. */
export function isBilledAsDoubtful(outcome: { readonly output: unknown } | { readonly error: ErrorData }): boolean {
  return 'error' in outcome && outcome.error.code === 'effectInDoubt';
}

/**
 * A call that was cut off, or that a crash has left in doubt: nobody will hear what its request used. One whose answer was
 * to be mended has said before what the first request did (`consumed`).
 */
export function cutBill(call: string, asked: Asked, consumed: Usage | undefined): readonly BilledCall[] {
  const first = (consumed ?? null) as BillableUsage | null;
  return [...(first === null ? [] : [first]), null].map((usage) => billed(call, asked, usage, undefined));
}

function billed(
  call: string,
  { provider, model, prices }: Asked,
  usage: BillableUsage | null,
  answered: string | undefined,
): BilledCall {
  return {
    call,
    provider,
    model,
    ...(answered === undefined || answered === model ? {} : { answered }),
    usage,
    ...(prices === undefined ? {} : { prices }),
    costNanos: costOf(usage, prices),
  };
}

/** Where all tokens are free nobody has to count them. */
function costOf(usage: BillableUsage | null, prices: UnitPrices | undefined): number | null {
  if (prices === undefined) return null;
  if (usage === null) return isFree(prices) ? 0 : null;
  return billOf(usage, prices);
}

function usagesOf(outcome: CallOutcome): readonly (BillableUsage | null)[] {
  if ('output' in outcome) {
    const { billed: each, usage } = outcome.output;
    return (each ?? [usage ?? null]) as readonly (BillableUsage | null)[];
  }
  const { code, data } = outcome.error;
  if (NOT_CALLED.has(code)) return [];
  return (data?.['billed'] ?? [data?.['usage'] ?? null]) as readonly (BillableUsage | null)[];
}

function answeredBy(outcome: CallOutcome): string | undefined {
  if ('output' in outcome) return outcome.output.model;
  const model = outcome.error.data?.['model'];
  return typeof model === 'string' ? model : undefined;
}

/** What a fact says of the requests that have come to an outcome with it; nothing where there were none. */
function billOn({ bill = [] }: TaskContext): { readonly bill?: readonly BilledCall[] } {
  return bill.length === 0 ? {} : { bill };
}

/** It has been stated. */
const STATED = { bill: [] } as const;

/** States what is on the bill on a fact, which carries it from here on. */
export function factWithBill(
  enqueue: Enqueue & { assign(change: Partial<TaskContext>): void },
  context: TaskContext,
  type: string,
  data: Readonly<Record<string, unknown>>,
): void {
  const bill = billOn(context);
  fact(enqueue, type, { ...data, ...bill });
  if (bill.bill !== undefined) enqueue.assign(STATED);
}

/** What a task does about the cost of its own call. */
export const billActions = {
  // On the way out of the call, however it ends.
  billCall: assign(({ context, event }) => {
    const { call, bill = [] } = context;
    const ended = ownBill(context, event);
    return call.kind !== 'model' || ended === 'in doubt' ? {} : { bill: [...bill, ...ended] };
  }),
  // Its answer is not stated yet: tasks are to be chosen first, or it is asked for another one.
  stateBill: enqueueActions(({ enqueue, context }) => {
    if ((context.bill ?? []).length === 0) return;
    const { facts } = context.outcome ?? {};
    const [first] = context.bill ?? [];
    factWithBill(enqueue as never, context, 'model_called', {
      ...about(context),
      attempt: context.attempt,
      call: first?.call,
      ...(facts?.['model'] === undefined ? {} : { model: facts['model'] }),
      ...(facts?.['requestId'] === undefined ? {} : { requestId: facts['requestId'] }),
      ...(facts?.['finishReason'] === undefined ? {} : { finishReason: facts['finishReason'] }),
    });
  }),
};

/** What the task's own call has cost that ends with this event; what is in doubt is put on the bill with the fact that says so. */
export function ownBill(
  { call, granted, consumed }: TaskContext,
  event: { readonly type: string },
): readonly BilledCall[] | 'in doubt' {
  if (call.kind !== 'model') return [];
  if (event.type === 'fermata.inDoubt') return 'in doubt';
  if (event.type === 'xstate.done.actor.call') {
    const { output } = event as unknown as { readonly output: CallOutput };
    return assumed(callBill('call', call, { output }), granted);
  }
  // One that is left otherwise than by its outcome was cut off: nobody will hear what it used.
  if (event.type !== 'xstate.error.actor.call') return assumed(cutBill('call', call, consumed), granted);
  const error = errorOf(event);
  return isBilledAsDoubtful({ error }) ? 'in doubt' : assumed(callBill('call', call, { error }), granted);
}
