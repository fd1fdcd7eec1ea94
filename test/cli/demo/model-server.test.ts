import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { type ModelServerOptions, startModelServer } from '../../../src/cli/demo/model-server.ts';
import { paceOf } from '../../../src/cli/demo/script.ts';
import { readSettings } from '../../../src/config.ts';
import { sampleValue } from '../../../src/cli/demo/sample-value.ts';
import { callModel, failureOf } from '../../actors/model-setup.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(() => Promise.all(stops.splice(0).map((stop) => stop())));

async function start(options?: ModelServerOptions) {
  const server = await startModelServer(options);
  stops.push(() => server.stop());
  return server;
}

describe('the demo', () => {
  const expected: Readonly<Record<string, string>> = {
    plan: 'Research plan:',
    market: 'Market conditions:',
    skills: 'Skill gaps:',
    salaries: 'Salaries:',
    synthesis: 'Roadmap:',
  };
  const example = z.object({ tasks: z.array(z.object({ name: z.string(), prompt: z.string() })) });
  const file = new URL('../../../examples/01-research.yaml', import.meta.url);
  const { tasks } = example.parse(parse(readFileSync(file, 'utf8')));

  it.each(tasks)('answers task $name of the research example, marked as scripted', async ({ name, prompt }) => {
    const { baseUrl } = await start();
    for (const topic of ['jazz', 'market salaries and skills: a plan']) {
      const rendered = prompt.replaceAll('{{ input.topic }}', topic);
      expect((await callModel(baseUrl, { prompt: rendered })).text).toContain(`[scripted] ${expected[name]}`);
    }
  });

  it('counts the tokens of texts whose vectors are asked for: with none, a budget would take all that is reserved', async () => {
    const { baseUrl } = await start();
    const body = JSON.stringify({ model: 'text-embedding-3-small', input: 'What is tea?', encoding_format: 'float' });
    const answer = await fetch(`${baseUrl}/embeddings`, { method: 'POST', body });
    expect(await answer.json()).toMatchObject({ usage: { prompt_tokens: 3, total_tokens: 3 } });
  });

  it('answers anything else by saying that it is a demo', async () => {
    const { text } = await callModel((await start()).baseUrl, { prompt: 'Tell me a joke' });
    expect(text).toContain('[scripted] This is the demo: no model was asked.');
  });

  it('answers in the format that is asked for', async () => {
    const { baseUrl } = await start();
    const schema = z.toJSONSchema(z.object({ title: z.string(), steps: z.array(z.object({ n: z.int().min(3) })) }));
    expect(await callModel(baseUrl, { prompt: 'anything', responseFormat: { schema } })).toMatchObject({
      value: { title: '[scripted] text', steps: [{ n: 3 }] },
      calls: 1,
    });
    expect((await callModel(baseUrl, { prompt: 'anything', responseFormat: 'json' })).value).toEqual({
      answer: '[scripted] value',
    });
  });
});

it('speaks at the pace that is asked for; 0 is as fast as it goes', () => {
  expect(paceOf(readSettings({}).demoPace)).toEqual({ firstTokenMs: 300, tokensPerSecond: 60 });
  expect(paceOf(readSettings({ FERMATA_DEMO_PACE: '500' }).demoPace)).toMatchObject({ tokensPerSecond: 500 });
  expect(paceOf(readSettings({ FERMATA_DEMO_PACE: '0' }).demoPace)).toEqual({});
});

describe('the script', () => {
  it('gives its answers in order, the last one again and again', async () => {
    const answers = [{ error: { status: 500, message: 'oops' } }, { text: 'one' }, { text: 'two' }];
    const { baseUrl } = await start({ script: [{ prompt: 'Say', answers }] });
    expect((await failureOf(callModel(baseUrl))).code).toBe('modelUnavailable');
    const texts = [await callModel(baseUrl), await callModel(baseUrl), await callModel(baseUrl)].map(
      ({ text }) => text,
    );
    expect(texts).toEqual(['one', 'two', 'two']);
  });

  it('counts each line by itself', async () => {
    const line = (prompt: string) => ({ prompt, answers: [{ text: `${prompt}1` }, { text: `${prompt}2` }] });
    const { baseUrl } = await start({ script: [line('a'), line('b')] });
    expect((await callModel(baseUrl, { prompt: 'a' })).text).toBe('a1');
    expect((await callModel(baseUrl, { prompt: 'b' })).text).toBe('b1');
    expect((await callModel(baseUrl, { prompt: 'a' })).text).toBe('a2');
  });

  it('makes answers from requests, each with its own headers, also of many at once', async () => {
    const server = await start({
      script: [
        { prompt: '', answers: [({ body, headers }) => ({ json: [body['model'], headers['x-stainless-lang']] })] },
      ],
    });
    const models = Array.from({ length: 50 }, (_, index) => `m${index}`);
    const outputs = await Promise.all(models.map((model) => callModel(server.baseUrl, { model, prompt: model })));
    expect(outputs.map(({ text }) => text)).toEqual(models.map((model) => `["${model}","js"]`));
    expect(server.requests()).toHaveLength(50);
  });

  it('refuses what it does not know', async () => {
    const server = await start({ script: [{ prompt: 'only this', answers: [{ text: 'x' }] }] });
    expect((await failureOf(callModel(server.baseUrl))).message).toContain('No line of the script fits');
    expect(server.requests()).toHaveLength(1);
  });
});

it('stops with calls in flight', async () => {
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
  const hang = () => {
    arrive();
    return { hang: true };
  };
  const server = await startModelServer({ script: [{ prompt: '', answers: [hang] }] });
  const failure = failureOf(callModel(server.baseUrl));
  await arrived;
  await server.stop();
  expect((await failure).code).toBe('modelUnavailable');
});

it.each([
  z.object({ a: z.enum(['x', 'y']), b: z.literal(3), c: z.boolean(), d: z.null(), e: z.number().gt(4) }),
  z.object({ list: z.array(z.string().min(12)).min(2), maybe: z.string().max(3).optional() }),
  z.object({ either: z.union([z.object({ k: z.int() }), z.string()]) }),
  z.object({
    name: z.string(),
    get children() {
      return z.array(z.lazy(() => z.object({ n: z.int() })));
    },
  }),
])('a sample fits its schema', (schema) => {
  expect(schema.safeParse(sampleValue(z.toJSONSchema(schema), 'text')).error).toBeUndefined();
});

it('a sample of a recursive schema ends', () => {
  const node = { type: 'object', properties: { next: { $ref: '#' }, v: { type: 'string' } }, required: ['v'] } as const;
  expect(z.fromJSONSchema({ ...node, required: ['v'] }).safeParse(sampleValue(node, 'text')).error).toBeUndefined();
});
