/**
 * The cache of answers: how a document turns it on, which calls it is for, and under which key an answer is kept.
 *
 * Off unless `enabled: true` says otherwise. A call whose author has asked for variety (a set temperature above
 * `STEADY_TEMPERATURE`) is left alone unless its own task turns the cache on.
 */
import canonicalize from 'canonicalize';
import { z } from 'zod';
import type { TokenCount } from '../cost/tokens.ts';
import type { RunRows } from '../runtime/rows.ts';
import type { RoundPart } from './definition.ts';
import { name } from './fields.ts';
import type { ModelCallSpec, PreparedModelCall } from './kinds/model.ts';
import type { Price } from './prices.ts';
import {
  comparisonOf,
  similarSpec,
  type ComparisonSettings,
  type CountTokens,
  type PreparedComparison,
  type SimilarSpec,
} from './similar.ts';

/** Above it two answers to one question are meant to differ. */
const STEADY_TEMPERATURE = 0.3;
/** An answer of more characters is not kept: the table is read with every look-up. */
export const LONGEST_ANSWER = 1_000_000;
const DEFAULT_TTL_HOURS = 24;
const HOUR_MS = 3_600_000;
/** Of a prompt so much is kept, for people to see. */
const SHOWN_PROMPT = 300;

/** `cache`, of a task and of `config`. */
export const cacheFields = z.strictObject({
  enabled: z.boolean(),
  ttlHours: z.number().gt(0).max(100_000).optional().describe('How long an answer serves; default 24'),
  namespace: name.optional().describe('Who shares answers; default: the runs of the workflow'),
  similarityThreshold: z
    .number()
    .gt(0)
    .max(1)
    .optional()
    .describe('Cosine from which on a similar question will do; default 1: only the very same one'),
  verify: z.boolean().optional().describe('A model judges whether the answer to a similar question serves'),
});

/** As it is written. */
export type CacheFields = z.output<typeof cacheFields>;

/** Of a call whose answer is kept. */
export interface CacheSpec {
  readonly ttlMs: number;
  /** Undefined: that of the workflow. */
  readonly namespace: string | undefined;
  /** Undefined: only the very same question will do. */
  readonly similar?: SimilarSpec | undefined;
}

/** Under what the answer of a call is kept. JSON, in every snapshot of its task. */
export interface PreparedCache {
  readonly key: string;
  readonly promptHash: string;
  /** How it begins. */
  readonly prompt: string;
  readonly ttlMs: number;
  /** Where similar questions will do. */
  readonly similar?: PreparedComparison;
  /** Why they are not looked for, though they would do. */
  readonly warning?: string;
}

/**
 * Whether the answer to a call is kept, and how long.
 *
 * @param own what its task says, which comes before what `config` says
 */
export function cacheSpec(
  own: CacheFields | undefined,
  config: CacheFields | undefined,
  temperature: number | undefined,
): CacheSpec | undefined {
  const written = { ...config, ...own };
  const { enabled = false, ttlHours = DEFAULT_TTL_HOURS, namespace } = written;
  const isSteady = temperature === undefined || temperature <= STEADY_TEMPERATURE;
  if (!enabled || !(isSteady || own?.enabled === true)) return undefined;
  const similar = similarSpec(written);
  return { ttlMs: Math.ceil(ttlHours * HOUR_MS), namespace, ...(similar === undefined ? {} : { similar }) };
}

/** Puts the key of its answer on a call that is to be made. */
export type KeyOf = (
  call: PreparedModelCall,
  place: {
    readonly spec: ModelCallSpec;
    readonly part: RoundPart | undefined;
    readonly workflow: string;
    readonly priceOf: Price;
    /** To wait for what is not loaded yet. */
    readonly rows: Pick<RunRows, 'read'> & { readonly origin: Pick<RunRows['origin'], 'tags'> };
  },
) => PreparedModelCall;

/** Nothing is kept: of runs of a version that knows no cache. */
export const NO_KEY: KeyOf = (call) => call;

/** How keys are made. */
export interface KeyOptions {
  readonly hash: (text: string) => string;
  /** Counts as a model does. It may have to wait for that. */
  readonly countOf: (rows: Pick<RunRows, 'read'>, ...asked: Parameters<CountTokens>) => TokenCount;
  readonly comparing?: ComparisonSettings | undefined;
  /** By the tags of a run: a name for answers that serve no others than each other. Default: none are kept apart. */
  readonly apart?: ((tags: readonly string[]) => string | undefined) | undefined;
}

/**
 * How keys are made in a process. Two calls have the same one where the model would be sent the very same request.
 *
 * @example
 * keysWith({ hash: (text) => hash('sha256', text, 'hex'), countOf: (rows, text, model) => tokenizer.count(text, model) })
 */
export function keysWith({ hash, countOf, comparing = {}, apart: apartOf }: KeyOptions): KeyOf {
  return (call, { spec, part, workflow, priceOf, rows }) => {
    const { cache } = spec;
    // Plans and reflections are judged by what follows from them: a bad one would be found again and again.
    if (cache === undefined || (part !== undefined && part.phase !== 'execute')) return call;
    const { provider, model, system, prompt, temperature, maxOutputTokens, responseFormat } = call;
    const apart = apartOf?.(rows.origin.tags);
    const where = {
      ...(cache.namespace === undefined ? { workflow } : { namespace: cache.namespace }),
      ...(apart === undefined ? {} : { apart }),
    };
    const asked = { ...where, provider, model, system, prompt, temperature, maxOutputTokens, responseFormat };
    const key = hash(canonicalize(asked) ?? '');
    const kept = {
      key,
      promptHash: hash(prompt),
      prompt: prompt.slice(0, SHOWN_PROMPT).toWellFormed(),
      ttlMs: cache.ttlMs,
      ...(cache.similar === undefined
        ? {}
        : comparisonOf(call, cache.similar, {
            where,
            hash,
            comparing,
            priceOf,
            countOf: (text, model) => countOf(rows, text, model),
          })),
    };
    return { ...call, cache: kept };
  };
}
