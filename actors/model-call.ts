/**
 * A model call: one streamed chat completion of any provider that speaks OpenAI's protocol, and one more where the
 * answer breaks its schema.
 *
 * M1. The package never retries: retries are the task machine's, counted and paid for there.
 * M2. Every request carries the effect's key, so that a provider that honours it charges a repeat only once.
 * M3. Nothing comes from the environment: a key that belongs to one provider is never sent to another one (`model/client.ts`).
 * M4. What was consumed is told with every outcome, also with an error, as far as it is known; and before the second
 *     request, since a call that is aborted has no outcome.
 */
import type { OpenAI } from 'openai';
import type { Clock } from '../src/clock.ts';
import type { Allowed } from '../src/cost/reservation.ts';
import { FermataError } from '../src/errors.ts';
import type { Redactor } from '../src/http/redact.ts';
import {
  effect,
  refusalOf,
  type EffectContext,
  type EffectDefinition,
  type InDoubtPolicy,
} from '../src/runtime/effect.ts';
import { type CheckAnswer, readAnswer, repairMessages } from './model/answer.ts';
import { createClient, loadPackage, type OpenAIPackage } from './model/client.ts';
import {
  callFailure,
  connectionFailure,
  type FailedCall,
  faultOf,
  invalidAnswer,
  providerFailure,
  rootOf,
} from './model/failure.ts';
import { addressOf, findProvider, type Providers, type ProviderSettings } from './model/provider.ts';
import { Reply } from './model/reply.ts';
import { mendingTokens } from './model/mending.ts';
import { type ChatMessage, type ChatRequest, outputBound, type Question, toRequest } from './model/request.ts';
import { type ModelUsage, sumUsage } from './model/usage.ts';

/** What a model is asked: the question, and how the call is made. */
export interface ModelCallInput extends Question {
  /** From 1. */
  readonly attempt: number;
  readonly provider: string;
  /** Of the attempt; the machine aborts at it, and a request that got no answer by then ends. */
  readonly timeoutMs: number;
  readonly repeatOf?: string | undefined;
  /** A function asked for it, under this key: what the model says is shown by nobody but the function. */
  readonly partOf?: { readonly key: string } | undefined;
  readonly onInDoubt: InDoubtPolicy;
  /** Of a run with a budget: it asks for no more than is reserved for it, also where the answer has to be mended. */
  readonly allowed?: Allowed | undefined;
}

/** What a model answered. */
export interface ModelCallOutput {
  readonly text: string;
  /** The answer as JSON where the response format asked for it, otherwise the text. */
  readonly value: unknown;
  /** Of all calls together; null where the provider did not report it. */
  readonly usage: ModelUsage | null;
  readonly requestId: string | null;
  /** The model that answered, as the provider names it. */
  readonly model: string;
  /** `stop`, or `length` where the answer was bounded by `maxOutputTokens`. */
  readonly finishReason: string;
  /** 2 where the first answer broke its schema. */
  readonly calls: 1 | 2;
  /** Where there were two requests: of each, since each is billed by itself. */
  readonly billed?: readonly (ModelUsage | null)[];
  /** Milliseconds from the first request to the last chunk; only with a clock. */
  readonly durationMs?: number;
}

/** What model calls depend on. */
export interface ModelCallDependencies {
  readonly providers: Providers;
  readonly checkAnswer: CheckAnswer;
  /** Takes the providers' secrets out of what errors say. */
  readonly redact: Redactor;
  /**
   * Default: the one of Node, which keeps connections open, and gives up after 300 s without a byte whatever the
   * timeout: a model that thinks longer in silence needs a fetch whose dispatcher waits longer.
   */
  readonly fetch?: typeof globalThis.fetch;
  readonly clock?: Pick<Clock, 'now'>;
}

