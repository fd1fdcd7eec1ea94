/** `fermata.start`: from a document to a run, in a program that embeds us. */
import { expect, it, onTestFinished, vi } from 'vitest';
import { compose, type Fermata, type FermataOptions } from '../../src/compose.ts';
import { startModelServer } from '../../src/cli/demo/model-server.ts';
import { workflow } from '../../src/document/builder.ts';
import { sqliteStore } from '../../src/store/sqlite/index.ts';

async function open(options: Partial<FermataOptions> = {}): Promise<Fermata> {
  const store = sqliteStore(':memory:');
  const config = { functions: { echo: (input: unknown) => input } };
  const fermata = await compose({ store, config, environment: {}, ...options });
  onTestFinished(() => fermata.close());
  return fermata;
}

const says = (word: string) =>
  workflow('says')
    .task('a', { kind: 'code', function: 'echo', input: { word: `"${word}"` } })
    .build();

it('a document is stored once, and again where it has changed: what runs is what was given', async () => {
  const { start, runtime, workflows } = await open();
  for (const word of ['one', 'one', 'two']) {
    const { runId } = await start(says(word));
    expect((await runtime.waitFor(runId)).output).toEqual({ word });
  }
  const { runId } = await start('says', { tags: ['named'] });
  expect(await runtime.waitFor(runId)).toMatchObject({ output: { word: 'two' }, tags: ['named'] });
  const stored = await workflows.byName('says');
  expect(stored).toMatchObject({ version: 2 });
  await expect(start('nobody')).rejects.toMatchObject({ code: 'notFound' });
});

it('started in two places at once, it is stored once', async () => {
  const { start, runtime, workflows } = await open();
  const started = await Promise.all([start(says('one')), start(says('one')), start(says('two'))]);
  for (const { runId } of started) expect(await runtime.waitFor(runId)).toMatchObject({ status: 'completed' });
  const { id = '' } = (await workflows.byName('says')) ?? {};
  expect(await workflows.versions(id)).toHaveLength(2);
});

it('what could not do its work here is not started', async () => {
  const { start, runtime } = await open();
  await expect(start(workflow('asks').task('a', { prompt: 'Hello?' }).build())).rejects.toMatchObject({
    code: 'providerMissing',
  });
  const calls = workflow('calls').task('a', { kind: 'code', function: 'nobody' }).build();
  await expect(start(calls)).rejects.toMatchObject({ code: 'functionMissing' });
  expect(await runtime.list({ limit: 1 })).toEqual([]);
});

it('the key and the address of the provider are those of the process, where nothing else is said', async () => {
  const models = await startModelServer({ script: [{ prompt: 'Hello?', answers: [{ text: 'Yes' }] }] });
  onTestFinished(models.stop);
  vi.stubEnv('OPENAI_API_KEY', 'of the process');
  vi.stubEnv('OPENAI_BASE_URL', models.baseUrl);
  onTestFinished(() => void vi.unstubAllEnvs());
  const fermata = await compose({ store: sqliteStore(':memory:') });
  onTestFinished(() => fermata.close());
  const { runId } = await fermata.start(workflow('asks').task('a', { prompt: 'Hello?' }).build());
  expect((await fermata.runtime.waitFor(runId)).output).toBe('Yes');
});

it('what was started under a key stays started, whatever has become of its document', async () => {
  const { start, runtime, workflows } = await open();
  const idempotency = { key: 'once', bodyHash: '' };
  const { runId } = await start(says('one'), { idempotency });
  expect(await start(says('two'), { idempotency })).toMatchObject({ runId, repeated: true });
  expect(await workflows.byName('says')).toMatchObject({ version: 1 });
  const { id = '' } = (await workflows.byName('says')) ?? {};
  await workflows.delete(id);
  expect(await start('says', { idempotency })).toMatchObject({ runId });
  await runtime.waitFor(runId);
});

it('what a request says that is not its to say is refused', async () => {
  const { start, runtime } = await open();
  const parent = { run: 'another', task: 'phase', attempt: 1, depth: 1, awaited: true };
  const idempotency = { key: 'fermata.child/x', bodyHash: '', own: true };
  const request = { input: {}, parent, key: 'x', idempotency };
  await expect(start(says('one'), request)).rejects.toMatchObject({
    code: 'invalidRequest',
    faults: [{ path: 'parent' }, { path: 'key' }, { path: 'idempotency.own' }],
  });
  expect(await runtime.list({ limit: 1 })).toEqual([]);
});
