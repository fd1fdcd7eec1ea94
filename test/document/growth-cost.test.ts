/** R3: what joins a run, and what of it settles, costs the same beside ten others and beside a thousand. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compose, type FermataOptions } from '../../src/compose.ts';
import { execute } from '../../src/document/execute.ts';
import { fork } from '../../src/document/fork/request.ts';
import { FermataError } from '../../src/errors.ts';
import { effect } from '../../src/runtime/effect.ts';
import type { RunChanges } from '../../src/store/commit.ts';
import { sqliteStore } from '../../src/store/sqlite/index.ts';
import { folderInMemory } from '../harness/database.ts';
import { ManualClock, steadyLoop } from '../harness/clock.ts';

/** Bytes and rows of what is not the journal, in commits in which something settles or joins. */
interface Cost {
  readonly rows: number;
  readonly bytes: number;
  /** The most of one row. */
  readonly longest: number;
}

/** Runs a document to its end; what each of its `count` tasks has cost. */
async function costOf(document: object, count: number, more: Partial<FermataOptions> = {}): Promise<Cost> {
  const folder = folderInMemory();
  const store = sqliteStore(join(folder, 'growth.db'));
  const cost = { rows: 0, bytes: 0, longest: 0 };
  const note = ({ rows, actors, state }: RunChanges): void => {
    for (const row of [...rows, ...actors, state]) {
      const { length } = JSON.stringify(row);
      cost.rows++;
      cost.bytes += length;
      if ('table' in row && row.table !== 'task') cost.longest = Math.max(cost.longest, length);
    }
  };
  const { workflows, runtime, close } = await compose({
    store: {
      ...store,
      commit(group) {
        group.runs.forEach(note);
        return store.commit(group);
      },
    },
    clock: new ManualClock(),
    config: {
      functions: {
        nothing: () => null,
        many: () => ({ tasks: Array.from({ length: count }, (_, n) => ({ ...nothing, name: nameOf('t', n) })) }),
        one: ({ name }) => ({ tasks: [{ ...nothing, name: `of ${String(name)}`, dependsOn: ['slow'] }] }),
        // So long as those are added that need it.
        slow: () => added.promise,
      },
      providers: { openai: { apiKey: 'none' } },
    },
    ...more,
  });
  const added = Promise.withResolvers<null>();
  const workflow = await workflows.create(document);
  const { runId } = await execute(runtime, workflow, await workflows.definition(workflow.id, 1), {});
  await runtime.waitFor(runId, ({ counts }) => (counts['completed'] ?? 0) >= count);
  added.resolve(null);
  expect(await runtime.waitFor(runId)).toMatchObject({ status: 'completed' });
  await close();
  rmSync(folder, { recursive: true, force: true });
  return { rows: cost.rows / count, bytes: cost.bytes / count, longest: cost.longest };
}

const nothing = { kind: 'code', function: 'nothing' } as const;
// Names of one length, so that bytes can be compared.
const nameOf = (prefix: string, at: number): string => `${prefix}${String(at).padStart(4, '0')}`;

/** Each one costs as much among many as among few, but for a digit here and there, and for what one commit holds. */
function expectSame(few: Cost, many: Cost): void {
  expect(many.rows).toBeGreaterThan(1);
  expect(many.rows).toBeLessThanOrEqual(few.rows * 1.1);
  expect(many.bytes).toBeLessThanOrEqual(few.bytes * 1.1);
  expect(many.longest, 'no row holds them all').toBeLessThan(few.longest + 40);
}

