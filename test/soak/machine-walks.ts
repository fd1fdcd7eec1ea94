/** Paths of runs of two tasks to which anything may happen, walked on the real runtime: there are tens of thousands. */
import { expect } from 'vitest';
import { fraction } from '../../machines/backoff.ts';
import { Workbench } from '../harness/documents.ts';
import { somePathOf, type RunKind } from '../machines/run-paths.ts';
import { walkRun } from '../machines/run-walk.ts';

const PATHS = 100;

/** A kind of trial, as `test/soak/trial.ts` has it. */
export const trial = {
  name: 'machine-walks',
  missing: (): string | undefined => undefined,
  async run(seed: number): Promise<Readonly<Record<string, number>>> {
    let draws = 0;
    const chance = (): number => fraction(`${seed} ${draws++}`);
    const bench = await Workbench.open();
    let steps = 0;
    try {
      for (let n = 0; n < PATHS; n++) {
        const kind: RunKind = {
          tasks: 2,
          breadth: chance() < 0.5 ? 1 : 2,
          onTaskFailure: chance() < 0.5 ? 'stop' : 'continue',
          waitsFor: chance() < 0.5 ? 'person' : 'backoff',
        };
        const path = somePathOf(kind, chance);
        await walkRun(bench, kind, path).catch((thrown: unknown) =>
          expect.fail(`${JSON.stringify(kind)}: ${path.title}\n${String(thrown)}`),
        );
        steps += path.steps.length;
      }
    } finally {
      await bench.close();
    }
    return { paths: PATHS, steps };
  },
};
