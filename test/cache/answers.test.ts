/** Answers that serve again: by the front door, on a real file, with a model server on a real socket. */
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { FermataConfig } from '../../src/config.ts';
import { LONGEST_ANSWER } from '../../src/document/answer-cache.ts';
import type { WorkflowDocument } from '../../src/document/schema.ts';
import { folderInMemory } from '../harness/database.ts';
import { ManualClock } from '../harness/clock.ts';
import { openFermata, type Harness, type HarnessOptions } from '../harness/fermata.ts';
import { answerWith, startRawModelServer } from '../harness/raw-model-server.ts';

const PRICES: FermataConfig = { prices: { openai: { 'gpt-4o-mini': { input: 0.001, output: 0.01 } } } };
const USAGE = { inputTokens: 1_000, outputTokens: 20 };
const SCRIPT = [{ prompt: '', answers: [{ text: 'tea', usage: USAGE }] }];
const ON = { enabled: true };

const open = (options: HarnessOptions = {}) => openFermata({ config: PRICES, script: SCRIPT, ...options });

interface Shown {
  readonly name: string;
  readonly status: string;
  readonly cacheHit: boolean;
  readonly inFlight?: true;
  readonly [field: string]: unknown;
}

async function ran({ fermata, call }: Harness, document: WorkflowDocument, input: unknown = {}): Promise<Shown[]> {
  const { runId } = await fermata.start(document, { input });
  await fermata.runtime.waitFor(runId);
  return (await call('GET', `/runs/${runId}/results?limit=1000`)).body.tasks as Shown[];
}

const asked = ({ models }: Harness): number => models.requests().length;

/** A document with one question. */
function ask(
  task: Readonly<Record<string, unknown>> = {},
  config: Readonly<Record<string, unknown>> = { cache: ON },
  name = 'w',
): WorkflowDocument {
  return { name, config, tasks: [{ name: 'ask', prompt: 'What is tea?', ...task }] };
}

describe('the very same question', () => {
  it('is asked once: the second run has the answer, says so, pays nothing and says what it saved', async () => {
    const harness = await open();
    const [first] = await ran(harness, ask());
    const [second] = await ran(harness, ask());
    expect(asked(harness)).toBe(1);
    expect(first).toMatchObject({ output: 'tea', cacheHit: false, costDollars: 0.000_001_2 });
    expect(second).toMatchObject({
      status: 'completed',
      output: 'tea',
      cacheHit: true,
      similarity: 1,
      costDollars: 0,
      costSavedDollars: 0.000_001_2,
      usage: null,
      finishReason: 'stop',
      attempts: 1,
    });
  });

  it('is asked again where nothing turns the cache on, and where its task turns it off', async () => {
    const harness = await open();
    const off = { cache: { enabled: false } };
    for (const document of [ask({}, {}), ask({}, off), ask(off), ask({}, {}), ask({}, off), ask(off)])
      expect(await ran(harness, document)).toMatchObject([{ output: 'tea', cacheHit: false }]);
    expect(asked(harness)).toBe(6);
  });

  it.each([
    ['another prompt', { prompt: 'What is tea??' }],
    ['another system prompt', { system: 'Be brief.' }],
    ['another model', { model: 'gpt-4o' }],
    ['another temperature', { temperature: 0.1 }],
    ['another bound', { maxOutputTokens: 100 }],
    ['another namespace', { cache: { enabled: true, namespace: 'mine' } }],
  ])('is another one with %s', async (_, other) => {
    const harness = await open();
    await ran(harness, ask());
    expect(await ran(harness, ask(other))).toMatchObject([{ status: 'completed', cacheHit: false }]);
    expect(asked(harness)).toBe(2);
  });

  it('is shared by workflows only where they name the same namespace', async () => {
    const harness = await open();
    const shared = { cache: { enabled: true, namespace: 'both' } };
    for (const [name, config] of [
      ['a', { cache: ON }],
      ['b', { cache: ON }],
      ['c', shared],
      ['d', shared],
      // A namespace is no workflow's name.
      ['e', { cache: { enabled: true, namespace: 'a' } }],
    ] as const)
      await ran(harness, ask({}, config, name));
    expect(asked(harness)).toBe(4);
  });

  it('of a call that is to vary is asked again, unless its own task says otherwise', async () => {
    const harness = await open();
    for (const [temperature, cache, calls] of [
      [0.7, undefined, 2],
      [0.3, undefined, 3],
      [0.8, ON, 4],
    ] as const) {
      const task = { temperature, ...(cache === undefined ? {} : { cache }) };
      await ran(harness, ask(task));
      await ran(harness, ask(task));
      expect(asked(harness)).toBe(calls);
    }
  });

  it('is asked again where its answer is older than who asks allows, and where it seems to come from the future', async () => {
    const clock = new ManualClock();
    const harness = await open({ clock });
    const within = (ttlHours: number) => ask({}, { cache: { enabled: true, ttlHours } });
    await ran(harness, within(48));
    clock.jump(3 * 3_600_000);
    expect(await ran(harness, within(48))).toMatchObject([{ cacheHit: true }]);
    expect(await ran(harness, within(2))).toMatchObject([{ cacheHit: false }]);
    expect(await ran(harness, within(2))).toMatchObject([{ cacheHit: true }]);
    clock.jump(-3_600_000);
    expect(await ran(harness, within(2)), 'a little is forgiven').toMatchObject([{ cacheHit: true }]);
    clock.jump(-3_600_000);
    expect(await ran(harness, within(2))).toMatchObject([{ cacheHit: false }]);
    expect(asked(harness)).toBe(3);
  });

  it('is asked again when its answer is too old, whatever way the clock has come there', async () => {
    const clock = new ManualClock();
    const harness = await open({ clock });
    const document = ask({}, { cache: { enabled: true, ttlHours: 2 } });
    await ran(harness, document);
    clock.jump(2 * 3_600_000 - 1);
    expect(await ran(harness, document)).toMatchObject([{ cacheHit: true }]);
    clock.jump(1);
    expect(await ran(harness, document)).toMatchObject([{ cacheHit: false }]);
    expect(await ran(harness, document)).toMatchObject([{ cacheHit: true }]);
    expect(asked(harness)).toBe(2);
  });
});

