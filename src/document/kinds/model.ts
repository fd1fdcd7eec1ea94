/** A task that is a model call: the one without `kind`. Prompts are Liquid. */
import { z } from 'zod';
import { CALL_SECONDS } from '../definition.ts';
import { anyJson, commonFields, name, prompt, seconds, tokens } from '../fields.ts';
import { isRecord } from '../json.ts';
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
  temperature: z.number().min(0).max(2).optional(),
  maxOutputTokens: tokens.optional(),
  minOutputTokens: tokens.optional(),
  responseFormat: z.union([z.enum(['text', 'json']), z.strictObject({ schema: anyJson })]).default('text'),
});

/** What an answer must look like: any text, any JSON, or JSON of a schema. */
export type ResponseFormat = 'text' | 'json' | { readonly schema: Readonly<Record<string, unknown>> };

/** A model call, complete. */
export interface ModelCallSpec {
  readonly kind: 'model';
  readonly prompt: string;
  readonly system: string | undefined;
  readonly provider: string;
  readonly model: string;
  readonly temperature: number | undefined;
  readonly maxOutputTokens: number | undefined;
  readonly responseFormat: ResponseFormat;
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
  readonly responseFormat: ResponseFormat;
}

/** Its inner form; `config` has the defaults of the document. */
export function modelCallSpec(
  task: z.output<typeof modelTaskSchema>,
  config: { readonly provider: string; readonly model: string },
): ModelCallSpec {
  const { prompt: text, system, temperature, maxOutputTokens, responseFormat } = task;
  const provider = task.provider ?? config.provider;
  const model = task.model ?? config.model;
  return { kind: 'model', prompt: text, system, provider, model, temperature, maxOutputTokens, responseFormat };
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
  const { system, provider, model, temperature, maxOutputTokens, responseFormat } = spec;
  return {
    kind: 'model',
    prompt: renderPrompt(spec.prompt, scope),
    ...(system === undefined ? {} : { system: renderPrompt(system, scope) }),
    provider,
    model,
    ...(temperature === undefined ? {} : { temperature }),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    responseFormat,
  };
}
