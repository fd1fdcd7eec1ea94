/** R3: what a step costs does not grow with the run. R13: what has nothing to do is not in memory, and is not read. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { assign, sendTo, setup, spawnChild } from 'xstate';
import { compose } from '../../src/compose.ts';
import { execute } from '../../src/document/execute.ts';
import type { RunChanges } from '../../src/store/commit.ts';
import type { Store } from '../../src/store/store.ts';
import { sqliteStore } from '../../src/store/sqlite/index.ts';
import { folderInMemory } from '../harness/database.ts';
import { ManualClock, steadyLoop } from '../harness/clock.ts';
import { openRuntime } from '../harness/runtime.ts';
import { effect } from '../../src/runtime/effect.ts';
import { asker, Deferred } from './machines.ts';
import { watching } from './stores.ts';

/** What was written for runs: rows and their bytes. */
interface Written {
  rows: number;
  bytes: number;
}

function measuring(written: Written) {
  return watching(({ runs }) => runs.forEach(count));

  function count(changes: RunChanges): void {
    const rows = [
      changes.entries,
      changes.actors,
      changes.timersArmed,
      changes.effectsAsked,
      Object.values(changes.rows).flat(),
    ].flat();
    written.rows += rows.length + changes.timersGone.length + changes.effectsGone.length + changes.effectsMarked.length;
    written.bytes += JSON.stringify(rows).length + JSON.stringify(changes.state).length;
  }
}

/** Rows and bytes per task of a run with `size` tasks in layers of ten, each of which needs one of the layer before. */
async function costPerTask(size: number): Promise<Written> {
  const folder = folderInMemory();
  const written = { rows: 0, bytes: 0 };
  const { workflows, runtime, close } = await compose({
    store: measuring(written)(sqliteStore(join(folder, 'cost.db'))),
    clock: new ManualClock(),
    loop: steadyLoop,
    config: { functions: { nothing: () => null } },
  });
  const tasks = Array.from({ length: size }, (_, index) => ({
    // Names and prompts of one length, so that bytes can be compared.
    name: `task-${String(index).padStart(6, '0')}`,
    kind: 'code' as const,
    function: 'nothing',
    ...(index < 10 ? {} : { dependsOn: [`task-${String(index - 10).padStart(6, '0')}`] }),
  }));
  const workflow = await workflows.create({
    name: 'layers',
    tasks,
    config: { breadth: 10, collectIntermediate: false },
  });
  const { runId } = await execute(runtime, workflow, await workflows.definition(workflow.id, 1), {});
  expect((await runtime.waitFor(runId)).status).toBe('completed');
  await close();
  rmSync(folder, { recursive: true, force: true });
  return { rows: written.rows / size, bytes: written.bytes / size };
}

/** Rows and bytes per item of a map of `size` items, ten at once. */
async function costPerItem(size: number, wrap = (store: Store): Store => store): Promise<Written> {
  const folder = folderInMemory();
  const written = { rows: 0, bytes: 0 };
  const { workflows, runtime, close } = await compose({
    store: wrap(measuring(written)(sqliteStore(join(folder, 'cost.db')))),
    clock: new ManualClock(),
    loop: steadyLoop,
    config: { functions: { nothing: () => null } },
  });
  const workflow = await workflows.create({
    name: 'items',
    config: { breadth: 10, collectIntermediate: false },
    tasks: [{ name: 'each', kind: 'map', items: 'input.list', task: { kind: 'code', function: 'nothing' } }],
  });
  const list = Array.from({ length: size }, () => 0);
  const { runId } = await execute(runtime, workflow, await workflows.definition(workflow.id, 1), { input: { list } });
  expect(await runtime.waitFor(runId)).toMatchObject({
    status: 'completed',
    counts: { total: size + 1, settled: size + 1 },
  });
  await close();
  rmSync(folder, { recursive: true, force: true });
  return { rows: written.rows / size, bytes: written.bytes / size };
}

