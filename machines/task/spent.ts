/** What a task has consumed, where more than one of its calls is on the bill, or none comes to an outcome. Pure. */
import { actionCreators } from '../action-creators.ts';
import type { CallOutput } from './calls.ts';
import type { TaskContext } from './context.ts';
import type { TaskEvent } from './events.ts';
import { functionCallId, type FunctionCall } from './function-calls.ts';

const { assign } = actionCreators<TaskContext, TaskEvent>();

/** Tokens by their kind, as a provider counts them; null: it did not say. */
export type Usage = Readonly<Record<string, number>> | null;

/** What a call says before it asks once more: aborted, it would have no outcome that tells it. */
export interface ModelConsumed {
  readonly type: 'task.modelConsumed';
  readonly usage: NonNullable<Usage>;
  /** Of a call that a function asked for; absent: the task's own. */
  readonly key?: string;
}

/** What is on the bill by now: nothing more of it is to be told. */
export function counted({ functionCalls, consumed, lost }: TaskContext): Partial<TaskContext> {
  return {
    ...(functionCalls === undefined ? {} : { functionCalls: [] }),
    ...nothing({ consumed: consumed ?? null }),
    ...((lost ?? null) === null ? {} : { lost: null }),
  };
}

/**
 * The answer of a call, with what an earlier one consumed that was refused, cut off or stopped. A sum that leaves out a
 * call would look like a fact: where one is unknown, so is the sum.
 */
export function withEarlier({ outcome, lost }: Pick<TaskContext, 'outcome' | 'lost'>, output: CallOutput): CallOutput {
  const usage = outcome?.facts['usage'];
  if (usage === undefined && (lost ?? null) === null) return output;
  const told = [usage, lost ?? undefined, output.usage].filter((one) => one !== undefined) as Usage[];
  return { ...output, usage: total(told) };
}

/**
 * What a task that ends otherwise than by completing has consumed all the same: an answer that was refused, or the one
 * whose tasks nobody could choose; or those that it or its function got before it was cut off. Undefined where its error
 * says all.
 */
export function spentInVain(context: TaskContext): unknown {
  const { outcome, error, lost } = context;
  const told = error?.data?.['usage'];
  const usage = outcome?.facts['usage'];
  if (usage === undefined && told !== undefined && (lost ?? null) === null) return undefined;
  const last = told === undefined ? spentSoFar(context) : sum(told as Usage, lost ?? undefined);
  return usage === undefined ? last : sum(usage as Usage, last);
}

/** What the calls of a task consumed whose outcome it does not have, or only its function has; undefined where nothing is known. */
export function spentSoFar({
  functionCalls = [],
  consumed,
  lost,
}: Pick<TaskContext, 'functionCalls' | 'consumed' | 'lost'>): Usage | undefined {
  const known = [consumed, lost, ...functionCalls.map((call) => call.consumed)].filter((one) => (one ?? null) !== null);
  const answers = functionCalls.flatMap(({ answer }) => answer ?? []);
  const told = answers.map((answer) =>
    'output' in answer ? (answer.output as CallOutput).usage : answer.error.data?.['usage'],
  );
  const all = [...known, ...told.map((usage) => usage ?? null)] as Usage[];
  return all.length === 0 ? undefined : total(all);
}

/** What a task does about what its calls consumed that come to no outcome. */
export const spendingActions = {
  keepConsumed: assign(({ context, event }) => {
    if (event.type !== 'task.modelConsumed') return {};
    const { key, usage } = event;
    if (key === undefined) return { consumed: usage };
    const { functionCalls = [] } = context;
    return { functionCalls: functionCalls.map((call) => (call.key === key ? { ...call, consumed: usage } : call)) };
  }),
  // It is made again, and what it consumes then comes on top.
  loseConsumed: assign(({ context, event }) => {
    if (event.type !== 'fermata.inDoubt') return {};
    const { functionCalls = [] } = context;
    const index = functionCalls.findIndex((_, at) => event.id === functionCallId(at));
    const call = functionCalls[index];
    if (call === undefined) return { ...lostWith(context, context.consumed), ...nothing(context) };
    return {
      ...lostWith(context, call.consumed),
      functionCalls: functionCalls.with(index, withoutConsumed(call)),
    };
  }),
};

/** What is lost, with what one more call consumed. */
export function lostWith({ lost }: Pick<TaskContext, 'lost'>, consumed: Usage | undefined): Pick<TaskContext, 'lost'> {
  return (consumed ?? null) === null ? {} : { lost: sum(lost ?? undefined, consumed) };
}

/** A call whose outcome says what it consumed, or which begins anew. */
export function withoutConsumed({ consumed: _, ...call }: FunctionCall): FunctionCall {
  return call;
}

/** The outcome of its own call tells all of it. */
export function nothing({ consumed }: Pick<TaskContext, 'consumed'>): Pick<TaskContext, 'consumed'> {
  return (consumed ?? null) === null ? {} : { consumed: null };
}

function total(usages: readonly Usage[]): Usage {
  return usages.reduce((one, other) => sum(one, other));
}

function sum(one: Usage | undefined, other: Usage | undefined): Usage {
  if (one === null || other === null) return null;
  const kinds = new Set([...Object.keys(one ?? {}), ...Object.keys(other ?? {})]);
  return Object.fromEntries([...kinds].map((kind) => [kind, (one?.[kind] ?? 0) + (other?.[kind] ?? 0)]));
}
