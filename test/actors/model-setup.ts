import { z } from 'zod';
import {
  modelCall,
  type ModelCallDependencies,
  type ModelCallInput,
  type ModelCallOutput,
} from '../../actors/model-call.ts';
import type { CheckAnswer } from '../../actors/model/answer.ts';
import { providerSecrets } from '../../actors/model/provider.ts';
import { FermataError } from '../../src/errors.ts';
import { redactor } from '../../src/http/redact.ts';
import { effectContext, type RecordingContext } from '../harness/effect-context.ts';

export const KEY = 'sk-test-0123456789abcdef';

/** The check of answers, on zod, as the composition root does it. */
export const checkAnswer: CheckAnswer = (schema, value) => {
  const result = z.fromJSONSchema(schema).safeParse(value);
  return result.success ? [] : result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
};

/** A question with defaults. */
export function question(given: Partial<ModelCallInput> = {}): ModelCallInput {
  return {
    task: 'plan',
    attempt: 1,
    provider: 'openai',
    model: 'gpt-4o-mini',
    prompt: 'Say hello',
    responseFormat: 'text',
    timeoutMs: 120_000,
    onInDoubt: 'retry',
    ...given,
  };
}

/** Calls a model at `baseUrl`. */
export function callModel(
  baseUrl: string,
  given: Partial<ModelCallInput> = {},
  { context = effectContext(), ...dependencies }: Partial<ModelCallDependencies> & { context?: RecordingContext } = {},
): Promise<ModelCallOutput> {
  const providers = { openai: { apiKey: KEY, baseUrl } };
  const redact = redactor(providerSecrets(dependencies.providers ?? providers));
  return modelCall({ providers, checkAnswer, redact, ...dependencies }).run(question(given), context);
}

/** The FermataError that a promise is rejected with. */
export async function failureOf(promise: Promise<unknown>): Promise<FermataError> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ('error' in outcome && outcome.error instanceof FermataError) return outcome.error;
  throw new FermataError('internal', `expected a FermataError, got ${JSON.stringify(outcome)}`);
}

export const PERSON = {
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: 'integer' } },
  required: ['name', 'age'],
  additionalProperties: false,
} as const;
