/**
 * Runs of documents in every state of rest move to a later version of the machines that interpret them, with all their
 * tasks, calls, questions and dates, and back.
 */
import { expect, it } from 'vitest';
import { planExecuteReflectMachine } from '../../machines/plan-execute-reflect.ts';
import { sharedMachine } from '../../machines/shared-space.ts';
import { taskMachine, workflowMachine } from '../../src/compose.ts';
import { taskMachine as taskMachine1 } from '../../machines/workflow-1/task.ts';
import { workflowMachine as workflowMachine1 } from '../../machines/workflow-1/workflow.ts';
import { effect } from '../../src/runtime/effect.ts';
import type { Migration } from '../../src/runtime/migration.ts';
import { createRuntime, type RunStatus, type Runtime } from '../../src/runtime/runtime.ts';
import type { Machine, Snapshot } from '../../src/runtime/xstate.ts';
import { sqliteStore } from '../../src/store/sqlite/index.ts';
import { ManualClock } from '../harness/clock.ts';
import { endedRuns } from './record.ts';
import { copyOf, expectedOf, sets } from './sets.ts';
import { finish } from './story.ts';

const never = effect({ run: () => new Promise(() => {}) });
const migrate: Migration = {
  from: 'workflow@1',
  snapshot: (old) => ({ ...old, context: { ...Object(old.context), since: 2 } as object }),
  detached: { task: (old) => ({ ...old, context: { ...Object(old.context), since: 2 } as object }) },
};
// As `compose` registers it.
const registered = (workflow: Machine, ...others: readonly Machine[]) => ({
  machine: workflow,
  definition: JSON.stringify([workflow, ...others].map(({ definition }) => definition)),
  status: (snapshot: Snapshot) => snapshot.value as RunStatus,
});
const machines = {
  'workflow@1': registered(workflowMachine1, taskMachine1),
  'workflow@2': { ...registered(workflowMachine, taskMachine, planExecuteReflectMachine, sharedMachine), migrate },
};

it.each(sets)('%s: runs of documents move to another version and back, and come to their recorded end', async (set) => {
  const { now, runs, resting, ended } = expectedOf(set);
  const file = copyOf(set);
  const store = sqliteStore(file);
  const clock = new ManualClock(now);
  const runtime: Runtime = await createRuntime({
    store,
    clock,
    machines,
    actors: { modelCall: never, code: never },
    passive: true,
  });
  const live = Object.entries(resting).filter(
    ([, { machine, status }]) => machine === 'workflow@1' && !['completed', 'failed', 'cancelled'].includes(status),
  );
  expect(live.length).toBeGreaterThan(10);
  const rehearsed = await runtime.migrations.rehearse();
  expect(rehearsed.flatMap(({ runId, breaks }) => breaks.map((found) => ({ runId, ...found })))).toEqual([]);
  expect(new Set(rehearsed.map(({ runId }) => runId))).toEqual(new Set(live.map(([runId]) => runId)));
  expect((await runtime.migrations.migrate()).every(({ moved }) => moved)).toBe(true);
  for (const [runId, before] of live) {
    const { machine, status } = await runtime.read(runId);
    expect([machine, status], runId).toEqual(['workflow@2', before.status]);
    for (const { address } of await store.actors({ tenant: 'default', run: runId }))
      expect((await runtime.snapshot(runId, { actor: address })).snapshot.context, address).toMatchObject({ since: 2 });
  }
  expect((await runtime.migrations.undo()).filter(({ undone }) => !undone)).toEqual([]);
  await runtime.close();

  const world = await finish(file, runs, now);
  try {
    expect(await endedRuns(world, resting)).toEqual(ended);
  } finally {
    await world.close();
  }
});
