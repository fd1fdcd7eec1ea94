import { type ErrorCode, FermataError } from '../../src/errors.ts';
import type { Redactor } from '../../src/http/redact.ts';
import type { Reply } from './reply.ts';
import { retryAfterMs } from './retry-after.ts';
import { type ModelUsage, sumUsage } from './usage.ts';

/** The call that failed, as messages and error data name it. */
export interface FailedCall {
  readonly task: string;
  readonly provider: string;
  /** Where the provider is, without credentials. */
  readonly address: string;
  readonly model: string;
  readonly requestId: string | null;
  /** Of each request so far; null: not known. */
  readonly usages: readonly (ModelUsage | null)[];
  /** The last of them is counted to its end. Of an answer that broke off, what was counted until then is not all that it costs. */
  readonly counted: boolean;
  /** Characters of the answer that came before the failure. */
  readonly receivedCharacters: number;
  /** Milliseconds since 1970, for a Retry-After that is a date. */
  readonly now?: number | undefined;
  readonly redact: Redactor;
}

/** An answer that is an error: a status other than 2xx, or an `error` object in the middle of the stream. */
export interface ProviderError {
  readonly status: number | undefined;
  /** `insufficient_quota`, `rate_limit_exceeded`, …; some servers put the status here. */
  readonly code: unknown;
  readonly type: unknown;
  /** The parameter that was wrong. */
  readonly param: unknown;
  readonly message: string;
  readonly headers: Headers | undefined;
}

/** Longer ones are whole HTML pages of a proxy. */
const MAX_MESSAGE = 500;

/** Finish reasons of an answer that is no text. */
const CALLED_TOOL = new Set<string | null>(['tool_calls', 'function_call']);

/** Characters of a bad answer that its error keeps, for a person to see what is wrong. */
const MAX_ANSWER = 2_000;

const RATE_LIMIT = new Set<unknown>(['rate_limit_exceeded', 'rate_limit_error', 'tokens', 'requests']);
const REFUSED = new Set<unknown>([
  'invalid_request_error',
  'authentication_error',
  'permission_error',
  'content_filter',
]);

/**
 * The failure of a call. `cause` is left out on purpose: it holds the provider's own message, which may echo the key,
 * and a logger would print it.
 */
export function callFailure(code: ErrorCode, call: FailedCall, text: string, more: FailureDetails = {}): FermataError {
  const { task, provider, model, requestId, usages, counted, receivedCharacters } = call;
  const known = usages.filter((usage) => usage !== null);
  const request = requestId === null ? '' : ` (request ${requestId})`;
  return new FermataError(
    code,
    call.redact.text(`Task "${task}", model "${model}" of provider "${provider}"${request}: ${text}`),
    {
      data: {
        task,
        provider,
        model,
        requestId,
        receivedCharacters,
        calls: usages.length,
        // at least this much: a call that was cut off comes on top (`billed` says of which requests nothing is known)
        usage: known.length === 0 ? null : sumUsage(known),
        usageComplete: counted && known.length === usages.length,
        billed: [...usages.slice(0, -1), ...(more.unbilled === true ? [] : [counted ? usages.at(-1) : null])],
        ...(call.redact.value(more.data ?? {}) as object),
      },
      ...(more.retryAfterMs === undefined ? {} : { retryAfterMs: more.retryAfterMs }),
    },
  );
}

interface FailureDetails {
  readonly data?: Readonly<Record<string, unknown>>;
  readonly retryAfterMs?: number | undefined;
  /** The last request came to nothing that is paid for: it was not sent, or refused before there was an answer. */
  readonly unbilled?: boolean;
}

/** Nobody was there to take a request: it has not been made. */
const UNSENT = new Set<unknown>(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);

/** Sorts what a provider answers in place of a completion by what happens next. */
export function providerFailure(error: ProviderError, call: FailedCall): FermataError {
  // servers that relay others report "code": 429 in the stream of an answer that began with 200
  const status = error.status ?? (typeof error.code === 'number' ? error.code : undefined);
  const code = codeOf(error, status);
  const said = shorten(error.message, call);
  const what = status === undefined ? 'reported an error in its answer' : `answered with status ${status}`;
  const text = `${what}: ${said}${/[.!?]$/.test(said) ? '' : '.'} ${advice(code, error, status, call)}`;
  const data = {
    status: status ?? null,
    providerCode: error.code ?? null,
    providerType: error.type ?? null,
  };
  // a date or a limit's reset on a refusal would only mislead
  const wait = code === 'modelRefused' || !error.headers ? undefined : retryAfterMs(error.headers, call.now);
  // An answer that begins with another status has none of what is paid for; one that breaks off in its stream may have.
  const unbilled = error.status !== undefined && call.usages.at(-1) === null;
  return callFailure(code, call, text, { data, retryAfterMs: wait, unbilled });
}

