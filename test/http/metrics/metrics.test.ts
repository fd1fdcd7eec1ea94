/** `GET /metrics`: what is counted, after what has really happened. */
import { describe, expect, it, onTestFinished } from 'vitest';
import type { CodeFunction } from '../../../actors/code-function.ts';
import type { FermataConfig } from '../../../src/config.ts';
import type { WorkflowDocument } from '../../../src/document/schema.ts';
import { METRICS } from '../../../src/http/metrics/table.ts';
import { ManualClock } from '../../harness/clock.ts';
import { openFermata, type Harness, type HarnessOptions } from '../../harness/fermata.ts';
import { answerWith, startRawModelServer } from '../../harness/raw-model-server.ts';
import { holding, startRun } from '../documents.ts';
import { metricsOfTest, scrape } from './scrape.ts';

const USAGE = { inputTokens: 1_000, outputTokens: 20 };
const config: FermataConfig = {
  prices: { openai: { 'gpt-4o-mini': { input: 0.001, output: 0.01 } } },
  functions: {
    work: () => 'done',
    fail: () => Promise.reject(new Error('no')),
  },
};

const open = (options: HarnessOptions = {}): Promise<Harness> =>
  openFermata({
    config,
    metrics: metricsOfTest(),
    script: [
      { prompt: 'refuse', answers: [{ error: { status: 400, message: 'no' } }] },
      { prompt: 'stumble', answers: [{ error: { status: 500, message: 'no' } }, { text: 'tea', usage: USAGE }] },
      { prompt: '', answers: [{ text: 'tea', usage: USAGE }] },
    ],
    ...options,
  });

async function run(harness: Harness, ...tasks: readonly object[]): Promise<string> {
  const { runId } = await harness.fermata.start({ name: 'w', tasks } as never);
  await harness.fermata.runtime.waitFor(runId);
  return runId;
}

const MINI = 'model="gpt-4o-mini"';
const CHAT = `${MINI},operation="chat"`;

