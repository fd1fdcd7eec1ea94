/** What models cost, as the API says it. Prices are of the test: one nano-dollar a token in, ten a token out. */
import { describe, expect, it } from 'vitest';
import type { CodeFunction } from '../../actors/code-function.ts';
import { checkConfig } from '../../src/check-config.ts';
import type { ScriptLine } from '../../src/cli/demo/model-server.ts';
import { billOf } from '../../src/cost/unit-prices.ts';
import type { FermataConfig } from '../../src/config.ts';
import { ledgerRows } from '../../src/document/ledger.ts';
import { toCursor } from '../../src/http/page.ts';
import { ManualClock } from '../harness/clock.ts';
import { openFermata, type Harness } from '../harness/fermata.ts';
import { startRun } from './documents.ts';

const PRICES: FermataConfig = { prices: { openai: { 'gpt-4o-mini': { input: 0.001, output: 0.01 } } } };
const used = (inputTokens: number, outputTokens: number) => ({ usage: { inputTokens, outputTokens } });
const answer = (inputTokens: number, outputTokens: number) => ({ text: 'ok', usage: { inputTokens, outputTokens } });
const script = (...answers: object[]): ScriptLine[] => [{ prompt: '', answers: answers as never }];

async function done({ fermata }: Harness, runId: string) {
  return fermata.runtime.waitFor(runId);
}

async function ran(harness: Harness, document: Readonly<Record<string, unknown>>): Promise<string> {
  const { runId } = await startRun(harness, document);
  await done(harness, runId);
  return runId;
}

const calls = async ({ call }: Harness, runId: string) =>
  ((await call('GET', `/runs/${runId}/calls`)).body as { items: Record<string, unknown>[] }).items;

