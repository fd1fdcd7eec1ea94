/** Runs that began with `--demo`, on a database that a process with real models has opened: nobody pays for them. */
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { FermataConfig } from '../../src/config.ts';
import { createClient, type FermataClient } from '../../src/client/index.ts';
import type { WorkflowDocument } from '../../src/document/schema.ts';
import { composeProgram, EMBEDDED_URL, type Program } from '../../src/serve.ts';
import { answerWith, startRawModelServer } from '../harness/raw-model-server.ts';
import { testFolder } from './test-shell.ts';

const GATE = { requiresApproval: true, approvalPrompt: 'Go on?' };
const child: WorkflowDocument = { name: 'child', tasks: [{ name: 'c', prompt: 'Say tea' }] };
/** Every way to ask a model, each behind its gate. */
const DOCUMENT: WorkflowDocument = {
  name: 'gated',
  config: { onTaskFailure: 'continue', breadth: 9 },
  tasks: [
    { name: 'ask', prompt: 'Say hello', timeoutSeconds: 1, ...GATE },
    { name: 'compare', prompt: 'Say hallo', cache: { enabled: true, similarityThreshold: 0.9 }, ...GATE },
    { name: 'function', kind: 'code', function: 'asks', ...GATE },
    { name: 'below', kind: 'subworkflow', workflow: 'child', ...GATE },
    { name: 'sum', kind: 'code', function: 'counts', ...GATE },
  ],
};
const NAMES = DOCUMENT.tasks.map(({ name }) => name);
const config: FermataConfig = {
  functions: {
    asks: async (_, { model }) => (await model({ prompt: 'Say hi' })).text,
    counts: () => 42,
  },
};

/** A program on the file, with a real model at an address of this machine, where nothing may be asked. */
async function openPrograms() {
  const { directory } = testFolder();
  const database = join(directory, 'fermata.db');
  const real = await startRawModelServer((exchange) => answerWith(exchange, 'paid for'));
  let open: Program | undefined;
  onTestFinished(async () => {
    await open?.stop();
    await real.stop();
  });
  return {
    real,
    async open(demo: boolean, demoPace = 0): Promise<{ readonly client: FermataClient; readonly program: Program }> {
      await open?.stop();
      const environment = { OPENAI_API_KEY: 'sk-real', OPENAI_BASE_URL: real.baseUrl };
      open = await composeProgram({ database, config, environment, logLevel: 'silent', demo, demoPace });
      return { program: open, client: createClient({ baseUrl: EMBEDDED_URL, fetch: open.fetch }) };
    },
  };
}

it('wait where they would ask a model, say why, and go on with scripted ones', async () => {
  const place = await openPrograms();
  const demo = await place.open(true);
  await demo.client.createWorkflow(child);
  const { id } = await demo.client.createWorkflow(DOCUMENT);
  const { runId } = await demo.client.execute(id, {});
  await demo.program.fermata.runtime.waitFor(runId, ({ status }) => status === 'waiting');

  const { client, program } = await place.open(false);
  for (const name of NAMES) await client.approve(runId, name, { approved: true });
  const { runtime } = program.fermata;
  await runtime.waitFor(runId, ({ counts }) => counts['completed'] === 1);
  await runtime.idle();
  const why = await client.why(runId);
  expect(why.blocked).toMatchObject({ code: 'scriptedRun', message: expect.stringContaining('--demo') as string });
  const listed = async (from: FermataClient) => (await from.runs({ blocked: 'true' })).items;
  expect(await listed(client)).toMatchObject([{ runId, blocked: { code: 'scriptedRun' } }]);
  expect(
    (await runtime.list({ limit: 10 })).map(({ runId: one }) => one),
    'no run below it',
  ).toEqual([runId]);
  expect(place.real.requests).toEqual([]);
  const statuses = async (from: FermataClient) =>
    Object.fromEntries((await from.results(runId)).tasks.map(({ name, status }) => [name, status]));
  expect(await statuses(client)).toEqual({
    ask: 'running',
    compare: 'running',
    function: 'running',
    below: 'running',
    sum: 'completed',
  });

  // A run of its own is asked for, and others of the same process are.
  const { runId: other } = await client.execute((await client.createWorkflow({ ...child, name: 'real' })).id, {});
  expect((await runtime.waitFor(other)).output).toBe('paid for');
  expect(place.real.requests).toHaveLength(1);

  const again = await place.open(true);
  const ended = await again.program.fermata.runtime.waitFor(runId);
  expect(ended.status).toBe('completed');
  expect(await listed(again.client)).toEqual([]);
  expect(await statuses(again.client)).toEqual(Object.fromEntries(NAMES.map((name) => [name, 'completed'])));
  expect(JSON.stringify(ended.output)).toContain('[scripted]');
  expect(place.real.requests).toHaveLength(1);
});

