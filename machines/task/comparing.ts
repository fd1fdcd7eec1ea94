/**
 * Similar questions, as a task sees them: where nobody has been asked the very same one, it has the prompt compared with
 * those that were, and perhaps the answer judged that is found. Pure: who compares and judges are effects.
 *
 * S1. Both calls are paid like any other: reserved in the commit that begins them, settled and billed in the one that ends
 *     them, however they end.
 * S2. Whatever is wrong with them, the task goes on to the model, in a time of its own, and says what was wrong
 *     (`cache_missed.warning`). No task fails for want of a comparison.
 * S3. The claim of the one that compares is stated before it compares (`cache_comparing`): those that ask the same wait for it.
 */
import type { NanoDollars } from '../../src/cost/money.ts';
import { needOf } from '../../src/cost/reservation.ts';
import { judgePrompt, saysYes, VERDICT_TOKENS } from '../../src/document/judging.ts';
import type { PreparedModelCall } from '../../src/document/kinds/model.ts';
import type { PreparedComparison, SideModel } from '../../src/document/similar.ts';
import { actionCreators } from '../action-creators.ts';
import type { BudgetGranted } from '../budget.ts';
import { fact } from '../reserved.ts';
import { assumed, costOf } from './assumed.ts';
import { callBill, cutBill, factWithBill, isBilledAsDoubtful, type BilledCall } from './bill.ts';
import { errorOf } from './call-error.ts';
import { callMs, type CallInput, type CallOutput } from './calls.ts';
import { about, type TaskContext } from './context.ts';
import type { TaskEvent } from './events.ts';
import { boundsOf, leave, reserve, settle } from './paying.ts';
import type { FoundAnswer } from './recalling.ts';

const { assign, enqueueActions } = actionCreators<TaskContext, TaskEvent>();

/** A call on the side of the task's own: its effect, and the name under which money is reserved for it. */
export type SideCall = 'compare' | 'verify';

/** As the bill names them. */
const ON_BILL: Readonly<Record<SideCall, string>> = { compare: 'embedding', verify: 'verify' };
/** What a request has besides its text. */
const PER_REQUEST = 64;

/** What a task keeps while it compares. */
export interface Comparing {
  /** What the call under way may cost at most, or the one that has just ended. */
  readonly granted?: NanoDollars;
  /** Of which day that is, where budgets of several runs pay for it. */
  readonly grantedOn?: string;
  /** An answer that is to be judged. */
  readonly candidate?: FoundAnswer;
  /** Key of the call that a crash cut off and that is made again (R5). */
  readonly repeatOf?: string;
}

/** What a comparison comes to. */
export interface Compared extends CallOutput {
  /** The answer of the nearest question that is near enough. */
  readonly found: FoundAnswer | null;
  /** How like the nearest one is, whether or not that is near enough; absent: none is anywhere near. */
  readonly nearest?: number;
  /** Why nothing was compared. */
  readonly warning?: string;
}

function comparisonOf({ call }: TaskContext): PreparedComparison | undefined {
  return call.kind === 'model' ? call.cache?.similar : undefined;
}

/** Models whose price nobody knows cannot be paid from a budget. */
function unpriced(context: TaskContext): SideModel | undefined {
  const { embedder, judge } = comparisonOf(context) ?? {};
  if (context.budgeted !== true) return undefined;
  return [embedder, judge].find((asked) => asked !== undefined && asked.prices === undefined);
}

/** True where similar questions are looked for. */
export function compares(context: TaskContext): boolean {
  return comparisonOf(context) !== undefined && unpriced(context) === undefined;
}

/** True where such a call is paid from a budget. */
export function isPaidOnTheSide(context: TaskContext): boolean {
  return context.budgeted === true;
}

/** True where a call on the side is granted money, if only what there was. */
export function isSideGrant(event: TaskEvent, side: SideCall): event is BudgetGranted {
  return event.type === 'fermata.budget.granted' && event.call === side;
}

/** True where a call on the side is granted all that it may cost. */
export function isSidePaid(context: TaskContext, event: TaskEvent, side: SideCall): boolean {
  const by = asked(context, side);
  if (!isSideGrant(event, side) || by?.prices === undefined) return false;
  return event.nanos >= needOf(boundsOf(by), by.prices).need;
}

/** True where an answer was found that nobody has to judge. */
export function isSimilar(context: TaskContext, event: { readonly type: string }): boolean {
  const found = foundBy(event);
  return found !== undefined && (comparisonOf(context)?.judge === undefined || found.like?.verified === true);
}