describe('R3: the cost of a step is constant', () => {
  it('an item of a map asks the database for no row but those that there are', async () => {
    const asked: string[] = [];
    await costPerItem(30, (store) => ({
      ...store,
      row: (key, table, name) => {
        asked.push(`${table} of ${name}`);
        return store.row(key, table, name);
      },
    }));
    expect(asked).toEqual([]);
  });

  it('rows and bytes an item are the same in a map of 100 and of 500 items', async () => {
    const small = await costPerItem(100);
    const large = await costPerItem(500);
    expect(small.rows).toBeGreaterThan(1);
    expect(large.rows).toBeLessThanOrEqual(small.rows);
    // Numbers grow by a digit.
    expect(large.bytes).toBeLessThanOrEqual(small.bytes * 1.02);
  });

  it('rows and bytes a task are the same in a run of 100 and of 500 tasks', async () => {
    const small = await costPerTask(100);
    const large = await costPerTask(500);
    expect(small.rows).toBeGreaterThan(1);
    expect(large.rows).toBeLessThanOrEqual(small.rows);
    expect(large.bytes).toBeLessThanOrEqual(small.bytes * 1.02);
  });

  it('items read what their map needs once, not each of them again', async () => {
    const folder = folderInMemory();
    const store = sqliteStore(join(folder, 'reads.db'));
    let reads = 0;
    const { workflows, runtime, close } = await compose({
      store: {
        ...store,
        entry(key, seq) {
          reads++;
          return store.entry(key, seq);
        },
      },
      clock: new ManualClock(),
      config: { functions: { nothing: () => null } },
    });
    const before = Array.from({ length: 6 }, (_, at) => ({ name: `b${at}`, kind: 'code', function: 'nothing' }));
    const input = Object.fromEntries(before.map(({ name }) => [name, `tasks.${name}.output`]));
    const task = { kind: 'code', function: 'nothing', input };
    const document = { name: 'readers', tasks: [...before, { name: 'each', kind: 'map', items: 'input.list', task }] };
    const workflow = await workflows.create(document);
    const list = Array.from({ length: 200 }, () => 0);
    const { runId } = await execute(runtime, workflow, await workflows.definition(workflow.id, 1), { input: { list } });
    expect((await runtime.waitFor(runId)).status).toBe('completed');
    await close();
    rmSync(folder, { recursive: true, force: true });
    // The results of the items are read for their list, each once.
    expect(reads).toBeLessThan(300);
  });

  it('a run reads the rows of its results together, and those that it has in memory not at all', async () => {
    const COUNT = 3_000;
    const folder = folderInMemory();
    const store = sqliteStore(join(folder, 'together.db'));
    const asked: number[] = [];
    let alone = 0;
    const { workflows, runtime, close } = await compose({
      store: {
        ...store,
        row(key, table, rowKey) {
          if (table === 'task') alone++;
          return store.row(key, table, rowKey);
        },
        tasksNamed(key, names) {
          asked.push(names.length);
          return store.tasksNamed(key, names);
        },
      },
      clock: new ManualClock(),
      config: { functions: { nothing: (_, { task }) => task } },
    });
    const names = Array.from({ length: COUNT }, (_, at) => `t${at}`);
    const tasks = names.map((name) => ({ name, kind: 'code', function: 'nothing' }));
    const workflow = await workflows.create({ name: 'wide', config: { breadth: 50 }, tasks });
    const { runId } = await execute(runtime, workflow, await workflows.definition(workflow.id, 1), { input: {} });
    const { output } = await runtime.waitFor(runId);
    await close();
    rmSync(folder, { recursive: true, force: true });
    expect(output).toEqual(Object.fromEntries(names.map((name) => [name, name])));
    expect(alone).toBe(0);
    expect(asked.length).toBeLessThanOrEqual(COUNT / 500);
    expect(asked.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(COUNT);
  });

  it('an actor that does not move is not written', async () => {
    const written: string[] = [];
    const under = await openRuntime({
      loop: steadyLoop,
      machines: { 'house@1': house },
      wrap: watching(({ runs }) => {
        for (const { actors } of runs) written.push(...actors.map(({ address }) => address));
      }),
    });
    const { runId } = await under.runtime.start('house');
    written.length = 0;
    await under.runtime.send(runId, { type: 'RING', room: 'west' });
    expect(written.filter((address) => address !== '/')).toEqual(['/west']);
  });
});

const room = setup({
  types: {} as { context: { rings: number }; events: { type: 'RING' } },
}).createMachine({
  context: { rings: 0 },
  on: { RING: { actions: assign({ rings: ({ context }) => context.rings + 1 }) } },
});

const house = setup({
  types: {} as { events: { type: 'RING'; room: string } },
  actors: { room },
}).createMachine({
  entry: ['east', 'west', 'north'].map((id) => spawnChild('room', { id })),
  on: { RING: { actions: sendTo(({ event }) => event.room as never, { type: 'RING' } as never) } },
});

/** Notes which actors are read. */
const reading =
  (read: string[]) =>
  (store: Store): Store => ({
    ...store,
    actor(key, address) {
      read.push(address);
      return store.actor(key, address);
    },
  });

describe('R13: passivation is per actor', () => {
  it('a run that waits is not in memory', async () => {
    const under = await openRuntime({ machines: { 'house@1': house } });
    for (let i = 0; i < 100; i++) await under.runtime.start('house');
    await under.settle();
    expect(under.runtime.load).toEqual({ residentRuns: 0, effectsInFlight: 0 });
  });

  it('an event reads the actors that it moves, and no others', async () => {
    const read: string[] = [];
    const under = await openRuntime({ machines: { 'house@1': house }, wrap: reading(read) });
    const { runId } = await under.runtime.start('house');
    await under.restart();
    expect(read).toEqual([]);
    await under.runtime.send(runId, { type: 'RING', room: 'north' });
    expect([...new Set(read)].sort()).toEqual(['/', '/north']);
    expect((await under.runtime.snapshot(runId, { actor: '/north' })).snapshot.context).toEqual({ rings: 1 });
    expect((await under.runtime.snapshot(runId, { actor: '/east' })).snapshot.context).toEqual({ rings: 0 });
  });

  it('an actor leaves memory although its run stays, because another one waits for an answer', async () => {
    const hall = setup({
      types: {} as { events: { type: 'RING' } | { type: 'ASK' } },
      actors: { room, asker },
    }).createMachine({
      entry: [spawnChild('room', { id: 'room' }), spawnChild('asker', { id: 'asker' })],
      on: {
        RING: { actions: sendTo('room', { type: 'RING' }) },
        ASK: { actions: sendTo('asker', { type: 'ASK' }) },
      },
    });
    const read: string[] = [];
    const answer = new Deferred();
    const under = await openRuntime({
      machines: { 'hall@1': hall },
      actors: { call: effect({ run: () => answer.promise }) },
      wrap: reading(read),
    });
    const { runId } = await under.runtime.start('hall');
    await under.runtime.send(runId, { type: 'ASK' });
    await under.settle();
    expect(under.runtime.load).toEqual({ residentRuns: 1, effectsInFlight: 1 });
    read.length = 0;
    for (let i = 0; i < 2; i++) await under.runtime.send(runId, { type: 'RING' });
    expect(read, 'each time anew').toEqual(['/room', '/room']);
    read.length = 0;
    answer.resolve('yes');
    await under.settle();
    expect(read, 'who waits has stayed').toEqual([]);
    expect(under.runtime.load).toEqual({ residentRuns: 0, effectsInFlight: 0 });
  });
});
