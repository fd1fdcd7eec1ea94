/**
 * Whether a question like this one was answered: its vector is made and held against those that are kept. Whatever goes
 * wrong is told with the outcome, and never fails: a model can be asked instead.
 *
 * K1. The vector of a question is kept as soon as it is there, and before the outcome: asked again (by an attempt that
 *     follows, after a crash, once its answer has expired), it is not paid a second time.
 * K2. A vector finds nothing before its question has an answer: what is found is an answer that is committed and serves.
 * K3. Where vectors cannot be had, nobody is held up by asking for more of them: the provider is let alone for a while, and
 *     the log says it once. A prompt that is refused for what it is holds up nobody but its task.
 */
import type { Compared } from '../machines/task/comparing.ts';
import type { Clock } from '../src/clock.ts';
import type { ResponseFormat } from '../src/document/kinds/model.ts';
import { toErrorData, type ErrorData } from '../src/errors.ts';
import { effect, type EffectContext, type EffectDefinition } from '../src/runtime/effect.ts';
import type { AnswerStore } from '../src/store/answers.ts';
import type { VectorIndex } from '../src/store/vectors.ts';
import type { CheckAnswer } from './model/answer.ts';
import type { Embed, Embedding } from './model/embedding.ts';
import { fits } from './recall/fits.ts';

/** What is compared with what. */
export interface CompareInput {
  readonly task: string;
  readonly attempt: number;
  /** Of the question. */
  readonly key: string;
  readonly prompt: string;
  readonly responseFormat: ResponseFormat;
  /** Questions that differ in nothing but the prompt. */
  readonly space: string;
  /** How old an answer may be. */
  readonly ttlMs: number;
  /** Cosine from which on another one will do. */
  readonly threshold: number;
  readonly provider: string;
  readonly model: string;
  readonly dimensions?: number;
  /** Key of the call that a crash cut off and that this one repeats. */
  readonly repeatOf?: string;
}

/** What it depends on. */
export interface CompareDependencies {
  readonly embed: Embed;
  readonly vectors: Pick<VectorIndex, 'addVector' | 'vectorOf' | 'nearest'>;
  readonly answers: Pick<AnswerStore, 'answer'>;
  readonly checkAnswer: CheckAnswer;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: (message: string, fields: Readonly<Record<string, unknown>>) => void;
}

/** Of a question; with what it cost where it was made just now. */
interface Vector {
  readonly values: Float32Array;
  readonly embedding?: Embedding;
}

/** A vector takes a fraction of a second: who waits longer for one had better ask the model. */
const EMBEDDING_MS = 10_000;
/** How long a provider is let alone that had no vector. */
const REST_MS = 30_000;
/** The question itself and the nearest other one: to find more, more vectors are read. */
const FIRST = 2;
/** Statuses of a request that is wrong itself: the next one may be right. */
const REFUSED: ReadonlySet<unknown> = new Set([400, 413, 422]);
/** Of so many questions that are near enough the answers are looked at: some have none yet, or it has expired. */
const LOOKED_AT = 16;
/** What misses the threshold by less is told: where nothing is near, nothing is read. */
const NEARLY = 0.2;

/**
 * The effect.
 *
 * @example
 * compare({ embed: embeddings({ providers, redact }), vectors: store, answers: store, checkAnswer, clock, log })
 */