/** True where an answer was found that can be judged. */
export function isToBeJudged(context: TaskContext, event: { readonly type: string }): boolean {
  const found = foundBy(event);
  return found !== undefined && promptFor(context, found) !== undefined;
}

/** True where the verdict is yes. */
export function isVerified(event: { readonly type: string }): boolean {
  return saysYes(verdictIn(event));
}

function foundBy(event: { readonly type: string }): FoundAnswer | undefined {
  return comparedIn(event)?.found ?? undefined;
}

function comparedIn(event: { readonly type: string }): Compared | undefined {
  if (event.type !== 'xstate.done.actor.compare') return undefined;
  return (event as unknown as { readonly output: Compared }).output;
}

function verdictIn(event: { readonly type: string }): string {
  const { output } = event as { readonly output?: { readonly text?: unknown } };
  return typeof output?.text === 'string' ? output.text : '';
}

function promptFor({ call }: TaskContext, { value, like }: FoundAnswer): string | undefined {
  return call.kind === 'model'
    ? judgePrompt({ question: call.prompt, matched: like?.prompt ?? '', answer: value })
    : undefined;
}

/** The call on the side, as a budget and the bill see it. */
function asked(context: TaskContext, side: SideCall): PreparedModelCall | undefined {
  const { embedder, judge, tokens = 0 } = comparisonOf(context) ?? {};
  const { candidate } = context.comparing ?? {};
  const base = { kind: 'model' as const, responseFormat: 'text' as const };
  if (side === 'compare')
    return embedder && { ...base, ...embedder, prompt: '', inputTokens: tokens + PER_REQUEST, maxOutputTokens: 0 };
  const prompt = candidate && promptFor(context, candidate);
  if (judge === undefined || prompt === undefined) return undefined;
  const inputTokens = new TextEncoder().encode(prompt).length + PER_REQUEST;
  return { ...base, ...judge, prompt, inputTokens, maxOutputTokens: VERDICT_TOKENS };
}

/** What a comparison is made with. */
export function compareInput({ context }: { readonly context: TaskContext }): CallInput {
  const { call, name, attempt } = context;
  const { embedder, space, threshold } = comparisonOf(context) ?? {};
  if (call.kind !== 'model' || embedder === undefined) return {};
  const { prices: _, ...by } = embedder;
  const { prompt, responseFormat, cache } = call;
  const { key, ttlMs } = cache ?? {};
  return { task: name, attempt, key, ttlMs, prompt, responseFormat, space, threshold, ...by, ...repeating(context) };
}

/** What a judge is asked. */
export function verifyInput({ context }: { readonly context: TaskContext }): CallInput {
  const { name, attempt } = context;
  const {
    kind: _,
    prices: __,
    inputTokens: ___,
    ...question
  } = asked(context, 'verify') ?? ({} as Partial<PreparedModelCall>);
  return {
    task: name,
    attempt,
    ...question,
    timeoutMs: callMs(context),
    onInDoubt: 'retry',
    ...repeating(context),
  };
}

function repeating({ comparing }: TaskContext): CallInput {
  return comparing?.repeatOf === undefined ? {} : { repeatOf: comparing.repeatOf };
}

/** What a call on the side has cost that ends with an event; what is in doubt is billed with the fact that says so. */
function sideBill(
  context: TaskContext,
  side: SideCall,
  event: { readonly type: string },
): readonly BilledCall[] | 'in doubt' {
  const by = asked(context, side);
  const { granted } = context.comparing ?? {};
  if (by === undefined) return [];
  if (event.type === 'fermata.inDoubt') return 'in doubt';
  const place = ON_BILL[side];
  if (event.type === `xstate.done.actor.${side}`) {
    const { output } = event as unknown as { readonly output: CallOutput };
    return assumed(callBill(place, by, { output }), granted);
  }
  if (event.type !== `xstate.error.actor.${side}`) return assumed(cutBill(place, by, undefined), granted);
  const error = errorOf(event);
  return isBilledAsDoubtful({ error }) ? 'in doubt' : assumed(callBill(place, by, { error }), granted);
}

/** What a miss says of the comparison that came before it. */
export function missedBy(context: TaskContext, event: { readonly type: string }): Readonly<Record<string, unknown>> {
  const compared = comparedIn(event);
  const { candidate } = context.comparing ?? {};
  const like = (compared?.found ?? candidate)?.like;
  const near = compared?.nearest ?? like?.similarity;
  const warning = warningOf(context, event);
  return {
    ...(near === undefined ? {} : { nearest: near }),
    ...(like === undefined ? {} : { matchedPrompt: like.prompt }),
    ...(event.type === 'xstate.done.actor.verify' ? { refused: true, verdict: verdictIn(event).slice(0, 200) } : {}),
    ...(warning === undefined ? {} : { warning }),
  };
}

