/** W3: 1,000 runs of 5 steps at once. What runs cost that share the process and the file. */
import { plainTasks } from './baseline/plain.ts';
import { RawDatabase } from './baseline/raw.ts';
import { chain } from './documents.ts';
import { costOfStep, createDatabase, heard, openFermata } from './fermata.ts';
import { sizeOf, withDatabaseFile } from './database-file.ts';
import { COST_OF_A_STEP, type Sample, type Workload } from './workload.ts';

const RUNS = 1_000;
const STEPS = 5;

const fermata = (): Promise<Sample> =>
  withDatabaseFile(async (file) => {
    const before = await createDatabase(file, chain(STEPS));
    const open = await openFermata(file);
    const ended = heard(open, 'run_completed', RUNS);
    const begin = performance.now();
    await Promise.all(Array.from({ length: RUNS }, open.start));
    await ended;
    const elapsed = performance.now() - begin;
    await open.close();
    return { rate: (RUNS * 1_000) / elapsed, ...costOfStep(open.tally, (await sizeOf(file)) - before, RUNS * STEPS) };
  });

const raw = (): Promise<Sample> =>
  withDatabaseFile(async (file) => {
    const database = new RawDatabase(file);
    const begin = performance.now();
    for (let run = 0; run < RUNS; run++) database.begin(run);
    for (let step = 0; step < STEPS - 1; step++) for (let run = 0; run < RUNS; run++) database.step(run, `t${step}`);
    for (let run = 0; run < RUNS; run++) database.stepAndEnd(run, `t${STEPS - 1}`);
    const elapsed = performance.now() - begin;
    database.close();
    return { rate: (RUNS * 1_000) / elapsed };
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
        { name: 'fermata', run: fermata },
        { name: 'raw sqlite', run: raw },
        { name: 'plain xstate', run: plain },
      ],
    },
  ],
};
