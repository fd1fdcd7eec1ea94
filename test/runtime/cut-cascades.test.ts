/** R3, R4, R11: what follows from one event for thousands of actors goes over many groups, and each writes what is new in it. */
import { describe, expect, it } from 'vitest';
import { assign, enqueueActions, setup } from 'xstate';
import { StoreError, type Store } from '../../src/store/store.ts';
import { compose } from '../../src/compose.ts';
import { execute } from '../../src/document/execute.ts';
import { sqliteStore } from '../../src/store/sqlite/index.ts';
import { join } from 'node:path';
import { rmSync } from 'node:fs';
import { ManualClock, steadyLoop } from '../harness/clock.ts';
import { folderInMemory } from '../harness/database.ts';
import { openRuntime } from '../harness/runtime.ts';
import { asynchronous, watching } from './stores.ts';

const kid = setup({ types: {} as { input: { n: number }; context: { n: number } } }).createMachine({
  context: ({ input }) => ({ n: input.n }),
  initial: 'on',
  states: { on: { on: { STOP: 'off' } }, off: { type: 'final' } },
  output: ({ context }) => ({ n: context.n, why: 'told to stop' }),
});

/** Tells each of its kids to stop, and hears of each that it has. */
const family = (size: number) =>
  setup({
    types: {} as { context: { heard: number[] } },
    actors: { kid },
  }).createMachine({
    context: { heard: [] },
    entry: enqueueActions(({ enqueue }) => {
      for (let n = 0; n < size; n++) enqueue.spawnChild('kid', { id: `kid${n}`, input: { n } });
    }),
    on: {
      STOP: {
        actions: enqueueActions(({ enqueue }) => {
          for (let n = 0; n < size; n++) enqueue.sendTo(`kid${n}`, { type: 'STOP' });
        }),
      },
      'xstate.done.actor.*': {
        actions: assign({
          heard: ({ context, event }) => [...context.heard, (event as never as { output: { n: number } }).output.n],
        }),
      },
    },
  });

describe('R4: a cascade that is cut', () => {
  const size = 700;
  const inOrder = Array.from({ length: size }, (_, n) => n);

  it('goes on in its order after each kill, with what was set aside', async () => {
    let left = 0;
    let died = (): void => {};
    const killing = (store: Store): Store => ({
      ...store,
      async commit(group) {
        await store.commit(group);
        if (--left === 0) throw new StoreError('unknown', 'The process is killed here.');
      },
    });
    const under = await openRuntime({
      machines: { 'family@1': family(size) },
      maxTurnsOfGroup: 60,
      wrap: killing,
      onFatal: () => died(),
    });
    const { runId } = await under.runtime.start('family');
    await under.settle();
    const heard = async () => (await under.runtime.snapshot(runId)).snapshot.context as { readonly heard: number[] };
    left = 3;
    let death = new Promise<void>((resolve) => (died = resolve));
    await expect(under.runtime.send(runId, { type: 'STOP' })).resolves.toBeDefined();
    let deaths = 0;
    for (; deaths < 5; deaths++) {
      await death;
      death = new Promise<void>((resolve) => (died = resolve));
      left = 4;
      await under.crash();
    }
    left = 0;
    await under.settle();
    expect((await heard()).heard).toEqual(inOrder);
    await under.runtime.cancel(runId);
  });

  it('is read back from a store that answers later, too', async () => {
    const under = await openRuntime({
      machines: { 'family@1': family(size) },
      maxTurnsOfGroup: 60,
      wrap: asynchronous,
    });
    const { runId } = await under.runtime.start('family');
    await under.runtime.send(runId, { type: 'STOP' });
    await under.crash();
    await under.settle();
    const { snapshot } = await under.runtime.snapshot(runId);
    expect(snapshot.context).toEqual({ heard: inOrder });
    await under.runtime.cancel(runId);
  });
});

/** Characters that are written beside rows when a run of so many waits is cancelled; `kept`: those of them that stay. */
async function cancelled(size: number): Promise<{ readonly written: number; readonly kept: number }> {
  const folder = folderInMemory();
  let written = 0;
  const kept = new Map<string, number>();
  const store = watching(({ runs, blobs }) => {
    const lengths = new Map(blobs.map(({ hash, text }) => [hash, text.length]));
    for (const { state, blobs: used, blobsGone } of runs) {
      written += state.agendaJson?.length ?? 0;
      for (const { hash } of used) {
        written += lengths.get(hash) ?? 0;
        kept.set(hash, lengths.get(hash) ?? 0);
      }
      for (const { hash } of blobsGone) kept.delete(hash);
    }
  })(sqliteStore(join(folder, 'cut.db')));
  const { workflows, runtime, close } = await compose({ store, clock: new ManualClock(), loop: steadyLoop });
  const workflow = await workflows.create({
    name: 'waits',
    tasks: [{ name: 'each', kind: 'map', items: 'input.list', task: { kind: 'wait', event: { type: 'go' } } }],
  });
  const input = { list: Array.from({ length: size }, () => 0) };
  const { runId } = await execute(runtime, workflow, await workflows.definition(workflow.id, 1), { input });
  await runtime.waitFor(runId, ({ status }) => status === 'waiting');
  written = 0;
  await runtime.cancel(runId);
  expect((await runtime.waitFor(runId)).status).toBe('cancelled');
  await close();
  rmSync(folder, { recursive: true, force: true });
  return { written, kept: [...kept.values()].reduce((sum, length) => sum + length, 0) };
}

it('R3: what the end of a run writes for each of its tasks does not grow with their number, and is not kept', async () => {
  const few = await cancelled(400);
  const many = await cancelled(1_600);
  expect(many.written / 1_600).toBeLessThan((few.written / 400) * 1.5);
  // The names of those that it told to stop, which the journal has.
  expect(many.kept / 1_600).toBeLessThan(100);
});