describe('the bill of a run', () => {
  it('has each request, with usage, unit prices and what that comes to', async () => {
    const harness = await openFermata({ config: PRICES, script: script(answer(1_000, 20)) });
    const runId = await ran(harness, { tasks: [{ name: 'ask', prompt: 'Hello' }] });
    expect(await calls(harness, runId)).toEqual([
      expect.objectContaining({
        task: 'ask',
        attempt: 1,
        call: 'call',
        provider: 'openai',
        model: 'gpt-4o-mini',
        kind: 'settled',
        inputTokens: 1_000,
        outputTokens: 20,
        unitPrices: { input: 0.001, cachedInput: 0.001, cacheWrite: 0.001, output: 0.01, reasoning: 0.01 },
        costDollars: 0.000_001_2,
      }),
    ]);
    const { body } = await harness.call('GET', `/runs/${runId}`);
    expect(body).toMatchObject({ costDollars: 0.000_001_2, unknownCalls: 0 });
    expect(body.tasks[0]).toMatchObject({ costDollars: 0.000_001_2 });
    const status = await harness.call('GET', `/runs/${runId}/status`);
    expect(status.body).toMatchObject({ costDollars: 0.000_001_2, unknownCalls: 0 });
  });

  it('has the attempts that failed, the answers that were mended, and what a function asked', async () => {
    const asks: CodeFunction = async (_, { model }) => (await model({ name: 'first', prompt: 'From code' })).output;
    const harness = await openFermata({
      config: { ...PRICES, functions: { asks } },
      script: [
        {
          prompt: 'Mend',
          answers: [
            { text: 'no JSON', ...used(10, 1) },
            { json: {}, ...used(20, 2) },
          ],
        },
        {
          prompt: 'Twice',
          answers: [
            { error: { status: 500, message: 'busy' } },
            { text: '', finishReason: 'content_filter', ...used(5, 0) },
          ],
        },
        { prompt: 'From code', answers: [answer(7, 3)] },
      ],
    });
    const runId = await ran(harness, {
      config: { onTaskFailure: 'continue', breadth: 1 },
      tasks: [
        { name: 'mend', prompt: 'Mend', responseFormat: 'json' },
        { name: 'twice', prompt: 'Twice', retry: { maxRetries: 1, initialSeconds: 0.001 } },
        { name: 'code', kind: 'code', function: 'asks' },
      ],
    });
    const rows = await calls(harness, runId);
    // Status 500 came before any answer: nothing is paid for.
    const told = rows.map(({ task, attempt, call, costDollars }) => [task, attempt, call, costDollars]);
    expect(told.toSorted((one, other) => (String(one) < String(other) ? -1 : 1))).toEqual([
      ['code', 1, 'first', 37 / 1e9],
      ['mend', 1, 'call', 20 / 1e9],
      ['mend', 1, 'call', 40 / 1e9],
      ['twice', 2, 'call', 5 / 1e9],
    ]);
    const { body } = await harness.call('GET', `/runs/${runId}/results`);
    expect(body.tasks.map((task: { costDollars: number }) => task.costDollars)).toEqual([60 / 1e9, 5 / 1e9, 37 / 1e9]);
    expect((await harness.call('GET', `/runs/${runId}/status`)).body.costDollars).toBe(102 / 1e9);
  });

  it('says what it does not know: a model without a price, a provider that does not count', async () => {
    const harness = await openFermata({
      config: PRICES,
      script: [
        { prompt: 'Known', answers: [answer(1, 1)] },
        { prompt: 'Strange', answers: [answer(1, 1)] },
        { prompt: 'Uncounted', answers: [{ text: 'ok', usage: { inputTokens: -1, outputTokens: 3 } }] },
        { prompt: 'Immense', answers: [answer(2 ** 52, 1)] },
        { prompt: 'Nothing', answers: [answer(0, 0)] },
      ],
    });
    const prompts = ['Known', 'Strange', 'Uncounted', 'Immense', 'Nothing'];
    const runId = await ran(harness, {
      config: { breadth: 1 },
      tasks: prompts.map((prompt) => ({
        name: prompt,
        prompt,
        ...(prompt === 'Strange' ? { model: 'no-such-model' } : {}),
      })),
    });
    const { body } = await harness.call('GET', `/runs/${runId}`);
    expect(body).toMatchObject({ costDollars: 11 / 1e9, unknownCalls: 4 });
    const shown = body.tasks.map(({ costDollars, unknownCalls }: Record<string, unknown>) => [
      costDollars,
      unknownCalls,
    ]);
    expect(shown).toEqual([
      [11 / 1e9, undefined],
      [null, 1],
      [null, 1],
      [null, 1],
      [null, 1],
    ]);
    const rows = await calls(harness, runId);
    expect(rows.map(({ kind, unitPrices }) => [kind, unitPrices !== null])).toEqual([
      ['settled', true],
      ['settled', false],
      ['unsettled', true],
      ['unsettled', true],
      ['unsettled', true],
    ]);
  });

  it('has what was cut off, as a request that may be paid for', async () => {
    const clock = new ManualClock();
    const harness = await openFermata({ clock, config: PRICES, script: script({ hang: true }) });
    const { runId } = await startRun(harness, {
      tasks: [{ name: 'slow', prompt: 'Wait', timeoutSeconds: 10, maxRetries: 0 }],
    });
    await expect.poll(() => harness.models.requests().length).toBe(1);
    await clock.advance(10_100, () => harness.fermata.runtime.idle());
    await done(harness, runId);
    expect(await calls(harness, runId)).toMatchObject([{ kind: 'unsettled', costDollars: null, inputTokens: null }]);
    expect((await harness.call('GET', `/runs/${runId}`)).body).toMatchObject({ costDollars: null, unknownCalls: 1 });
  });

  it('has what an answer used that was being mended when that was cut off', async () => {
    const clock = new ManualClock();
    const bad = { text: 'no JSON', ...used(10, 1) };
    const harness = await openFermata({ clock, config: PRICES, script: script(bad, { hang: true }) });
    const tasks = [{ name: 'list', prompt: 'List', responseFormat: 'json', timeoutSeconds: 10, maxRetries: 0 }];
    const { runId } = await startRun(harness, { tasks });
    await expect.poll(() => harness.models.requests().length).toBe(2);
    await clock.advance(10_100, () => harness.fermata.runtime.idle());
    await done(harness, runId);
    expect((await calls(harness, runId)).map(({ kind, costDollars }) => [kind, costDollars])).toEqual([
      ['settled', 20 / 1e9],
      ['unsettled', null],
    ]);
  });

  it('goes by the price at which a task was made ready, before all by that of its document', async () => {
    const free = { openai: { '*': { input: 0, output: 0 } } };
    const harness = await openFermata({ config: PRICES, script: script(answer(10, 0)) });
    const half = { openai: { 'gpt-4o-mini': { multiplier: 0.5 } } };
    const cost = async (config: object) =>
      (
        await harness.call(
          'GET',
          `/runs/${await ran(harness, { name: JSON.stringify(config), config, tasks: [{ name: 'a', prompt: 'A' }] })}`,
        )
      ).body.costDollars;
    expect(await cost({})).toBe(10 / 1e9);
    expect(await cost({ prices: free })).toBe(0);
    expect(await cost({ prices: half })).toBe(5 / 1e9);
  });

  it('goes by the old price where it was made ready before that changed, also when it is tried again', async () => {
    const clock = new ManualClock();
    let input = 1_000;
    const prices = { pricesOf: () => ({ input, cachedInput: input, cacheWrite: input, output: 0, reasoning: 0 }) };
    const changes: CodeFunction = () => {
      input = 5_000;
      // A price that was looked up is taken for the same until the minute is over.
      clock.jump(60_000);
    };
    const harness = await openFermata({
      clock,
      prices,
      config: { functions: { changes } },
      script: [
        { prompt: 'Old', answers: [answer(10, 0)] },
        { prompt: 'New', answers: [answer(10, 0)] },
      ],
    });
    const { runId } = await startRun(harness, {
      config: { breadth: 1 },
      tasks: [
        { name: 'old', prompt: 'Old', requiresApproval: true, approvalPrompt: 'Go on?' },
        { name: 'change', kind: 'code', function: 'changes' },
        { name: 'new', prompt: 'New', dependsOn: ['change'] },
      ],
    });
    await expect.poll(async () => (await harness.call('GET', `/runs/${runId}/status`)).body.status).toBe('waiting');
    await harness.call('POST', `/runs/${runId}/tasks/old/approve`, { approved: true });
    await done(harness, runId);
    const rows = await calls(harness, runId);
    const costs = Object.fromEntries(rows.map(({ task, costDollars }) => [task, costDollars]));
    expect(costs).toEqual({ new: 50 / 1e9, old: 10 / 1e9 });
  });

  it('can be made anew of the journal', async () => {
    const answers = [
      { error: { status: 429, message: 'busy' } },
      { text: 'no JSON', ...used(3, 1) },
      { json: {}, ...used(5, 1) },
    ];
    const harness = await openFermata({ config: PRICES, script: script(...answers) });
    const runId = await ran(harness, {
      tasks: [
        { name: 'a', prompt: 'A', responseFormat: 'json', retry: { initialSeconds: 0.001 } },
        { name: 'b', prompt: 'B', dependsOn: ['a'] },
      ],
    });
    // As it is stored: over HTTP its money is dollars.
    const facts = await harness.fermata.runtime.journal(runId, { limit: 1_000, kind: 'fact' });
    const made = facts.flatMap(({ seq, at, type, data }) =>
      ledgerRows({ entry: seq, at, type, data: { ...(data as object) } }),
    );
    const kept = (await harness.fermata.costs.requests(runId, { limit: 100 })) ?? [];
    expect(kept.map(({ key: _, tenant: __, run: ___, ...row }) => row)).toEqual(made);
    expect(made).toHaveLength(3);
    for (const { pricesJson, costNanos, inputTokens, outputTokens } of made)
      expect(
        billOf({ inputTokens: inputTokens ?? 0, outputTokens: outputTokens ?? 0 }, JSON.parse(pricesJson ?? '{}')),
      ).toBe(costNanos);
  });

  it('is on the stream, in dollars', async () => {
    const harness = await openFermata({ config: PRICES, script: script(answer(10, 1)) });
    const runId = await ran(harness, { tasks: [{ name: 'a', prompt: 'A' }] });
    const { body } = await harness.call('GET', `/runs/${runId}/stream`);
    const line =
      String(body)
        .split('\n')
        .find((text) => text.startsWith('data:') && text.includes('"bill"')) ?? '';
    expect(JSON.parse(line.slice(5))).toMatchObject({
      task: 'a',
      costDollars: 20 / 1e9,
      bill: [{ call: 'call', model: 'gpt-4o-mini', costDollars: 20 / 1e9, unitPrices: { input: 0.001, output: 0.01 } }],
    });
    const { body: journal } = await harness.call('GET', `/runs/${runId}/journal`);
    const entry = (journal.items as { type: string; data: unknown }[]).find(({ type }) => type === 'task_completed');
    expect(entry?.data).toMatchObject({ costDollars: 20 / 1e9, bill: [{ costDollars: 20 / 1e9 }] });
    expect(JSON.stringify(entry)).not.toContain('anos');
  });
});

