/**
 * The scripted model server: OpenAI's protocol over a real socket, with answers from a script. It serves `--demo` and
 * the tests. Everything it says is marked as scripted, so that nobody takes it for a model.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { json } from 'node:stream/consumers';
import type { ChatCompletionRequest, Fixture, FixtureResponse, Mountable, StreamingProfile } from '@copilotkit/aimock';
import { FermataError } from '../../errors.ts';
import { DEMO_SCRIPT } from './script.ts';
import { wordVector } from './word-vector.ts';

/** What the server does with one request. */
export interface ScriptedAnswer {
  /** The text of the answer … */
  readonly text?: string;
  /** … or a value, answered as JSON … */
  readonly json?: unknown;
  /** … or an error status. */
  readonly error?: {
    readonly status: number;
    readonly message: string;
    readonly code?: string;
    readonly type?: string;
    /** Sent as `Retry-After` with 429; default 1. */
    readonly retryAfterSeconds?: number;
  };
  /** Takes the request and never answers. */
  readonly hang?: boolean;
  /** Breaks the connection after so many pieces of the answer. */
  readonly cutAfterPieces?: number;
  /** Tokens as the provider would count them; default: estimated from the length. */
  readonly usage?: { readonly inputTokens: number; readonly outputTokens: number };
  /** The model that claims to answer; default: the one that was asked. */
  readonly model?: string;
  /** `stop`, `length`, `content_filter`; default `stop`. */
  readonly finishReason?: string;
}

/** A line of the script: the first line that fits the prompt (the first user message) answers. */
export interface ScriptLine {
  /** A part of the prompt, or an expression that it matches. */
  readonly prompt: string | RegExp;
  /** Answers in order; the last one stays. A function makes it from the request. */
  readonly answers: readonly (ScriptedAnswer | ((request: ScriptedRequest) => MadeAnswer))[];
}

/** An answer that is made when the request is there. */
export type MadeAnswer = Omit<ScriptedAnswer, 'cutAfterPieces'>;

