/** Machines of one's own may state facts under any name: a counter that took what is no number would never count again. */
import { expect, it } from 'vitest';
import { setup } from 'xstate';
import { openFermata } from '../../harness/fermata.ts';
import { metricsOfTest, scrape } from './scrape.ts';

const bill = [{ provider: 'openai', model: 'gpt-4o', costNanos: Number.NaN, outcome: 'ok' }];

it.each([
  { type: 'items_cancelled' },
  { type: 'items_cancelled', count: Number.NaN },
  { type: 'items_cancelled', count: 3 },
  { type: 'task_completed', bill },
  { type: 'task_failed', bill, error: { code: 'taskFailed' } },
  { type: 'task_completed', cacheHit: true, cacheKey: 'k', bill },
])('counts no tasks and no money where a machine of one’s own states %j', async (fact) => {
  const machine = setup({
    actions: { 'fermata.fact': (_, _params: typeof fact) => {} },
  }).createMachine({
    id: 'stating',
    initial: 'over',
    entry: { type: 'fermata.fact', params: fact },
    states: { over: { type: 'final' } },
  });
  const { fermata, app } = await openFermata({
    config: { machines: { 'stating@1': machine } },
    metrics: metricsOfTest(),
  });
  const { runId } = await fermata.runtime.start('stating@1', {});
  expect(await fermata.runtime.waitFor(runId)).toMatchObject({ status: 'completed' });
  const { all } = await scrape(app);
  for (const name of ['fermata_tasks_ended_total', 'fermata_task_failures_total', 'fermata_cache_hits_total'])
    expect(all(name), name).toEqual({});
  for (const name of ['fermata_model_cost_nanodollars_total', 'fermata_model_requests_unpriced_total'])
    expect(all(name), name).toEqual({});
  expect(all('fermata_runs_ended_total')).toEqual({ 'status="completed"': 1 });
});
