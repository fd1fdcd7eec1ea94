import { createServer } from 'node:net';
import { once } from 'node:events';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { type ScriptLine, startModelServer } from '../../src/cli/demo/model-server.ts';
import { MOST_BYTES } from '../../actors/model/bounded.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { effectContext } from '../harness/effect-context.ts';
import {
  answerError,
  answerWith,
  beginStream,
  chunk,
  DONE,
  type RawExchange,
  startRawModelServer,
} from '../harness/raw-model-server.ts';
import { callModel, failureOf, KEY } from './model-setup.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(() => Promise.all(stops.splice(0).map((stop) => stop())));

async function raw(answer: (exchange: RawExchange) => void) {
  const server = await startRawModelServer(answer);
  stops.push(() => server.stop());
  return server;
}

async function scripted(...answers: ScriptLine['answers']) {
  const server = await startModelServer({ script: [{ prompt: '', answers }] });
  stops.push(() => server.stop());
  return server;
}

describe('what a provider refuses', () => {
  const table: readonly [number, Record<string, unknown>, ErrorCode, string, RegExp][] = [
    [400, { message: 'bad' }, 'modelRefused', 'never', /Correct the task/],
    [
      400,
      { message: 'Unknown', param: 'max_completion_tokens' },
      'modelRefused',
      'never',
      /maxTokensField to 'max_tokens'/,
    ],
    [401, { message: 'no' }, 'modelRefused', 'never', /OPENAI_API_KEY/],
    [402, { message: 'no money' }, 'modelRefused', 'never', /credit/],
    [403, { message: 'no' }, 'modelRefused', 'never', /not allowed/],
    [404, { message: 'no model' }, 'modelRefused', 'never', /name of the model and the base URL \(http/],
    [408, { message: 'slow' }, 'modelUnavailable', 'backoff', /tried again/],
    [409, { message: 'lock' }, 'modelUnavailable', 'backoff', /tried again/],
    [413, { message: 'long' }, 'modelRefused', 'never', /shorten/],
    [422, { message: 'bad' }, 'modelRefused', 'never', /Correct the task/],
    [429, { message: 'slow down' }, 'modelRateLimited', 'after', /limit/],
    [429, { message: 'broke', code: 'insufficient_quota' }, 'modelRefused', 'never', /credit/],
    [429, { message: 'broke', type: 'insufficient_quota' }, 'modelRefused', 'never', /credit/],
    [500, { message: 'oops' }, 'modelUnavailable', 'backoff', /tried again/],
    [503, { message: 'busy' }, 'modelUnavailable', 'backoff', /tried again/],
    [529, { message: 'overloaded' }, 'modelUnavailable', 'backoff', /tried again/],
  ];
  it.each(table)('status %i %o is %s', async (status, error, code, retry, advice) => {
    const server = await raw((exchange) => answerError(exchange, status, error));
    const failure = await failureOf(callModel(server.baseUrl));
    expect(failure).toMatchObject({ code, retry });
    expect(failure.message).toMatch(advice);
    expect(failure.message).toContain(`status ${status}: ${String(error['message'])}`);
    expect(failure.message).toContain('model "gpt-4o-mini" of provider "openai" (request req_err)');
    expect(failure.data).toMatchObject({
      status,
      provider: 'openai',
      requestId: 'req_err',
      usage: null,
      usageComplete: false,
    });
    // the package itself never tries again: retries are counted and paid for elsewhere
    expect(server.requests).toHaveLength(1);
  });

  it('says when to come back', async () => {
    const server = await scripted({ error: { status: 429, message: 'slow down', retryAfterSeconds: 7 } });
    expect(await failureOf(callModel(server.baseUrl))).toMatchObject({ code: 'modelRateLimited', retryAfterMs: 7_000 });
  });

  it('and 503 says when to come back as well, where the provider does', async () => {
    const server = await raw((exchange) =>
      answerError(exchange, 503, { message: 'busy' }, { 'retry-after-ms': '1500' }),
    );
    expect(await failureOf(callModel(server.baseUrl))).toMatchObject({ code: 'modelUnavailable', retryAfterMs: 1_500 });
  });

  it('shortens the page of a proxy', async () => {
    const server = await raw(({ response }) => {
      response.writeHead(502, { 'content-type': 'text/html' }).end('<p>Bad gateway</p>'.repeat(1_000));
    });
    const failure = await failureOf(callModel(server.baseUrl));
    expect(failure.code).toBe('modelUnavailable');
    expect(failure.message.length).toBeLessThan(800);
  });

  it('by content filter or refusal is not tried again', async () => {
    const filter = await scripted({ text: 'I', finishReason: 'content_filter' });
    expect(await failureOf(callModel(filter.baseUrl))).toMatchObject({ code: 'modelRefused' });
    const usage = { prompt_tokens: 3, completion_tokens: 2 };
    const refusal = await raw((exchange) => {
      const end = chunk({ content: '', finish: 'stop' }) + chunk({ usage }) + DONE;
      beginStream(exchange).end(chunk({ refusal: 'I cannot ' }) + chunk({ refusal: 'help.' }) + end);
    });
    const failure = await failureOf(callModel(refusal.baseUrl));
    expect(failure).toMatchObject({ code: 'modelRefused', data: { usage: { inputTokens: 3 }, usageComplete: true } });
    expect(failure.message).toContain('I cannot help.');
  });
});

describe('errors in the middle of an answer', () => {
  it.each([
    [{ message: 'x', type: 'server_error' }, 'modelUnavailable'],
    [{ message: 'x', code: 'rate_limit_exceeded' }, 'modelRateLimited'],
    [{ message: 'x', code: 429 }, 'modelRateLimited'],
    [{ message: 'x', code: 502 }, 'modelUnavailable'],
    [{ message: 'x', type: 'invalid_request_error' }, 'modelRefused'],
    [{ message: 'x', code: 'insufficient_quota' }, 'modelRefused'],
  ])('%o is %s', async (error, code) => {
    const server = await raw((exchange) => {
      beginStream(exchange).end(`${chunk({ content: 'Hel' })}data: ${JSON.stringify({ error })}\n\n`);
    });
    expect(await failureOf(callModel(server.baseUrl))).toMatchObject({ code, data: { receivedCharacters: 3 } });
  });
});

describe('an answer that is cut off', () => {
  it('by a broken connection may be tried again, and says how much had come', async () => {
    const server = await scripted({ text: 'abcdefghijkl', cutAfterPieces: 2 });
    const failure = await failureOf(callModel(server.baseUrl));
    expect(failure).toMatchObject({ code: 'modelCut', retry: 'backoff' });
    expect(failure.data).toMatchObject({ receivedCharacters: 8, usage: null, usageComplete: false, calls: 1 });
  });

  it('by an end without finish reason may be tried again, and keeps the usage that is known', async () => {
    const usage = { prompt_tokens: 3, completion_tokens: 1 };
    const server = await raw((exchange) => beginStream(exchange).end(chunk({ content: 'abc', usage })));
    const failure = await failureOf(callModel(server.baseUrl));
    expect(failure).toMatchObject({ code: 'modelCut', data: { receivedCharacters: 3, usage: { inputTokens: 3 } } });
    // It went on to count, and to be paid, where nobody heard it any more.
    expect(failure.data).toMatchObject({ usageComplete: false, billed: [null] });
  });

  it('in the middle of a line may be tried again', async () => {
    const server = await raw((exchange) => beginStream(exchange).end(`${chunk({ content: 'abc' })}data: {"id": "chat`));
    expect((await failureOf(callModel(server.baseUrl))).code).toBe('modelCut');
  });

  it('before its first character may be tried again', async () => {
    const server = await raw((exchange) => beginStream(exchange).end());
    expect((await failureOf(callModel(server.baseUrl))).code).toBe('modelCut');
  });
});

describe('a provider that cannot be reached', () => {
  it('refuses the connection', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const address = closed.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    closed.close();
    await once(closed, 'close');
    const failure = await failureOf(callModel(`http://127.0.0.1:${port}/v1`));
    expect(failure).toMatchObject({ code: 'modelUnavailable', retry: 'backoff', data: { reason: 'ECONNREFUSED' } });
    expect(failure.message).toContain(`could not be reached at http://127.0.0.1:${port}/v1`);
  });

  it('hangs up before it answers', async () => {
    const server = await raw(({ response }) => response.destroy());
    expect((await failureOf(callModel(server.baseUrl))).code).toBe('modelUnavailable');
  });

  it('hangs: the request ends with its timeout', async () => {
    const server = await scripted({ hang: true });
    const failure = await failureOf(callModel(server.baseUrl, { timeoutMs: 300 }));
    expect(failure).toMatchObject({ code: 'modelUnavailable', retry: 'backoff' });
    expect(failure.message).toContain('did not begin to answer');
    expect(failure.message).toContain('within 300 ms');
    expect(server.requests()).toHaveLength(1);
  });

  it('a timeout of a month or of a fraction does not end a call at once', async () => {
    const server = await raw((exchange) => answerWith(exchange, 'hi'));
    expect((await callModel(server.baseUrl, { timeoutMs: 30 * 86_400_000 })).text).toBe('hi');
    expect((await callModel(server.baseUrl, { timeoutMs: 60_000.5 })).text).toBe('hi');
  });

  it('is a web page: the base URL is wrong', async () => {
    const server = await raw(({ response }) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Welcome</html>');
    });
    const failure = await failureOf(callModel(server.baseUrl));
    expect(failure.code).toBe('modelRefused');
    expect(failure.message).toContain('got "text/html"');
  });

  it('goes on without end: it is cut off before it fills the memory, and not tried again', async () => {
    const server = await raw((exchange) => {
      const response = beginStream(exchange);
      const blanks = Buffer.alloc(1024 * 1024, ' ');
      const more = (): void => {
        while (!response.destroyed && response.write(blanks));
      };
      response.on('drain', more);
      more();
    });
    const failure = await failureOf(callModel(server.baseUrl));
    expect(failure).toMatchObject({ code: 'invalidAnswer', retry: 'never' });
    expect(failure.message).toContain(`goes on after ${MOST_BYTES} bytes`);
    const [exchange] = server.requests;
    await exchange?.hungUp;
  });

  it('has an address that is no URL', async () => {
    expect((await failureOf(callModel('not a url'))).code).toBe('modelRefused');
  });
});