describe('what is not kept', () => {
  it('an answer that was cut off by its bound', async () => {
    const harness = await open({ script: [{ prompt: '', answers: [{ text: 'te', finishReason: 'length' }] }] });
    await ran(harness, ask());
    expect(await ran(harness, ask())).toMatchObject([{ status: 'completed', cacheHit: false }]);
    expect(asked(harness)).toBe(2);
  });

  it('an answer that is too long, which is given all the same', async () => {
    const long = 'x'.repeat(LONGEST_ANSWER + 1);
    const models = await startRawModelServer((exchange) => answerWith(exchange, long));
    onTestFinished(() => models.stop());
    const harness = await open({ config: { providers: { openai: { apiKey: 'k', baseUrl: models.baseUrl } } } });
    await ran(harness, ask());
    expect(await ran(harness, ask())).toMatchObject([{ output: long, cacheHit: false }]);
    expect(models.requests).toHaveLength(2);
  });

  it('a failure: the next one asks', async () => {
    const answers = [{ error: { status: 400, message: 'no' } }, { text: 'tea', usage: USAGE }];
    const harness = await open({ script: [{ prompt: '', answers }] });
    expect(await ran(harness, ask())).toMatchObject([{ status: 'failed', cacheHit: false }]);
    expect(await ran(harness, ask())).toMatchObject([{ output: 'tea', cacheHit: false }]);
    expect(await ran(harness, ask())).toMatchObject([{ output: 'tea', cacheHit: true }]);
  });
});