describe('costs', () => {
  const list = async ({ call }: Harness, query: string) => (await call('GET', `/costs?${query}`)).body.items;

  it('are added up by everything, filtered, in pages, and stay when a run is deleted', async () => {
    const clock = new ManualClock(Date.UTC(2026, 10, 22, 23));
    const harness = await openFermata({ clock, config: PRICES, script: script(answer(10, 0)) });
    const tasks = [{ name: 'a', prompt: 'A' }];
    const one = await startRun(
      harness,
      { name: 'one', tasks: [...tasks, { name: 'b', prompt: 'B' }] },
      { tags: ['x', 'y'] },
    );
    await done(harness, one.runId);
    await clock.advance(2 * 3_600_000, () => harness.fermata.runtime.idle());
    const two = await startRun(harness, { name: 'two', config: { model: 'unheard-of' }, tasks }, { tags: ['y'] });
    await done(harness, two.runId);

    const sums = async (query: string, of: string) =>
      (await list(harness, query)).map((row: Record<string, unknown>) => [
        row[of],
        row['modelCalls'],
        row['unknownCalls'],
        row['costDollars'],
      ]);
    expect(await sums('', 'day')).toEqual([
      ['2026-11-23', 1, 1, null],
      ['2026-11-22', 2, 0, 20 / 1e9],
    ]);
    expect(await sums('groupBy=model', 'model')).toEqual([
      ['gpt-4o-mini', 2, 0, 20 / 1e9],
      ['unheard-of', 1, 1, null],
    ]);
    expect(await sums('groupBy=provider', 'provider')).toEqual([['openai', 3, 1, 20 / 1e9]]);
    expect(await sums('groupBy=tenant', 'tenant')).toEqual([['default', 3, 1, 20 / 1e9]]);
    expect(await sums('groupBy=tag', 'tag')).toEqual([
      ['x', 2, 0, 20 / 1e9],
      ['y', 3, 1, 20 / 1e9],
    ]);
    expect(await sums('groupBy=run', 'runId')).toEqual([
      [two.runId, 1, 1, null],
      [one.runId, 2, 0, 20 / 1e9],
    ]);
    expect(await sums('groupBy=task&tag=x', 'task')).toEqual([
      ['a', 1, 0, 10 / 1e9],
      ['b', 1, 0, 10 / 1e9],
    ]);
    expect(await sums('groupBy=tag&workflow=two', 'tag')).toEqual([['y', 1, 1, null]]);
    expect(await sums(`groupBy=model&run=${one.runId}`, 'model')).toEqual([['gpt-4o-mini', 2, 0, 20 / 1e9]]);
    expect(await sums('groupBy=run&from=2026-11-23', 'runId')).toEqual([[two.runId, 1, 1, null]]);
    expect(await sums('to=2026-11-23T00:00:00Z', 'day')).toEqual([['2026-11-22', 2, 0, 20 / 1e9]]);
    expect(await sums('from=2027-01-01', 'day')).toEqual([]);

    for (const groupBy of ['day', 'model', 'tag', 'run', 'task']) {
      const whole = await list(harness, `groupBy=${groupBy}`);
      const paged: unknown[] = [];
      let cursor = '';
      do {
        const { body } = await harness.call('GET', `/costs?groupBy=${groupBy}&limit=1${cursor}`);
        paged.push(...body.items);
        cursor = body.nextCursor === null ? '' : `&cursor=${body.nextCursor}`;
      } while (cursor !== '');
      expect(paged, groupBy).toEqual(whole);
    }

    const before = await list(harness, 'groupBy=task');
    expect((await harness.call('DELETE', `/runs/${one.runId}`)).status).toBeLessThan(300);
    expect(await list(harness, 'groupBy=task')).toEqual(before);
    expect(await calls(harness, one.runId)).toHaveLength(2);
    expect((await harness.call('GET', '/runs/none/calls')).status).toBe(404);
  });

  it('of a run are shown with those of the runs that it began, and without', async () => {
    const harness = await openFermata({ config: PRICES, script: script(answer(10, 0)) });
    const lower = { name: 'lower', tasks: [{ name: 'low', prompt: 'Low' }] };
    const middle = {
      name: 'middle',
      tasks: [
        { name: 'mid', prompt: 'Mid' },
        { name: 'down', kind: 'subworkflow', workflow: 'lower' },
      ],
    };
    for (const document of [lower, middle]) await harness.call('POST', '/workflows', document);
    const runId = await ran(harness, {
      name: 'upper',
      tasks: [{ name: 'begin', kind: 'subworkflow', workflow: 'middle' }],
    });
    const { body } = await harness.call('GET', `/runs/${runId}`);
    expect(body).toMatchObject({ costDollars: 0, withChildren: { costDollars: 20 / 1e9, modelCalls: 2 } });
    expect(body.tasks[0].costDollars).toBe(20 / 1e9);
    const rows = (await list(harness, 'groupBy=run')) as {
      workflow: { name: string };
      costDollars: number;
      withChildren?: { costDollars: number };
    }[];
    expect(
      rows.map(({ workflow, costDollars, withChildren }) => [workflow.name, costDollars, withChildren?.costDollars]),
    ).toEqual([
      ['lower', 10 / 1e9, undefined],
      ['middle', 10 / 1e9, 20 / 1e9],
      ['upper', 0, 20 / 1e9],
    ]);
  });

  it.each([
    ['groupBy=colour', 'query.groupBy'],
    ['from=yesterday', 'query.from'],
    ['groupBy=run&from=2026-11-23&to=2026-11-22', 'query.to'],
    ['limit=0', 'query.limit'],
    ['day=2026-11-22', 'query.day'],
    ['cursor=abc', 'query.cursor'],
    [`cursor=${toCursor('costs-day', '{}')}`, 'query.cursor'],
    [`cursor=${toCursor('costs-day', 'x')}`, 'query.cursor'],
    [`groupBy=run&cursor=${toCursor('costs-run', 'x')}`, 'query.cursor'],
    [`groupBy=task&cursor=${toCursor('costs-task', 'x/a')}`, 'query.cursor'],
    [`groupBy=run&cursor=${toCursor('costs-day', '[1]')}`, 'query.cursor'],
  ])('refuse %s', async (query, path) => {
    const harness = await openFermata({ script: script(answer(1, 1)) });
    // Where nothing is listed nobody looks at a cursor.
    await ran(harness, { tasks: [{ name: 'a', prompt: 'A' }] });
    const { status, body } = await harness.call('GET', `/costs?${query}`);
    expect([status, body.errors[0].path]).toEqual([400, path]);
  });
});

