/** Budgets of runs, through the front door: a real database file, a scripted model server on a real socket. */
import { rmSync } from 'node:fs';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import type { CodeFunction } from '../../actors/code-function.ts';
import { randomOf } from '../../src/testing/random.ts';
import { openFermata, type Harness } from '../harness/fermata.ts';
import { answerWith, startRawModelServer } from '../harness/raw-model-server.ts';

/** Ten dollars for a million tokens of the answer, and nothing for the prompt: an answer of 100 tokens is a tenth of a cent. */
const PRICES = { openai: { '*': { input: 0, output: 10 } } };
const said = (outputTokens: number) => [
  { prompt: '', answers: [{ text: 'Done.', usage: { inputTokens: 10, outputTokens } }] },
];

/** `count` calls that are independent of each other. */
function calls(count: number, budget: object, task: object = {}) {
  return {
    name: 'calls',
    config: { prices: PRICES, breadth: 1_000, onTaskFailure: 'continue', budget },
    input: { type: 'object' },
    tasks: [
      {
        name: 'each',
        kind: 'map',
        items: 'input.list',
        task: { prompt: 'Say {{ item }}', maxOutputTokens: 100, ...task },
      },
    ],
    list: Array.from({ length: count }, (_, index) => index),
  };
}

async function run({ call, fermata }: Harness, { list, ...document }: ReturnType<typeof calls>, config?: object) {
  const workflow = await call('POST', '/workflows', document);
  expect(workflow.status, JSON.stringify(workflow.body)).toBe(201);
  const started = await call('POST', `/workflows/${workflow.body.id}/execute`, { input: { list }, config });
  expect(started.status, JSON.stringify(started.body)).toBe(202);
  return endOf({ call, fermata }, started.body.runId);
}

async function endOf({ call, fermata }: Pick<Harness, 'call' | 'fermata'>, runId: string) {
  await fermata.runtime.waitFor(runId);
  return (await call('GET', `/runs/${runId}`)).body;
}

/** Facts of a run, by type. */
async function facts(
  { fermata }: Harness,
  runId: string,
): Promise<readonly { readonly type: string; readonly data: unknown }[]> {
  const entries = await fermata.runtime.journal(runId, { limit: 10_000, kind: 'fact' });
  return entries.map(({ type, data }) => ({ type, data }));
}