export function compare(dependencies: CompareDependencies): EffectDefinition<CompareInput, Compared> {
  const { embed, vectors, answers, checkAnswer, clock, log } = dependencies;
  /** By provider: until when, and why. */
  const resting = new Map<string, { readonly until: number; readonly warning: string }>();
  /** Providers of which the log has said it. */
  const failing = new Set<string>();

  const keptVector = async ({ key, space }: CompareInput, tenant: string): Promise<Vector | undefined> => {
    const kept = await vectors.vectorOf(tenant, key);
    return kept !== undefined && kept.space === spaceOf(space, kept.values) ? { values: kept.values } : undefined;
  };
  const newVector = async (
    { task, prompt, provider, model, dimensions }: CompareInput,
    { signal, key }: EffectContext,
  ): Promise<Vector | { readonly error: ErrorData }> => {
    try {
      const request = { task, provider, model, dimensions, text: prompt, key, timeoutMs: EMBEDDING_MS, signal };
      const embedding = await embed(request);
      return { values: embedding.values, embedding };
    } catch (thrown) {
      signal.throwIfAborted();
      return { error: toErrorData(thrown, 'modelUnavailable') };
    }
  };
  /** Why a provider is let alone; undefined where it is not. */
  const restOf = (provider: string): string | undefined => {
    const { until = 0, warning } = resting.get(provider) ?? {};
    const left = until - clock.now();
    // More than it was: the clock has been set back.
    return left > 0 && left <= REST_MS ? warning : undefined;
  };

  /** The answer of the nearest question that has one, and how near it is. */
  const nearestTo = async (
    { key, ttlMs, threshold, responseFormat }: CompareInput,
    { tenant }: EffectContext,
    vector: { readonly space: string; readonly values: Float32Array },
  ): Promise<Pick<Compared, 'found' | 'nearest'>> => {
    let nearest: number | undefined;
    const atLeast = Math.max(-1, threshold - NEARLY);
    let seen = 0;
    for (const limit of [FIRST, LOOKED_AT]) {
      const near = await vectors.nearest(tenant, { ...vector, atLeast, limit });
      for (const { hash, similarity } of near.slice(seen)) {
        const { answer, prompt = '' } = hash === key ? {} : await answers.answer(tenant, hash, clock.now());
        if (answer === undefined || answer.like !== undefined) continue;
        if (Math.abs(clock.now() - answer.answeredAt) >= ttlMs) continue;
        nearest ??= similarity;
        if (similarity < threshold) return { found: null, nearest };
        if (!fits(answer.valueJson, responseFormat, checkAnswer)) continue;
        const { valueJson, model, finishReason, costNanos } = answer;
        const value: unknown = JSON.parse(valueJson);
        const like = { hash, similarity, prompt, verified: false };
        return { found: { value, model, finishReason, costNanos, shared: false, like }, nearest };
      }
      if (near.length < limit) break;
      seen = limit;
    }
    return { found: null, ...(nearest === undefined ? {} : { nearest }) };
  };

  return effect<CompareInput, Compared>({
    async run(input, context) {
      const { key, provider } = input;
      const kept = await keptVector(input, context.tenant);
      const rest = kept === undefined ? restOf(provider) : undefined;
      if (rest !== undefined) return nothing(rest);
      const vector = kept ?? (await newVector(input, context));
      if ('error' in vector) {
        const { message } = vector.error;
        const warning = warn(message);
        if (!failing.has(provider)) log('similar questions cannot be looked for', { provider, error: message });
        failing.add(provider);
        if (!isRefused(vector.error)) resting.set(provider, { until: clock.now() + REST_MS, warning });
        return { ...nothing(warning), billed: billed(vector.error) };
      }
      const { values, embedding } = vector;
      if (embedding !== undefined) {
        resting.delete(provider);
        failing.delete(provider);
      }
      const { usage, model } = embedding ?? {};
      const bill =
        usage === undefined ? { billed: [] } : { billed: [usage], usage, ...(model === undefined ? {} : { model }) };
      try {
        const space = spaceOf(input.space, values);
        if (embedding !== undefined) await vectors.addVector(context.tenant, { hash: key, space, values });
        return { value: null, ...bill, ...(await nearestTo(input, context, { space, values })) };
      } catch (thrown) {
        // The vector is paid, whatever becomes of it.
        return { ...nothing(warn(toErrorData(thrown).message)), ...bill };
      }
    },
    repeatOf: (input) => input.repeatOf,
    remote: true,
  });
}

function warn(message: string): string {
  return `Similar questions were not looked for: ${message}`;
}

/** Vectors of other dimensions are not comparable: a model that was changed behind its name begins anew. */
function spaceOf(space: string, { length }: Float32Array): string {
  return `${space}/${length}`;
}

function nothing(warning: string): Compared {
  return { value: null, found: null, warning, billed: [] };
}

function isRefused({ code, data }: ErrorData): boolean {
  return code === 'modelRefused' && REFUSED.has(data?.['status']);
}

/** What a request that failed is billed with: nothing where it was refused, or not made. */
function billed({ code, data }: ErrorData): unknown {
  return code === 'providerMissing' ? [] : (data?.['billed'] ?? [null]);
}
