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
import { codeCaller, modelCaller, waiter, walkTask } from '../machines/task-walk.ts';

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

/** Most walks are of models: with their crashes those are only walked here. */
const CALLS = ['model', 'model', 'model', 'model', 'code', 'time', 'missedTime', 'event'] as const;

async function walkTasks(chance: () => number): Promise<number> {
  const server = await startRawModelServer(() => {});
  const bench = await Workbench.open({ openai: { apiKey: 'none', baseUrl: server.baseUrl } });
  const calls = CALLS[Math.floor(chance() * CALLS.length)] ?? 'model';
  const kind: TaskKind = { calls, approval: chance() < 0.5 };
  const paths = pathsOf(kind);
  let steps = 0;
  try {
    for (let n = 0; n < TASK_PATHS; n++) {
      const path = paths[Math.floor(chance() * paths.length)] as (typeof paths)[number];
      const caller =
        calls === 'code' ? codeCaller(bench) : calls === 'model' ? modelCaller(bench, server) : waiter(kind);
      await walkTask(bench, caller, kind, path).catch((thrown: unknown) => failed(kind, path, thrown));
      steps += path.steps.length;
    }
  } finally {
    await bench.close();
    await server.stop();
  }
  return steps;
}

function failed(kind: object, { title }: { readonly title: string }, thrown: unknown): never {
  return expect.fail(`${JSON.stringify(kind)}: ${title}\n${String(thrown)}`);
}