describe('a budget', () => {
  it('for ten calls makes exactly ten of a thousand that begin at once', async () => {
    const harness = await openFermata({ script: said(100) });
    const ended = await run(harness, calls(1_000, { maxCostDollars: 0.01 }));
    expect([ended.status, ended.reason.code]).toEqual(['cancelled', 'budgetExceeded']);
    expect(harness.models.requests()).toHaveLength(10);
    expect(ended.costDollars).toBe(0.01);
    expect(ended.budget).toEqual({ maxCostDollars: 0.01, spentDollars: 0.01, reservedDollars: 0, waitingCalls: 0 });
  });

  it('waits for calls under way that may leave something over, and uses it', async () => {
    const harness = await openFermata({ script: said(50) });
    const ended = await run(harness, calls(100, { maxCostDollars: 0.01 }));
    expect(ended.status).toBe('cancelled');
    // The last half of a tenth of a cent pays for no call that may cost a whole one.
    expect(harness.models.requests()).toHaveLength(19);
  });

  it.each([1, 2, 3])('is used, 95 %% of it at least, where there is work for it: %i', async (seed) => {
    const random = randomOf(seed);
    const answer = ({ body }: { readonly body: Readonly<Record<string, unknown>> }) => ({
      text: 'Done.',
      usage: { inputTokens: 10, outputTokens: random.between(1, Number(body['max_completion_tokens'])) },
    });
    const harness = await openFermata({ script: [{ prompt: '', answers: [answer] }] });
    const ended = await run(harness, calls(200, { maxCostDollars: 0.02 }, { minOutputTokens: 5 }));
    expect([ended.status, ended.reason.code]).toEqual(['cancelled', 'budgetExceeded']);
    expect(ended.costDollars).toBeGreaterThanOrEqual(0.019);
    expect(ended.costDollars).toBeLessThanOrEqual(0.02);
  });

  it('warns once, and says who waits and who got money', async () => {
    const harness = await openFermata({ script: said(50) });
    const ended = await run(harness, calls(3, { maxCostDollars: 0.002, warnAtDollars: 0.001 }));
    expect(ended.status).toBe('completed');
    const said50 = await facts(harness, ended.runId);
    const of = (type: string) => said50.filter((fact) => fact.type === type).map(({ data }) => data);
    expect(of('cost_warning')).toEqual([
      expect.objectContaining({ costDollars: 0.001, warnAtDollars: 0.001, maxCostDollars: 0.002 }),
    ]);
    expect(of('budget_awaited')).toEqual([
      expect.objectContaining({ task: 'each[2]', call: 'call', needDollars: 0.001, leastDollars: 0.001 }),
    ]);
    expect(of('budget_granted')).toEqual([expect.objectContaining({ task: 'each[2]', grantedDollars: 0.001 })]);
  });

  it('bounds an answer whose author does not say how long it may be, and each request of a mended one', async () => {
    const json = {
      responseFormat: { schema: { type: 'object', properties: { x: { type: 'number' } }, required: ['x'] } },
    };
    const harness = await openFermata({
      script: [
        {
          prompt: '',
          answers: [
            { text: 'none', usage: { inputTokens: 10, outputTokens: 80 } },
            { json: { x: 1 }, usage: { inputTokens: 10, outputTokens: 20 } },
          ],
        },
      ],
    });
    const bounds = () => harness.models.requests().map(({ body }) => body['max_completion_tokens']);
    const one = await run(harness, calls(1, { maxCostDollars: 1 }, { ...json, maxOutputTokens: undefined }));
    expect([one.status, bounds()]).toEqual(['completed', [4_096, 4_096]]);
    expect(one.costDollars).toBe(0.001);
  });

  it('has nothing left to mend an answer with: the call fails, and says so', async () => {
    const json = {
      responseFormat: { schema: { type: 'object', properties: { x: { type: 'number' } }, required: ['x'] } },
    };
    const harness = await openFermata({
      script: [{ prompt: '', answers: [{ text: 'none', usage: { inputTokens: 1, outputTokens: 80 } }] }],
    });
    const ended = await run(
      harness,
      calls(1, { maxCostDollars: 0.0011 }, { ...json, minOutputTokens: 50, maxRetries: 0 }),
    );
    expect(harness.models.requests()).toHaveLength(1);
    expect(ended.costDollars).toBe(0.0008);
    expect(ended.tasks.find(({ name }: { name: string }) => name === 'each').status).toBe('failed');
  });
});

describe('a provider', () => {
  const usage = (prompt_tokens: unknown, completion_tokens: unknown) => ({ prompt_tokens, completion_tokens });

  it.each([
    ['takes more than it may', usage(1, 101), 'cancelled', 'overcharge', 0.00101],
    ['ignores the bound of the answer', usage(1, 4_000), 'cancelled', 'overcharge', 0.04],
    ['says that it took as much as one request ever could', usage(1, 100_000_000), 'cancelled', 'overcharge', 1_000],
    ['says that it took more than that', usage(1, 100_000_001), 'completed', undefined, 0.001],
    ['says that it took more than can be true', usage(9e15, 9e15), 'completed', undefined, 0.001],
    ['says nothing of what it took', undefined, 'completed', undefined, 0.001],
    ['says that it took less than nothing', usage(-1, -5), 'completed', undefined, 0.001],
    ['says that it took no number', usage(1, 'many'), 'completed', undefined, 0.001],
    ['says that it took nothing', usage(0, 0), 'completed', undefined, 0.001],
    ['counts answers only', usage(0, 5), 'completed', undefined, 0.001],
  ])('that %s', async (_, counted, status, code, costDollars) => {
    const server = await startRawModelServer((exchange) => answerWith(exchange, 'Done.', counted));
    try {
      const config = { providers: { openai: { apiKey: 'none', baseUrl: server.baseUrl } } };
      const harness = await openFermata({ config });
      const ended = await run(harness, calls(1, { maxCostDollars: 0.002 }));
      expect([ended.status, ended.reason?.code, ended.costDollars]).toEqual([status, code, costDollars]);
      expect(ended.budget).toMatchObject({ spentDollars: costDollars, reservedDollars: 0 });
      const overcharged = (await facts(harness, ended.runId)).filter(({ type }) => type === 'overcharged');
      expect(overcharged).toHaveLength(code === 'overcharge' ? 1 : 0);
      await harness.close();
    } finally {
      await server.stop();
    }
  });
});

