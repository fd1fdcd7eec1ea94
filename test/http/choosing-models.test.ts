/** Tasks that choose among several models, through the front door. Prices are of the test: dollars for a million tokens. */
import { describe, expect, it } from 'vitest';
import type { CodeFunction } from '../../actors/code-function.ts';
import type { ScriptLine } from '../../src/cli/demo/model-server.ts';
import { checkConfig } from '../../src/check-config.ts';
import type { FermataConfig } from '../../src/config.ts';
import { FermataError, type Fault } from '../../src/errors.ts';
import type { PriceBook } from '../../src/cost/price-book.ts';
import { ManualClock } from '../harness/clock.ts';
import { openFermata, type Harness, type HarnessOptions } from '../harness/fermata.ts';

const PRICES = {
  openai: {
    large: { input: 10, output: 100 },
    medium: { input: 2, output: 20 },
    small: { input: 0.5, output: 5 },
    'gpt-4o': { input: 10, output: 100 },
    'gpt-4o-mini': { input: 0.5, output: 5 },
  },
};
const CONFIG: FermataConfig = {
  prices: PRICES,
  tiers: { best: ['large'], fast: ['medium', 'small'] },
};
const LIST = ['large', 'medium', 'small'];
const ok = (outputTokens = 100) => ({ text: 'ok', usage: { inputTokens: 10, outputTokens } });
const always: ScriptLine[] = [{ prompt: '', answers: [ok()] }];

const open = (options: HarnessOptions = {}): Promise<Harness> =>
  openFermata({ config: CONFIG, script: always, ...options });

/** Runs a document to its end. */
async function ran({ call, fermata }: Harness, document: object, request: object = {}) {
  const stored = await call('POST', '/workflows', { name: 'choosing', ...document });
  expect(stored.status, JSON.stringify(stored.body)).toBe(201);
  const started = await call('POST', `/workflows/${stored.body.id}/execute`, { input: {}, ...request });
  expect(started.status, JSON.stringify(started.body)).toBe(202);
  const { runId } = started.body;
  await fermata.runtime.waitFor(runId);
  const results = await call('GET', `/runs/${runId}/results`);
  return { runId, ...results.body };
}

const ask = { name: 'ask', prompt: 'Hello', expectedOutputTokens: 100 };
const asked = ({ models }: Harness) => models.requests().map(({ body }) => body['model']);

describe('optimize', () => {
  it.each([
    ['minimizeCost', 'small', 'cheapest', 'it is expected to cost the least of 3: $0.0005'],
    [
      'balanced',
      'medium',
      'balanced',
      'it is the best of those expected to cost at most 5 times the cheapest ($0.0005',
    ],
    ['maximizeQuality', 'large', 'best', 'it is the best of 3'],
  ])('%s asks %s, and says why', async (optimize, model, reason, because) => {
    const harness = await open();
    const { status, tasks } = await ran(harness, { config: { models: LIST, optimize }, tasks: [ask] });
    expect(status).toBe('completed');
    expect(asked(harness)).toEqual([model]);
    expect(tasks[0].choice).toMatchObject({ provider: 'openai', model, optimize, reason });
    expect(tasks[0].choice.because).toContain(because);
    expect(tasks[0].choice.candidates.map((one: { model: string }) => one.model)).toEqual(LIST);
  });
});

