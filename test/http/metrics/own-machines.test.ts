/** Machines of one's own may state facts under any name: a counter that took what is no number of tasks would never count again. */
import { expect, it } from 'vitest';
import { setup } from 'xstate';
import { openFermata } from '../../harness/fermata.ts';
import { metricsOfTest, scrape } from './scrape.ts';

it.each([undefined, 'many', Number.NaN, -1, 0.5])('counts no cancelled items where a fact says %s', async (count) => {
  const machine = setup({
    actions: { 'fermata.fact': (_, _params: { type: string; count: unknown }) => {} },
  }).createMachine({
    id: 'stating',
    initial: 'over',
    entry: { type: 'fermata.fact', params: { type: 'items_cancelled', count } },
    states: { over: { type: 'final' } },
  });
  const { fermata, app } = await openFermata({
    config: { machines: { 'stating@1': machine } },
    metrics: metricsOfTest(),
  });
  const { runId } = await fermata.runtime.start('stating@1', {});
  expect(await fermata.runtime.waitFor(runId)).toMatchObject({ status: 'completed' });
  const { all } = await scrape(app);
  expect(all('fermata_tasks_ended_total')).toEqual({});
  expect(all('fermata_runs_ended_total')).toEqual({ 'status="completed"': 1 });
});