it('costs nothing where all tokens are free, though nobody counts them', async () => {
  const server = await startRawModelServer((exchange) => answerWith(exchange, 'Done.'));
  try {
    const config = {
      providers: { openai: { apiKey: 'none', baseUrl: server.baseUrl } },
      prices: { openai: { '*': { input: 0, output: 0 } } },
    };
    const harness = await openFermata({ config });
    const { runId } = await harness.fermata.start({ name: 'local', tasks: [{ name: 'ask', prompt: 'Tea?' }] });
    await harness.fermata.runtime.waitFor(runId);
    const { body } = await harness.call('GET', `/runs/${runId}`);
    expect(body).toMatchObject({ status: 'completed', costDollars: 0, unknownCalls: 0 });
    await harness.close();
  } finally {
    await server.stop();
  }
});

describe('a run that ended on its budget', () => {
  it.each(['retry', 'fork'])('goes on with a higher one: %s', async (how) => {
    const harness = await openFermata({ script: said(100) });
    const ended = await run(harness, calls(5, { maxCostDollars: 0.003 }));
    expect(ended.reason.code).toBe('budgetExceeded');
    expect(ended.reason.message).toContain('Retry');
    const { call } = harness;
    const point = how === 'fork' ? { atSeq: ended.facts ?? (await facts(harness, ended.runId)).length } : {};
    const refused = await call('POST', `/runs/${ended.runId}/${how}`, {
      ...point,
      config: { budget: { maxCostDollars: -1 } },
    });
    expect(refused.status).toBe(400);
    const again = await call('POST', `/runs/${ended.runId}/${how}`, {
      ...point,
      config: { budget: { maxCostDollars: 0.0025 } },
    });
    expect(again.status, JSON.stringify(again.body)).toBe(202);
    const done = await endOf(harness, again.body.runId);
    expect(done).toMatchObject({
      status: 'completed',
      costDollars: 0.002,
      budget: { maxCostDollars: 0.0025, spentDollars: 0.002 },
    });
    expect(harness.models.requests()).toHaveLength(5);
  });

  it('has, tried again as it is, the same budget for the rest', async () => {
    const harness = await openFermata({ script: said(100) });
    const ended = await run(harness, calls(5, { maxCostDollars: 0.003 }));
    const again = await harness.call('POST', `/runs/${ended.runId}/retry`);
    expect(await endOf(harness, again.body.runId)).toMatchObject({
      status: 'completed',
      budget: { maxCostDollars: 0.003, spentDollars: 0.002 },
    });
  });
});

