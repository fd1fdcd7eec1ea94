/**
 * W4: 2,000 runs that wait for a person. What a run costs that does nothing, and how soon it is done once somebody says
 * yes. The process is started anew in between: whoever approves meets runs that are rows only.
 */
import { plainTask } from './baseline/plain.ts';
import { RawDatabase } from './baseline/raw.ts';
import { gated } from './documents.ts';
import { createDatabase, heard, openFermata } from './fermata.ts';
import { liveBytes } from './memory.ts';
import { sizeOf, withDatabaseFile } from './database-file.ts';
import { percentile } from './statistics.ts';
import { afresh, type Sample, type Workload } from './workload.ts';

const RUNS = 2_000;
/** Of these, approved one after the other. */
const APPROVED = 500;

const fermata = (): Promise<Sample> =>
  withDatabaseFile(async (file) => {
    const before = await createDatabase(file, gated());
    const parking = await openFermata(file);
    const heap = liveBytes();
    const waiting = heard(parking, 'run_waiting', RUNS);
    const begin = performance.now();
    const runs = await Promise.all(Array.from({ length: RUNS }, parking.start));
    await waiting;
    const elapsed = performance.now() - begin;
    await parking.runtime.idle();
    const memory = (liveBytes() - heap) / RUNS;
    const resident = parking.runtime.load.residentRuns;
    await parking.close();
    const disk = ((await sizeOf(file)) - before) / RUNS;
    const approving = await openFermata(file);
    const latencies: number[] = [];
    for (const run of runs.slice(0, APPROVED)) {
      const ended = heard(approving, 'run_completed', 1);
      const from = performance.now();
      await approving.runtime.control(run, '/book', { type: 'fermata.approve', decision: { approved: true } });
      await ended;
      latencies.push(performance.now() - from);
    }
    await approving.close();
    return { rate: (RUNS * 1_000) / elapsed, resident, memory, disk, ...approvals(latencies) };
  });

const raw = (): Promise<Sample> =>
  withDatabaseFile(async (file) => {
    const empty = await emptyRaw();
    const database = new RawDatabase(file);
    const begin = performance.now();
    for (let run = 0; run < RUNS; run++) database.park(run);
    const elapsed = performance.now() - begin;
    const latencies = await timed(APPROVED, async (run) => {
      database.approve(run);
      database.stepAndEnd(run, 'book');
    });
    database.close();
    return { rate: (RUNS * 1_000) / elapsed, disk: ((await sizeOf(file)) - empty) / RUNS, ...approvals(latencies) };
  });

const plain = async (): Promise<Sample> => {
  const ended: (() => void)[] = [];
  const heap = liveBytes();
  const begin = performance.now();
  const tasks = Array.from({ length: RUNS }, (_, run) => plainTask('book', () => ended[run]?.(), true));
  const elapsed = performance.now() - begin;
  const memory = (liveBytes() - heap) / RUNS;
  const latencies = await timed(APPROVED, (run) => {
    const done = new Promise<void>((resolve) => (ended[run] = resolve));
    tasks[run]?.send({ type: 'fermata.approve', decision: { approved: true } });
    tasks[run]?.send({ type: 'fermata.task.admitted' });
    return done;
  });
  return { rate: (RUNS * 1_000) / elapsed, memory, ...approvals(latencies) };
};

function emptyRaw(): Promise<number> {
  return withDatabaseFile(async (file) => {
    new RawDatabase(file).close();
    return sizeOf(file);
  });
}

/** Milliseconds of each of `count` calls, one after the other. */
async function timed(count: number, work: (index: number) => Promise<void>): Promise<number[]> {
  const taken: number[] = [];
  for (let index = 0; index < count; index++) {
    const from = performance.now();
    await work(index);
    taken.push(performance.now() - from);
  }
  return taken;
}

function approvals(latenciesMs: readonly number[]): Sample {
  return { p50: percentile(latenciesMs, 0.5), p99: percentile(latenciesMs, 0.99) };
}

/** The workload. */
export const w4: Workload = {
  id: 'W4',
  title: 'runs that wait for a person',
  cases: [
    {
      title: `${RUNS} runs parked, then ${APPROVED} approved after a restart`,
      target: 'none resident, 2 KB of disk, p50 at most 2 × raw',
      metrics: [
        { key: 'p50', label: 'approval to done p50, ms', digits: 2, adds: 'times' },
        { key: 'p99', label: 'approval to done p99, ms', digits: 2 },
        { key: 'rate', label: 'runs parked a second', digits: 0, adds: 'rates' },
        { key: 'disk', label: 'bytes on disk a run', digits: 0 },
        { key: 'memory', label: 'bytes in memory a run', digits: 0 },
        { key: 'resident', label: 'runs in memory', digits: 0 },
      ],
      contenders: [
        { name: 'fermata', open: afresh(fermata) },
        { name: 'raw sqlite', open: afresh(raw) },
        { name: 'plain xstate', open: afresh(plain) },
      ],
    },
  ],
};
