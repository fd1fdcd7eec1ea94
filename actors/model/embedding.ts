/**
 * Vectors of texts, from any provider that speaks OpenAI's embeddings. What it answers is checked: a vector that is none
 * would be like everything, or like nothing.
 */
import type { OpenAI } from 'openai';
import type { Redactor } from '../../src/http/redact.ts';
import { createClient, loadPackage, type OpenAIPackage } from './client.ts';
import { callFailure, connectionFailure, providerFailure, rootOf, type FailedCall } from './failure.ts';
import { addressOf, findProvider, type Providers, type ProviderSettings } from './provider.ts';
import { toUsage, type ModelUsage } from './usage.ts';

/** Dimensions of a vector are at most so many; the longest of today have 4,096. */
const MOST_DIMENSIONS = 16_384;

/** What is asked. */
export interface EmbeddingRequest {
  /** For the messages of errors. */
  readonly task: string;
  readonly provider: string;
  readonly model: string;
  /** Of models that can make shorter vectors. */
  readonly dimensions?: number | undefined;
  readonly text: string;
  /** Sent along as idempotency key. */
  readonly key: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** What a provider answered. */
export interface Embedding {
  /** Of length 1. */
  readonly values: Float32Array;
  /** Null where it was not reported. */
  readonly usage: ModelUsage | null;
  readonly model: string;
}

/** What embeddings depend on. */
export interface EmbeddingDependencies {
  readonly providers: Providers;
  readonly redact: Redactor;
  readonly fetch?: typeof globalThis.fetch;
}

/** Asks for the vector of a text. */
export type Embed = (request: EmbeddingRequest) => Promise<Embedding>;

/**
 * How vectors are asked for.
 *
 * The result throws FermataError: `providerMissing`; `modelRefused`; `modelUnavailable`, `modelRateLimited`;
 * `invalidAnswer` (no vector, or one that is not of numbers, zero, or of other dimensions than asked for); `cancelled`.
 *
 * @example
 * const embed = embeddings({ providers: { openai: { apiKey } }, redact })
 * const { values } = await embed({ task: 'ask', provider: 'openai', model: 'text-embedding-3-small', text: 'What is tea?', … })
 */
export function embeddings({ providers, redact, fetch }: EmbeddingDependencies): Embed {
  const clients = new Map<string, OpenAI>();
  const clientOf = (api: OpenAIPackage, name: string, settings: ProviderSettings): OpenAI => {
    const client = clients.get(name) ?? createClient(api, settings, fetch);
    clients.set(name, client);
    return client;
  };

  return async (request) => {
    const { task, provider, model, dimensions, text, key, timeoutMs, signal } = request;
    const settings = findProvider(providers, provider);
    const api = await loadPackage();
    const call: FailedCall = {
      task,
      provider,
      address: addressOf(settings),
      model,
      requestId: null,
      usages: [null],
      counted: true,
      receivedCharacters: 0,
      redact,
    };
    let answer;
    try {
      answer = await clientOf(api, provider, settings).embeddings.create(
        // As numbers: servers that are only compatible know no other form.
        { model, input: text, encoding_format: 'float', ...(dimensions === undefined ? {} : { dimensions }) },
        { headers: { 'Idempotency-Key': key }, signal, timeout: timeoutMs },
      );
    } catch (thrown) {
      throw failureOf(api, thrown, { call, timeoutMs, signal });
    }
    const usage = usageOf(answer);
    const known = { ...call, usages: [usage] };
    const values = unitVector((answer as { data?: { embedding?: unknown }[] | null } | null)?.data?.[0]?.embedding);
    if (typeof values === 'string') throw callFailure('invalidAnswer', known, `expected a vector, ${values}.`);
    if (dimensions !== undefined && values.length !== dimensions) {
      const said = `expected a vector of ${dimensions} dimensions, came one of ${values.length}. Set cache.embeddings.dimensions to what the model makes, or leave it out.`;
      throw callFailure('invalidAnswer', known, said);
    }
    return { values, usage, model: answer.model ?? model };
  };
}

function usageOf(answer: unknown): ModelUsage | null {
  const { usage } = (answer ?? {}) as {
    usage?: { prompt_tokens?: number | null; total_tokens?: number | null } | null;
  };
  return toUsage(usage && { ...usage, completion_tokens: 0 });
}

/** The vector of length 1 in the same direction, or what came instead. */
export function unitVector(given: unknown): Float32Array | string {
  if (!Array.isArray(given)) return given === undefined ? 'came none' : `came ${typeof given}`;
  if (given.length === 0) return 'came an empty one';
  if (given.length > MOST_DIMENSIONS)
    return `came one of ${given.length} dimensions, and ${MOST_DIMENSIONS} are the most`;
  let sum = 0;
  for (const value of given as readonly unknown[]) {
    if (typeof value !== 'number' || !Number.isFinite(value)) return 'came one that holds something else than numbers';
    sum += value * value;
  }
  const length = Math.sqrt(sum);
  if (!(length > 0) || !Number.isFinite(length)) return 'came one without a direction';
  return Float32Array.from(given as readonly number[], (value) => value / length);
}

function failureOf(
  { APIConnectionError, APIConnectionTimeoutError, APIError, APIUserAbortError }: OpenAIPackage,
  thrown: unknown,
  { call, timeoutMs, signal }: { readonly call: FailedCall; readonly timeoutMs: number; readonly signal: AbortSignal },
): Error {
  if (signal.aborted || thrown instanceof APIUserAbortError) return callFailure('cancelled', call, 'it was cancelled.');
  if (thrown instanceof APIConnectionTimeoutError) return connectionFailure(thrown, call, timeoutMs);
  if (thrown instanceof APIConnectionError) return connectionFailure(thrown, call);
  if (thrown instanceof APIError) {
    const { status, code, type, param, message, headers } = thrown;
    return providerFailure(
      { status, code, type, param, message, headers },
      { ...call, requestId: thrown.requestID ?? null },
    );
  }
  return callFailure('invalidAnswer', call, `the answer could not be read: ${rootOf(thrown).message}.`);
}
