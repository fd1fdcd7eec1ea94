/**
 * The start of a process that finds 10,000 unfinished runs, each with a person's date and a call that was cut off: when it
 * answers, and when every timer is armed and every call asked for again. Raw reads as many unfinished rows.
 */
import BetterSqlite3 from 'better-sqlite3';
import { RawDatabase } from './baseline/raw.ts';
import { waitingAndCalling } from './documents.ts';
import { createDatabase, heard, openFermata } from './fermata.ts';
import { withDatabaseFile } from './database-file.ts';
import { afresh, type Sample, type Workload } from './workload.ts';

const RUNS = 10_000;
const never = (): Promise<never> => new Promise(() => {});

const fermata = (): Promise<Sample> =>
  withDatabaseFile(async (file) => {
    await createDatabase(file, waitingAndCalling());
    const first = await openFermata(file, never);
    const asked = heard(first, 'approval_requested', RUNS);
    await Promise.all(Array.from({ length: RUNS }, first.start));
    await asked;
    await first.runtime.idle();
    await first.close();

    const begin = performance.now();
    const second = await openFermata(file, never);
    await second.runtime.list({ limit: 100 });
    const reads = performance.now() - begin;
    await second.start();
    const starts = performance.now() - begin;
    // The one that was started here calls as well.
    while (second.runtime.load.effectsInFlight < RUNS + 1) await new Promise((resolve) => setImmediate(resolve));
    await second.runtime.idle();
    const all = performance.now() - begin;
    await second.close();
    return { reads, starts, all };
  });

const raw = (): Promise<Sample> =>
  withDatabaseFile(async (file) => {
    const database = new RawDatabase(file);
    for (let run = 0; run < RUNS; run++) database.park(run);
    database.close();
    const begin = performance.now();
    const second = new BetterSqlite3(file);
    second.prepare("select * from run join approval on run.id = approval.run where status = 'waiting'").all();
    const reads = performance.now() - begin;
    second.close();
    return { reads };
  });

/** The workload. */
export const restart: Workload = {
  id: 'RESTART',
  title: 'a start with 10,000 unfinished runs',
  cases: [
    {
      title: `${RUNS} runs that wait for a person and a call`,
      target: 'serving within 1 s, all timers armed and all effects queued again within 2 s',
      metrics: [
        { key: 'reads', label: 'first page of runs read, ms', digits: 0 },
        { key: 'starts', label: 'first run started, ms', digits: 0 },
        { key: 'all', label: 'all calls queued again, ms', digits: 0 },
      ],
      contenders: [
        { name: 'fermata', open: afresh(fermata) },
        { name: 'raw sqlite', open: afresh(raw) },
      ],
      longRounds: 3,
    },
  ],
};