describe('a budget is refused', () => {
  const one = { name: 'one', prompt: 'Say one' };

  it.each([
    [{ maxCostDollars: 0 }, 'maxCostDollars'],
    [{ maxCostDollars: -1 }, 'maxCostDollars'],
    [{ maxCostDollars: 1e-10 }, 'maxCostDollars'],
    [{ maxCostDollars: 1e7 }, 'maxCostDollars'],
    [{ maxCostDollars: '5' }, 'maxCostDollars'],
    [{ maxCostDollars: 1, warnAtDollars: 2 }, 'warnAtDollars'],
    [{ maxCostDollars: 1, warnAtDollars: -1 }, 'warnAtDollars'],
    [{ warnAtDollars: 1 }, 'maxCostDollars'],
    [{ maxCostDollars: 1, maxCostEuros: 1 }, 'maxCostEuros'],
  ])('that is %j, where it is written and where a run is asked for', async (budget, field) => {
    const { call } = await openFermata();
    const refused = await call('POST', '/workflows', { name: 'w', config: { budget }, tasks: [one] });
    expect([refused.status, JSON.stringify(refused.body.errors)]).toEqual([422, expect.stringContaining(field)]);
    const { body } = await call('POST', '/workflows', { name: 'w', tasks: [one] });
    const execute = await call('POST', `/workflows/${body.id}/execute`, { config: { budget } });
    expect([execute.status, JSON.stringify(execute.body)]).toEqual([400, expect.stringContaining(field)]);
  });

  it('where nobody knows what its models cost, with all of their names; without one the run begins', async () => {
    const { call, fermata } = await openFermata({ script: said(1) });
    const tasks = [
      { ...one, model: 'dreamt-of' },
      { name: 'each', kind: 'map', items: '[1]', task: { prompt: 'Say {{ item }}', model: 'unheard-of' } },
      { name: 'known', prompt: 'Say one' },
    ];
    const { body } = await call('POST', '/workflows', { name: 'w', tasks });
    const config = { budget: { maxCostDollars: 1 } };
    const refused = await call('POST', `/workflows/${body.id}/execute`, { config });
    expect([refused.status, refused.body.code]).toEqual([422, 'priceUnknown']);
    for (const name of ['openai/dreamt-of', 'openai/unheard-of']) expect(refused.body.detail).toContain(name);
    expect(refused.body.detail).not.toContain('gpt-4o-mini');
    expect((await call('GET', '/runs')).body.items).toEqual([]);
    const started = await call('POST', `/workflows/${body.id}/execute`, {});
    expect(started.status).toBe(202);
    await fermata.runtime.waitFor(started.body.runId);
    const retried = await call('POST', `/runs/${started.body.runId}/fork`, { fromTask: 'one', config });
    expect([retried.status, retried.body.code]).toEqual([422, 'priceUnknown']);
  });

  it('by a task that joins with a model that nobody knows the price of, and by a function that asks one', async () => {
    const adds = () => [{ name: 'added', prompt: 'Say more', model: 'dreamt-of' }];
    const asks: CodeFunction = async (_, { model }) => model({ prompt: 'Say', model: 'unheard-of' });
    const harness = await openFermata({ script: said(1), config: { functions: { adds, asks } } });
    const { call } = harness;
    const { body } = await call('POST', '/workflows', {
      name: 'w',
      config: { onTaskFailure: 'continue', budget: { maxCostDollars: 1 } },
      tasks: [
        { ...one, onComplete: { addTasks: 'adds' } },
        { name: 'f', kind: 'code', function: 'asks', maxRetries: 0 },
      ],
    });
    const started = await call('POST', `/workflows/${body.id}/execute`, {});
    const ended = await endOf(harness, started.body.runId);
    const errors = Object.fromEntries(
      ended.tasks.map((task: { name: string; error?: { code: string } }) => [task.name, task.error?.code]),
    );
    expect(errors).toEqual({
      one: undefined,
      added: 'priceUnknown',
      f: expect.stringMatching(/priceUnknown|codeFailed/),
    });
    expect(harness.models.requests()).toHaveLength(1);
  });
});

it('why a task waits for money: what it needs, what is left, who holds the rest', async () => {
  const server = await startRawModelServer(() => {});
  try {
    const config = { providers: { openai: { apiKey: 'none', baseUrl: server.baseUrl } } };
    const harness = await openFermata({ config });
    const { list, ...document } = calls(3, { maxCostDollars: 0.0025 }, { minOutputTokens: 60 });
    const { body } = await harness.call('POST', '/workflows', document);
    const { runId } = (await harness.call('POST', `/workflows/${body.id}/execute`, { input: { list } })).body;
    while (server.requests.length < 2) await new Promise((resolve) => setImmediate(resolve));
    await harness.fermata.runtime.idle();
    const why = (await harness.call('GET', `/runs/${runId}/why`)).body;
    const waits = why.tasks.find(({ waitsFor }: { waitsFor: string }) => waitsFor === 'budget');
    expect(waits).toMatchObject({ task: 'each[2]', status: 'running' });
    expect(waits.moves).toContain(
      'it may cost $0.001, or $0.0006 for a shorter answer, and $0.0005 of the budget of $0.0025',
    );
    expect(waits.moves).toContain('$0.002 are reserved');
    expect((await harness.call('GET', `/runs/${runId}`)).body.budget).toEqual({
      maxCostDollars: 0.0025,
      spentDollars: 0,
      reservedDollars: 0.002,
      waitingCalls: 1,
    });
    for (const exchange of server.requests) answerWith(exchange, 'Done.', { prompt_tokens: 1, completion_tokens: 95 });
    while (server.requests.length < 3) await new Promise((resolve) => setImmediate(resolve));
    expect(server.requests[2]?.body['max_completion_tokens']).toBe(60);
    answerWith(server.requests[2] as never, 'Done.', { prompt_tokens: 1, completion_tokens: 10 });
    expect((await endOf(harness, runId)).status).toBe('completed');
    await harness.close();
  } finally {
    await server.stop();
  }
});