function codeOf(error: ProviderError, status: number | undefined): ErrorCode {
  // 429 as well, but no wait will bring the credit back
  if (error.code === 'insufficient_quota' || error.type === 'insufficient_quota') return 'modelRefused';
  if (status === 429) return 'modelRateLimited';
  if (status === 408 || status === 409 || (status !== undefined && status >= 500)) return 'modelUnavailable';
  if (status !== undefined) return 'modelRefused';
  if (RATE_LIMIT.has(error.code) || RATE_LIMIT.has(error.type)) return 'modelRateLimited';
  return REFUSED.has(error.code) || REFUSED.has(error.type) ? 'modelRefused' : 'modelUnavailable';
}

function advice(
  code: ErrorCode,
  error: ProviderError,
  status: number | undefined,
  { provider, address }: FailedCall,
): string {
  if (code === 'modelRateLimited') return 'It can be tried again once the limit allows.';
  if (code === 'modelUnavailable') return 'It can be tried again.';
  if (error.code === 'insufficient_quota' || error.type === 'insufficient_quota' || status === 402) {
    return "The account's credit is used up: add some, or name another provider.";
  }
  if (error.param === 'max_completion_tokens') {
    return `This server may know only max_tokens: set providers.${provider}.maxTokensField to 'max_tokens'.`;
  }
  switch (status) {
    case 401:
      return `Check the key: ${provider === 'openai' ? 'OPENAI_API_KEY or ' : ''}providers.${provider}.apiKey.`;
    case 403:
      return 'The key is known but not allowed to do this: ask for access, or name another model.';
    case 404:
      return `Check the name of the model and the base URL (${address}).`;
    case 413:
      return 'The prompt is too long for this provider: shorten it.';
    default:
      return "Correct the task's prompt, parameters or response format.";
  }
}

/** A request that got no answer: refused, reset, unknown host, or silent past its timeout. */
export function connectionFailure(thrown: unknown, call: FailedCall, timedOutAfterMs?: number): FermataError {
  const reason = rootOf(thrown);
  const text =
    timedOutAfterMs === undefined
      ? `could not be reached at ${call.address} (${reason.message}). Check the address and the network; it can be tried again.`
      : `did not begin to answer at ${call.address} within ${timedOutAfterMs} ms. It can be tried again, or given a longer timeoutSeconds.`;
  const unbilled = timedOutAfterMs === undefined && UNSENT.has(reason.code);
  return callFailure('modelUnavailable', call, text, { data: { reason: reason.code ?? null }, unbilled });
}

/** What makes an answer unusable though its stream ended in order; undefined for a good one. */
export function faultOf(reply: Reply, call: FailedCall): FermataError | undefined {
  if (reply.refusal)
    return callFailure('modelRefused', call, `the model refused to answer: ${shorten(reply.refusal, call)}`);
  if (reply.finishReason === 'content_filter') {
    return callFailure('modelRefused', call, "the provider's content filter stopped the answer. Change the prompt.");
  }
  if (reply.length === 0 && CALLED_TOOL.has(reply.finishReason)) {
    return callFailure(
      'invalidAnswer',
      call,
      'expected text, but the model called a tool, and none was offered. Say in the prompt that it is to answer itself, or name another model.',
    );
  }
  if (reply.finishReason !== null) return undefined;
  if (reply.length === 0 && !/^text\/event-stream/i.test(reply.contentType ?? '')) {
    const text =
      `expected a stream of events at ${call.address}, got "${reply.contentType}". ` +
      'Check the base URL (with its version path, mostly /v1) and that the server can stream.';
    return callFailure('modelRefused', call, text);
  }
  return callFailure('modelCut', call, 'the answer ended without a finish reason. It can be tried again.');
}

/** An answer that is no JSON of its response format, after the second try or at the bound of its length. */
export function invalidAnswer(
  faults: readonly string[],
  reply: Reply,
  maxOutputTokens: number | undefined,
  call: FailedCall,
): FermataError {
  const bound = maxOutputTokens === undefined ? "the model's own limit" : `maxOutputTokens (${maxOutputTokens})`;
  const text =
    reply.finishReason === 'length'
      ? `expected JSON, but the answer was cut off at ${bound}. Raise it, or ask for less.`
      : `expected JSON of the response format, but the second answer does not fit either: ${faults.join('; ')}. ` +
        'Say in the prompt what is missing, loosen the schema, or name a stronger model.';
  // redacted before it is cut: half a secret would not be found
  const answer = call.redact.text(reply.text).slice(0, MAX_ANSWER);
  return callFailure('invalidAnswer', call, text, { data: { faults, finishReason: reply.finishReason, answer } });
}

/** Redacted first: half a secret at the end would not be found. */
function shorten(given: string, { redact }: FailedCall): string {
  const text = redact.text(given);
  return text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE)}…` : text;
}

/** The innermost cause: fetch says only "fetch failed", what lies below says ECONNREFUSED. */
export function rootOf(thrown: unknown): { code: string | undefined; message: string } {
  let root = thrown;
  while (root instanceof Error && root.cause instanceof Error) root = root.cause;
  if (root instanceof AggregateError && root.errors.length > 0) root = root.errors[0];
  const code = root instanceof Error && 'code' in root && typeof root.code === 'string' ? root.code : undefined;
  const message = root instanceof Error ? root.message : String(root);
  return { code, message: message || (code ?? 'no reason given') };
}
