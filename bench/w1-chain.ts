/** W1: a chain of 100 steps, one after the other. What one step costs when nothing can be done together. */
import { plainTasks } from './baseline/plain.ts';
import { storing } from './baseline/raw.ts';
import { chain } from './documents.ts';
import { heard, serving, type OpenFermata } from './fermata.ts';
import { percentile } from './statistics.ts';
import { afresh, COST_OF_A_STEP, type Sample, type Workload } from './workload.ts';

const LENGTH = 100;
/** Runs of a round, one after the other. */
const RUNS = 10;

const fermata = () => {
  const calls: number[] = [];
  const called = (): string => {
    calls.push(performance.now());
    return 'done';
  };
  const work = async (open: OpenFermata): Promise<Sample> => {
    calls.length = 0;
    const begin = performance.now();
    for (let run = 0; run < RUNS; run++) {
      const ended = heard(open, 'run_completed', 1);
      await open.start();
      await ended;
    }
    return figures(performance.now() - begin, gaps(calls));
  };
  return serving(() => chain(LENGTH), RUNS * LENGTH, work, called)();
};

const raw = storing((database, id) => {
  const steps: number[] = [];
  const begin = performance.now();
  for (let run = 0; run < RUNS; run++) {
    const key = id();
    database.begin(key);
    for (let step = 0; step < LENGTH; step++) {
      const from = performance.now();
      database.step(key, `t${step}`);
      steps.push(performance.now() - from);
    }
    database.end(key);
  }
  return figures(performance.now() - begin, steps);
});

const plain = async (): Promise<Sample> => {
  const begin = performance.now();
  for (let run = 0; run < RUNS; run++) await plainTasks(LENGTH, 1);
  return { step: ((performance.now() - begin) * 1_000) / (RUNS * LENGTH) };
};

/** Milliseconds from one call to the next within a run. */
function gaps(calls: readonly number[]): number[] {
  return calls.flatMap((at, i) => (i % LENGTH === 0 ? [] : [at - (calls[i - 1] ?? at)]));
}

function figures(elapsedMs: number, steps: readonly number[]): Sample {
  return { step: (elapsedMs * 1_000) / (RUNS * LENGTH), p99: percentile(steps, 0.99) * 1_000 };
}

/** The workload. */
export const w1: Workload = {
  id: 'W1',
  title: 'a chain of 100 steps',
  cases: [
    {
      title: `${RUNS} runs, one after the other`,
      target: 'a step at most 1.5 × raw, p99 at most 3 × raw',
      metrics: [
        { key: 'step', label: 'µs a step', digits: 0, adds: 'times' },
        { key: 'p99', label: 'µs a step, p99', digits: 0 },
        ...COST_OF_A_STEP,
      ],
      contenders: [
        { name: 'fermata', open: fermata },
        { name: 'raw sqlite', open: raw },
        { name: 'plain xstate', open: afresh(plain) },
      ],
    },
  ],
};
