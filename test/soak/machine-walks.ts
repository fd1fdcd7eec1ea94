/**
 * Paths through the machines, walked on the real runtime, that are too many for `npm test`: of tasks with a call of any
 * kind, and of runs of two tasks to which anything may happen.
 */
import { expect } from 'vitest';
import { fraction } from '../../machines/backoff.ts';
import { Workbench } from '../harness/documents.ts';
import { startRawModelServer } from '../harness/raw-model-server.ts';
import { somePathOf, type RunKind } from '../machines/run-paths.ts';
import { walkRun } from '../machines/run-walk.ts';
import { pathsOf, type TaskKind } from '../machines/task-paths.ts';
import { callerOf, walkTask } from '../machines/task-walk.ts';

const RUN_PATHS = 100;
const TASK_PATHS = 20;

/** A kind of trial, as `test/soak/trial.ts` has it. */
export const trial = {
  name: 'machine-walks',
  missing: (): string | undefined => undefined,
  async run(seed: number): Promise<Readonly<Record<string, number>>> {
    let draws = 0;
    const chance = (): number => fraction(`${seed} ${draws++}`);
    const steps = (await walkRuns(chance)) + (await walkTasks(chance));
    return { paths: RUN_PATHS + TASK_PATHS, steps };
  },
};

async function walkRuns(chance: () => number): Promise<number> {
  const bench = await Workbench.open();
  let steps = 0;
  try {
    for (let n = 0; n < RUN_PATHS; n++) {
      const kind: RunKind = {
        tasks: 2,
        breadth: chance() < 0.5 ? 1 : 2,
        onTaskFailure: chance() < 0.5 ? 'stop' : 'continue',
        waitsFor: chance() < 0.5 ? 'person' : 'backoff',
        ...(chance() < 0.3 ? { grows: true as const } : {}),
      };
      const path = somePathOf(kind, chance);
      await walkRun(bench, kind, path).catch((thrown: unknown) => failed(kind, path, thrown));
      steps += path.steps.length;
    }
  } finally {
    await bench.close();
  }
  return steps;
}

async function walkTasks(chance: () => number): Promise<number> {
  const server = await startRawModelServer(() => {});
  const bench = await Workbench.open({ openai: { apiKey: 'none', baseUrl: server.baseUrl } });
  const kind = someTask(chance);
  const paths = pathsOf(kind);
  let steps = 0;
  try {
    for (let n = 0; n < TASK_PATHS; n++) {
      const path = paths[Math.floor(chance() * paths.length)] as (typeof paths)[number];
      await walkTask(bench, callerOf(kind, bench, server), kind, path).catch((thrown: unknown) =>
        failed(kind, path, thrown),
      );
      steps += path.steps.length;
    }
  } finally {
    await bench.close();
    await server.stop();
  }
  return steps;
}

const WAITS = ['time', 'missedTime', 'event'] as const;

function someTask(chance: () => number): TaskKind {
  const approval = chance() < 0.5;
  const calls = chance() < 0.3 ? 'code' : 'model';
  const kinds: readonly TaskKind[] = [
    { calls, approval },
    { calls, approval: false, adds: 'fromOutput' },
    { calls, approval: false, adds: 'work' },
    { calls: 'map', approval, onItemFailure: chance() < 0.5 ? 'stop' : 'collect' },
    { calls: WAITS[Math.floor(chance() * WAITS.length)] ?? 'event', approval },
  ];
  return kinds[Math.floor(chance() * kinds.length)] ?? { calls, approval };
}

function failed(kind: object, { title }: { readonly title: string }, thrown: unknown): never {
  return expect.fail(`${JSON.stringify(kind)}: ${title}\n${String(thrown)}`);
}