describe('GET /metrics', () => {
  it('is text of version 0.0.4, with every metric of the table and no other', async () => {
    const harness = await open();
    await run(harness, { name: 'ask', prompt: 'What is tea?' });
    const answer = await harness.app.request('/metrics');
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      200,
      'text/plain; version=0.0.4; charset=utf-8',
    ]);
    const { families } = await scrape(harness.app);
    const told = Object.fromEntries([...families].map(([name, { type, help }]) => [name, { type, help }]));
    expect(told).toEqual(
      Object.fromEntries(Object.entries(METRICS).map(([name, { type, help }]) => [name, { type, help }])),
    );
    for (const [name, { samples }] of families)
      for (const series of samples.keys()) {
        const labels = [...series.matchAll(/[{,](\w+)="/g)].map(([, label]) => label).filter((label) => label !== 'le');
        expect([name, new Set(labels)]).toEqual([name, new Set(METRICS[name as keyof typeof METRICS].labels)]);
      }
  });

  it('answers HEAD without a body, takes a query, and refuses other methods', async () => {
    const { app } = await open();
    const head = await app.request('/metrics', { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect((await app.request('/metrics?now=1')).status).toBe(200);
    expect((await app.request('/metrics', { method: 'POST' })).status).toBe(405);
  });

  it('is not there where nobody keeps metrics, and says who does', async () => {
    const { call } = await openFermata();
    const { status, body } = await call('GET', '/metrics');
    expect([status, body.code, body.detail]).toEqual([404, 'notFound', expect.stringContaining('fermata serve')]);
  });

  it('is refused like everything else while the server stops', async () => {
    const { call } = await open({ stopping: AbortSignal.abort() });
    const { status, body } = await call('GET', '/metrics');
    expect([status, body.code]).toEqual([503, 'shuttingDown']);
  });

  it('says of a demo that it is one', async () => {
    const { app } = await open({ demo: true, metrics: metricsOfTest({ demo: true }) });
    expect(Object.keys((await scrape(app)).all('fermata_build_info'))).toEqual([
      expect.stringContaining('demo="true"'),
    ]);
  });
});

describe('runs and tasks', () => {
  it('that complete, fail, are retried, skipped and cancelled', async () => {
    const harness = await open();
    const retry = { maxRetries: 1, initialSeconds: 0.001 };
    await run(
      harness,
      { name: 'a', kind: 'code', function: 'work' },
      { name: 'b', when: 'false', kind: 'code', function: 'work' },
    );
    await run(harness, { name: 'a', kind: 'code', function: 'fail', retry });
    await harness.fermata.runtime.cancel(
      (await harness.fermata.start({ name: 'w', tasks: [{ name: 'nap', kind: 'wait', seconds: 1e6 }] })).runId,
    );
    await harness.fermata.runtime.idle();
    const { of, all } = await scrape(harness.app);
    expect(all('fermata_runs')).toEqual({ 'status="completed"': 1, 'status="failed"': 1, 'status="cancelled"': 1 });
    expect(of('fermata_runs_started_total')).toBe(3);
    expect(all('fermata_runs_ended_total')).toEqual({
      'status="completed"': 1,
      'status="failed"': 1,
      'status="cancelled"': 1,
    });
    expect(all('fermata_tasks_ended_total')).toEqual({
      'status="completed"': 1,
      'status="skipped"': 1,
      'status="failed"': 1,
      'status="cancelled"': 1,
    });
    expect(all('fermata_task_failures_total')).toEqual({
      'reason="codeFailed",then="retried"': 1,
      'reason="codeFailed",then="ended"': 1,
    });
  });

  it('that are at work: in memory, with a call in flight', async () => {
    const hold = holding();
    const harness = await open({ config: hold.config });
    const { runId } = await startRun(harness, { tasks: [{ name: 'a', kind: 'code', function: 'hold' }] });
    await hold.called();
    const { of } = await scrape(harness.app);
    expect([
      of('fermata_runs', 'status="running"'),
      of('fermata_runs_resident'),
      of('fermata_effects_in_flight'),
    ]).toEqual([1, 1, 1]);
    hold.release();
    await harness.fermata.runtime.waitFor(runId);
    await harness.fermata.runtime.idle();
    expect((await scrape(harness.app)).of('fermata_effects_in_flight')).toBe(0);
  });

  it('that wait for a person, and since when', async () => {
    const clock = new ManualClock();
    const harness = await open({ clock, metrics: metricsOfTest({ clock }) });
    const asks = { tasks: [{ name: 'pay', kind: 'code', function: 'work', requiresApproval: true }] };
    const { workflowId, runId } = await startRun(harness, asks);
    clock.jump(90_000);
    await harness.call('POST', `/workflows/${workflowId}/execute`, {});
    clock.jump(10_000);
    const { of } = await scrape(harness.app);
    expect([of('fermata_approvals_pending'), of('fermata_approvals_oldest_seconds')]).toEqual([2, 100]);
    expect(of('fermata_runs', 'status="waiting"')).toBe(2);
    await harness.call('POST', `/runs/${runId}/tasks/pay/approve`, { approved: false });
    await harness.fermata.runtime.waitFor(runId);
    const later = await scrape(harness.app);
    expect([later.of('fermata_approvals_pending'), later.of('fermata_approvals_oldest_seconds')]).toEqual([1, 10]);
    expect(later.all('fermata_tasks_ended_total')).toEqual({ 'status="rejected"': 1 });
    expect(later.all('fermata_task_failures_total')).toEqual({ 'reason="taskRejected",then="ended"': 1 });
  });
});

describe('models', () => {
  it('calls by how they ended, tokens by kind, and money as the ledger has it', async () => {
    const harness = await open();
    const retry = { maxRetries: 1, initialSeconds: 0.001 };
    await run(harness, { name: 'ask', prompt: 'What is tea?' });
    await run(harness, { name: 'ask', prompt: 'stumble', retry });
    await run(harness, { name: 'ask', prompt: 'refuse', model: 'gpt-4o' });
    const { of, all } = await scrape(harness.app);
    expect(all('fermata_model_calls_total')).toEqual({
      [`${CHAT},outcome="ok",provider="openai"`]: 2,
      [`${CHAT},outcome="modelUnavailable",provider="openai"`]: 1,
      'model="gpt-4o",operation="chat",outcome="modelRefused",provider="openai"': 1,
    });
    expect(of('fermata_model_call_duration_seconds_count', `${CHAT},provider="openai"`)).toBe(3);
    expect(all('fermata_model_tokens_total')).toEqual({
      [`kind="input",${MINI},provider="openai"`]: 2_000,
      [`kind="output",${MINI},provider="openai"`]: 40,
    });
    const { body } = await harness.call('GET', '/costs?groupBy=model');
    expect(body.items).toMatchObject([{ model: 'gpt-4o-mini', costDollars: 0.000_002_4 }]);
    expect(all('fermata_model_cost_nanodollars_total')).toEqual({ [`${MINI},provider="openai"`]: 2_400 });
    expect(all('fermata_model_requests_unpriced_total')).toEqual({});
  });

  it('asked by functions are calls like all others', async () => {
    const work: CodeFunction = async (_, { model }) =>
      [await model({ prompt: 'one', name: 'a' }), await model({ prompt: 'two', name: 'b' })].length;
    const harness = await open({ config: { ...config, functions: { work } } });
    const { runId } = await harness.fermata.start({
      name: 'w',
      config: { model: 'gpt-4o-mini' },
      tasks: [{ name: 'a', kind: 'code', function: 'work' }],
    });
    await harness.fermata.runtime.waitFor(runId);
    const { all } = await scrape(harness.app);
    expect(all('fermata_model_calls_total')).toEqual({ [`${CHAT},outcome="ok",provider="openai"`]: 2 });
    expect(all('fermata_model_cost_nanodollars_total')).toEqual({ [`${MINI},provider="openai"`]: 2_400 });
  });

  it('whose cost nobody knows are counted by themselves, and never as nothing', async () => {
    const harness = await open({
      script: [{ prompt: '', answers: [{ text: 'a long answer to it', cutAfterPieces: 1 }] }],
    });
    await run(harness, { name: 'ask', prompt: 'What is tea?', retry: { maxRetries: 0 } });
    const { all } = await scrape(harness.app);
    expect(all('fermata_model_calls_total')).toEqual({ [`${CHAT},outcome="modelCut",provider="openai"`]: 1 });
    expect(all('fermata_model_requests_unpriced_total')).toEqual({ [`${MINI},provider="openai"`]: 1 });
    expect(all('fermata_model_cost_nanodollars_total')).toEqual({});
  });

  it('tokens are of one kind each: what the provider had in its cache, and what was thought and not said', async () => {
    const server = await startRawModelServer((exchange) =>
      answerWith(exchange, 'tea', {
        prompt_tokens: 100,
        completion_tokens: 50,
        total_tokens: 150,
        prompt_tokens_details: { cached_tokens: 60 },
        completion_tokens_details: { reasoning_tokens: 30 },
      }),
    );
    onTestFinished(() => server.stop());
    const providers = { openai: { apiKey: 'k', baseUrl: server.baseUrl } };
    const harness = await open({ config: { ...config, providers } });
    await run(harness, { name: 'ask', prompt: 'What is tea?' });
    expect((await scrape(harness.app)).all('fermata_model_tokens_total')).toEqual({
      [`kind="input",${MINI},provider="openai"`]: 40,
      [`kind="input_cached",${MINI},provider="openai"`]: 60,
      [`kind="output",${MINI},provider="openai"`]: 20,
      [`kind="output_reasoning",${MINI},provider="openai"`]: 30,
    });
  });

  it('that a document names a hundred and fifty of: a hundred have series, the others share one', async () => {
    const harness = await open();
    const models = Array.from({ length: 150 }, (_, at) => `made-up-${at}`);
    const quoted = 'one "with" \\ in it';
    await run(harness, { name: 'first', prompt: 'What is tea?', model: quoted });
    await run(harness, ...models.map((model, at) => ({ name: `t${at}`, prompt: `What is ${at}?`, model })));
    await run(harness, { name: 'long', prompt: 'What is tea?', model: 'x'.repeat(200) });
    const { of, all } = await scrape(harness.app);
    const calls = all('fermata_model_calls_total');
    expect(Object.keys(calls)).toHaveLength(101);
    expect(of('fermata_model_calls_total', 'model="other",operation="chat",outcome="ok",provider="other"')).toBe(52);
    expect(Object.keys(calls)[0]).toContain('model="one \\"with\\" \\\\ in it"');
    expect(
      Object.values(calls).reduce((sum, count) => sum + count, 0),
      'none is lost',
    ).toBe(152);
  });

  it('that never answer do not take the place of those that do', async () => {
    const harness = await open();
    const retry = { maxRetries: 0 };
    const refused = Array.from({ length: 40 }, (_, at) => ({
      name: `t${at}`,
      prompt: 'refuse',
      model: `no-${at}`,
      retry,
    }));
    for (const task of refused) await run(harness, task);
    await run(harness, { name: 'ask', prompt: 'What is tea?' });
    const { all } = await scrape(harness.app);
    const calls = all('fermata_model_calls_total');
    expect(Object.keys(calls)).toHaveLength(22);
    expect(calls).toMatchObject({
      'model="no-0",operation="chat",outcome="modelRefused",provider="openai"': 1,
      'model="other",operation="chat",outcome="modelRefused",provider="other"': 20,
      [`${CHAT},outcome="ok",provider="openai"`]: 1,
    });
  });
});

describe('the cache of answers', () => {
  const ask = (prompt: string, cache: object = { enabled: true }) =>
    ({ name: 'w', config: { cache }, tasks: [{ name: 'ask', prompt }] }) as WorkflowDocument;
  const asking = async ({ fermata }: Harness, document: WorkflowDocument) =>
    fermata.runtime.waitFor((await fermata.start(document)).runId);

  it('misses, hits, and what those saved', async () => {
    const harness = await open();
    for (let times = 0; times < 3; times++) await asking(harness, ask('What is tea?'));
    const { of, all } = await scrape(harness.app);
    expect([of('fermata_cache_misses_total'), of('fermata_cache_saved_nanodollars_total')]).toEqual([1, 2_400]);
    expect(all('fermata_cache_hits_total')).toEqual({ 'match="same"': 2 });
    expect(all('fermata_model_calls_total'), 'the model was asked once').toEqual({
      [`${CHAT},outcome="ok",provider="openai"`]: 1,
    });
  });

  it('similar questions, and the vectors that are made for them', async () => {
    const harness = await open();
    const similar = { enabled: true, similarityThreshold: 0.5 };
    await asking(harness, ask('What is green tea from China?', similar));
    await asking(harness, ask('And what is green tea from China?', similar));
    const { all } = await scrape(harness.app);
    expect(all('fermata_cache_hits_total')).toEqual({ 'match="similar"': 1 });
    expect(all('fermata_model_calls_total')).toEqual({
      [`${CHAT},outcome="ok",provider="openai"`]: 1,
      'model="text-embedding-3-small",operation="embeddings",outcome="ok",provider="openai"': 2,
    });
  });
});

describe('requests', () => {
  it('by the pattern of their route: ids and paths that are made up are no labels', async () => {
    const { app, call } = await open();
    for (let n = 0; n < 5; n++) await call('GET', `/runs/run-${n}`);
    for (let n = 0; n < 5; n++) await app.request(`/nowhere/${n}`);
    await app.request('/healthz', { method: 'BREW' });
    await call('POST', '/workflows', '{');
    const { all, of } = await scrape(app);
    expect(all('fermata_http_requests_total')).toEqual({
      'method="GET",route="/api/v1/runs/:id",status="404"': 5,
      'method="GET",route="none",status="404"': 5,
      'method="other",route="none",status="405"': 1,
      'method="POST",route="/api/v1/workflows",status="400"': 1,
    });
    expect(of('fermata_http_request_duration_seconds_count', 'method="GET",route="/api/v1/runs/:id"')).toBe(5);
  });
});
