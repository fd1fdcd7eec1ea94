/**
 * Runs of documents in every state of rest move to a later version of the machines that interpret them, with all their
 * tasks, calls, questions and dates, and back.
 */
import { expect, it } from 'vitest';
import { planExecuteReflectMachine } from '../../machines/plan-execute-reflect.ts';
import { budgetMachine } from '../../machines/budget.ts';
import { sharedMachine } from '../../machines/shared-space.ts';
import { taskMachine, workflowMachine } from '../../src/compose.ts';
import { taskMachine as taskMachine1 } from '../../machines/workflow-1/task.ts';
import { workflowMachine as workflowMachine1 } from '../../machines/workflow-1/workflow.ts';
import { effect } from '../../src/runtime/effect.ts';
import type { MachineRegistration } from '../../src/runtime/registration.ts';
import type { Migration } from '../../src/runtime/migration.ts';
import type { PersistedSnapshot } from '../../src/runtime/persisted.ts';
import { createRuntime, type RunStatus, type Runtime } from '../../src/runtime/runtime.ts';
import type { Machine, Snapshot } from '../../src/runtime/xstate.ts';
import { sqliteStore } from '../../src/store/sqlite/index.ts';
import { ManualClock } from '../harness/clock.ts';
import { endedRuns } from './record.ts';
import { copyOf, expectedOf, sets } from './sets.ts';
import { finish } from './story.ts';

const never = effect({ run: () => new Promise(() => {}) });
/** The machines of each version, as `compose` registers them. The version after the last one is that one again, under a later name. */
const versions: readonly (readonly [Machine, ...Machine[]])[] = [
  [workflowMachine1, taskMachine1],
  [workflowMachine, taskMachine, planExecuteReflectMachine, sharedMachine, budgetMachine],
];

/** The state of an actor and of all below it, with one thing more in it. */
function marked(old: PersistedSnapshot): PersistedSnapshot {
  const children = Object.entries(old.children ?? {}).map(([id, child]) => {
    const isMachine = 'value' in child.snapshot;
    return [id, isMachine ? { ...child, snapshot: marked(child.snapshot) } : child] as const;
  });
  return { ...old, context: { ...Object(old.context), since: 2 } as object, children: Object.fromEntries(children) };
}

/** What a set of a version is opened with: its version, and one that its runs can move to. */
function registered(version: number): Readonly<Record<`${string}@${number}`, MachineRegistration>> {
  const of = (at: number): MachineRegistration => {
    const machines = versions[at - 1] ?? versions.at(-1) ?? [workflowMachine];
    const definition = JSON.stringify(machines.map((machine) => machine.definition));
    return { machine: machines[0], definition, status: (snapshot: Snapshot) => snapshot.value as RunStatus };
  };
  const migrate: Migration = {
    from: `workflow@${version}`,
    snapshot: marked,
    detached: { task: marked, shared: marked },
  };
  return { [`workflow@${version}`]: of(version), [`workflow@${version + 1}`]: { ...of(version + 1), migrate } };
}

it.each(sets)('%s: runs of documents move to another version and back, and come to their recorded end', async (set) => {
  const { now, runs, resting, ended } = expectedOf(set);
  const file = copyOf(set);
  const written = Object.values(resting).flatMap(({ machine }) => /^workflow@(\d+)$/.exec(machine)?.[1] ?? []);
  const version = Math.max(...written.map(Number));
  const store = sqliteStore(file);
  const clock = new ManualClock(now);
  const runtime: Runtime = await createRuntime({
    store,
    clock,
    machines: registered(version),
    actors: { modelCall: never, code: never, subworkflow: never },
    passive: true,
  });
  const live = Object.entries(resting).filter(
    ([, { machine, status }]) =>
      machine === `workflow@${version}` && !['completed', 'failed', 'cancelled'].includes(status),
  );
  expect(live.length).toBeGreaterThan(10);
  const rehearsed = await runtime.migrations.rehearse();
  expect(rehearsed.flatMap(({ runId, breaks }) => breaks.map((found) => ({ runId, ...found })))).toEqual([]);
  expect(new Set(rehearsed.map(({ runId }) => runId))).toEqual(new Set(live.map(([runId]) => runId)));
  expect((await runtime.migrations.migrate()).every(({ moved }) => moved)).toBe(true);
  for (const [runId, before] of live) {
    const { machine, status } = await runtime.read(runId);
    expect([machine, status], runId).toEqual([`workflow@${version + 1}`, before.status]);
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