describe('models without optimize', () => {
  it('are asked in their order, the next one at once where one fails', async () => {
    const busy = { error: { status: 500, message: 'busy' } };
    const harness = await open({ script: [{ prompt: '', answers: [busy, busy, ok()] }] });
    const { tasks, runId } = await ran(harness, { tasks: [{ ...ask, models: LIST }] });
    expect(asked(harness)).toEqual(['large', 'medium', 'small']);
    expect(tasks[0]).toMatchObject({
      status: 'completed',
      attempts: 3,
      choice: { model: 'small', reason: 'fallback' },
    });
    expect(tasks[0].choice.because).toBe('large has failed; it is the only one that is left');
    expect(tasks[0].choice.candidates).toEqual([
      { provider: 'openai', model: 'large', leftOut: 'failed' },
      { provider: 'openai', model: 'medium', leftOut: 'failed' },
      { provider: 'openai', model: 'small' },
    ]);
    expect(await factsOf(harness, runId, 'task_retrying')).toMatchObject([{ delaySeconds: 0 }, { delaySeconds: 0 }]);
  });

  it('leave a model that refuses for good to itself', async () => {
    const refused = { error: { status: 404, message: 'no such model' } };
    const busy = { error: { status: 500, message: 'busy' } };
    const harness = await open({ script: [{ prompt: '', answers: [refused, busy, ok()] }] });
    const retry = { maxRetries: 3, initialSeconds: 0.001 };
    const { tasks } = await ran(harness, { tasks: [{ ...ask, models: ['large', 'small'], retry }] });
    expect(asked(harness)).toEqual(['large', 'small', 'small']);
    expect(tasks[0]).toMatchObject({ status: 'completed', choice: { model: 'small', reason: 'fallback' } });
  });

  it('fail their task where the last of them refuses', async () => {
    const refused = { error: { status: 404, message: 'no such model' } };
    const harness = await open({ script: [{ prompt: '', answers: [refused] }] });
    const { status, tasks } = await ran(harness, { tasks: [{ ...ask, models: ['large', 'small'] }] });
    expect([status, tasks[0].error.code, asked(harness)]).toEqual(['failed', 'modelRefused', ['large', 'small']]);
  });

  it('begin again at the first one when all have failed', async () => {
    const busy = { error: { status: 500, message: 'busy' } };
    const harness = await open({ script: [{ prompt: '', answers: [busy, busy, ok()] }] });
    const retry = { maxRetries: 3, initialSeconds: 0.001 };
    const { tasks } = await ran(harness, { tasks: [{ ...ask, models: ['large', 'small'], retry }] });
    expect(asked(harness)).toEqual(['large', 'small', 'large']);
    expect(tasks[0].choice.reason).toBe('first');
  });
});

describe('a fallback', () => {
  it('goes by the same rule among those that are left', async () => {
    const busy = { error: { status: 500, message: 'busy' } };
    const harness = await open({ script: [{ prompt: '', answers: [busy, ok()] }] });
    const { tasks } = await ran(harness, { tasks: [{ ...ask, models: LIST, optimize: 'minimizeCost' }] });
    expect(asked(harness)).toEqual(['small', 'medium']);
    expect(tasks[0].choice).toMatchObject({ reason: 'fallback', model: 'medium', optimize: 'minimizeCost' });
    expect(tasks[0].choice.because).toMatch(
      /^small has failed; it is expected to cost the least of the 2 that are left: \$0\.002/,
    );
  });
});

describe('what a call is expected to cost', () => {
  it('is counted as each model counts, and is what the estimate said', async () => {
    const harness = await open();
    const models = ['gpt-4o', 'gpt-4o-mini', 'small'];
    const document = { config: { models, optimize: 'balanced' }, tasks: [ask] };
    const stored = await harness.call('POST', '/workflows', { name: 'counted', ...document });
    const estimate = await harness.call('POST', `/workflows/${stored.body.id}/estimate-cost`, { input: {} });
    const { tasks } = await ran(harness, document);
    expect(tasks[0].choice.model).toBe('gpt-4o-mini');
    const costs = (choice: { candidates: { expectedCostDollars: number }[] }) =>
      choice.candidates.map(({ expectedCostDollars }) => Math.round(expectedCostDollars * 1e4));
    expect(costs(tasks[0].choice)).toEqual(costs(estimate.body.estimatedCostBreakdown[0].choice));
  });

  it('is learned from earlier runs', async () => {
    const clock = new ManualClock();
    const harness = await open({
      clock,
      script: [{ prompt: '', answers: [({ body }) => ok(body['model'] === 'small' ? 10_000 : 100)] }],
    });
    const { expectedOutputTokens: _, ...unsaid } = ask;
    const document = { config: { models: LIST, optimize: 'minimizeCost' }, tasks: [unsaid] };
    const stored = await harness.call('POST', '/workflows', { name: 'learns', ...document });
    for (let run = 0; run < 2; run++) {
      const { body } = await harness.call('POST', `/workflows/${stored.body.id}/execute`, { input: {} });
      await harness.fermata.runtime.waitFor(body.runId);
      clock.jump(60_000);
    }
    // It said ten times what was expected, and so cost more than the next one.
    expect(asked(harness)).toEqual(['small', 'medium']);
  });

  it('lets nobody be asked whose context is too short for the prompt', async () => {
    const window: Readonly<Record<string, number>> = { small: 100, medium: 2_000 };
    const prices: PriceBook = {
      pricesOf: () => undefined,
      windowOf: ({ model }) => window[model],
    };
    const harness = await open({ prices });
    const long = { ...ask, prompt: 'word '.repeat(200), models: LIST, optimize: 'minimizeCost' };
    const { tasks } = await ran(harness, { tasks: [long] });
    expect(asked(harness)).toEqual(['medium']);
    expect(tasks[0].choice.candidates[2]).toMatchObject({ model: 'small', leftOut: 'tooLong' });
  });
});

