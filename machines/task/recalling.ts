/**
 * The cache of answers, as a task sees it: it asks whether somebody has its answer already, and says what it found. Pure:
 * the key was made where the task was made ready (R2), and who is asked first of several is the cache's to say.
 *
 * C1. What was found costs nothing: no bill but that of a comparison (`comparing.ts`), and no usage but that of calls that
 *     were made.
 * C2. A miss is stated in the commit that asks for the call, which is the claim of the one that calls: others wait for it.
 * C3. What is kept is stated with the completion, so that neither is there without the other. It is whole: an answer that
 *     was cut off, repaired or is too long is not kept.
 */
import { LONGEST_ANSWER, type PreparedCache } from '../../src/document/answer-cache.ts';
import { actionCreators } from '../action-creators.ts';
import { factWithBill, type BilledCall } from './bill.ts';
import { callMs, type CallInput, type CallOutput } from './calls.ts';
import { missedBy } from './comparing.ts';
import { about, type TaskContext } from './context.ts';
import type { TaskEvent } from './events.ts';
import { outcomeOf, type Outcome } from './outcome.ts';
import { counted, withEarlier } from './spent.ts';

const { assign, enqueueActions } = actionCreators<TaskContext, TaskEvent>();

/** An answer that was found. */
export interface FoundAnswer {
  readonly value: unknown;
  /** The model that gave it. */
  readonly model: string;
  readonly finishReason: string;
  /** What the call cost that gave it, in billionths of a US dollar; null: not known. */
  readonly costNanos: number | null;
  /** Another task was asking the same at that time, and was waited for. */
  readonly shared: boolean;
  /** The question whose answer it is; absent: the very same. */
  readonly like?: LikeQuestion;
}

/** A question that is like another one. */
export interface LikeQuestion {
  readonly hash: string;
  /** Cosine of both. */
  readonly similarity: number;
  /** How it begins. */
  readonly prompt: string;
  /** A model has judged that its answer serves. */
  readonly verified: boolean;
}

/** What the cache says; null: nobody knows the answer, and this task is to ask for it. */
export interface Recalled {
  readonly found: FoundAnswer | null;
}

/** What a completed task says of an answer that serves others. */
export interface KeptAnswer {
  readonly key: string;
  readonly ttlMs: number;
  readonly costNanos: number | null;
}

/** Under what its answer is kept; undefined where it is not. */
function cacheOf({ call }: TaskContext): PreparedCache | undefined {
  return call.kind === 'model' ? call.cache : undefined;
}

/** True where somebody may have its answer. */
export function recalls(context: TaskContext): boolean {
  return cacheOf(context) !== undefined;
}

/** True where somebody has. */
export function isFound(event: { readonly type: string }): boolean {
  return foundIn(event) !== null;
}

function foundIn(event: { readonly type: string }): FoundAnswer | null {
  return (event as { readonly output?: Recalled }).output?.found ?? null;
}

/** What the cache is asked. */
export function recallInput({ context }: { readonly context: TaskContext }): CallInput {
  const { name, attempt, call } = context;
  if (call.kind !== 'model') return {};
  const { key, ttlMs, similar } = call.cache ?? {};
  const timeoutMs = callMs(context);
  return {
    task: name,
    attempt,
    key,
    ttlMs,
    responseFormat: call.responseFormat,
    ...(similar === undefined ? {} : { like: { atLeast: similar.threshold, verified: similar.judge !== undefined } }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
}

/** What its own call gave, with what is kept of it. */
export function withKept(context: TaskContext, outcome: Outcome, output: CallOutput): Outcome {
  const cache = cacheOf(context);
  const { text, finishReason } = output as CallOutput & { readonly text?: string };
  const isWhole = finishReason === 'stop' && context.repaired === undefined;
  if (cache === undefined || !isWhole || text === undefined || text.length > LONGEST_ANSWER) return outcome;
  const cached: KeptAnswer = { key: cache.key, ttlMs: cache.ttlMs, costNanos: costOf(context.bill) };
  return { ...outcome, facts: { ...outcome.facts, cached } };
}

/** What the call has cost whose answer has just come: both requests, where there were two. What is only assumed is not known. */
function costOf(bill: readonly BilledCall[] = []): number | null {
  const own = bill.filter(({ call }) => call === 'call');
  if (own.length === 0 || own.some(({ costNanos, assumed }) => costNanos === null || assumed === true)) return null;
  return own.reduce((sum, { costNanos }) => sum + (costNanos ?? 0), 0);
}

/** The outcome of a task whose answer was found. */
function known(context: TaskContext, found: FoundAnswer): Partial<TaskContext> {
  const { value, model, finishReason, costNanos, shared, like } = found;
  const { facts } = outcomeOf(withEarlier(context, { value, model, finishReason }));
  const { call } = context;
  const hit = {
    cacheHit: true,
    similarity: like?.similarity ?? 1,
    costSavedNanos: costNanos,
    cacheKey: cacheOf(context)?.key,
    ...(shared ? { inFlight: true } : {}),
    ...(like === undefined ? {} : { matchedPrompt: like.prompt, like }),
    ...(call.kind === 'model' ? { asked: { provider: call.provider, model: call.model } } : {}),
  };
  return {
    outcome: { value, facts: { ...facts, ...hit } },
    ...(context.repeatOf === undefined ? {} : { repeatOf: null }),
    ...counted(context),
  };
}

/** What a task does about the cache. */
export const recallingActions = {
  keepFound: assign(({ context, event }) => {
    const found = foundIn(event);
    return found === null ? {} : known(context, found);
  }),
  keepSimilar: assign(({ context, event }) => {
    const found = foundIn(event);
    return found === null ? {} : { ...known(context, found), comparing: null };
  }),
  keepVerified: assign(({ context }) => {
    const { candidate } = context.comparing ?? {};
    if (candidate?.like === undefined) return {};
    const like = { ...candidate.like, verified: true };
    return { ...known(context, { ...candidate, like }), comparing: null };
  }),
  stateMiss: enqueueActions(({ enqueue, context, event }) => {
    const { key, promptHash, prompt } = cacheOf(context) ?? {};
    const missed = { attempt: context.attempt, cacheKey: key, promptHash, prompt, ...missedBy(context, event) };
    factWithBill(enqueue as never, context, 'cache_missed', { ...about(context), ...missed });
    if ((context.comparing ?? null) !== null) enqueue.assign({ comparing: null });
  }),
};
