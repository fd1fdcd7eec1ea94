/**
 * A model server on bare `node:http`, for what the scripted one cannot do: exact headers, usage details, pieces that
 * wait to be released, sockets that break, and seeing that a client has hung up.
 */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request as it came over the wire. */
export interface RawRequest {
  readonly headers: IncomingHttpHeaders;
  readonly body: { readonly [key: string]: unknown };
}

/** One answer, and what its client does. */
export interface RawExchange extends RawRequest {
  readonly response: ServerResponse;
  /** Resolves when the client closes the connection. */
  readonly hungUp: Promise<void>;
}

export interface RawModelServer {
  /** With `/v1`. */
  readonly baseUrl: string;
  readonly requests: readonly RawExchange[];
  /** Resolves with the next request. */
  nextRequest(): Promise<RawExchange>;
  stop(): Promise<void>;
}

/** Starts a server that answers each request with `answer`. */
export async function startRawModelServer(answer: (exchange: RawExchange) => void): Promise<RawModelServer> {
  const requests: RawExchange[] = [];
  let waiting: ((exchange: RawExchange) => void)[] = [];
  const take = async (request: IncomingMessage, response: ServerResponse) => {
    const hungUp = new Promise<void>((resolve) => response.once('close', resolve));
    const body = JSON.parse(Buffer.concat(await Array.fromAsync(request)).toString('utf8')) as RawRequest['body'];
    const exchange = { headers: request.headers, body, response, hungUp };
    requests.push(exchange);
    answer(exchange);
    for (const listener of waiting.splice(0)) listener(exchange);
  };
  const server = createServer((request, response) => void take(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    requests,
    nextRequest: () => new Promise((resolve) => waiting.push(resolve)),
    stop: async () => {
      waiting = [];
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A chunk of a chat completion; `content` and `finish` make its one choice. */
export function chunk(part: {
  readonly content?: string;
  readonly refusal?: string;
  readonly finish?: string;
  readonly usage?: unknown;
  readonly model?: string;
}): string {
  const { content, refusal, finish = null, usage, model = 'gpt-4o-mini-2024-07-18' } = part;
  const choice = { index: 0, delta: { content, refusal }, finish_reason: finish };
  const choices = content === undefined && refusal === undefined && finish === null ? [] : [choice];
  return `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', model, choices, usage })}\n\n`;
}

/** The last line of every stream. */
export const DONE = 'data: [DONE]\n\n';

/** Begins an event stream. */
export function beginStream({ response }: RawExchange, headers: Readonly<Record<string, string>> = {}): ServerResponse {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'x-request-id': 'req_raw', ...headers });
  response.flushHeaders();
  return response;
}

/** A whole answer at once. */
export function answerWith(exchange: RawExchange, text: string, usage?: unknown): void {
  const count = usage === undefined ? '' : chunk({ usage });
  beginStream(exchange).end(chunk({ content: text }) + chunk({ content: '', finish: 'stop' }) + count + DONE);
}

/** The vector of a text; `tokens` as the provider counts them, undefined where it does not say. */
export function answerEmbedding({ response }: RawExchange, embedding: unknown, tokens?: number): void {
  const data = embedding === undefined ? [] : [{ object: 'embedding', index: 0, embedding }];
  const usage = tokens === undefined ? undefined : { prompt_tokens: tokens, total_tokens: tokens };
  response.writeHead(200, { 'content-type': 'application/json', 'x-request-id': 'req_embed' });
  response.end(JSON.stringify({ object: 'list', data, model: 'text-embedding-3-small', usage }));
}

/** An error as OpenAI words it. */
export function answerError(
  { response }: RawExchange,
  status: number,
  error: Readonly<Record<string, unknown>>,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', 'x-request-id': 'req_err', ...headers });
  response.end(JSON.stringify({ error }));
}