describe('tasks that nobody has written', () => {
  it('choose as their document says: items, steps of a plan, and what an answer adds', async () => {
    const says = (prompt: string, json: unknown): ScriptLine => ({ prompt, answers: [{ json }] });
    const plan = {
      tasks: [
        { name: 'step', prompt: 'Step', dependsOn: [] },
        { name: 'big', prompt: 'Big', model: 'large' },
      ],
    };
    const harness = await open({
      script: [
        says('Plan the next', plan),
        says('Judge whether', { done: true, answer: 'x', next: null }),
        says('Add', {
          tasks: [
            { name: 'added', prompt: 'Added' },
            { name: 'two', prompt: 'Two', models: ['medium'] },
          ],
        }),
        ...always,
      ],
    });
    const { status, tasks } = await ran(harness, {
      config: { models: LIST, optimize: 'minimizeCost' },
      tasks: [
        { name: 'rounds', kind: 'planExecuteReflect', goal: 'G', prompts: { plan: 'Plan the next {{ goal }}' } },
        { name: 'each', kind: 'map', items: '[1, 2]', task: { prompt: 'Item {{ item }}' } },
        { name: 'adds', prompt: 'Add', responseFormat: 'json', onComplete: { addTasks: 'fromOutput' } },
      ],
    });
    expect(status).toBe('completed');
    const models = Object.fromEntries(
      tasks.flatMap((one: { name: string; choice?: { model: string } }) =>
        one.choice ? [[one.name, one.choice.model]] : [],
      ),
    );
    expect(models).toEqual({
      'rounds.plan 1': 'small',
      'rounds.1.step': 'small',
      'rounds.reflect 1': 'small',
      'each[0]': 'small',
      'each[1]': 'small',
      adds: 'small',
      added: 'small',
      two: 'medium',
    });
    expect(asked(harness).filter((model) => model === 'large')).toHaveLength(1);
  });

  it('a function asks the one model that it names, or that of the config', async () => {
    const asks: CodeFunction = async (_, { model }) => (await model({ prompt: 'From code' })).output;
    const harness = await open({ config: { ...CONFIG, functions: { asks } } });
    const config = { models: LIST, model: 'medium', optimize: 'minimizeCost' };
    await ran(harness, { config, tasks: [ask, { name: 'f', kind: 'code', function: 'asks', input: {} }] });
    expect(new Set(asked(harness))).toEqual(new Set(['small', 'medium']));
  });
});

describe('with the cache', () => {
  const cached = { cache: { enabled: true }, models: ['large', 'small'], optimize: 'maximizeQuality' };

  it('an answer serves those who would ask the same model, and no others', async () => {
    const harness = await open();
    const { call, fermata } = harness;
    const stored = await call('POST', '/workflows', { name: 'cached', config: cached, tasks: [ask] });
    const results = [];
    for (let run = 0; run < 2; run++) {
      const { body } = await call('POST', `/workflows/${stored.body.id}/execute`, { input: {} });
      await fermata.runtime.waitFor(body.runId);
      results.push((await call('GET', `/runs/${body.runId}/results`)).body.tasks[0]);
    }
    expect([asked(harness), results[1].cacheHit]).toEqual([['large'], true]);
    // Nobody was asked.
    expect(results[1].choice).toBeUndefined();
    const cheap = { ...cached, optimize: 'minimizeCost' };
    await call('PUT', `/workflows/${stored.body.id}`, { name: 'cached', config: cheap, tasks: [ask] });
    const { body } = await call('POST', `/workflows/${stored.body.id}/execute`, { input: {} });
    await fermata.runtime.waitFor(body.runId);
    expect(asked(harness)).toEqual(['large', 'small']);
  });

  it('and without money for the best, the answer of the lesser one is not taken for its', async () => {
    const harness = await open();
    const { call, fermata } = harness;
    const config = { ...cached, breadth: 1 };
    const tasks = [{ ...ask, maxOutputTokens: 100 }];
    const stored = await call('POST', '/workflows', { name: 'cached', config, tasks });
    const kept = [];
    for (const maxCostDollars of [0.005, 0.05, 0.005]) {
      const request = { input: {}, config: { budget: { maxCostDollars } } };
      const { body } = await call('POST', `/workflows/${stored.body.id}/execute`, request);
      await fermata.runtime.waitFor(body.runId);
      kept.push((await factsOf(harness, body.runId, 'task_completed')).map((fact) => 'cached' in fact));
    }
    // Of the first nobody has asked whether that one has said it before.
    expect(kept.flat()).toEqual([false, true, false]);
    // The third finds what the second was told by the best.
    expect(asked(harness)).toEqual(['small', 'large']);
  });
});

