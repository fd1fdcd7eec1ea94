/** W6: tasks of one run that share values. What a write costs that others compete for, and one that stops 10,000 tasks. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { CodeFunction } from '../actors/code-function.ts';
import { storing } from './baseline/raw.ts';
import { competing, watching } from './documents.ts';
import { createDatabase, heard, openFermata, serving, type OpenFermata } from './fermata.ts';
import { withDatabaseFile } from './database-file.ts';
import { percentile } from './statistics.ts';
import { afresh, COST_OF_A_STEP, type Sample, type Workload } from './workload.ts';

const WRITES = 1_000;
const WRITERS = 10;
const WATCHERS = 10_000;
/** Writes that concern nobody, beside all who watch another key. */
const QUIET = 200;
/** Milliseconds between two looks at the event loop; what the histogram says includes them. */
const RESOLUTION_MS = 1;

/** Each function counts up one value, over the revision that it has read; where another one was faster, anew. */
const updates = () => {
  let tries = 0;
  const count: CodeFunction = async (_, { shared }) => {
    for (let left = WRITES / WRITERS; left > 0; left--)
      await shared.update<number>('n', (n = 0) => {
        tries++;
        return n + 1;
      });
  };
  const work = async (open: OpenFermata): Promise<Sample> => {
    tries = 0;
    const ended = heard(open, 'run_completed', 1);
    const begin = performance.now();
    const run = await open.start();
    await ended;
    const elapsed = performance.now() - begin;
    const { value: written } = (await open.runtime.sharedValue(run, 'n')) ?? { value: 0 };
    return { rate: (WRITES * 1_000) / elapsed, conflicts: tries - WRITES, lost: WRITES - Number(written) };
  };
  return serving(() => competing(WRITERS), WRITES, work, count)();
};

const raw = storing((database, id) => {
  const begin = performance.now();
  const run = id();
  database.begin(run);
  for (let step = 0; step < WRITES; step++) database.step(run, `n${step}`);
  database.end(run);
  return { rate: (WRITES * 1_000) / (performance.now() - begin) };
});

/** All tasks wait, and watch; then a function writes what concerns none of them, and at last what stops them all. */
const stop = (): Promise<Sample> =>
  withDatabaseFile(async (file) => {
    const quiet: number[] = [];
    const allWait = Promise.withResolvers<void>();
    const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    let begin = 0;
    const say: CodeFunction = async (_, { shared }) => {
      await allWait.promise;
      for (let left = QUIET; left > 0; left--) {
        const from = performance.now();
        await shared.set('quiet', left);
        quiet.push(performance.now() - from);
      }
      delay.enable();
      begin = performance.now();
      await shared.set('enough', true);
    };
    await createDatabase(file, watching(WATCHERS));
    const open = await openFermata(file, say);
    const waiting = open.runtime.subscribe(undefined, ({ type, data }) => {
      if (type === 'task_started' && data['task'] === `w${WATCHERS - 1}`) allWait.resolve();
    });
    const ended = heard(open, 'run_completed', 1);
    await open.start();
    await ended;
    const elapsed = performance.now() - begin;
    delay.disable();
    waiting();
    await open.close();
    return {
      stopped: elapsed,
      loopDelay: Math.max(0, delay.percentile(99) / 1e6 - RESOLUTION_MS),
      longest: delay.max / 1e6 - RESOLUTION_MS,
      quiet: percentile(quiet, 0.5),
    };
  });

/** The workload. */
export const w6: Workload = {
  id: 'W6',
  title: 'tasks that share values',
  cases: [
    {
      title: `${WRITES} writes of one value by ${WRITERS} functions at once`,
      target: 'none lost; a write at most 3 × raw',
      metrics: [
        { key: 'rate', label: 'writes a second', digits: 0 },
        { key: 'conflicts', label: 'writes that came too late and were made anew', digits: 0 },
        { key: 'lost', label: 'writes lost', digits: 0 },
        ...COST_OF_A_STEP,
      ],
      contenders: [
        { name: 'fermata', open: updates },
        { name: 'raw sqlite', open: raw },
      ],
    },
    {
      title: `one write that stops ${WATCHERS} tasks`,
      target: 'event-loop delay p99 under 50 ms',
      metrics: [
        { key: 'stopped', label: 'ms until all have ended', digits: 0 },
        { key: 'loopDelay', label: 'event-loop delay p99, ms', digits: 1 },
        { key: 'longest', label: 'longest event-loop delay, ms', digits: 1 },
        { key: 'quiet', label: 'a write that concerns none of them p50, ms', digits: 2 },
      ],
      contenders: [{ name: 'fermata', open: afresh(stop) }],
      longRounds: 3,
    },
  ],
};
