/** Answers to similar questions: by the front door, on a real file, with a model server on a real socket. */
import { describe, expect, it, onTestFinished } from 'vitest';
import type { FermataConfig } from '../../src/config.ts';
import type { WorkflowDocument } from '../../src/document/schema.ts';
import { ManualClock } from '../harness/clock.ts';
import { openFermata, type Harness, type HarnessOptions } from '../harness/fermata.ts';
import {
  answerEmbedding,
  answerError,
  answerWith,
  startRawModelServer,
  type RawExchange,
  type RawModelServer,
} from '../harness/raw-model-server.ts';

const PRICES = {
  'gpt-4o-mini': { input: 0.001, output: 0.01 },
  'text-embedding-3-small': { input: 0.000_1, output: 0 },
};
const USAGE = { prompt_tokens: 1_000, completion_tokens: 20, total_tokens: 1_020 };
/** Nano-dollars of an answer, and of a vector of ten tokens. */
const ANSWER = 0.000_001_2;
const VECTOR = 0.000_000_001;

/** Directions in a plane: their cosine is that of the difference of the angles. */
const at = (degrees: number): number[] => [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180), 0];
const ANGLES: Readonly<Record<string, number>> = {
  'What is tea?': 0,
  'What’s tea?': 10,
  'And what is tea?': 20,
  'Where is tea?': -40,
  'What is coffee?': 60,
};

interface Scene extends Harness {
  readonly server: RawModelServer;
  /** How many vectors were asked for. */
  vectors(): number;
  /** Prompts that the model was asked. */
  asked(): string[];
}

interface SceneOptions extends HarnessOptions {
  readonly embed?: (exchange: RawExchange, text: string) => void;
  readonly answer?: (exchange: RawExchange, prompt: string) => void;
}

async function open(options: SceneOptions = {}): Promise<Scene> {
  const {
    embed = (exchange, text) => answerEmbedding(exchange, at(ANGLES[text] ?? 90), 10),
    answer = (exchange, prompt) => answerWith(exchange, `answer to ${prompt}`, USAGE),
    config = {},
    ...rest
  } = options;
  const server = await startRawModelServer((exchange) =>
    'input' in exchange.body ? embed(exchange, String(exchange.body['input'])) : answer(exchange, promptOf(exchange)),
  );
  onTestFinished(() => server.stop());
  const openai = { apiKey: 'k', baseUrl: server.baseUrl };
  const own: FermataConfig = { prices: { openai: PRICES }, ...config, providers: { openai, ...config.providers } };
  return {
    ...(await openFermata({ ...rest, config: own })),
    server,
    vectors: () => server.requests.filter(({ body }) => 'input' in body).length,
    asked: () => server.requests.flatMap((exchange) => ('input' in exchange.body ? [] : [promptOf(exchange)])),
  };
}

function promptOf({ body }: RawExchange): string {
  return (body['messages'] as { content: string }[]).at(-1)?.content ?? '';
}

interface Shown {
  readonly status: string;
  readonly output: unknown;
  readonly cacheHit: boolean;
  readonly [field: string]: unknown;
}

async function ran(scene: Harness, document: WorkflowDocument, input: unknown = {}): Promise<Shown> {
  const { runId } = await scene.fermata.start(document, { input });
  await scene.fermata.runtime.waitFor(runId);
  const [task] = (await scene.call('GET', `/runs/${runId}/results`)).body.tasks as Shown[];
  return { ...(task as Shown), runId };
}

async function facts(scene: Harness, { runId }: Shown, type: string): Promise<Record<string, unknown>[]> {
  const { body } = await scene.call('GET', `/runs/${String(runId)}/journal?limit=1000`);
  const items = body.items as { type: string; data?: Record<string, unknown> }[];
  return items.flatMap((entry) => {
    const { fact = entry } = entry as { fact?: typeof entry };
    return fact.type === type ? [{ ...fact, ...fact.data }] : [];
  });
}

function ask(prompt: string, cache: Readonly<Record<string, unknown>> = {}, more: object = {}): WorkflowDocument {
  const own = { enabled: true, similarityThreshold: 0.9, ...cache };
  return { name: 'w', config: { cache: own, ...more }, tasks: [{ name: 'ask', prompt }] } as WorkflowDocument;
}