/** Rows and entries that a fork reads for each task of a plan that it takes over. */
async function readsOfFork(count: number): Promise<number> {
  const folder = folderInMemory();
  const store = sqliteStore(join(folder, 'growth.db'));
  const tasks = Array.from({ length: count }, (_, n) => ({ ...nothing, name: nameOf('t', n) }));
  let reads = 0;
  let fails = true;
  const modelCall = effect<{ readonly task: string }, { readonly value: unknown }>({
    async run({ task }) {
      if (task === 'goal.plan 1') return { value: { tasks } };
      if (fails) throw new FermataError('modelRefused', 'no');
      return { value: { done: true, answer: 'found', next: null } };
    },
  });
  const fermata = await compose({
    store: {
      ...store,
      row: (...asked) => (reads++, store.row(...asked)),
      entry: (...asked) => (reads++, store.entry(...asked)),
    },
    clock: new ManualClock(),
    // A busy machine would cut turns by their time, and what they have read is read again afterwards.
    loop: steadyLoop,
    config: { functions: { nothing: () => null }, providers: { openai: { apiKey: 'none' } } },
    actors: { modelCall },
  });
  const prompts = { plan: 'plan', reflect: 'reflect' };
  const goal = { name: 'goal', kind: 'planExecuteReflect', goal: 'x', dynamicTaskLimit: count, prompts } as const;
  const { runId } = await fermata.start({ name: 'turns', tasks: [{ ...goal, allow: { functions: ['nothing'] } }] });
  await fermata.runtime.waitFor(runId);
  fails = false;
  reads = 0;
  const { runId: again } = await fork(fermata, runId, { point: { retry: true } });
  expect(await fermata.runtime.waitFor(again)).toMatchObject({ status: 'completed' });
  await fermata.close();
  rmSync(folder, { recursive: true, force: true });
  return reads / count;
}

describe('R3: growth', () => {
  it('a child of a thousand settles at the cost of one of twenty', async () => {
    const document = (count: number) => ({
      name: 'children',
      config: { breadth: 10, collectIntermediate: false },
      tasks: [
        { ...nothing, name: 'plan', function: 'many', onComplete: { addTasks: 'fromOutput', dynamicTaskLimit: count } },
        { ...nothing, name: 'end', dependsOn: ['plan'] },
      ],
    });
    expectSame(await costOf(document(20), 20), await costOf(document(1_000), 1_000));
  });

  it('a task that a thousand added ones need costs each of them what it costs one of twenty', async () => {
    const document = (count: number) => ({
      name: 'sharers',
      config: { breadth: 10, collectIntermediate: false },
      tasks: [
        { ...nothing, name: 'slow', function: 'slow' },
        ...Array.from({ length: count }, (_, n) => ({
          ...nothing,
          name: nameOf('a', n),
          function: 'one',
          input: { name: `"${nameOf('a', n)}"` },
          onComplete: { addTasks: 'fromOutput' },
        })),
      ],
    });
    expectSame(await costOf(document(20), 20), await costOf(document(400), 400));
  });

  it('a turn among a thousand proposed tasks costs what it costs among twenty', async () => {
    const document = (count: number) => ({
      name: 'turns',
      config: { breadth: 10, collectIntermediate: false },
      tasks: [
        {
          name: 'goal',
          kind: 'planExecuteReflect',
          goal: 'x',
          breadth: 2,
          dynamicTaskLimit: count,
          allow: { functions: ['nothing'] },
          prompts: { plan: 'plan', reflect: 'reflect' },
        },
      ],
    });
    const planning = (count: number) => {
      const tasks = Array.from({ length: count }, (_, n) => ({ ...nothing, name: nameOf('t', n) }));
      const modelCall = effect<{ readonly task: string }, { readonly value: unknown }>({
        run: async ({ task }) => ({
          value: task === 'goal.plan 1' ? { tasks } : { done: true, answer: 'found', next: null },
        }),
      });
      return { actors: { modelCall } };
    };
    expectSame(await costOf(document(20), 20, planning(20)), await costOf(document(600), 600, planning(600)));
  });

  it('a proposed task that a fork takes over reads as much among four hundred as among a hundred', async () => {
    const few = await readsOfFork(100);
    expect(few).toBeGreaterThan(1);
    expect(await readsOfFork(400)).toBeLessThanOrEqual(few * 1.3);
  });
});
