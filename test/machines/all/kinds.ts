/**
 * All there is to walk: every machine of `machines/`, with each kind of task and of run that its document can make of it.
 * Counters are capped at two: attempts of a task, tasks of a run, items of a map.
 */
import { getSimplePaths } from '@xstate/graph';
import { pathsOf as runPaths, type RunKind } from '../run-paths.ts';
import { pathsOf as taskPaths, type TaskKind } from '../task-paths.ts';
import { walkRun } from '../run-walk.ts';
import { pathsOf as roundsPaths, walkRounds } from '../rounds-paths.ts';
import { SHARING_WALKS } from '../sharing-walks.ts';
import { callerOf, modelCaller, walkTask } from '../task-walk.ts';
import { BUDGET_WALKS } from '../budget-walks.ts';
import { SHARED_BUDGET_WALKS } from '../shared-budget-walks.ts';
import { CHOOSING_WALKS } from '../choosing-walks.ts';
import { Workbench } from '../../harness/documents.ts';
import type { RawModelServer } from '../../harness/raw-model-server.ts';

/** A machine as its documents say, and how to walk its paths. */
export interface Kind {
  /** `task@1`, by its id and the version of the machine that interprets documents. */
  readonly machine: string;
  /** Names it among those of its machine. */
  readonly name: string;
  /** Every simple path, as `@xstate/graph` finds them. */
  paths(): readonly Path[];
}

/** A simple path; no two of a kind have the same title. */
export interface Path {
  readonly title: string;
  /** The steps in its title. */
  readonly steps: readonly string[];
  /**
   * On the real runtime, to the end; throws where a step does not lead where the machine says, or the run does not settle.
   * `seen`: of its first steps another walk has told already where they lead.
   */
  walk(site: Site, seen: number): Promise<unknown>;
}

/** A runtime, and the models that it reaches. */
export interface Site {
  readonly bench: Workbench;
  readonly server: RawModelServer;
}

const EITHER = [true, false] as const;
const CALLS = ['code', 'model'] as const;

const tasks: readonly TaskKind[] = [
  ...EITHER.flatMap((approval): readonly TaskKind[] => [
    ...CALLS.flatMap((calls): readonly TaskKind[] => [
      { calls, approval },
      { calls, approval, adds: 'fromOutput' },
      { calls, approval, adds: 'work' },
    ]),
    { calls: 'map', approval, onItemFailure: 'stop' },
    { calls: 'map', approval, onItemFailure: 'continue' },
    { calls: 'map', approval, onItemFailure: 'collect' },
    { calls: 'map', approval, items: 0 },
    { calls: 'reduce', approval },
    { calls: 'time', approval },
    ...(['fail', 'skip', 'continue'] as const).flatMap((onTimeout): readonly TaskKind[] => [
      { calls: 'missedTime', approval, onTimeout },
      { calls: 'event', approval, onTimeout },
    ]),
    { calls: 'condition', approval },
    { calls: 'skipped', approval },
    { calls: 'unready', approval },
    // Whatever it does, its function may say which tasks it adds.
    { calls: 'map', approval, adds: 'work' },
    { calls: 'map', approval, adds: 'work', items: 0 },
    { calls: 'reduce', approval, adds: 'work' },
    { calls: 'condition', approval, adds: 'work' },
    { calls: 'time', approval, adds: 'work' },
    { calls: 'missedTime', approval, adds: 'work', onTimeout: 'continue' },
    { calls: 'event', approval, adds: 'work', onTimeout: 'continue' },
    { calls: 'event', approval, adds: 'fromOutput' },
  ]),
  ...EITHER.flatMap((approval) => CALLS.map((calls): TaskKind => ({ version: 1, calls, approval }))),
];

const runs: readonly RunKind[] = (['stop', 'continue'] as const).flatMap((onTaskFailure) =>
  (['person', 'backoff'] as const).flatMap((waitsFor) =>
    ([1, 2] as const).flatMap((breadth): readonly RunKind[] => {
      const run = { onTaskFailure, waitsFor, breadth };
      return [
        { ...run, tasks: 1 },
        { ...run, tasks: 1, grows: true },
        { ...run, tasks: 2 },
      ];
    }),
  ),
);

/** No run of version 1 grows. */
const runs1 = runs.filter(({ grows }) => grows !== true).map((kind): RunKind => ({ version: 1, ...kind }));

/** The oldest version last: it is frozen, and the most is known of it. */
export const KINDS: readonly Kind[] = [
  ...tasks.map((kind) => ({
    ...named('task', kind),
    paths: () =>
      taskPaths(kind).map((path) => ({
        ...titled(path.title),
        walk: ({ bench, server }: Site) => walkTask(bench, callerOf(kind, bench, server), kind, path),
      })),
  })),
  ...([1, 2] as const).map((depth) => ({
    machine: 'planExecuteReflect@2',
    name: `depth: ${depth}`,
    paths: () =>
      roundsPaths(depth, getSimplePaths).map((path) => ({
        ...titled(path.title),
        // Its calls wait for the walk, those of models too: on a bench of its own.
        walk: async () => {
          const bench = await Workbench.openHolding();
          try {
            await walkRounds(bench, depth, path);
          } finally {
            await bench.close();
          }
        },
      })),
  })),
  // It has one state and no end: its ways are those of the tasks that use it.
  {
    machine: 'shared@2',
    name: 'what tasks share',
    paths: () =>
      SHARING_WALKS.map(({ title, walk }) => ({
        ...titled(`${title} → open`),
        walk: ({ bench, server }: Site) => walk(bench, () => modelCaller(bench, server)),
      })),
  },
  // What its calls do decides its ways: they are those of the runs that have one.
  {
    machine: 'budget@2',
    name: 'what calls may cost',
    paths: () =>
      [...BUDGET_WALKS, ...CHOOSING_WALKS].map(({ title, walk }) => ({
        ...titled(`${title} → closed`),
        walk: async () => {
          const bench = await Workbench.openHolding();
          try {
            await walk(bench);
          } finally {
            await bench.close();
          }
        },
      })),
  },
  {
    machine: 'sharedBudget@2',
    name: 'what runs may cost together',
    paths: () =>
      SHARED_BUDGET_WALKS.map(({ title, budgets, walk }) => ({
        ...titled(`${title} → open`),
        walk: async () => {
          const bench = await Workbench.openHolding(budgets);
          try {
            await walk(bench);
          } finally {
            await bench.close();
          }
        },
      })),
  },
  ...[...runs, ...runs1].map((kind) => ({
    ...named('workflow', kind),
    paths: () =>
      runPaths(kind).map((path) => ({
        ...titled(path.title),
        walk: ({ bench }: Site, seen: number) => walkRun(bench, kind, path, seen),
      })),
  })),
];

function named(machine: string, { version, ...kind }: TaskKind | RunKind): Pick<Kind, 'machine' | 'name'> {
  const name = Object.entries(kind).map(([field, value]) => `${field}: ${String(value)}`);
  return { machine: `${machine}@${version ?? 2}`, name: name.join(', ') };
}

/** A title tells the steps, and where they end. */
function titled(title: string): Pick<Path, 'title' | 'steps'> {
  return { title, steps: title.split(' → ').slice(0, -1) };
}