describe('a similar question', () => {
  it('has the answer: says how like it is, to what, what that cost and saved', async () => {
    const scene = await open();
    expect(await ran(scene, ask('What is tea?'))).toMatchObject({ cacheHit: false, costDollars: ANSWER + VECTOR });
    const hit = await ran(scene, ask('What’s tea?'));
    expect(hit).toMatchObject({
      status: 'completed',
      output: 'answer to What is tea?',
      cacheHit: true,
      matchedPrompt: 'What is tea?',
      costDollars: VECTOR,
      costSavedDollars: ANSWER,
      usage: null,
    });
    expect(hit['similarity']).toBeCloseTo(Math.cos(Math.PI / 18), 6);
    expect(scene.asked()).toEqual(['What is tea?']);
    expect((await scene.call('GET', '/cache')).body.total).toMatchObject({ hits: 1, misses: 1 });
  });

  it('that was found needs no vector the next time, and is as far from the one with the answer as it was', async () => {
    const scene = await open();
    await ran(scene, ask('What is tea?'));
    const first = await ran(scene, ask('What’s tea?'));
    const again = await ran(scene, ask('What’s tea?'));
    expect(again).toMatchObject({ cacheHit: true, costDollars: 0, matchedPrompt: 'What is tea?' });
    expect(again['similarity']).toBe(first['similarity']);
    expect(scene.vectors()).toBe(2);
    // 20 degrees are 0.94: of the question with the answer, and not 10 of the one that only found it.
    const third = await ran(scene, ask('And what is tea?'));
    expect(third['similarity']).toBeCloseTo(Math.cos(Math.PI / 9), 6);
    expect(third).toMatchObject({ matchedPrompt: 'What is tea?' });
    // Who wants it more exactly is not served by what others were content with.
    expect(await ran(scene, ask('And what is tea?', { similarityThreshold: 0.99 }))).toMatchObject({ cacheHit: false });
    expect(scene.asked()).toEqual(['What is tea?', 'And what is tea?']);
  });

  it('is not looked for unless a threshold says so; one below it is no answer, and says how near it was where that is not far', async () => {
    const scene = await open();
    await ran(scene, ask('What is tea?', { similarityThreshold: 1 }));
    expect(scene.vectors()).toBe(0);
    await ran(scene, ask('What is tea?', { namespace: 'mine' }));
    const miss = await ran(scene, ask('What is coffee?', { namespace: 'mine' }));
    expect(miss).toMatchObject({ cacheHit: false, output: 'answer to What is coffee?' });
    const [far] = await facts(scene, miss, 'cache_missed');
    expect(far).toMatchObject({ prompt: 'What is coffee?' });
    expect(far).not.toHaveProperty('nearest');
    const nearly = await ran(scene, ask('Where is tea?', { namespace: 'mine' }));
    expect(await facts(scene, nearly, 'cache_missed')).toMatchObject([{ nearest: expect.closeTo(0.766, 3) }]);
    expect((await scene.call('GET', '/cache')).body.total).toMatchObject({ hits: 0, misses: 4 });
  });

  it.each([
    ['another system prompt', { system: 'Be brief.' }, {}],
    ['another model', { model: 'gpt-4o' }, {}],
    ['another temperature', { temperature: 0.1 }, {}],
    ['another format', { responseFormat: 'json' }, {}],
    ['another namespace', {}, { namespace: 'mine' }],
  ])('is another one with %s', async (_, task, cache) => {
    const answer = (exchange: RawExchange) => answerWith(exchange, '{}', USAGE);
    const scene = await open({ answer });
    await ran(scene, ask('What is tea?'));
    const document = ask('What’s tea?', cache);
    const other = { ...document, tasks: [{ name: 'ask', prompt: 'What’s tea?', ...task }] } as WorkflowDocument;
    expect(await ran(scene, other)).toMatchObject({ status: 'completed', cacheHit: false });
  });

  it('is not found when the answer is too old, or was forgotten, also by who had found it', async () => {
    const clock = new ManualClock();
    const scene = await open({ clock });
    await ran(scene, ask('What is tea?', { ttlHours: 1 }));
    await ran(scene, ask('What’s tea?'));
    expect((await scene.call('POST', '/cache/forget', { prompt: 'What is tea?' })).body).toEqual({ forgotten: 1 });
    expect(await ran(scene, ask('What’s tea?', { ttlHours: 1 }))).toMatchObject({ cacheHit: false });
    clock.jump(3_600_000);
    expect(await ran(scene, ask('And what is tea?'))).toMatchObject({ cacheHit: false });
    expect(scene.asked()).toHaveLength(3);
  });

  it('whose answer has expired is asked again with the vector that it has', async () => {
    const clock = new ManualClock();
    const scene = await open({ clock });
    await ran(scene, ask('What is tea?'));
    clock.jump(25 * 3_600_000);
    expect(await ran(scene, ask('What is tea?'))).toMatchObject({ cacheHit: false, costDollars: ANSWER });
    expect(scene.vectors()).toBe(1);
  });

  it('asked by many at once takes one vector, and one call where there is no answer', async () => {
    const scene = await open();
    const all = await Promise.all(Array.from({ length: 20 }, async () => ran(scene, ask('What is tea?'))));
    expect(all.filter(({ cacheHit }) => cacheHit)).toHaveLength(19);
    expect(scene.vectors()).toBe(1);
    const like = await Promise.all(Array.from({ length: 20 }, async () => ran(scene, ask('What’s tea?'))));
    expect(like.every(({ cacheHit }) => cacheHit)).toBe(true);
    expect(scene.vectors()).toBe(2);
    expect(scene.asked()).toEqual(['What is tea?']);
  });
});