describe('at the same time', () => {
  it('a thousand tasks with one prompt make one call', async () => {
    const harness = await open();
    const document: WorkflowDocument = {
      name: 'many',
      config: { cache: ON, breadth: 200 },
      input: { type: 'object' },
      tasks: [{ name: 'each', kind: 'map', items: 'input.list', concurrency: 200, task: { prompt: 'What is tea?' } }],
    } as WorkflowDocument;
    const [map] = await ran(harness, document, { list: Array.from({ length: 1_000 }, (_, at) => at) });
    expect(map?.['output']).toEqual(Array.from({ length: 1_000 }, () => 'tea'));
    expect(asked(harness)).toBe(1);
  });

  it('runs share one call, and need no place for it among the calls in flight', async () => {
    const harness = await open({ maxInFlight: 1 });
    const all = await Promise.all(Array.from({ length: 20 }, async () => ran(harness, ask())));
    expect(asked(harness)).toBe(1);
    expect(all.flat().every(({ output }) => output === 'tea')).toBe(true);
    expect(all.flat().filter(({ cacheHit }) => cacheHit)).toHaveLength(19);
    expect(all.flat().filter(({ inFlight }) => inFlight).length).toBeGreaterThan(0);
  });

  it('the next one leads where the first fails, and only that one fails', async () => {
    const answers = [{ error: { status: 400, message: 'no' } }, { text: 'tea', usage: USAGE }];
    const harness = await open({ script: [{ prompt: '', answers }] });
    const all = (await Promise.all(Array.from({ length: 10 }, async () => ran(harness, ask())))).flat();
    expect(asked(harness)).toBe(2);
    expect(all.filter(({ status }) => status === 'failed')).toHaveLength(1);
    expect(all.filter(({ status }) => status === 'completed')).toHaveLength(9);
  });

  it('the next one leads where the first is cancelled', async () => {
    const answers = [{ hang: true as const }, { text: 'tea', usage: USAGE }];
    const harness = await open({ script: [{ prompt: '', answers }] });
    const { runtime } = harness.fermata;
    const { runId } = await harness.fermata.start(ask());
    await expect.poll(() => asked(harness)).toBe(1);
    const others = Array.from({ length: 5 }, async () => ran(harness, ask()));
    await expect.poll(() => runtime.load.effectsInFlight).toBe(6);
    await harness.call('POST', `/runs/${runId}/cancel`, { reason: 'enough' });
    expect((await Promise.all(others)).flat()).toMatchObject(Array.from({ length: 5 }, () => ({ output: 'tea' })));
    expect(asked(harness)).toBe(2);
  });
});

it('a run that takes nothing more in this process is not waited for, though its call is open', async () => {
  const hangs = await open({ script: [{ prompt: '', answers: [{ hang: true }] }], mayLeaveWork: true });
  const { runId } = await hangs.fermata.start(ask());
  await expect.poll(() => asked(hangs)).toBe(1);
  const folder = folderInMemory();
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const database = join(folder, 'left.db');
  await hangs.fermata.close();
  copyFileSync(hangs.database, database);
  const file = new Database(database);
  file.prepare("update run set machine = 'workflow@99' where id = ?").run(runId);
  file.close();
  const harness = await open({ database, mayLeaveWork: true });
  expect(await ran(harness, ask())).toMatchObject([{ output: 'tea', cacheHit: false }]);
  expect((await harness.call('GET', `/runs/${runId}/why`)).body.blocked).toMatchObject({ code: 'machineMissing' });
});

it('bad settings are refused with a sentence', async () => {
  const { call } = await open();
  const refused = async (cache: unknown): Promise<unknown> =>
    (await call('POST', '/workflows?validate=only', ask({}, { cache }))).body.errors;
  expect(await refused({ enabled: true, ttlHours: 0 })).toMatchObject([{ path: 'config.cache.ttlHours' }]);
  expect(await refused({ ttlHours: 1 })).toMatchObject([{ path: 'config.cache.enabled' }]);
  for (const similarityThreshold of [-0.1, 0, 1.000_000_1, '0.8', null])
    expect(await refused({ enabled: true, similarityThreshold })).toMatchObject([
      { path: 'config.cache.similarityThreshold', message: expect.stringMatching(/^expected/i) },
    ]);
  expect(await refused({ enabled: true, verify: 'yes' })).toMatchObject([{ path: 'config.cache.verify' }]);
});

it('what was saved is in the costs, whatever they are listed by, and nothing is billed for it', async () => {
  const harness = await open();
  const { call } = harness;
  for (const name of ['a', 'b', 'b', 'b']) await ran(harness, ask({}, { cache: { ...ON, namespace: 'x' } }, name));
  const cost = 0.000_001_2;
  const costs = async (by: string) => (await call('GET', `/costs?groupBy=${by}`)).body.items as object[];
  const all = { modelCalls: 1, unknownCalls: 0, costDollars: cost, cacheHits: 3, costSavedDollars: 3 * cost };
  for (const by of ['day', 'model', 'provider', 'tenant']) expect(await costs(by)).toMatchObject([all]);
  const hit = { modelCalls: 0, costDollars: 0, cacheHits: 1, costSavedDollars: cost };
  const first = { modelCalls: 1, costDollars: cost, cacheHits: 0, costSavedDollars: 0 };
  expect(await costs('workflow')).toMatchObject([first, { ...hit, cacheHits: 3, costSavedDollars: 3 * cost }]);
  expect(await costs('run')).toMatchObject([hit, hit, hit, first]);
  expect(await costs('task')).toMatchObject([hit, hit, hit, first]);
  const [{ runId }] = (await costs('run')) as [{ readonly runId: string }];
  expect((await call('GET', `/runs/${runId}`)).body).toMatchObject({
    costDollars: 0,
    cache: { hits: 1, misses: 0, costSavedDollars: cost },
  });
  expect((await call('GET', `/runs/${runId}/calls`)).body.items).toMatchObject([
    { kind: 'saved', model: 'gpt-4o-mini', costDollars: 0, costSavedDollars: cost, inputTokens: null },
  ]);
  const { body: told } = await call('GET', `/runs/${runId}/stream`);
  expect(told).toContain(`"costSavedDollars":${cost}`);
  expect(told).not.toContain('costSavedNanos');
});

