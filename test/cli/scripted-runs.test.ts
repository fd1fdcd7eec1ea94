/**
 * Runs that began with `--demo`, on a database that a process with real models has opened: nobody pays for them. And the other way
 * round: no script answers runs that began with real models.
 */
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
  const slow: WorkflowDocument = {
    name: 'slow',
    tasks: [
      { name: 'ask', prompt: 'Say hello' },
      { name: 'then', prompt: 'Say bye' },
      { name: 'paid', kind: 'wait', event: { type: 'paid' } },
    ],
  };
  const { id } = await demo.client.createWorkflow(slow);
  const { runId } = await demo.client.execute(id, {});
  const { client, program } = await place.open(false);
  await program.fermata.runtime.idle();
  const { blocked, events } = await client.why(runId);
  expect(blocked).toMatchObject({ code: 'scriptedRun' });
  expect(events, 'all else goes on').toMatchObject([{ type: 'paid', accepted: true }]);
  await client.send(runId, { type: 'paid' });
  await program.fermata.runtime.waitFor(runId, ({ counts }) => counts['completed'] === 1);
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

it('begun with real models wait in a demo where they would ask one, say why, and go on with real ones', async () => {
  const place = await openPrograms();
  const before = await place.open(false);
  await before.client.createWorkflow(child);
  const { id } = await before.client.createWorkflow(DOCUMENT);
  const { runId } = await before.client.execute(id, {});
  await before.program.fermata.runtime.waitFor(runId, ({ status }) => status === 'waiting');

  const { client, program } = await place.open(true);
  const { runtime } = program.fermata;
  for (const name of NAMES) await client.approve(runId, name, { approved: true });
  await runtime.waitFor(runId, ({ counts }) => counts['completed'] === 1);
  await runtime.idle();
  const blocked = { code: 'unscriptedRun', message: expect.stringContaining('without --demo') as string };
  expect((await client.why(runId)).blocked).toMatchObject(blocked);
  expect((await client.runs({ blocked: 'true' })).items).toMatchObject([{ runId, blocked }]);
  expect(
    (await runtime.list({ limit: 10 })).map(({ runId: one }) => one),
    'no run below it, which would be a scripted one',
  ).toEqual([runId]);
  // What is begun in the demo is answered there.
  const { runId: other } = await client.execute((await client.createWorkflow({ ...child, name: 'demo' })).id, {});
  expect((await runtime.waitFor(other)).output).toContain('[scripted]');

  const again = await place.open(false);
  const ended = await again.program.fermata.runtime.waitFor(runId);
  expect(ended.status).toBe('completed');
  const answers = (await again.client.results(runId)).tasks.map(({ name, output }) => [name, output]);
  const [ask, compare, called, below] = ['paid for', 'paid for', 'paid for', 'paid for'];
  expect(Object.fromEntries(answers)).toEqual({ ask, compare, function: called, below, sum: 42 });
  expect(await again.client.runs({ blocked: 'true' })).toMatchObject({ items: [] });
});

it('begun with real models take no kept answer of a script', async () => {
  const place = await openPrograms();
  const before = await place.open(false);
  const cached = { name: 'ask', prompt: 'Say hello', cache: { enabled: true } } as const;
  const gated = await before.client.createWorkflow({ name: 'gated', tasks: [{ ...cached, ...GATE }] });
  const runs = [await before.client.execute(gated.id, {}), await before.client.execute(gated.id, {})];
  for (const { runId } of runs)
    await before.program.fermata.runtime.waitFor(runId, ({ status }) => status === 'waiting');

  const { client, program } = await place.open(true);
  const { runtime } = program.fermata;
  const scripted = await client.execute(gated.id, {});
  await runtime.waitFor(scripted.runId, ({ status }) => status === 'waiting');
  await client.approve(scripted.runId, 'ask', { approved: true });
  expect((await runtime.waitFor(scripted.runId)).output).toContain('[scripted]');
  for (const { runId } of runs) await client.approve(runId, 'ask', { approved: true });
  await runtime.idle();
  expect((await client.runs({ blocked: 'true' })).items[0]?.blocked).toMatchObject({ code: 'unscriptedRun' });

  const again = await place.open(false);
  for (const { runId } of runs)
    expect((await again.program.fermata.runtime.waitFor(runId)).output, runId).toBe('paid for');
  expect(place.real.requests, 'the second one is served with what the first one asked').toHaveLength(1);
});

it('are refused by commands that would wait with them, which say what to type; a fork of one may be scripted', async () => {
  const real = await startRawModelServer((exchange) => answerWith(exchange, 'paid for'));
  onTestFinished(() => real.stop());
  const folder = testFolder({ OPENAI_API_KEY: 'sk-real', OPENAI_BASE_URL: real.baseUrl, LOG_LEVEL: 'silent' });
  folder.write('w.json', JSON.stringify({ name: 'gated', tasks: [{ name: 'ask', prompt: 'Say hello', ...GATE }] }));
  /** Runs until a person is asked, and then Ctrl-C. */
  const untilAsked = async (...words: readonly string[]): Promise<string> =>
    (await folder.run(words, (line) => line.includes('stop this with Ctrl-C') && folder.signals.send('SIGINT'))).err;
  const idIn = (text: string): string => /Run (\S+)/.exec(text)?.[1] ?? text;
  const unscripted = idIn(await untilAsked('run', 'w.json'));
  const scripted = idIn(await untilAsked('run', 'w.json', '--demo'));
  for (const [runId, given, typed] of [
    [unscripted, ['--demo'], /was started without --demo: .* Type: \S+ approve (?!.*--demo)/],
    [scripted, [], /was started with --demo: .* Type: \S+ approve .* --demo/],
  ] as const) {
    const refused = await folder.run(['approve', runId, 'ask', ...given]);
    expect(refused.status).not.toBe(0);
    expect(refused.err).toMatch(typed);
    expect((await folder.run(['watch', runId, ...given])).status).not.toBe(0);
    const served = await folder.run(['serve', '--port', '0', ...given], (line) => {
      if (line.startsWith('Runs that began')) folder.signals.send('SIGINT');
    });
    expect(served.err, 'and a server says at its start which run waits').toContain(`such as ${runId}`);
  }
  expect(await untilAsked('fork', unscripted, '--from', 'ask', '--demo')).toContain(`is a fork of run ${unscripted}`);
  expect(real.requests).toEqual([]);
  const approved = await folder.run(['approve', unscripted, 'ask']);
  expect(approved.status).toBe(0);
  expect(approved.out).toContain('paid for');
});