describe('no task fails for want of vectors', () => {
  const bad: readonly (readonly [string, (exchange: RawExchange) => void, string])[] = [
    [
      'a provider that knows none',
      (exchange) => answerError(exchange, 404, { message: 'no such path' }),
      'no such path',
    ],
    ['a server error', (exchange) => answerError(exchange, 500, { message: 'oops' }), 'oops'],
    ['no vector', (exchange) => answerEmbedding(exchange, undefined), 'came none'],
    ['an empty vector', (exchange) => answerEmbedding(exchange, []), 'came an empty one'],
    ['a vector of texts', (exchange) => answerEmbedding(exchange, ['1']), 'something else than numbers'],
    ['a vector of nothing', (exchange) => answerEmbedding(exchange, [null, 1]), 'something else than numbers'],
    ['a zero vector', (exchange) => answerEmbedding(exchange, [0, 0]), 'without a direction'],
    [
      'no JSON',
      ({ response }) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>'),
      'expected a vector',
    ],
    ['a broken connection', ({ response }) => void response.destroy(), 'could not be reached'],
  ];

  it.each(bad)('%s: it is said, and the model is asked', async (_, embed, said) => {
    const scene = await open({ embed });
    const miss = await ran(scene, ask('What is tea?'));
    expect(miss).toMatchObject({ status: 'completed', cacheHit: false, output: 'answer to What is tea?' });
    const [missed] = await facts(scene, miss, 'cache_missed');
    expect(String(missed?.['warning'])).toContain(said);
    // The very same question is found all the same, and the provider is let alone.
    expect(await ran(scene, ask('What is tea?'))).toMatchObject({ cacheHit: true });
    expect(await ran(scene, ask('What’s tea?'))).toMatchObject({ cacheHit: false });
    expect(scene.vectors()).toBe(1);
  });

  it('a provider that is not there is told at the start: else it would be asked in vain, day after day', async () => {
    const config = { cache: { embeddings: { provider: 'nobody' } } };
    await expect(open({ config })).rejects.toThrow('there is no provider "nobody"; known are openai');
  });

  it('vectors of other dimensions than asked for are refused, and another dimension begins anew', async () => {
    let values: number[] = at(0);
    const embed = (exchange: RawExchange): void => answerEmbedding(exchange, values, 10);
    const scene = await open({ embed, config: { cache: { embeddings: { dimensions: 4 } } } });
    const miss = await ran(scene, ask('What is tea?'));
    const [missed] = await facts(scene, miss, 'cache_missed');
    expect(String(missed?.['warning'])).toContain('expected a vector of 4 dimensions, came one of 3');
    const other = await open({ embed });
    await ran(other, ask('What is tea?'));
    values = [...values, 0];
    expect(await ran(other, ask('What’s tea?'))).toMatchObject({ cacheHit: false });
    expect(await ran(other, ask('And what is tea?'))).toMatchObject({ cacheHit: true, matchedPrompt: 'What’s tea?' });
  });

  it('a prompt that is too long has no vector, and says so', async () => {
    const scene = await open();
    const miss = await ran(scene, ask('tea '.repeat(8_200)));
    expect(miss).toMatchObject({ status: 'completed', cacheHit: false });
    const [missed] = await facts(scene, miss, 'cache_missed');
    expect(String(missed?.['warning'])).toMatch(/has 83\d\d tokens, and text-embedding-3-small reads 8192/);
    expect(scene.vectors()).toBe(0);
    // By tokens, not by characters.
    await ran(scene, ask('internationalisation '.repeat(1_600)));
    expect(scene.vectors()).toBe(1);
    const unknown = await open({ config: { cache: { embeddings: { model: 'somebody’s' } } } });
    const long = await ran(unknown, ask('é'.repeat(4_096)));
    expect(String((await facts(unknown, long, 'cache_missed'))[0]?.['warning'])).toContain('8192 tokens at the most');
    await ran(unknown, ask('é'.repeat(4_095)));
    expect(unknown.vectors()).toBe(1);
  });

  it.each([400, 413, 422])('a prompt that is refused with %i holds up nobody else', async (status) => {
    const embed = (exchange: RawExchange, text: string): void =>
      text === 'What is tea?'
        ? answerError(exchange, status, { message: 'not that' })
        : answerEmbedding(exchange, at(ANGLES[text] ?? 90), 10);
    const scene = await open({ embed });
    const miss = await ran(scene, ask('What is tea?'));
    expect(String((await facts(scene, miss, 'cache_missed'))[0]?.['warning'])).toContain('not that');
    await ran(scene, ask('What’s tea?'));
    expect(await ran(scene, ask('And what is tea?'))).toMatchObject({ cacheHit: true, matchedPrompt: 'What’s tea?' });
    expect(scene.vectors()).toBe(3);
  });

  it('a vector that does not come takes none of the time of the call', async () => {
    const clock = new ManualClock();
    const scene = await open({ clock, embed: () => {} });
    const document = ask('What is tea?');
    const task = { name: 'ask', prompt: 'What is tea?', timeoutSeconds: 5 };
    const { runId } = await scene.fermata.start({ ...document, tasks: [task] } as WorkflowDocument, {});
    await expect.poll(() => scene.vectors()).toBe(1);
    await clock.advance(5_000, () => scene.fermata.runtime.idle());
    await scene.fermata.runtime.waitFor(runId);
    expect((await scene.call('GET', `/runs/${runId}/results`)).body.tasks).toMatchObject([
      { status: 'completed', attempts: 1, cacheHit: false },
    ]);
  });
});