describe('GET /cache, POST /cache/forget', () => {
  it('say what the cache did, and let it forget', async () => {
    const harness = await open();
    const { call } = harness;
    expect((await call('GET', '/cache')).body).toMatchObject({ entries: 0, total: { hitRate: null }, items: [] });
    for (const name of ['a', 'a', 'b', 'b', 'b']) await ran(harness, ask({}, { cache: ON }, name));
    const { body } = await call('GET', '/cache?limit=1');
    expect(body).toMatchObject({
      entries: 2,
      total: { hits: 3, misses: 2, inFlight: 0, hitRate: 0.6, costSavedDollars: 0.000_003_6 },
      items: [{ workflow: 'a', hits: 1, misses: 1, hitRate: 0.5, costSavedDollars: 0.000_001_2 }],
    });
    expect((await call('GET', `/cache?cursor=${body.nextCursor}`)).body.items).toMatchObject([{ workflow: 'b' }]);
    const kept = (query: string) => call('GET', `/cache/answers${query}`);
    const first = (await kept('?limit=1')).body;
    expect(first.items).toEqual([
      {
        prompt: 'What is tea?',
        workflow: 'b',
        tags: [],
        model: expect.any(String),
        costDollars: 0.000_001_2,
        hitCount: 2,
        bytes: expect.any(Number),
        answeredAt: expect.any(String),
        lastUsedAt: expect.any(String),
        expiresAt: expect.any(String),
      },
    ]);
    const [{ answeredAt, expiresAt }] = first.items;
    expect(Date.parse(expiresAt) - Date.parse(answeredAt)).toBe(86_400_000);
    expect((await kept(`?cursor=${first.nextCursor}`)).body).toMatchObject({
      items: [{ workflow: 'a', hitCount: 1 }],
      nextCursor: null,
    });
    expect((await kept('?workflow=a')).body.items).toMatchObject([{ workflow: 'a', hitCount: 1 }]);
    expect((await call('POST', '/cache/forget', {})).status).toBe(400);
    expect((await call('POST', '/cache/forget', { prompt: 'What is coffee?' })).body).toEqual({ forgotten: 0 });
    expect((await call('POST', '/cache/forget', { workflow: 'a', prompt: 'What is tea?' })).body).toEqual({
      forgotten: 1,
    });
    expect(await ran(harness, ask({}, { cache: ON }, 'a'))).toMatchObject([{ cacheHit: false }]);
    expect(await ran(harness, ask({}, { cache: ON }, 'b'))).toMatchObject([{ cacheHit: true }]);
    expect((await call('POST', '/cache/forget', { all: true })).body).toEqual({ forgotten: 2 });
    expect(await ran(harness, ask({}, { cache: ON }, 'b'))).toMatchObject([{ cacheHit: false }]);
  });

  it('count answers: neither questions whose call failed, was never paid for or is under way, nor what has expired', async () => {
    const clock = new ManualClock();
    const script = [
      { prompt: 'What is coffee?', answers: [{ error: { status: 400, message: 'no' } }] },
      { prompt: '', answers: [{ text: 'tea', usage: USAGE }] },
    ];
    const harness = await open({ script, clock });
    const entries = async (): Promise<number> => (await harness.call('GET', '/cache')).body.entries as number;
    expect(await ran(harness, ask({ prompt: 'What is coffee?', retry: { maxRetries: 0 } }))).toMatchObject([
      { status: 'failed' },
    ]);
    // Both are looked for, and there is money for one call.
    const poor = { cache: ON, budget: { maxCostDollars: 0.000_001_3 } };
    const two = ['What is tea?', 'What is mate?'].map((prompt, at) => ({ name: `${at}`, prompt, maxOutputTokens: 20 }));
    await harness.fermata
      .start({ name: 'poor', config: poor, tasks: two }, { input: {} })
      .then(({ runId }) => harness.fermata.runtime.waitFor(runId));
    expect((await harness.call('GET', '/cache')).body.total).toMatchObject({ misses: 3 });
    expect(await entries(), 'the one that was answered').toBe(1);
    expect((await harness.call('GET', '/cache/answers')).body.items).toHaveLength(1);
    await clock.advance(86_400_000, () => harness.fermata.runtime.idle());
    expect(await entries()).toBe(0);
    expect((await harness.call('GET', '/cache/answers')).body.items).toEqual([]);
  });

  it('and it keeps no more than it may', async () => {
    const harness = await open({ config: { ...PRICES, cache: { maxEntries: 2 } } });
    for (const prompt of ['1', '2', '3', '4']) await ran(harness, ask({ prompt }));
    expect(await harness.fermata.cache.trim()).toBe(2);
    expect(await ran(harness, ask({ prompt: '4' }))).toMatchObject([{ cacheHit: true }]);
    expect(await ran(harness, ask({ prompt: '1' }))).toMatchObject([{ cacheHit: false }]);
  });
});

