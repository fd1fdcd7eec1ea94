/** R3: a write costs the same beside few keys and beside many, beside few tasks and beside many that do not watch its key. 10,000 of them: `npm run bench -- --only W6`. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { compose } from '../../src/compose.ts';
import { execute } from '../../src/document/execute.ts';
import type { WorkflowDocument } from '../../src/document/schema.ts';
import { sqliteStore } from '../../src/store/sqlite/index.ts';
import { folderInMemory } from '../harness/database.ts';
import { ManualClock, steadyLoop } from '../harness/clock.ts';

/** What one write asks of the store and writes into it, in a run of so many tasks that has so many values. */
async function costOfWrite(count: number): Promise<{ reads: number; rows: number }> {
  const folder = folderInMemory();
  const store = sqliteStore(join(folder, 'shared.db'));
  const cost = { reads: 0, rows: 0 };
  const counted =
    <Args extends unknown[], Answer>(ask: (...args: Args) => Answer) =>
    (...args: Args): Answer => {
      cost.reads++;
      return ask(...args);
    };
  const [begun, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const { workflows, runtime, close } = await compose({
    store: {
      ...store,
      row: counted(store.row) as typeof store.row,
      actor: counted(store.actor),
      openWatches: counted(store.openWatches),
      commit: (group) => {
        for (const { entries, actors, rows } of group.runs) cost.rows += entries.length + actors.length + rows.length;
        return store.commit(group);
      },
    },
    clock: new ManualClock(),
    loop: steadyLoop,
    config: {
      functions: {
        fill: () => null,
        write: async (_, { shared }) => {
          begun.resolve();
          await goOn.promise;
          await shared.set('key', 1);
          return new Promise(() => {});
        },
      },
    },
  });
  const values = Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, n]));
  // They have begun, and watch: one of them this key, the others another one each.
  const waits = Array.from({ length: count }, (_, n) => ({
    name: `w${n}`,
    kind: 'wait' as const,
    event: { type: 'never' },
    dependsOn: ['fill'],
    cancelWhen: n === 0 ? 'shared.key == 1' : `shared.k${n} == "stop"`,
  }));
  const tasks: WorkflowDocument['tasks'] = [
    { name: 'fill', kind: 'code', function: 'fill', outputs: { shared: values } },
    ...waits,
    { name: 'write', kind: 'code', function: 'write', dependsOn: ['fill'] },
  ];
  const workflow = await workflows.create({ name: 'shares', config: { breadth: 2 }, tasks });
  const { runId } = await execute(runtime, workflow, await workflows.definition(workflow.id, 1), {});
  await begun.promise;
  Object.assign(cost, { reads: 0, rows: 0 });
  goOn.resolve();
  await runtime.waitFor(runId, ({ counts }) => counts['cancelled'] === 1);
  expect((await runtime.task(runId, 'w0'))?.status).toBe('cancelled');
  expect((await runtime.task(runId, 'w1'))?.status).toBe('running');
  const found = { ...cost };
  await close();
  rmSync(folder, { recursive: true, force: true });
  return found;
}

it('R3: a write beside ten keys and tasks costs as much as beside 500', async () => {
  const [few, many] = [await costOfWrite(10), await costOfWrite(500)];
  expect(few.rows).toBeGreaterThan(1);
  expect(many.rows).toBe(few.rows);
  // What was read lately is not read again, where there is little to remember.
  expect(many.reads).toBeLessThan(few.reads + 10);
});
