/** W3: 1,000 runs of 5 steps at once. What runs cost that share the process and the file. */
import { plainTasks } from './baseline/plain.ts';
import { storing } from './baseline/raw.ts';
import { chain } from './documents.ts';
import { heard, serving } from './fermata.ts';
import { afresh, COST_OF_A_STEP, type Sample, type Workload } from './workload.ts';

const RUNS = 1_000;
const STEPS = 5;

const fermata = serving(
  () => chain(STEPS),
  RUNS * STEPS,
  async (open) => {
    const ended = heard(open, 'run_completed', RUNS);
    const begin = performance.now();
    await Promise.all(Array.from({ length: RUNS }, () => open.start()));
    await ended;
    return { rate: (RUNS * 1_000) / (performance.now() - begin) };
  },
);

const raw = storing((database, id) => {
  const begin = performance.now();
  const runs = Array.from({ length: RUNS }, id);
  for (const run of runs) database.begin(run);
  for (let step = 0; step < STEPS - 1; step++) for (const run of runs) database.step(run, `t${step}`);
  for (const run of runs) database.stepAndEnd(run, `t${STEPS - 1}`);
  return { rate: (RUNS * 1_000) / (performance.now() - begin) };
});

const plain = async (): Promise<Sample> => {
  const begin = performance.now();
  await Promise.all(Array.from({ length: RUNS }, () => plainTasks(STEPS, 1)));
  return { rate: (RUNS * 1_000) / (performance.now() - begin) };
};

/** The workload. */
export const w3: Workload = {
  id: 'W3',
  title: 'many short runs at once',
  cases: [
    {
      title: `${RUNS} runs of ${STEPS} steps`,
      target: '1,500 runs a second on an idle machine',
      metrics: [{ key: 'rate', label: 'runs a second', digits: 0, adds: 'rates' }, ...COST_OF_A_STEP],
      contenders: [
        { name: 'fermata', open: fermata },
        { name: 'raw sqlite', open: raw },
        { name: 'plain xstate', open: afresh(plain) },
      ],
    },
  ],
};