describe('abort', () => {
  it('closes the connection of a call that has no answer yet', async () => {
    const server = await raw(() => undefined);
    const context = effectContext();
    const arrived = server.nextRequest();
    const failure = failureOf(callModel(server.baseUrl, {}, { context }));
    const { hungUp } = await arrived;
    context.abort();
    expect((await failure).code).toBe('cancelled');
    await hungUp;
  });

  it('closes the connection in the middle of an answer, and no piece comes after it', async () => {
    const server = await raw((exchange) => beginStream(exchange).write(chunk({ content: 'abc' })));
    const context = effectContext();
    const [arrived, heard] = [server.nextRequest(), context.nextDelta()];
    const failure = failureOf(callModel(server.baseUrl, {}, { context }));
    expect(await heard).toBe('abc');
    context.abort();
    expect(await failure).toMatchObject({ code: 'cancelled', data: { receivedCharacters: 3 } });
    await (
      await arrived
    ).hungUp;
    expect(context.deltas).toEqual(['abc']);
  });

  it('before the call sends nothing', async () => {
    const server = await raw((exchange) => answerWith(exchange, 'hi'));
    const context = effectContext();
    context.abort();
    expect((await failureOf(callModel(server.baseUrl, {}, { context }))).code).toBe('cancelled');
    expect(server.requests).toHaveLength(0);
  });
});