/** `setTimeout` fires at once beyond it, which would end a call with a month's timeout before it began. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * The effect of a model call.
 *
 * Throws FermataError: `providerMissing`; `modelRefused` (never tried again); `modelUnavailable`, `modelRateLimited`,
 * `modelCut` (may be); `invalidAnswer` (the second answer breaks its schema as well); `cancelled` (the signal).
 *
 * @example
 * modelCall({ providers: { openai: { apiKey } }, checkAnswer: (schema, value) => faultsOf(schema, value), redact: redactor([apiKey]) })
 */
export function modelCall(dependencies: ModelCallDependencies): EffectDefinition<ModelCallInput, ModelCallOutput> {
  const { providers, checkAnswer, clock, redact } = dependencies;
  const clients = new Map<string, OpenAI>();

  const clientOf = (api: OpenAIPackage, name: string, settings: ProviderSettings) => {
    const client = clients.get(name) ?? createClient(api, settings, dependencies.fetch);
    clients.set(name, client);
    return client;
  };

  const run = async (input: ModelCallInput, context: EffectContext): Promise<ModelCallOutput> => {
    const settings = findProvider(providers, input.provider);
    const startedAt = clock?.now();
    const api = await loadPackage();
    const client = clientOf(api, input.provider, settings);
    const usages: (ModelUsage | null)[] = [];

    const describe = (reply: Reply): FailedCall => ({
      task: input.task,
      provider: input.provider,
      address: addressOf(settings),
      model: reply.model ?? input.model,
      requestId: reply.requestId,
      usages: [...usages, reply.usage],
      counted: reply.finishReason !== null,
      receivedCharacters: reply.length,
      now: clock?.now(),
      redact,
    });

    const ask = async (request: ChatRequest, key: string): Promise<Reply> => {
      const reply = new Reply();
      try {
        await receive(api, client, request, { input, context, key, reply });
      } catch (thrown) {
        const { signal } = context;
        throw failureOf(api, thrown, { call: describe(reply), reply, timeoutMs: input.timeoutMs, signal });
      }
      const fault = faultOf(reply, describe(reply));
      if (fault !== undefined) throw fault;
      return reply;
    };

    const request = toRequest(input, settings);
    let reply = await ask(request, context.key);
    let reading = readAnswer(reply.text, input.responseFormat, checkAnswer);
    let calls: 1 | 2 = 1;
    // an answer that was too long for its bound would be too long again, and paid twice
    const messages = reading.faults === undefined ? [] : repairMessages(request.messages, reply.text, reading.faults);
    const bound = reading.faults === undefined ? {} : boundOfMended(input, settings, reply, messages);
    if (reading.faults !== undefined && reply.finishReason !== 'length' && bound !== undefined) {
      calls = 2;
      usages.push(reply.usage);
      tellConsumed(reply.usage, input, context);
      context.restart();
      // another body: under the same key a provider would answer with the first answer, or refuse
      reply = await ask({ ...request, messages, ...bound }, `${context.key}.repair`);
      reading = readAnswer(reply.text, input.responseFormat, checkAnswer);
    }
    if (reading.faults !== undefined) {
      throw invalidAnswer(reading.faults, reply, input.maxOutputTokens, describe(reply));
    }
    return {
      text: reply.text,
      value: reading.value,
      usage: sumUsage([...usages, reply.usage]),
      requestId: reply.requestId,
      model: reply.model ?? input.model,
      finishReason: reply.finishReason ?? 'stop',
      calls,
      ...(calls === 1 ? {} : { billed: [...usages, reply.usage] }),
      ...(clock === undefined || startedAt === undefined ? {} : { durationMs: Math.max(0, clock.now() - startedAt) }),
    };
  };

  return effect({
    run,
    unavailable: (input) => refusalOf(() => findProvider(providers, input.provider)),
    remote: true,
    onInDoubt: (input) => input.onInDoubt,
    repeatOf: (input) => input.repeatOf,
    partOf: (input) => input.partOf,
    describe: ({ task, attempt }) => ({ task, attempt }),
  });
}