describe('tiers', () => {
  it('stand for their models, and those of one are as good as each other', async () => {
    const harness = await open();
    const { tasks } = await ran(harness, { tasks: [{ ...ask, models: 'fast', optimize: 'maximizeQuality' }] });
    expect(asked(harness)).toEqual(['small']);
    expect(tasks[0].choice).toMatchObject({ model: 'small', reason: 'best' });
  });

  it('may stand in a list', async () => {
    const harness = await open();
    const models = [{ tier: 'best' }, { tier: 'fast' }];
    const { tasks } = await ran(harness, { config: { models, optimize: 'maximizeQuality' }, tasks: [ask] });
    expect(asked(harness)).toEqual(['large']);
    expect(tasks[0].choice.candidates).toHaveLength(3);
  });

  it('that are not there refuse the run, and say which ones are', async () => {
    const { call } = await open();
    const stored = await call('POST', '/workflows', { name: 'w', tasks: [{ ...ask, models: 'bets' }] });
    const { status, body } = await call('POST', `/workflows/${stored.body.id}/execute`, { input: {} });
    expect([status, body.code]).toEqual([422, 'tierMissing']);
    expect(body.detail).toContain('There is no tier "bets" of models: did you mean "best"?');
  });
});

describe('under a budget', () => {
  /** An answer of 100 tokens costs a cent of `large`, two tenths of `medium`, half a tenth of `small`. */
  const document = (maxCostDollars: number, tasks: object[], optimize = 'maximizeQuality') => ({
    config: { models: LIST, optimize, breadth: 1, budget: { maxCostDollars } },
    tasks: tasks.map((task, at) => ({ ...ask, name: `ask${at}`, maxOutputTokens: 100, ...task })),
  });

  it('the best is asked that leaves enough for the tasks to come', async () => {
    const harness = await open();
    const { status, tasks, runId } = await ran(harness, document(0.0335, [{}, {}, {}, {}, {}]));
    expect(status).toBe('completed');
    expect(asked(harness)).toEqual(['large', 'large', 'large', 'medium', 'small']);
    expect(tasks[3].choice).toMatchObject({ reason: 'budget', model: 'medium' });
    expect(tasks[3].choice.because).toMatch(
      /^large could cost more than there is: \$0\.00\d+ are left of the budget, of which \$0\.000\d+ are kept for tasks that have not ended$/,
    );
    const { body } = await harness.call('GET', `/runs/${runId}`);
    expect(body.costDollars).toBeLessThanOrEqual(0.0335);
    // What was chosen is what was billed.
    const bills = (await harness.call('GET', `/runs/${runId}/calls`)).body.items;
    const chosen = await factsOf(harness, runId, 'model_chosen');
    expect(chosen.map(({ task, model }) => [task, model])).toEqual(
      bills.map((bill: { task: string; model: string }) => [bill.task, bill.model]),
    );
  });

  it('what begins at once never waits for a better model, and the budget holds', async () => {
    const harness = await open();
    const all = document(
      0.05,
      Array.from({ length: 30 }, () => ({})),
    );
    const { status, runId } = await ran(harness, { ...all, config: { ...all.config, breadth: 30 } });
    expect(status).toBe('completed');
    expect(new Set(asked(harness))).toEqual(new Set(LIST));
    expect(await factsOf(harness, runId, 'budget_awaited')).toEqual([]);
    expect((await harness.call('GET', `/runs/${runId}`)).body.costDollars).toBeLessThanOrEqual(0.05);
  });

  it('a model that has failed is asked again where there is not enough for any other: a failure that passes ends no run', async () => {
    const busy = { error: { status: 500, message: 'busy' } };
    const harness = await open({ script: [{ prompt: '', answers: [busy, busy, busy, ok()] }] });
    const retry = { maxRetries: 3, initialSeconds: 0.001 };
    const { status, tasks, runId } = await ran(harness, document(0.005, [{ retry }]));
    expect([status, asked(harness)]).toEqual(['completed', ['medium', 'small', 'medium', 'medium']]);
    expect(tasks[0].choice).toMatchObject({ reason: 'budget', model: 'medium' });
    expect(tasks[0].choice.candidates[0]).not.toHaveProperty('leftOut');
    const delays = (await factsOf(harness, runId, 'task_retrying')).map(({ delaySeconds }) => delaySeconds);
    // Once it has failed a second time it is given time.
    expect(delays).toEqual([0, 0, expect.any(Number)]);
    expect(delays[2]).toBeGreaterThan(0);
  });

  it('a model without a price is never asked', async () => {
    const harness = await open();
    const unknown = document(0.05, [{ models: ['nobody-knows', 'small'] }]);
    const { tasks } = await ran(harness, unknown);
    expect([asked(harness), tasks[0].choice.candidates.length]).toEqual([['small'], 1]);
  });

  it('a run is refused of which no model has a price', async () => {
    const { call } = await open();
    const unknown = document(0.05, [{ models: ['nobody-knows', 'nor-this'] }]);
    const stored = await call('POST', '/workflows', { name: 'w', ...unknown });
    const { status, body } = await call('POST', `/workflows/${stored.body.id}/execute`, { input: {} });
    expect([status, body.code]).toEqual([422, 'priceUnknown']);
    expect(body.models).toHaveLength(2);
  });

  it('without optimize, the first model is the one: its calls wait for money, as they do alone', async () => {
    const harness = await open();
    const { optimize: _, ...config } = document(0.015, []).config;
    const tasks = [0, 1].map((at) => ({ ...ask, name: `ask${at}`, maxOutputTokens: 100 }));
    const { status } = await ran(harness, { config: { ...config, breadth: 2 }, tasks });
    expect([status, asked(harness)]).toEqual(['cancelled', ['large']]);
  });
});