function warningOf(context: TaskContext, event: { readonly type: string }): string | undefined {
  const { call } = context;
  const compared = comparedIn(event);
  if (compared?.warning !== undefined) return compared.warning;
  if ((compared?.found ?? null) !== null)
    return 'A similar question was found, and with its answer it is too long to be judged.';
  if (event.type === 'xstate.error.actor.compare' || event.type === 'xstate.error.actor.verify')
    return errorOf(event).message;
  if (event.type === 'fermata.budget.granted')
    return 'Too little is left of the budget to find out whether a similar question was asked.';
  if (event.type === 'fermata.task.attemptTimedOut')
    return 'It took too long to find out whether a similar question was asked.';
  const by = unpriced(context);
  if (by !== undefined)
    return `Similar questions were not looked for: nobody knows what ${by.provider}/${by.model} costs, and the run has a budget. Give its price in \`prices\`.`;
  return call.kind === 'model' ? call.cache?.warning : undefined;
}

/** What a task does about similar questions. */
export const comparingActions = {
  stateComparing: enqueueActions(({ enqueue, context }) => {
    const { key, promptHash, prompt } = context.call.kind === 'model' ? (context.call.cache ?? {}) : {};
    fact(enqueue, 'cache_comparing', {
      ...about(context),
      attempt: context.attempt,
      cacheKey: key,
      promptHash,
      prompt,
    });
  }),
  keepCandidate: assign(({ event }) => {
    const candidate = foundBy(event);
    return candidate === undefined ? {} : { comparing: { candidate } };
  }),
  askForSide: enqueueActions(({ enqueue, context }, { side }: { side: SideCall }) => {
    // What it waits for money takes none of its time.
    enqueue.cancel('attemptTimeout');
    const by = asked(context, side);
    // It takes what there is: the run does not end for want of a comparison, and nobody is asked with less than it needs.
    if (by !== undefined) reserve(enqueue as never, context.name, side, by, { least: 0 });
  }),
  keepSideGrant: assign(({ context, event }) => {
    if (event.type !== 'fermata.budget.granted') return {};
    const { nanos, on } = event;
    return { comparing: { ...context.comparing, granted: nanos, ...(on === undefined ? {} : { grantedOn: on }) } };
  }),
  giveSideGrantBack: enqueueActions(({ enqueue, context, event }) => {
    if (event.type !== 'fermata.budget.granted') return;
    const { call, nanos, on } = event;
    settle(enqueue as never, context.name, call, { reserved: nanos, on, spent: 0, last: false });
  }),
  stopAskingForSide: enqueueActions(({ enqueue, context, event }, { side }: { side: SideCall }) => {
    const by = asked(context, side);
    if (event.type !== 'fermata.budget.granted' && by !== undefined) leave(enqueue as never, context.name, side, by);
  }),
  // On the way out of the call, however it ends.
  endSide: enqueueActions(({ enqueue, context, event }, { side }: { side: SideCall }) => {
    const { bill = [], comparing, name } = context;
    const { granted, grantedOn: on } = comparing ?? {};
    const ended = sideBill(context, side, event);
    if (granted !== undefined) {
      const spent = ended === 'in doubt' ? granted : costOf(ended);
      settle(enqueue as never, name, side, { reserved: granted, on, spent, last: endsTask(event) });
    }
    if (ended !== 'in doubt') enqueue.assign({ bill: [...bill, ...ended] });
  }),
  stateSideDoubt: enqueueActions(({ enqueue, context, event }, { side }: { side: SideCall }) => {
    if (event.type !== 'fermata.inDoubt') return;
    const { attempt, comparing } = context;
    const by = asked(context, side);
    const cut = by === undefined ? [] : assumed(cutBill(ON_BILL[side], by, undefined), comparing?.granted);
    const stated = { ...context, bill: [...(context.bill ?? []), ...cut] };
    const doubt = { ...about(context), attempt, policy: event.policy, call: side };
    factWithBill(enqueue as never, stated, 'task_in_doubt', doubt);
    enqueue.assign({ comparing: { ...comparing, repeatOf: event.key } });
  }),
};

/** Whatever else ends a call on the side, its task goes on to the model. */
function endsTask({ type }: { readonly type: string }): boolean {
  return type === 'fermata.cancel' || type === 'fermata.task.stops' || type === 'fermata.task.timedOut';
}