/** What an answer consumed that is asked for again is said before that: who aborts the second request hears of neither. */
function tellConsumed(usage: ModelUsage | null, { partOf }: ModelCallInput, context: EffectContext): void {
  if (usage === null || !context.hears('task.modelConsumed')) return;
  context.notify({ type: 'task.modelConsumed', usage, ...(partOf === undefined ? {} : { key: partOf.key }) });
}

/** How a mended answer is bounded; undefined where the budget does not pay for it. */
function boundOfMended(
  { allowed, maxOutputTokens }: ModelCallInput,
  settings: ProviderSettings,
  { text: answer, usage }: Reply,
  messages: readonly ChatMessage[],
): Partial<ChatRequest> | undefined {
  if (allowed === undefined) return {};
  const complaint = messages.at(-1)?.content ?? '';
  const tokens = mendingTokens({ maxOutputTokens, allowed, usage, answer, complaint });
  return tokens === undefined ? undefined : outputBound(tokens, settings);
}

interface Receiving {
  readonly input: ModelCallInput;
  readonly context: EffectContext;
  readonly key: string;
  readonly reply: Reply;
}

/** Sends one request and fills the reply from its stream. */
async function receive(
  { APIError }: OpenAIPackage,
  client: OpenAI,
  request: ChatRequest,
  { input, context, key, reply }: Receiving,
): Promise<void> {
  const { data: stream, response } = await client.chat.completions
    .create(request, {
      headers: { 'Idempotency-Key': key },
      signal: context.signal,
      timeout: Math.min(LONGEST_TIMER_MS, Math.max(1, Math.ceil(input.timeoutMs))),
    })
    .withResponse();
  reply.requestId = response.headers.get('x-request-id');
  reply.contentType = response.headers.get('content-type') ?? '';
  const deliver = (text: string) => {
    if (text !== '' && !context.signal.aborted && input.partOf === undefined) context.delta(text);
  };
  try {
    for await (const chunk of stream) deliver(reply.add(chunk));
  } catch (thrown) {
    // the answer is whole and only its count is lost: asking again would pay for it twice
    if (reply.finishReason === null || thrown instanceof APIError) throw thrown;
  }
  deliver(reply.end());
  // an aborted stream ends as if it were complete
  context.signal.throwIfAborted();
}

interface Failing {
  readonly call: FailedCall;
  readonly reply: Reply;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

function failureOf(
  { APIConnectionError, APIConnectionTimeoutError, APIError, APIUserAbortError }: OpenAIPackage,
  thrown: unknown,
  { call, reply, timeoutMs, signal }: Failing,
): FermataError {
  if (signal.aborted || thrown instanceof APIUserAbortError) return callFailure('cancelled', call, 'it was cancelled.');
  if (thrown instanceof FermataError) return callFailure(thrown.code, call, thrown.message);
  // the system's own timeouts, which come earlier, have a code: ETIMEDOUT, UND_ERR_CONNECT_TIMEOUT, …
  if (thrown instanceof APIConnectionTimeoutError && rootOf(thrown).code === undefined) {
    return connectionFailure(thrown, call, timeoutMs);
  }
  if (thrown instanceof APIConnectionError) return connectionFailure(thrown, call);
  if (thrown instanceof APIError) {
    const { status, code, type, param, headers } = thrown;
    // the package writes the status before the provider's message
    const message = thrown.message.startsWith(`${status} `)
      ? thrown.message.slice(`${status} `.length)
      : thrown.message;
    const requestId = thrown.requestID ?? call.requestId;
    return providerFailure({ status, code, type, param, message, headers }, { ...call, requestId });
  }
  const reason = rootOf(thrown).message;
  if (reply.contentType !== undefined) {
    return callFailure('modelCut', call, `the answer broke off (${reason}). It can be tried again.`);
  }
  const text = `the request could not be made: ${reason}. Check the provider's settings.`;
  return callFailure('modelRefused', call, text, { unbilled: true });
}
