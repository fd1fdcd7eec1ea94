/** W2: many tasks in one run. Whether a step costs the same at breadth 10 and 1,000, and at task 10 and 100,000. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { plainTasks } from './baseline/plain.ts';
import { storing } from './baseline/raw.ts';
import { layered, wide } from './documents.ts';
import { heard, serving } from './fermata.ts';
import { afresh, COST_OF_A_STEP, type Case, type Contender, type Sample, type Workload } from './workload.ts';

/** Milliseconds between two looks at the event loop; what the histogram says includes them. */
const RESOLUTION_MS = 1;

function fermata(document: () => object, total: number): Contender['open'] {
  return serving(document, total, async (open) => {
    const ended = heard(open, 'run_completed', 1);
    const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    delay.enable();
    const begin = performance.now();
    await open.start();
    await ended;
    const elapsed = performance.now() - begin;
    delay.disable();
    return {
      rate: (total * 1_000) / elapsed,
      loopDelay: Math.max(0, delay.percentile(99) / 1e6 - RESOLUTION_MS),
    };
  });
}

function raw(total: number): Contender['open'] {
  return storing((database, id) => {
    const begin = performance.now();
    const run = id();
    database.begin(run);
    for (let step = 0; step < total; step++) database.step(run, `t${step}`);
    database.end(run);
    return { rate: (total * 1_000) / (performance.now() - begin) };
  });
}

async function plain(total: number, breadth: number): Promise<Sample> {
  const begin = performance.now();
  await plainTasks(total, breadth);
  return { rate: (total * 1_000) / (performance.now() - begin) };
}

function oneRun(
  title: string,
  target: string,
  document: () => object,
  total: number,
  breadth: number,
  longRounds?: number,
): Case {
  return {
    title,
    target,
    metrics: [
      { key: 'rate', label: 'tasks a second', digits: 0, adds: 'rates' },
      { key: 'loopDelay', label: 'event-loop delay p99, ms', digits: 1 },
      ...COST_OF_A_STEP,
    ],
    contenders: [
      { name: 'fermata', open: fermata(document, total) },
      { name: 'raw sqlite', open: raw(total) },
      { name: 'plain xstate', open: afresh(() => plain(total, breadth)) },
    ],
    ...(longRounds === undefined ? {} : { longRounds }),
  };
}

const TARGET = '6,000 tasks a second on an idle machine';

/** The workload. */
export const w2: Workload = {
  id: 'W2',
  title: 'many tasks in one run',
  cases: [
    oneRun('1,000 tasks, breadth 50', TARGET, () => wide(1_000, 50), 1_000, 50),
    ...[10, 50, 300, 1_000].map((breadth) =>
      oneRun(`10,000 tasks, breadth ${breadth}`, TARGET, () => wide(10_000, breadth), 10_000, breadth),
    ),
    oneRun('10,000 tasks in 100 layers, breadth 100', TARGET, () => layered(100, 100, 100), 10_000, 100),
    oneRun('100,000 tasks, breadth 50', 'within 15 % of the rate at 10,000', () => wide(100_000, 50), 100_000, 50, 3),
  ],
};