/** A request as it came over the wire. */
export interface ScriptedRequest {
  readonly headers: Readonly<Record<string, string>>;
  /** The JSON body of `POST /v1/chat/completions`. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** How the server is started. */
export interface ModelServerOptions {
  /** Default: any free one. */
  readonly port?: number;
  /** Default: the answers of the demo. */
  readonly script?: readonly ScriptLine[];
  /** Milliseconds before the first piece of an answer; default 0. */
  readonly firstTokenMs?: number;
  /** Pieces of about one token each, a second; default: as fast as it goes. */
  readonly tokensPerSecond?: number;
}

/** A running server. */
export interface ModelServer {
  /** What `OPENAI_BASE_URL` is set to: `http://127.0.0.1:PORT/v1`. */
  readonly baseUrl: string;
  /** Every request so far, oldest first, from the moment it came: also what hangs or was cut off. */
  requests(): readonly ScriptedRequest[];
  /** Texts whose vectors were asked for, oldest first: those of the same words have the same one. */
  embedded(): readonly string[];
  /** Breaks off what is in flight, and stops. */
  stop(): Promise<void>;
}

/** Characters of a piece: about a token of English. */
const PIECE_CHARACTERS = 4;

/**
 * Starts the server on 127.0.0.1.
 *
 * @throws FermataError `invalidConfig` if the package it is made from is not installed
 * @example
 * const server = await startModelServer({ script: [{ prompt: 'capital', answers: [{ text: 'Paris' }] }] })
 */
export async function startModelServer(asked: ModelServerOptions = {}): Promise<ModelServer> {
  const { port = 0, script = DEMO_SCRIPT, firstTokenMs = 0, tokensPerSecond } = asked;
  const { createServer } = await loadServer();
  const requests: ScriptedRequest[] = [];
  const embedded: string[] = [];
  // the headers of a request reach the function that answers it by its asynchronous context only
  const headersOf = new AsyncLocalStorage<ScriptedRequest['headers']>();
  const receive = (body: ChatCompletionRequest) => {
    // names with "_" are the package's own notes
    const sent = Object.entries(body).filter(([name]) => !name.startsWith('_'));
    const request = { headers: headersOf.getStore() ?? {}, body: Object.fromEntries(sent) };
    requests.push(request);
    return request;
  };
  const pace = { ttft: firstTokenMs, ...(tokensPerSecond === undefined ? {} : { tps: tokensPerSecond }) };
  const fixtures = [...script, OFF_SCRIPT].flatMap((line) => toFixtures(line, receive, pace));
  // not the package's own, which says that no text has a token
  const vectors: Mountable = {
    async handleRequest(request, response) {
      const { input, model } = (await json(request)) as { readonly input: string; readonly model: string };
      embedded.push(input);
      const tokens = Math.ceil(input.length / PIECE_CHARACTERS);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify({
          object: 'list',
          data: [{ object: 'embedding', index: 0, embedding: wordVector(input) }],
          model,
          usage: { prompt_tokens: tokens, total_tokens: tokens },
        }),
      );
      return true;
    },
  };
  const options = {
    port,
    host: '127.0.0.1',
    chunkSize: PIECE_CHARACTERS,
    // its own log would only double ours
    journalMaxEntries: 1,
  };
  const { server, url } = await createServer(fixtures, options, [{ path: '/v1/embeddings', handler: vectors }]);
  server.prependListener('request', ({ headers }) => {
    const flat = Object.entries(headers).map(([name, value]) => [name, [value].flat().join(', ')] as const);
    headersOf.enterWith(Object.fromEntries(flat));
  });
  return {
    baseUrl: `${url}/v1`,
    requests: () => requests,
    embedded: () => embedded,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const OFF_SCRIPT: ScriptLine = {
  prompt: '',
  answers: [
    { error: { status: 404, message: 'No line of the script fits this prompt.', type: 'invalid_request_error' } },
  ],
};

/** One fixture for each answer of the line: those before the last one serve once. */
function toFixtures(
  { prompt, answers }: ScriptLine,
  receive: (body: ChatCompletionRequest) => ScriptedRequest,
  streamingProfile: StreamingProfile,
): Fixture[] {
  // one function for all of them: the package counts the uses of what has the same one
  const predicate = (request: ChatCompletionRequest) => fits(promptOf(request), prompt);
  return answers.map((answer, index) => ({
    match: { endpoint: 'chat', predicate, ...(index < answers.length - 1 ? { sequenceIndex: index } : {}) },
    response: (body) => {
      const request = receive(body);
      const made = typeof answer === 'function' ? answer(request) : answer;
      return made.hang === true ? new Promise<never>(() => undefined) : toResponse(made);
    },
    streamingProfile,
    ...(typeof answer === 'function' || answer.cutAfterPieces === undefined
      ? {}
      : cut(answer.cutAfterPieces, streamingProfile)),
  }));
}

/**
 * Breaks the connection so that exactly `pieces` arrive: before them goes one that holds the role only, and the one at
 * which the package destroys the socket is never flushed. Without a pause between them none would be.
 */
function cut(pieces: number, pace: StreamingProfile) {
  return { truncateAfterChunks: pieces + 2, streamingProfile: { tps: FLUSHED_PIECES_PER_SECOND, ...pace } };
}

const FLUSHED_PIECES_PER_SECOND = 500;

function toResponse({ text, json, error, usage, model, finishReason }: MadeAnswer): FixtureResponse {
  if (error !== undefined) {
    const { status, message, code, type, retryAfterSeconds } = error;
    return {
      status,
      error: { message, ...(type === undefined ? {} : { type }), ...(code === undefined ? {} : { code }) },
      ...(retryAfterSeconds === undefined ? {} : { retryAfter: retryAfterSeconds }),
    };
  }
  return {
    content: text ?? JSON.stringify(json ?? null),
    ...(model === undefined ? {} : { model }),
    ...(finishReason === undefined ? {} : { finishReason }),
    ...(usage === undefined
      ? {}
      : { usage: { prompt_tokens: usage.inputTokens, completion_tokens: usage.outputTokens } }),
  };
}

function fits(prompt: string, expected: string | RegExp): boolean {
  return typeof expected === 'string' ? prompt.includes(expected) : expected.test(prompt);
}

/** The first user message: later ones only ask for a correction. */
function promptOf({ messages }: ChatCompletionRequest): string {
  const content = messages.find(({ role }) => role === 'user')?.content;
  return typeof content === 'string' ? content : '';
}

/** Loaded on demand only: a server that calls real models must start without it. */
async function loadServer() {
  try {
    return await import('@copilotkit/aimock');
  } catch (cause) {
    throw new FermataError(
      'invalidConfig',
      'The scripted model server of --demo needs the package @copilotkit/aimock, which is not installed. ' +
        'Run npm install @copilotkit/aimock.',
      { cause },
    );
  }
}
