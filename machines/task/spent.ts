/** What a task has consumed, where more than one of its calls is on the bill. Pure. */
import type { CallOutput } from './calls.ts';
import type { TaskContext } from './context.ts';

/** Tokens by their kind, as a provider counts them; null: it did not say. */
type Usage = Readonly<Record<string, number>> | null;

/**
 * The answer of a call, with what an earlier one consumed that was refused. A sum that leaves out a call would look like
 * a fact: where one is unknown, so is the sum.
 */
export function withEarlier({ outcome }: Pick<TaskContext, 'outcome'>, output: CallOutput): CallOutput {
  const usage = outcome?.facts['usage'];
  return usage === undefined ? output : { ...output, usage: sum(usage as Usage, output.usage as Usage) };
}

/**
 * What a task that ends otherwise than by completing has consumed all the same: an answer that was refused, or the one
 * whose tasks nobody could choose; or those that its function got before it was cut off. Undefined where its error says all.
 */
export function spentInVain({
  outcome,
  error,
  functionCalls,
}: Pick<TaskContext, 'outcome' | 'error' | 'functionCalls'>): unknown {
  const told = error?.data?.['usage'];
  const usage = outcome?.facts['usage'];
  if (usage === undefined) return told === undefined ? answeredUsage(functionCalls) : undefined;
  const last = told === undefined ? answeredUsage(functionCalls) : told;
  return last === undefined ? usage : sum(usage as Usage, last as Usage);
}

/** What the models consumed that have answered a function so far; undefined where none has. */
export function answeredUsage(calls: TaskContext['functionCalls'] = []): Usage | undefined {
  const answers = calls.flatMap(({ answer }) => answer ?? []);
  if (answers.length === 0) return undefined;
  const usages = answers.map((answer) =>
    'output' in answer ? (answer.output as CallOutput).usage : answer.error.data?.['usage'],
  );
  return usages.map((usage) => (usage ?? null) as Usage).reduce((one, other) => sum(one, other));
}

function sum(one: Usage | undefined, other: Usage | undefined): Usage {
  if (one === null || other === null) return null;
  const kinds = new Set([...Object.keys(one ?? {}), ...Object.keys(other ?? {})]);
  return Object.fromEntries([...kinds].map((kind) => [kind, (one?.[kind] ?? 0) + (other?.[kind] ?? 0)]));
}
