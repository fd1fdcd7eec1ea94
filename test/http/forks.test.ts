/** Runs that are forked and tried again, by the front door. */
import { expect, it } from 'vitest';
import type { FermataConfig } from '../../src/config.ts';
import { openFermata, type Harness } from '../harness/fermata.ts';
import { startRun } from './documents.ts';

/** Functions that say what they were called with, and count; `fails` names those that fail. */
function counting(): { readonly config: FermataConfig; readonly calls: string[]; readonly fails: Set<string> } {
  const calls: string[] = [];
  const fails = new Set<string>();
  return {
    calls,
    fails,
    config: {
      functions: {
        work(input, { task }) {
          calls.push(task);
          if (fails.has(task)) throw new Error(`${task} fails`);
          return { by: task, of: input };
        },
        adds(input, { task }) {
          void input;
          calls.push(`${task}+`);
          return [
            { name: 'one', kind: 'code', function: 'work', input: { from: 'tasks.a.output.by' } },
            { name: 'two', kind: 'code', function: 'work', dependsOn: ['one'] },
          ];
        },
      },
    },
  };
}

const work = (name: string, ...dependsOn: string[]) => ({
  name,
  kind: 'code',
  function: 'work',
  dependsOn,
  retry: { maxRetries: 0 },
});
const DIAMOND = { tasks: [work('a'), work('b', 'a'), work('c', 'a'), work('d', 'b', 'c')] };

async function forked({ call, fermata }: Harness, runId: string, request: unknown, how = 'fork') {
  const { status, body } = await call('POST', `/runs/${runId}/${how}`, request);
  expect({ ...body, status }).toMatchObject({ status: 202 });
  await fermata.runtime.waitFor(body.runId);
  const [{ body: run }, { body: results }] = await Promise.all([
    call('GET', `/runs/${body.runId}`),
    call('GET', `/runs/${body.runId}/results`),
  ]);
  return { runId: body.runId as string, run, tasks: results.tasks as any[], results };
}

it('a fork runs a task and what depends on it anew, and takes over the rest', async () => {
  const { config, calls } = counting();
  const harness = await openFermata({ config });
  const { runId } = await startRun(harness, DIAMOND);
  await harness.fermata.runtime.waitFor(runId);
  calls.length = 0;
  const { run, tasks, results, runId: forkId } = await forked(harness, runId, { fromTask: 'b' });
  expect(calls).toEqual(['b', 'd']);
  expect(run).toMatchObject({
    status: 'completed',
    progress: 100,
    taskCounts: { total: 4, completed: 4 },
    forkedFrom: { runId, fromTask: 'b', edits: {}, ancestors: [runId] },
    forks: [],
  });
  expect(tasks.map(({ name, attempts, reused }) => [name, attempts, reused?.runId])).toEqual([
    ['a', 0, runId],
    ['b', 1, undefined],
    ['c', 0, runId],
    ['d', 1, undefined],
  ]);
  expect(results.output).toMatchObject({ by: 'd' });
  const { body: origin } = await harness.call('GET', `/runs/${runId}`);
  expect(origin.forks).toMatchObject([{ runId: forkId, status: 'completed' }]);
  const { body: listed } = await harness.call('GET', `/runs?forkedFrom=${runId}`);
  expect(listed.items).toMatchObject([{ runId: forkId }]);
  // `seq` is the number of the fact in the stream of the run that paid.
  const facts = await harness.fermata.runtime.journal(runId, { kind: 'fact' });
  const [a] = tasks;
  expect(facts.find(({ factSeq }) => factSeq === a.reused.seq)).toMatchObject({
    type: 'task_completed',
    data: { task: 'a' },
  });
});

it('a retry runs again what did not complete', async () => {
  const { config, calls, fails } = counting();
  const harness = await openFermata({ config });
  fails.add('c');
  const { runId } = await startRun(harness, DIAMOND);
  await harness.fermata.runtime.waitFor(runId);
  calls.length = 0;
  fails.clear();
  const { run } = await forked(harness, runId, {}, 'retry');
  expect(run).toMatchObject({ status: 'completed', forkedFrom: { runId, retry: true } });
  expect(calls.toSorted()).toEqual(['c', 'd']);
});
