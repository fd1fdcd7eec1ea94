import { afterEach, describe, expect, it, vi } from 'vitest';
import { modelCall } from '../../actors/model-call.ts';
import { openaiFromEnvironment } from '../../actors/model/provider.ts';
import { redactor } from '../../src/http/redact.ts';
import { type ModelServer, type ScriptLine, startModelServer } from '../../src/cli/demo/model-server.ts';
import { effectContext } from '../harness/effect-context.ts';
import {
  answerWith,
  beginStream,
  chunk,
  DONE,
  type RawExchange,
  startRawModelServer,
} from '../harness/raw-model-server.ts';
import { callModel, checkAnswer, failureOf, KEY, PERSON, question } from './model-setup.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

async function scripted(...answers: ScriptLine['answers']): Promise<ModelServer> {
  const server = await startModelServer({ script: [{ prompt: '', answers }] });
  stops.push(() => server.stop());
  return server;
}

async function raw(answer: (exchange: RawExchange) => void) {
  const server = await startRawModelServer(answer);
  stops.push(() => server.stop());
  return server;
}

describe('the answer', () => {
  it('is streamed in pieces and returned whole', async () => {
    const server = await scripted({ text: 'Hello, dear reader.', usage: { inputTokens: 9, outputTokens: 5 } });
    const context = effectContext();
    const output = await callModel(server.baseUrl, {}, { context });
    expect(output).toMatchObject({
      text: 'Hello, dear reader.',
      value: 'Hello, dear reader.',
      calls: 1,
      finishReason: 'stop',
    });
    expect(output.usage).toEqual({
      inputTokens: 9,
      cachedInputTokens: 0,
      outputTokens: 5,
      reasoningTokens: 0,
      totalTokens: 14,
    });
    expect(output.requestId).toMatch(/./);
    expect(context.deltas.length).toBeGreaterThan(2);
    expect(context.deltas.join('')).toBe('Hello, dear reader.');
  });

  it('reports cached and reasoning tokens, the request id and the model that answered', async () => {
    const usage = {
      prompt_tokens: 100,
      completion_tokens: 50,
      total_tokens: 150,
      prompt_tokens_details: { cached_tokens: 64 },
      completion_tokens_details: { reasoning_tokens: 30 },
    };
    const server = await raw((exchange) => answerWith(exchange, 'hi', usage));
    expect(await callModel(server.baseUrl)).toMatchObject({
      usage: { inputTokens: 100, cachedInputTokens: 64, outputTokens: 50, reasoningTokens: 30, totalTokens: 150 },
      requestId: 'req_raw',
      model: 'gpt-4o-mini-2024-07-18',
    });
  });

  it('has no usage where the provider reports none', async () => {
    const server = await raw((exchange) => answerWith(exchange, 'hi'));
    expect((await callModel(server.baseUrl)).usage).toBeNull();
  });

  it('takes the last count where a provider counts with every chunk', async () => {
    const count = (tokens: number) => ({ prompt_tokens: 7, completion_tokens: tokens });
    const server = await raw((exchange) => {
      beginStream(exchange).end(
        chunk({ content: 'a', usage: count(1) }) + chunk({ content: 'b', finish: 'stop', usage: count(2) }) + DONE,
      );
    });
    expect((await callModel(server.baseUrl)).usage).toMatchObject({ inputTokens: 7, outputTokens: 2, totalTokens: 9 });
  });

  it('tells how long it took by the given clock', async () => {
    const server = await scripted({ text: 'hi' });
    let now = 1_000;
    const output = await callModel(server.baseUrl, {}, { clock: { now: () => (now += 250) } });
    expect(output.durationMs).toBeGreaterThan(0);
    expect((output.durationMs ?? 0) % 250).toBe(0);
    expect(await callModel(server.baseUrl)).not.toHaveProperty('durationMs');
  });

  it('keeps emoji whole in every delta, also where the provider cuts them in two', async () => {
    const text = 'a👩‍🚀b😀c🎼🎼🎼 d';
    const server = await scripted({ text });
    const context = effectContext();
    expect((await callModel(server.baseUrl, {}, { context })).text).toBe(text);
    expect(context.deltas.join('')).toBe(text);
    for (const delta of context.deltas) expect(delta.isWellFormed()).toBe(true);
  });

  it('may be ten megabytes long', async () => {
    const text = 'The quick brown fox. '.repeat(500_000);
    const server = await raw((exchange) => {
      const response = beginStream(exchange);
      for (let at = 0; at < text.length; at += 4_096) response.write(chunk({ content: text.slice(at, at + 4_096) }));
      response.end(chunk({ content: '', finish: 'stop' }) + DONE);
    });
    expect((await callModel(server.baseUrl)).text === text).toBe(true);
  });

  it('bounded by maxOutputTokens is returned as far as it goes, and says so', async () => {
    const server = await scripted({ text: 'Once upon a', finishReason: 'length' });
    expect(await callModel(server.baseUrl, { maxOutputTokens: 3 })).toMatchObject({
      text: 'Once upon a',
      finishReason: 'length',
    });
  });

  it('is kept when only its count is lost', async () => {
    const server = await raw((exchange) => {
      beginStream(exchange).write(chunk({ content: 'whole' }) + chunk({ content: '', finish: 'stop' }), () => {
        exchange.response.destroy();
      });
    });
    expect(await callModel(server.baseUrl)).toMatchObject({ text: 'whole', usage: null });
  });
});

