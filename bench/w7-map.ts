/** W7: a map of many items: whether one costs the same among 1,000 and among 100,000, also the process that runs it. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { storing } from './baseline/raw.ts';
import { mapped } from './documents.ts';
import { heard, serving } from './fermata.ts';
import { COST_OF_A_STEP, type Case, type Contender, type Workload } from './workload.ts';

/** Milliseconds between two looks at the event loop; what the histogram says includes them. */
const RESOLUTION_MS = 1;
/** Milliseconds between two looks at the memory. */
const LOOK_MS = 20;
const BREADTH = 50;

function fermata(items: number): Contender['open'] {
  const list = Array.from({ length: items }, (_, item) => item);
  return serving(
    () => mapped(BREADTH),
    items,
    async (open) => {
      const ended = heard(open, 'run_completed', 1);
      const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
      const resident = process.memoryUsage.rss();
      let most = resident;
      const looking = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), LOOK_MS);
      delay.enable();
      const spent = process.cpuUsage();
      const begin = performance.now();
      await open.start({ list });
      await ended;
      const elapsed = performance.now() - begin;
      const { user, system } = process.cpuUsage(spent);
      delay.disable();
      clearInterval(looking);
      return {
        rate: (items * 1_000) / elapsed,
        cpu: (user + system) / items,
        loopDelay: Math.max(0, delay.percentile(99) / 1e6 - RESOLUTION_MS),
        longest: Math.max(0, delay.max / 1e6 - RESOLUTION_MS),
        memory: (most - resident) / 2 ** 20,
      };
    },
  );
}

function raw(items: number): Contender['open'] {
  return storing((database, id) => {
    const begin = performance.now();
    const run = id();
    database.begin(run);
    for (let step = 0; step < items; step++) database.step(run, `each[${step}]`);
    database.end(run);
    return { rate: (items * 1_000) / (performance.now() - begin) };
  });
}

function ofItems(items: number, target: string, longRounds?: number): Case {
  return {
    title: `${items.toLocaleString('en')} items, breadth ${BREADTH}`,
    target,
    metrics: [
      { key: 'rate', label: 'items a second', digits: 0 },
      { key: 'cpu', label: 'processor time an item, µs', digits: 0 },
      { key: 'loopDelay', label: 'event-loop delay p99, ms', digits: 1 },
      { key: 'longest', label: 'longest event-loop delay, ms', digits: 1 },
      { key: 'memory', label: 'more memory at its height, MiB', digits: 0 },
      ...COST_OF_A_STEP,
    ],
    contenders: [
      { name: 'fermata', open: fermata(items) },
      { name: 'raw sqlite', open: raw(items) },
    ],
    ...(longRounds === undefined ? {} : { longRounds }),
  };
}

/** The workload. */
export const w7: Workload = {
  id: 'W7',
  title: 'a map of many items',
  cases: [
    ofItems(1_000, '6,000 items a second on an idle machine'),
    ofItems(10_000, 'within 15 % of the rate at 1,000; event-loop delay p99 under 50 ms'),
    ofItems(100_000, 'within 15 % of the rate at 1,000; event-loop delay p99 under 50 ms', 1),
  ],
};