describe('an answer that is to be judged', () => {
  const judged = { verify: true };
  const judging = (verdict: (exchange: RawExchange) => void) => (exchange: RawExchange, prompt: string) =>
    prompt.startsWith('An answer was given') ? verdict(exchange) : answerWith(exchange, `answer to ${prompt}`, USAGE);
  const saying = (text: string) => judging((exchange) => answerWith(exchange, text, USAGE));

  it('serves where the judge says yes, and is not judged again', async () => {
    const scene = await open({ answer: saying('Yes.') });
    await ran(scene, ask('What is tea?', judged));
    const hit = await ran(scene, ask('What’s tea?', judged));
    expect(hit).toMatchObject({ cacheHit: true, matchedPrompt: 'What is tea?', costSavedDollars: ANSWER });
    // The vector, and what the judge has cost.
    expect(hit['costDollars']).toBeCloseTo(VECTOR + ANSWER, 12);
    expect(await ran(scene, ask('What’s tea?', judged))).toMatchObject({ cacheHit: true, costDollars: 0 });
    expect(scene.asked()).toHaveLength(2);
    const verdict = scene.server.requests.find(
      ({ body }) => 'messages' in body && promptOf({ body } as RawExchange).startsWith('An answer'),
    );
    expect(verdict?.body).toMatchObject({ model: 'gpt-4o-mini', max_completion_tokens: 256 });
  });

  it('does not serve where it says anything else: that is a miss with its reason', async () => {
    const scene = await open({ answer: saying('No, not at all') });
    await ran(scene, ask('What is tea?', judged));
    const miss = await ran(scene, ask('What’s tea?', judged));
    expect(miss).toMatchObject({ cacheHit: false, output: 'answer to What’s tea?' });
    expect(await facts(scene, miss, 'cache_missed')).toMatchObject([
      { refused: true, verdict: 'No, not at all', matchedPrompt: 'What is tea?', nearest: expect.closeTo(0.985, 3) },
    ]);
    // Its own answer is kept, with its vector.
    expect(await ran(scene, ask('What’s tea?', judged))).toMatchObject({ cacheHit: true, similarity: 1 });
    expect((await scene.call('GET', '/cache')).body.total).toMatchObject({ hits: 1, misses: 2 });
  });

  it('was found without a judge by others: who wants one asks', async () => {
    const scene = await open({ answer: saying('no') });
    await ran(scene, ask('What is tea?'));
    expect(await ran(scene, ask('What’s tea?'))).toMatchObject({ cacheHit: true });
    expect(await ran(scene, ask('What’s tea?', judged))).toMatchObject({ cacheHit: false });
  });

  it('is not taken where the judge fails, or would have too much to read', async () => {
    const failing = judging((exchange) => answerError(exchange, 500, { message: 'oops' }));
    const scene = await open({ answer: failing });
    await ran(scene, ask('What is tea?', judged));
    const miss = await ran(scene, ask('What’s tea?', judged));
    expect(miss).toMatchObject({ status: 'completed', cacheHit: false });
    expect(String((await facts(scene, miss, 'cache_missed'))[0]?.['warning'])).toContain('oops');
    const long = await open({ answer: (exchange) => answerWith(exchange, 'x'.repeat(30_000), USAGE) });
    await ran(long, ask('What is tea?', judged));
    const other = await ran(long, ask('What’s tea?', judged));
    expect(String((await facts(long, other, 'cache_missed'))[0]?.['warning'])).toContain('too long to be judged');
    expect(long.asked()).toHaveLength(2);
  });

  it('by whom is a matter of the configuration', async () => {
    const judge = { provider: 'openai', model: 'judge-1' };
    const scene = await open({ answer: saying('yes'), config: { cache: { judge } } });
    await ran(scene, ask('What is tea?', judged));
    expect(await ran(scene, ask('What’s tea?', judged))).toMatchObject({ cacheHit: true, unknownCalls: 1 });
    expect(scene.server.requests.at(-1)?.body).toMatchObject({ model: 'judge-1' });
  });
});