describe('the request', () => {
  it('carries model, messages, bounds, key and idempotency key, streamed with usage', async () => {
    const server = await scripted({ text: 'hi' });
    const asked = { system: 'Be brief.', prompt: 'Say "hello" 👋', temperature: 0, maxOutputTokens: 50 };
    await callModel(server.baseUrl, asked, { context: effectContext({ key: 'k-42' }) });
    const [request] = server.requests();
    expect(request?.body).toEqual({
      model: 'gpt-4o-mini',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Say "hello" 👋' },
      ],
      stream: true,
      stream_options: { include_usage: true },
      temperature: 0,
      max_completion_tokens: 50,
    });
    expect(request?.headers).toMatchObject({ 'idempotency-key': 'k-42', authorization: `Bearer ${KEY}` });
  });

  it('leaves out what was not asked for', async () => {
    const server = await scripted({ text: 'hi' });
    await callModel(server.baseUrl);
    expect(Object.keys(server.requests()[0]?.body ?? {}).sort()).toEqual([
      'messages',
      'model',
      'stream',
      'stream_options',
    ]);
  });

  it('bounds the answer by max_tokens where the provider knows only that', async () => {
    const server = await scripted({ text: 'hi' });
    const providers = { local: { baseUrl: server.baseUrl, maxTokensField: 'max_tokens' as const } };
    await callModel('', { provider: 'local', maxOutputTokens: 7 }, { providers });
    expect(server.requests()[0]?.body).toMatchObject({ max_tokens: 7 });
    expect(server.requests()[0]?.body).not.toHaveProperty('max_completion_tokens');
  });

  it('has no Authorization where the provider has no key', async () => {
    const server = await scripted({ text: 'hi' });
    await callModel('', { provider: 'local' }, { providers: { local: { baseUrl: server.baseUrl } } });
    expect(server.requests()[0]?.headers).not.toHaveProperty('authorization');
  });

  it('M3: takes nothing that belongs to another provider from the environment', async () => {
    vi.stubEnv('OPENAI_API_KEY', 'sk-of-openai');
    vi.stubEnv('OPENAI_ADMIN_KEY', 'sk-admin-of-openai');
    vi.stubEnv('OPENAI_ORG_ID', 'org-of-openai');
    vi.stubEnv('OPENAI_PROJECT_ID', 'proj-of-openai');
    vi.stubEnv('OPENAI_BASE_URL', 'http://127.0.0.1:9/v1');
    const server = await scripted({ text: 'hi' });
    const other = { baseUrl: server.baseUrl, headers: { 'X-Team': 'blue' } };
    const providers = { keyless: other, keyed: { ...other, apiKey: 'sk-of-keyed' } };
    await callModel('', { provider: 'keyless' }, { providers });
    await callModel('', { provider: 'keyed' }, { providers });
    expect(JSON.stringify(server.requests())).not.toContain('of-openai');
    expect(server.requests()[0]?.headers).toMatchObject({ 'x-team': 'blue' });
    expect(server.requests()[1]?.headers).toMatchObject({ authorization: 'Bearer sk-of-keyed' });
  });

  it('says "JSON" for json_object, which OpenAI refuses otherwise, only where nobody says it', async () => {
    const server = await scripted({ json: { a: 1 } });
    const output = await callModel(server.baseUrl, { responseFormat: 'json', system: 'Be brief.' });
    await callModel(server.baseUrl, { responseFormat: 'json', prompt: 'A list as JSON' });
    expect(output).toMatchObject({ text: '{"a":1}', value: { a: 1 }, calls: 1 });
    expect(server.requests().map(({ body }) => [body['response_format'], body['messages']])).toEqual([
      [
        { type: 'json_object' },
        [
          { role: 'system', content: 'Be brief.\n\nAnswer with a JSON object.' },
          { role: 'user', content: 'Say hello' },
        ],
      ],
      [{ type: 'json_object' }, [{ role: 'user', content: 'A list as JSON' }]],
    ]);
  });

  it('carries the schema, strict only where strict mode takes it', async () => {
    const server = await scripted({ json: { name: 'Ada', age: 36 } });
    const open = { type: 'object', properties: { name: { type: 'string' } } };
    await callModel(server.baseUrl, { task: 'who is it? 🎼', responseFormat: { schema: PERSON } });
    await callModel(server.baseUrl, { responseFormat: { schema: open } });
    expect(server.requests().map(({ body }) => body['response_format'])).toEqual([
      { type: 'json_schema', json_schema: { name: 'who_is_it_', schema: PERSON, strict: true } },
      { type: 'json_schema', json_schema: { name: 'plan', schema: open } },
    ]);
  });

  it('asks in words for a schema that is no object', async () => {
    const server = await scripted({ text: '```json\n["a", "b"]\n```' });
    const schema = { type: 'array', items: { type: 'string' } };
    const output = await callModel(server.baseUrl, { responseFormat: { schema } });
    expect(output).toMatchObject({ value: ['a', 'b'], calls: 1 });
    const { body } = server.requests()[0] ?? {};
    expect(body).not.toHaveProperty('response_format');
    expect(JSON.stringify(body?.['messages'])).toContain('JSON Schema');
  });
});