describe('an estimate', () => {
  const priced = { ...ask, maxOutputTokens: 100, maxRetries: 0 };
  const estimateOf = async ({ call }: Harness, document: object) => {
    const { body } = await call('POST', '/workflows', { name: 'estimated', ...document });
    return (await call('POST', `/workflows/${body.id}/estimate-cost`, { input: {} })).body;
  };

  it.each([
    ['minimizeCost', 'small', 0.0005],
    ['balanced', 'medium', 0.002],
    ['maximizeQuality', 'large', 0.01],
  ])('says that %s would ask %s, and what that costs', async (optimize, model, expected) => {
    const found = await estimateOf(await open(), { config: { models: LIST, optimize }, tasks: [priced] });
    expect(found.estimatedCostBreakdown).toMatchObject([{ model, choice: { optimize, model } }]);
    expect(found.estimatedCostDollars.expected).toBeCloseTo(expected, 3);
    // The least and the most are those of any of them.
    expect(found.estimatedCostDollars.lowest).toBeLessThan(0.0001);
    expect(found.estimatedCostDollars.highest).toBeGreaterThan(0.01);
  });

  it('of more than the budget refuses no run that would choose cheaper models', async () => {
    const harness = await open();
    const config = { models: LIST, optimize: 'maximizeQuality', budget: { maxCostDollars: 0.005 } };
    const document = { config, tasks: [priced] };
    expect((await estimateOf(harness, document)).warning).toMatch(/^Over budget: .* will take cheaper models$/);
    const { status, runId } = await ran(harness, document);
    expect([status, asked(harness)]).toEqual(['completed', ['medium']]);
    const { body } = await harness.call('GET', `/runs/${runId}`);
    expect(body.estimate.expectedDollars).toBe(0.005);
  });

  it('of more than the budget with the cheapest ones refuses it', async () => {
    const { call, fermata } = await open();
    // Of models that are known to count so, what is to be expected is sure.
    const models = ['gpt-4o', 'gpt-4o-mini'];
    const config = { models, optimize: 'maximizeQuality', budget: { maxCostDollars: 0.0004 } };
    const { body } = await call('POST', '/workflows', { name: 'w', config, tasks: [priced] });
    const refused = await call('POST', `/workflows/${body.id}/execute`, { input: {} });
    expect([refused.status, refused.body.code]).toEqual([402, 'budgetTooSmall']);
    expect(refused.body.estimatedCostDollars.expected).toBeCloseTo(0.0005, 4);
    const more = { config: { budget: { maxCostDollars: 0.0006 } }, input: {} };
    const begun = await call('POST', `/workflows/${body.id}/execute`, more);
    expect(begun.status).toBe(202);
    await fermata.runtime.waitFor(begun.body.runId);
  });
});

