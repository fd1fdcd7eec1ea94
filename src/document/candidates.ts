/**
 * What a task is made ready with that may choose its model: who may be asked, and what this call is expected to cost with
 * each. `machines/task/choosing.ts` decides.
 */
import { DEFAULTS } from '../cost/estimate/figure.ts';
import { billOf } from '../cost/unit-prices.ts';
import type { RunRows } from '../runtime/rows.ts';
import type { TaskSpec } from './definition.ts';
import type { Learned } from './estimate/learned.ts';
import { mapsAround } from './growth.ts';
import type { PreparedCandidate, PreparedModelCall } from './kinds/model.ts';
import { rankedModels, type RankedModel, type Tiers } from './models.ts';
import type { Price } from './prices.ts';

/** Tokens of a prompt, before a provider counts them. */
export interface InputTokens {
  /** Never fewer than the provider will count. */
  readonly most: number;
  readonly expected: number;
}

/** Counts the prompt of a call; it may have to wait for the encoder, as for any read of a turn. */
export type InputTokensOf = (rows: Pick<RunRows, 'read'>, task: string, call: PreparedModelCall) => InputTokens;

/** By what candidates are found and measured. */
export interface Measures {
  readonly tiers: Tiers;
  readonly inputTokensOf: InputTokensOf;
  /** What earlier runs of a workflow have taught; it may have to wait for that, too. */
  learnedOf(rows: Pick<RunRows, 'read'>, workflow: string): Learned;
}

/** What is known where a call is made ready. */
interface Surroundings extends Measures {
  readonly rows: Pick<RunRows, 'read'>;
  readonly price: Price;
  readonly workflow: string;
}

/** A call with what it costs, and where it may choose, with its candidates. Throws `tierMissing`. */
export function withCandidates(call: PreparedModelCall, spec: TaskSpec, around: Surroundings): PreparedModelCall {
  const { call: written } = spec;
  if (written.kind !== 'model' || written.models === undefined) return priced(call, around.price);
  const candidates = rankedModels(written, around.tiers).map((one) => candidateOf(one, call, spec, around));
  const [first] = candidates;
  if (first === undefined) return priced(call, around.price);
  return {
    ...priced({ ...call, provider: first.provider, model: first.model }, around.price),
    candidates,
    ...(written.optimize === undefined ? {} : { optimize: written.optimize }),
  };
}

/** With what the cache knows its answers by: another model gives another answer. */
export function withKeys(
  { candidates, ...call }: PreparedModelCall,
  keyed: (call: PreparedModelCall) => PreparedModelCall,
): PreparedModelCall {
  const own = keyed(call);
  if (candidates === undefined) return own;
  const withKey = (one: PreparedCandidate): PreparedCandidate => {
    const { cache } = keyed({ ...call, provider: one.provider, model: one.model });
    return cache === undefined ? one : { ...one, cache };
  };
  return { ...own, candidates: candidates.map(withKey) };
}

/** With what it costs, where that is known. */
export function priced(call: PreparedModelCall, price: Price): PreparedModelCall {
  const prices = price(call);
  return prices === undefined ? call : { ...call, prices };
}

function candidateOf(
  one: RankedModel,
  call: PreparedModelCall,
  spec: TaskSpec,
  { price, rows, workflow, inputTokensOf, learnedOf }: Surroundings,
): PreparedCandidate {
  const prices = price(one);
  const window = price.windowOf?.(one);
  const needsCount = spec.call.kind === 'model' && spec.call.optimize !== undefined && prices !== undefined;
  const task = mapsAround(spec.name).at(-1) ?? spec.name;
  const learned = needsCount ? learnedOf(rows, workflow).of(workflow, task, one)?.outputTokens.median : undefined;
  const wanted = spec.expectedOutputTokens ?? learned ?? DEFAULTS.answerTokens;
  const answer = Math.min(wanted, call.maxOutputTokens ?? Infinity);
  const mayBeTooLong = window !== undefined && bytesOf(call) + (call.maxOutputTokens ?? answer) > window;
  const input =
    needsCount || mayBeTooLong
      ? inputTokensOf(rows, spec.name, { ...call, provider: one.provider, model: one.model }).expected
      : 0;
  const isTooLong = window !== undefined && mayBeTooLong && input + (call.maxOutputTokens ?? answer) > window;
  return {
    ...one,
    ...(prices === undefined ? {} : { prices }),
    ...(needsCount ? { expectedNanos: billOf({ inputTokens: input, outputTokens: answer }, prices) } : {}),
    ...(isTooLong ? { tooLongFor: window } : {}),
  };
}

/** The tokens of its texts are never more. */
function bytesOf({ prompt, system = '' }: PreparedModelCall): number {
  return new TextEncoder().encode(prompt + system).length;
}