describe('an answer that breaks its schema', () => {
  it('is asked for once more, with the answer and what is wrong with it, and both are paid', async () => {
    const usage = { inputTokens: 10, outputTokens: 5 };
    const server = await scripted({ json: { name: 'Ada' }, usage }, { json: { name: 'Ada', age: 36 }, usage });
    const context = effectContext({ key: 'k' });
    const output = await callModel(server.baseUrl, { responseFormat: { schema: PERSON } }, { context });
    expect(output).toMatchObject({
      value: { name: 'Ada', age: 36 },
      calls: 2,
      usage: { inputTokens: 20, outputTokens: 10 },
    });
    expect(context.restarts).toBe(1);
    expect(context.deltas.join('')).toBe('{"name":"Ada","age":36}');
    const [first, second] = server.requests();
    expect(second?.body).toMatchObject({
      messages: [
        { role: 'user', content: 'Say hello' },
        { role: 'assistant', content: '{"name":"Ada"}' },
        { role: 'user', content: expect.stringContaining('age') },
      ],
      response_format: { type: 'json_schema' },
    });
    expect([first, second].map((request) => request?.headers['idempotency-key'])).toEqual(['k', 'k.repair']);
  });

  it('fails when the second one breaks it as well, with faults, answer and the usage of both', async () => {
    const server = await scripted({ text: 'no JSON', usage: { inputTokens: 10, outputTokens: 5 } });
    const failure = await failureOf(callModel(server.baseUrl, { responseFormat: 'json' }));
    expect(failure).toMatchObject({ code: 'invalidAnswer', retry: 'never' });
    expect(failure.message).toContain('is not JSON');
    expect(failure.data).toMatchObject({
      answer: 'no JSON',
      calls: 2,
      usage: { inputTokens: 20, outputTokens: 10 },
      usageComplete: true,
    });
    expect(server.requests()).toHaveLength(2);
  });

  it('keeps the usage of the first call when the second one fails', async () => {
    const server = await scripted(
      { text: 'no JSON', usage: { inputTokens: 10, outputTokens: 5 } },
      { error: { status: 500, message: 'oops' } },
    );
    const failure = await failureOf(callModel(server.baseUrl, { responseFormat: 'json' }));
    expect(failure.code).toBe('modelUnavailable');
    expect(failure.data).toMatchObject({ usage: { inputTokens: 10, outputTokens: 5 }, usageComplete: false, calls: 2 });
  });

  it('is not asked for again when it was cut off at its bound', async () => {
    const server = await scripted({ text: '{"name": "A', finishReason: 'length' });
    const failure = await failureOf(callModel(server.baseUrl, { responseFormat: 'json', maxOutputTokens: 4 }));
    expect(failure.code).toBe('invalidAnswer');
    expect(failure.message).toContain('cut off at maxOutputTokens (4)');
    expect(server.requests()).toHaveLength(1);
  });
});

describe('providers', () => {
  it('openai is read from the environment as the package reads it', () => {
    expect(openaiFromEnvironment({ OPENAI_API_KEY: ' k ', OPENAI_BASE_URL: '', OPENAI_ORG_ID: 'o' })).toEqual({
      apiKey: 'k',
      baseUrl: undefined,
      headers: { 'OpenAI-Organization': 'o' },
    });
  });

  it('without key and base URL are refused, saying what to set', async () => {
    const call = modelCall({
      providers: { openai: openaiFromEnvironment({}), groq: {} },
      checkAnswer,
      redact: redactor(),
    });
    const openai = await failureOf(call.run(question(), effectContext()));
    expect(openai.code).toBe('providerMissing');
    expect(openai.message).toContain('Set OPENAI_API_KEY');
    expect(openai.message).toContain('--demo');
    const groq = await failureOf(call.run(question({ provider: 'groq' }), effectContext()));
    expect(groq.message).toContain('providers.groq');
  });

  it('that are not registered are refused, naming the registered ones', async () => {
    for (const provider of ['nobody', 'constructor']) {
      const failure = await failureOf(callModel('http://127.0.0.1:9/v1', { provider }));
      expect(failure).toMatchObject({ code: 'providerMissing', data: { registered: ['openai'] } });
      expect(failure.message).toContain(`"${provider}"`);
    }
  });
});

it('the effect says how it is settled, repeated and shown', () => {
  const call = modelCall({ providers: {}, checkAnswer, redact: redactor() });
  const input = question({ onInDoubt: 'ask', repeatOf: 'k-1', attempt: 2 });
  expect(call.onInDoubt?.(input)).toBe('ask');
  expect(call.repeatOf?.(input)).toBe('k-1');
  expect(call.describe?.(input)).toEqual({ task: 'plan', attempt: 2 });
});