describe('prices that are none', () => {
  const rates = { input: 1, output: 2 };
  it.each([
    [{ openai: { m: { ...rates, input: -1 } } }, 'openai.m.input', 'at least 0, came a number (-1)'],
    [{ openai: { m: { ...rates, output: 1_001 } } }, 'openai.m.output', 'at most 1000, came a number (1001)'],
    [{ openai: { m: { ...rates, ouput: 2 } } }, 'openai.m.ouput', 'did you mean "output"?'],
    [{ openai: { m: { multiplier: -1 } } }, 'openai.m.multiplier', 'at least 0'],
    [{ openai: { m: { input: '1', output: 2 } } }, 'openai.m.input', 'expected a number'],
    [{ openai: 3 }, 'openai', 'expected an object'],
    [[], '', 'expected an object'],
  ])('%j are refused in a document and in a configuration', async (prices, path, message) => {
    const { call } = await openFermata();
    const at = (base: string): string => (path === '' ? base : `${base}.${path}`);
    const { status, body } = await call('POST', '/workflows', {
      name: 'w',
      config: { prices },
      tasks: [{ name: 'a', prompt: 'A' }],
    });
    const fault = { path: at('config.prices'), message: expect.stringContaining(message) };
    expect([status, body.errors]).toEqual([422, [fault]]);
    const wrong = { code: 'invalidConfig', faults: [{ ...fault, path: at('prices') }] };
    expect(() => checkConfig({ prices } as never)).toThrow(expect.objectContaining(wrong));
  });

  it('NaN and Infinity are none either', () => {
    for (const input of [Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => checkConfig({ prices: { openai: { m: { input, output: 1 } } } })).toThrow('prices.openai.m.input');
  });
});
