/** Keys of clients and those that the house makes for itself never meet. */
import BetterSqlite3 from 'better-sqlite3';
import { expect, it } from 'vitest';
import { openFermata } from '../harness/fermata.ts';
import { startRun } from './documents.ts';
import { counting, work } from './forking.ts';

const inner = { name: 'inner', tasks: [work('deep')] };
const outer = { name: 'outer', tasks: [{ name: 'phase', kind: 'subworkflow', workflow: inner }] };

it('a client may take any key: it finds no run but its own, and is none that a task finds', async () => {
  const { config, calls } = counting();
  const harness = await openFermata({ config });
  const { call, fermata, client } = harness;
  const { runId } = await startRun(harness, outer);
  await fermata.runtime.waitFor(runId);
  const database = new BetterSqlite3(harness.database, { readonly: true });
  const own = database.prepare('select idempotency_key from run where parent_run = ?').pluck().get(runId) as string;
  database.close();
  expect(own).toMatch(/^fermata\.child\//);
  const { body: stored } = await call('POST', '/workflows', { name: 'mine', tasks: [work('a')] });
  const start = async (key: string) =>
    (await call('POST', `/workflows/${stored.id}/execute`, {}, { 'idempotency-key': key })).body.runId as string;
  const keys = [own, `client:${own}`, 'client:x', 'fermata.retry/y', 'x'];
  const runs: string[] = [];
  for (const key of keys) runs.push(await start(key));
  expect(new Set(runs).size).toBe(keys.length);
  for (const [at, key] of keys.entries()) expect(await start(key)).toBe(runs[at]);
  const conflict = await call(
    'POST',
    `/workflows/${stored.id}/execute`,
    { tags: ['x'] },
    { 'idempotency-key': keys[0] ?? '' },
  );
  expect(conflict).toMatchObject({
    status: 409,
    body: { detail: expect.stringContaining(`"${own}"`) as string },
  });
  for (const run of runs) await fermata.runtime.waitFor(run);
  expect((await client.runs({})).items.length).toBe(2 + keys.length);
  expect(calls.filter((task) => task === 'deep')).toHaveLength(1);
});

it('whoever guesses the key of a retry by a filter does not take its place', async () => {
  const { config, fails } = counting();
  const harness = await openFermata({ config });
  const { call, fermata, client } = harness;
  fails.add('b');
  const { runId, workflowId } = await startRun(harness, { tasks: [work('b')] });
  await fermata.runtime.waitFor(runId);
  fails.clear();
  const guess = { 'idempotency-key': `fermata.retry/${runId}` };
  const { body } = await call('POST', `/workflows/${workflowId}/execute`, {}, guess);
  await fermata.runtime.waitFor(body.runId);
  const { items } = await client.retryRuns({ filter: {} });
  expect(items).toMatchObject([{ runId, error: null }]);
  expect(items[0]?.retry?.runId).not.toBe(body.runId);
  await fermata.runtime.waitFor(items[0]?.retry?.runId ?? '');
});