describe('in a run with a budget', () => {
  const budget = { budget: { maxCostDollars: 0.001 } };

  it('vectors and verdicts are reserved and paid like any call', async () => {
    const scene = await open({
      answer: (exchange, prompt) =>
        answerWith(exchange, prompt.startsWith('An answer was given') ? 'yes' : 'tea', USAGE),
    });
    await ran(scene, ask('What is tea?', { verify: true }, budget));
    const hit = await ran(scene, ask('What’s tea?', { verify: true }, budget));
    expect(hit).toMatchObject({ cacheHit: true, costDollars: VECTOR + ANSWER });
    const run = (await scene.call('GET', `/runs/${String(hit['runId'])}`)).body;
    expect(run).toMatchObject({ status: 'completed', costDollars: VECTOR + ANSWER });
    const bills = (await scene.call('GET', '/costs?groupBy=model')).body;
    expect(JSON.stringify(bills)).toContain('text-embedding-3-small');
  });

  it.each([
    ['its own', { budget: { maxCostDollars: 0.000_001 } }, {}],
    ['that of a day', {}, { budgets: { perDay: { maxCostDollars: 0.000_001 } } }],
  ])('whose money (%s) pays for the call, and for no verdict: the model is asked', async (_, own, config) => {
    const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
    const scene = await open({ config, answer: (exchange) => answerWith(exchange, 'tea', usage) });
    const short = (text: string, more: object) => {
      const document = ask(text, { verify: true }, more);
      return { ...document, tasks: [{ name: 'ask', prompt: text, maxOutputTokens: 20 }] };
    };
    await ran(scene, short('What is tea?', {}));
    const missed = await ran(scene, short('What’s tea?', own));
    expect(missed).toMatchObject({ status: 'completed', cacheHit: false });
    expect(await facts(scene, missed, 'cache_missed')).toMatchObject([
      { matchedPrompt: 'What is tea?', warning: expect.stringContaining('Too little is left of the budget') },
    ]);
    expect(scene.asked()).toEqual(['What is tea?', 'What’s tea?']);
    const { budget } = (await scene.call('GET', `/runs/${String(missed['runId'])}`)).body;
    expect(budget).toMatchObject({ reservedDollars: 0, waitingCalls: 0 });
  });

  it('whose money pays for the call, and for no vector: the model is asked', async () => {
    const openai = { ...PRICES, 'text-embedding-3-small': { input: 100, output: 0 } };
    const scene = await open({ config: { prices: { openai } } });
    const missed = await ran(scene, ask('What is tea?', {}, budget));
    expect(missed).toMatchObject({ status: 'completed', cacheHit: false, costDollars: ANSWER });
    expect(scene.vectors()).toBe(0);
  });

  it('nobody is asked for a vector whose price is not known', async () => {
    const config = { cache: { embeddings: { model: 'unknown-embedder' } } };
    const scene = await open({ config });
    const miss = await ran(scene, ask('What is tea?', {}, budget));
    expect(miss).toMatchObject({ status: 'completed', cacheHit: false });
    expect(String((await facts(scene, miss, 'cache_missed'))[0]?.['warning'])).toContain(
      'nobody knows what openai/unknown-embedder costs',
    );
    expect(scene.vectors()).toBe(0);
  });
});