describe('what is refused', () => {
  it('is told with its place, and what was meant', async () => {
    const { call } = await open();
    const refused: readonly (readonly [object, string, string])[] = [
      [
        { tasks: [{ ...ask, model: 'a', models: ['b'] }] },
        'tasks[0].model',
        'is given beside "models"; keep one of them',
      ],
      [{ tasks: [{ ...ask, models: ['a', 'b', 'a'] }] }, 'tasks[0].models[2]', 'is listed twice'],
      [
        { config: { models: ['a', { model: 'a', provider: 'openai' }] }, tasks: [ask] },
        'config.models[1]',
        'is listed twice',
      ],
      [{ tasks: [{ ...ask, models: [] }] }, 'tasks[0].models', 'expected at least 1 entries, came 0'],
      [{ config: { optimize: 'balanced' }, tasks: [ask] }, 'config.optimize', 'has nothing to choose from'],
      [{ tasks: [{ ...ask, optimize: 'balanced' }] }, 'tasks[0].optimize', 'has nothing to choose from'],
      [{ tasks: [{ ...ask, model: 'a', optimize: 'balanced' }] }, 'tasks[0].optimize', 'has nothing to choose from'],
      [
        { config: { models: ['a'], optimize: 'minimise_cost' }, tasks: [ask] },
        'config.optimize',
        'did you mean "minimizeCost"?',
      ],
      [{ tasks: [{ ...ask, models: [{ teir: 'best' }] }] }, 'tasks[0].models[0].teir', 'did you mean "tier"?'],
      [{ tasks: [{ ...ask, models: 7 }] }, 'tasks[0].models', 'expected a text or a list, came a number (7)'],
    ];
    for (const [document, path, message] of refused) {
      const { status, body } = await call('POST', '/workflows', { name: 'w', ...document });
      expect([status, body.code]).toEqual([422, 'invalidDocument']);
      expect(body.errors).toContainEqual({ path, message: expect.stringContaining(message) });
    }
  });

  it('is refused in the configuration as well', () => {
    const faultsIn = (tiers: unknown): readonly Fault[] => {
      try {
        checkConfig({ tiers } as FermataConfig);
      } catch (thrown) {
        if (thrown instanceof FermataError) return thrown.faults ?? [];
        throw thrown;
      }
      return [];
    };
    expect(faultsIn({ best: ['a', { model: 'b', provider: 'openai' }] })).toEqual([]);
    expect(faultsIn({ best: [] })).toMatchObject([{ path: 'tiers.best' }]);
    expect(faultsIn({ best: ['a', 'a'] })).toMatchObject([{ path: 'tiers.best[1]' }]);
    expect(faultsIn({ best: 'a' })).toMatchObject([{ path: 'tiers.best' }]);
    expect(faultsIn({ best: [{ model: 'a', provider: 'opnai' }] })).toEqual([
      { path: 'tiers.best[0].provider', message: 'there is no provider "opnai": did you mean "openai"?' },
    ]);
  });
});

async function factsOf({ fermata }: Harness, runId: string, type: string): Promise<readonly Record<string, unknown>[]> {
  const entries = await fermata.runtime.journal(runId, { limit: 10_000, kind: 'fact' });
  return entries.filter((entry) => entry.type === type).map(({ data }) => data as Record<string, unknown>);
}
