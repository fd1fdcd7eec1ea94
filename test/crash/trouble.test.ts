/** Trouble with those who are called: a model that is down, an answer that comes too late, one that is far too long. */
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { CodeFunction } from '../../actors/code-function.ts';
import { openEmbedded } from './embedded.ts';
import { startModel, type Model, type ModelOptions } from './model.ts';
import { until } from './until.ts';

async function modelOfTest(options: ModelOptions = {}): Promise<Model> {
  const model = await startModel(options);
  onTestFinished(() => model.stop());
  return model;
}

describe('those who are called', () => {
  it('a model that is down at the start is asked again until it is up', async () => {
    const gone = await startModel();
    await gone.stop();
    const place = await openEmbedded({ model: gone.baseUrl });
    const run = await place.run({
      name: 'ask',
      tasks: [{ name: 'ask', prompt: 'ask', retry: { maxRetries: 10, initialSeconds: 0.2, factor: 1 } }],
    });
    await until('two attempts to fail', async () => (await place.facts(run, 'task_retrying')).length >= 2);
    expect(await place.facts(run, 'task_retrying')).toMatchObject([
      { data: { error: { code: 'modelUnavailable' } } },
      {},
    ]);
    const model = await modelOfTest({ port: Number(new URL(gone.baseUrl).port) });
    expect((await place.ended(run)).status).toBe('completed');
    expect(model.calls()).toHaveLength(1);
  });

  it('an answer that comes after the cancel changes nothing', async () => {
    let answer: (value: string) => void = () => {};
    const deaf: CodeFunction = () => new Promise<string>((resolve) => (answer = resolve));
    const model = await modelOfTest();
    const place = await openEmbedded({ functions: { deaf }, model: model.baseUrl });
    const run = await place.run({
      name: 'two',
      tasks: [
        { name: 'deaf', kind: 'code', function: 'deaf' },
        { name: 'ask', prompt: 'stuck' },
      ],
    });
    await until('both to be under way', () => model.calls().length === 1);
    await place.fermata.runtime.cancel(run, 'No longer needed.');
    const cancelled = await place.ended(run);
    expect(cancelled).toMatchObject({
      status: 'cancelled',
      reason: { code: 'cancelled', message: 'No longer needed.' },
    });
    answer('too late');
    await place.fermata.runtime.idle();
    expect(await place.fermata.runtime.read(run)).toEqual(cancelled);
    expect(await place.statuses(run)).toEqual(['deaf cancelled', 'ask cancelled']);
    expect(place.fermata.runtime.load).toEqual({ residentRuns: 0, effectsInFlight: 0 });
  });

  it('an output of 10 MB is stored once, passed on and read back after a restart', async () => {
    const big = '0123456789'.repeat(1_048_576);
    const measure: CodeFunction = ({ text }) => String(text).length;
    const place = await openEmbedded({ functions: { write: () => big, measure } });
    const run = await place.run({
      name: 'big',
      tasks: [
        { name: 'write', kind: 'code', function: 'write' },
        { name: 'measure', kind: 'code', function: 'measure', input: { text: 'tasks.write.output' } },
        { name: 'copy', kind: 'code', function: 'write', dependsOn: ['measure'] },
      ],
    });
    expect((await place.ended(run)).output === big).toBe(true);
    expect(
      (await place.facts(run, 'task_completed')).map(({ data }) => (data as { result: unknown }).result),
    ).toContain(big.length);
    await place.close();
    const database = new BetterSqlite3(place.file, { readonly: true });
    expect(database.prepare('select count(*) from blob where length(text) > 10000000').pluck().get()).toBe(1);
    database.close();
    await place.open();
    expect((await place.fermata.runtime.read(run)).output === big).toBe(true);
  });
});
