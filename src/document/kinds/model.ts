/** A task that is a model call: the one without `kind`. Prompts are Liquid. */
import { z } from 'zod';
import type { Candidate, Optimize } from '../../cost/choice.ts';
import type { UnitPrices } from '../../cost/unit-prices.ts';
import { cacheFields, cacheSpec, type CacheFields, type CacheSpec, type PreparedCache } from '../answer-cache.ts';
import { CALL_SECONDS } from '../definition.ts';
import { anyJson, commonFields, name, prompt, seconds, tokens } from '../fields.ts';
import { isRecord } from '../json.ts';
import { askedModels, modelList, optimize, type AskedModels, type ModelDefaults } from '../models.ts';
import { renderPrompt } from '../prompt.ts';
import type { Scope } from '../reads.ts';
import { textAt, type Gives, type Places } from './places.ts';

/** As it is written. */
export const modelTaskSchema = z.strictObject({
  ...commonFields,
  timeoutSeconds: seconds.default(CALL_SECONDS).describe('Of each attempt'),
  prompt: prompt.describe('Liquid over `input` and `tasks.NAME.output`'),
  system: prompt.optional().describe('Liquid'),
  provider: name.optional().describe('Default: that of the config'),
  model: name.optional().describe('Default: that of the config'),
  models: modelList.optional(),
  optimize: optimize.optional(),
  temperature: z.number().min(0).max(2).optional(),
  maxOutputTokens: tokens.optional(),
  minOutputTokens: tokens.optional(),
  cache: cacheFields.optional().describe('Before that of the config'),
  responseFormat: z.union([z.enum(['text', 'json']), z.strictObject({ schema: anyJson })]).default('text'),
});

/** What an answer must look like: any text, any JSON, or JSON of a schema. */
export type ResponseFormat = 'text' | 'json' | { readonly schema: Readonly<Record<string, unknown>> };

/** A model call, complete. */
export interface ModelCallSpec extends AskedModels {
  readonly kind: 'model';
  readonly prompt: string;
  readonly system: string | undefined;
  readonly temperature: number | undefined;
  readonly maxOutputTokens: number | undefined;
  readonly minOutputTokens: number | undefined;
  readonly responseFormat: ResponseFormat;
  /** Undefined: its answer is neither kept nor looked for. */
  readonly cache?: CacheSpec | undefined;
}

/** A model call, ready to be made. JSON: what is not set is absent. */
export interface PreparedModelCall {
  readonly kind: 'model';
  readonly prompt: string;
  readonly system?: string;
  readonly provider: string;
  readonly model: string;
  readonly temperature?: number;
  readonly maxOutputTokens?: number;
  readonly minOutputTokens?: number;
  /** The most that the prompt can have: given where its run has a budget. */
  readonly inputTokens?: number;
  readonly responseFormat: ResponseFormat;
  /** What the model costs; absent where nobody knows. */
  readonly prices?: UnitPrices;
  /** Present where its answer is kept, and looked for before it is asked. */
  readonly cache?: PreparedCache;
  /** Given where it may choose: `provider` and `model` are then those that it has chosen, and those of the first one before. */
  readonly candidates?: readonly PreparedCandidate[];
  readonly optimize?: Optimize;
}

/** A model that it may choose. */
export interface PreparedCandidate extends Candidate {
  readonly prices?: UnitPrices;
  /** The most that the prompt can have for it: given where its run has a budget. */
  readonly inputTokens?: number;
  /** What the cache knows its answers by. */
  readonly cache?: PreparedCache;
}

/** Its inner form; `config` has the defaults of the document. */
export function modelCallSpec(
  task: z.output<typeof modelTaskSchema>,
  config: ModelDefaults & { readonly cache?: CacheFields | undefined },
): ModelCallSpec {
  const { prompt: text, system, temperature, maxOutputTokens, minOutputTokens, responseFormat } = task;
  const cache = cacheSpec(task.cache, config.cache, temperature);
  return {
    kind: 'model',
    prompt: text,
    system,
    ...askedModels(task, config),
    temperature,
    maxOutputTokens,
    minOutputTokens,
    responseFormat,
    cache,
  };
}

/** Where it reads. */
export const modelPlaces: Places = (task, path) => ({
  templates: [...textAt(task, path, 'prompt'), ...textAt(task, path, 'system')],
  expressions: [],
});

/** What its author asks for. */
export const modelGives: Gives = ({ responseFormat = 'text' }) =>
  responseFormat === 'text' ? { type: 'string' } : isRecord(responseFormat) ? responseFormat['schema'] : undefined;

/** Throws `promptFailed`. */
export function prepareModelCall(spec: ModelCallSpec, scope: Scope): PreparedModelCall {
  const { system, provider, model, temperature, maxOutputTokens, minOutputTokens, responseFormat } = spec;
  return {
    kind: 'model',
    prompt: renderPrompt(spec.prompt, scope),
    ...(system === undefined ? {} : { system: renderPrompt(system, scope) }),
    provider,
    model,
    ...(temperature === undefined ? {} : { temperature }),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    ...(minOutputTokens === undefined ? {} : { minOutputTokens }),
    responseFormat,
  };
}
