/** Tasks that run another workflow: begun once, waited for without a slot, told once, cancelled along. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunView } from '../../src/runtime/runtime.ts';
import { Workbench } from '../harness/documents.ts';

let bench: Workbench;
beforeEach(async () => {
  bench = await Workbench.open();
});
afterEach(() => bench.close());

const work = (name: string, more: object = {}) => ({ name, kind: 'code', function: 'work', ...more });
const child = { name: 'review', input: { type: 'object' }, tasks: [work('read', { input: { q: 'input.q' } })] };

/** Runs that a run has begun, oldest first. */
async function childrenOf(run: string): Promise<RunView[]> {
  return [...(await bench.fermata.runtime.list({ parent: run, limit: 100 }))].toReversed();
}

async function onlyChild(run: string): Promise<RunView> {
  const children = await childrenOf(run);
  expect(children).toHaveLength(1);
  return children[0] as RunView;
}

describe('a sub-workflow', () => {
  it('runs as a run of its own, whose output is the output of its task', async () => {
    await bench.fermata.workflows.create(child);
    const run = await bench.start({
      tasks: [{ name: 'phase', kind: 'subworkflow', workflow: 'review', input: { q: 'about {{ input.topic }}' } }],
    }, { input: { topic: 'tea' } });
    const begun = await onlyChild(run);
    expect(begun).toMatchObject({
      status: 'running',
      workflow: { name: 'review', version: 1 },
      parent: { run, task: 'phase', attempt: 1, depth: 1, awaited: true },
      input: { q: 'about tea' },
    });
    expect(await bench.read(run)).toMatchObject({ status: 'waiting' });
    await bench.complete('read', 'read it');
    expect(await bench.read(begun.runId)).toMatchObject({ status: 'completed', output: 'read it' });
    expect(await bench.read(run)).toMatchObject({ status: 'completed', output: 'read it' });
    expect(await bench.story(run)).toEqual([
      'run_started',
      'task_started phase',
      'child_run_started phase',
      'run_waiting',
      'task_completed phase',
      'run_completed',
    ]);
    const facts = await bench.facts(run);
    expect(facts[2]?.data).toMatchObject({ childRunId: begun.runId, workflow: 'review', version: 1 });
    expect(facts[4]?.data).toMatchObject({ childRunId: begun.runId, result: 'read it' });
  });
});