it('an answer that does not fit, or is none, is not taken', async () => {
  const schema = { type: 'object', required: ['n'], properties: { n: { type: 'number' } } };
  const harness = await open({ script: [{ prompt: '', answers: [{ json: { n: 1 } }] }] });
  const document = ask({ responseFormat: { schema } });
  await ran(harness, document);
  for (const value of ['{"n":"one"}', '{"n"']) {
    const file = new Database(harness.database);
    file.prepare('update answer set value = ?').run(value);
    file.close();
    expect(await ran(harness, document)).toMatchObject([{ output: { n: 1 }, cacheHit: false }]);
  }
  expect(await ran(harness, document)).toMatchObject([{ output: { n: 1 }, cacheHit: true }]);
  expect(asked(harness)).toBe(3);
});

it('what a fork takes over is no hit, and no answer that is kept once more', async () => {
  const harness = await open();
  const { fermata, call } = harness;
  const document = { ...ask(), tasks: [...ask().tasks, { name: 'more', dependsOn: ['ask'], prompt: 'And coffee?' }] };
  await ran(harness, document);
  const { runId } = await fermata.start(document);
  await fermata.runtime.waitFor(runId);
  const { body } = await call('POST', `/runs/${runId}/fork`, { fromTask: 'more' });
  await fermata.runtime.waitFor(body.runId);
  const [taken, asks] = (await call('GET', `/runs/${body.runId}/results`)).body.tasks as Shown[];
  expect(taken).toMatchObject({ output: 'tea', cacheHit: false, costDollars: 0, reused: { runId } });
  expect(taken?.['costSavedDollars']).toBeUndefined();
  expect(asks).toMatchObject({ cacheHit: true });
  expect((await call('GET', '/cache')).body.total).toMatchObject({ hits: 3, misses: 2 });
});

it('a question of a deleted run is nobody’s: who asks it anew does not wait for the run that came after that one', async () => {
  const models = await startRawModelServer(() => {});
  const harness = await openFermata({
    config: { providers: { openai: { baseUrl: models.baseUrl, apiKey: 'test' } } },
  });
  const { call } = harness;
  const { body: workflow } = await call('POST', '/workflows', {
    name: 'asking',
    config: { cache: { enabled: true } },
    tasks: [{ name: 'ask', prompt: 'What is {{ input.what }}?' }],
  });
  const ask = async (what: string): Promise<string> => {
    const asked = models.nextRequest();
    const { body } = await call('POST', `/workflows/${workflow.id}/execute`, { input: { what } });
    await asked;
    return body.runId;
  };
  const deleted = await ask('tea');
  await call('POST', `/runs/${deleted}/cancel`, {});
  expect((await call('DELETE', `/runs/${deleted}`)).status).toBe(204);
  const open = [await ask('coffee'), await ask('tea')];
  expect(models.requests).toHaveLength(3);
  for (const runId of open) await call('POST', `/runs/${runId}/cancel`, {});
  await models.stop();
});