describe('keys', () => {
  it('that a provider echoes are blanked out of the whole error', async () => {
    const server = await raw((exchange) =>
      answerError(exchange, 401, { message: `Incorrect API key provided: ${KEY}.` }),
    );
    const failure = await failureOf(callModel(server.baseUrl));
    expect(failure.message).toContain('[redacted]');
    expect(inspect(failure, { depth: 20 })).not.toContain(KEY);
  });

  it('that cannot be sent are not quoted', async () => {
    const apiKey = `${KEY}\n${KEY}`;
    const failure = await failureOf(
      callModel('', {}, { providers: { openai: { apiKey, baseUrl: 'http://127.0.0.1:9/v1' } } }),
    );
    expect(failure.code).toBe('modelRefused');
    expect(inspect(failure, { depth: 20 })).not.toContain(KEY);
  });

  it('in headers and base URLs are secrets too', async () => {
    const server = await raw((exchange) => answerError(exchange, 403, { message: 'no: tok-secret-1 and pw-secret-2' }));
    const baseUrl = `${server.baseUrl}?key=pw-secret-2`;
    const providers = { openai: { baseUrl, headers: { Authorization: 'Token tok-secret-1' } } };
    const failure = await failureOf(callModel('', {}, { providers }));
    expect(failure.message).toContain('no: [redacted] and [redacted]');
    expect(inspect(failure, { depth: 20 })).not.toContain('secret');
  });
});