describe('an answer that may be shortened to more than it may have', () => {
  const ask = { name: 'a', prompt: 'Say', maxOutputTokens: 100 };
  const wrong = { ...ask, minOutputTokens: 200 };
  const message =
    'expected at most 100, which is maxOutputTokens, came 200: lower it to what an answer may be shortened to where money is short, or raise maxOutputTokens';

  it('is refused where the document is stored, with both numbers and the place', async () => {
    const { call } = await openFermata();
    const inner = { name: 'inner', tasks: [wrong] };
    const cases: readonly (readonly [readonly object[], string])[] = [
      [[ask, { ...wrong, name: 'b' }], 'tasks[1].minOutputTokens'],
      [[{ ...wrong, models: ['gpt-4o', 'gpt-4o-mini'], optimize: 'balanced' }], 'tasks[0].minOutputTokens'],
      [
        [
          { ...ask, name: 'l' },
          { ...wrong, kind: 'reduce', dependsOn: ['l'] },
        ],
        'tasks[1].minOutputTokens',
      ],
      [
        [{ name: 'each', kind: 'map', items: '[[1]]', task: { kind: 'map', items: 'item', task: unnamed(wrong) } }],
        'tasks[0].task.task.minOutputTokens',
      ],
      [[{ name: 's', kind: 'subworkflow', workflow: inner }], 'tasks[0].workflow.tasks[0].minOutputTokens'],
    ];
    for (const [tasks, path] of cases)
      for (const asked of ['/workflows', '/workflows?validate=only']) {
        const { status, body } = await call('POST', asked, { name: 'w', tasks });
        expect([status, body.code, body.errors], path).toEqual([422, 'invalidDocument', [{ path, message }]]);
      }
    const equal = [
      { ...ask, minOutputTokens: 100 },
      { name: 'b', prompt: 'Say', minOutputTokens: 200 },
    ];
    expect((await call('POST', '/workflows', { name: 'w', tasks: equal })).status).toBe(201);
  });

  it('is refused of a task that joins', async () => {
    const functions = { grow: () => [wrong] };
    const { call, fermata } = await openFermata({ config: { functions } });
    const tasks = [{ ...ask, name: 'first', onComplete: { addTasks: 'grow' } }];
    const { body } = await call('POST', '/workflows', { name: 'w', tasks });
    const started = await call('POST', `/workflows/${body.id}/execute`, {});
    const ended = await endOf({ call, fermata }, started.body.runId);
    expect(ended.status).toBe('failed');
    expect(JSON.stringify(ended)).toContain(`tasks[0].minOutputTokens: ${message}`);
  });

  it('is taken as it was once in a document that is stored, on its own and inside of another', async () => {
    const inner = { name: 'inner', tasks: [{ ...ask, minOutputTokens: 50 }] };
    const tasks = [...inner.tasks, { name: 's', kind: 'subworkflow', workflow: inner }];
    const before = await openFermata();
    const { body } = await before.call('POST', '/workflows', { name: 'w', tasks });
    await before.close();
    const driver = new BetterSqlite3(before.database);
    driver.exec(
      `update workflow_version set document = replace(document, '"minOutputTokens":50', '"minOutputTokens":200')`,
    );
    driver.close();
    rmSync(`${before.database}.sums`, { force: true });
    const { call, fermata } = await openFermata({ database: before.database });
    const shown = await call('GET', `/workflows/${body.id}`);
    expect(shown.body.document.tasks[0]).toEqual(wrong);
    const started = await call('POST', `/workflows/${body.id}/execute`, { config: { budget: { maxCostDollars: 1 } } });
    expect(started.status, JSON.stringify(started.body)).toBe(202);
    expect((await endOf({ call, fermata }, started.body.runId)).status).toBe('completed');
    expect((await call('PUT', `/workflows/${body.id}`, shown.body.document)).status).toBe(422);
  });

  /** Items of a map have no names. */
  function unnamed({ name: _, ...task }: { readonly name: string }): object {
    return task;
  }
});