it('wait with the call that was cut off by the end of the demo, and can be cancelled', async () => {
  const place = await openPrograms();
  // A token a second: the call is under way when the demo ends.
  const demo = await place.open(true, 1);
  const slow = {
    name: 'slow',
    tasks: [
      { name: 'ask', prompt: 'Say hello' },
      { name: 'then', prompt: 'Say bye' },
    ],
  };
  const { id } = await demo.client.createWorkflow(slow);
  const { runId } = await demo.client.execute(id, {});
  const { client, program } = await place.open(false);
  await program.fermata.runtime.idle();
  expect((await client.why(runId)).blocked).toMatchObject({ code: 'scriptedRun' });
  await client.cancel(runId, 'no longer wanted');
  expect((await program.fermata.runtime.waitFor(runId)).status).toBe('cancelled');
  expect(place.real.requests).toEqual([]);
});

it('keep nobody waiting for what they would ask', async () => {
  const place = await openPrograms();
  const demo = await place.open(true);
  const cached = { name: 'ask', prompt: 'Say hello', cache: { enabled: true } } as const;
  const gated = await demo.client.createWorkflow({ name: 'gated', tasks: [{ ...cached, ...GATE }] });
  const { runId } = await demo.client.execute(gated.id, {});
  await demo.program.fermata.runtime.waitFor(runId, ({ status }) => status === 'waiting');

  const { client, program } = await place.open(false);
  const { runtime } = program.fermata;
  await client.approve(runId, 'ask', { approved: true });
  await runtime.idle();
  expect((await client.why(runId)).blocked).toMatchObject({ code: 'scriptedRun' });

  // The same question, for which the run of the demo was the first to ask.
  const { runId: other } = await client.execute(gated.id, {});
  await runtime.waitFor(other, ({ status }) => status === 'waiting');
  await client.approve(other, 'ask', { approved: true });
  expect((await runtime.waitFor(other)).output).toBe('paid for');
  await client.cancel(runId);
});

it('leave no scripted answer to those who pay for theirs', async () => {
  const place = await openPrograms();
  const demo = await place.open(true);
  const { id } = await demo.client.createWorkflow({
    name: 'cached',
    tasks: [{ name: 'ask', prompt: 'Say hello', cache: { enabled: true } }],
  });
  const outputs: unknown[] = [];
  const hits: unknown[] = [];
  const ask = async ({ client, program }: typeof demo): Promise<void> => {
    const { runId } = await client.execute(id, {});
    outputs.push((await program.fermata.runtime.waitFor(runId)).output);
    hits.push((await client.results(runId)).tasks[0]?.cacheHit);
  };
  await ask(demo);
  await ask(demo);
  const real = await place.open(false);
  await ask(real);
  await ask(real);
  const scripted = expect.stringContaining('[scripted]') as string;
  expect(outputs).toEqual([scripted, scripted, 'paid for', 'paid for']);
  expect(hits).toEqual([false, true, false, true]);
});
