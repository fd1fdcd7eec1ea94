/** W5: 200 runs whose process is killed with -9 in the middle. How soon they are done after a start, and what is done twice. */
import { execFile } from 'node:child_process';
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import BetterSqlite3 from 'better-sqlite3';
import { FermataError } from '../src/errors.ts';
import { chain } from './documents.ts';
import { createDatabase } from './fermata.ts';
import { withDatabaseFile } from './database-file.ts';
import { RUNS, STEPS } from './killed-program.ts';
import { afresh, type Sample, type Workload } from './workload.ts';

const run = promisify(execFile);
/** It begins as `fermata serve` does: what an earlier process compiled is not compiled again. */
const PROGRAM = [
  '--import',
  pathToFileURL(join(import.meta.dirname, '../bin/quickly.js')).href,
  join(import.meta.dirname, 'killed-program.ts'),
];

/** What is finished in a database, as `RUN STEP` lines of a ledger. */
const FINISHED = {
  fermata: `select run.id || ' ' || task.name from task join run on run.key = task.run where task.status = 'completed'`,
  raw: `select run || ' ' || name from step`,
} as const;

async function killedAndFinished(contender: 'fermata' | 'raw', file: string): Promise<Sample> {
  const [before, after] = [`${file}.before`, `${file}.after`];
  const killed = await run(process.execPath, [...PROGRAM, contender, 'begin', file, before]).catch(
    (thrown: { readonly signal?: string }) => thrown,
  );
  if (!('signal' in killed) || killed.signal !== 'SIGKILL')
    throw new FermataError(
      'internal',
      `W5: the process should have killed itself, but it ended otherwise: ${JSON.stringify(killed)}.`,
    );
  const finished = await finishedIn(file, FINISHED[contender]);
  const { stdout } = await run(process.execPath, [...PROGRAM, contender, 'finish', file, after]);
  const calls = (await readFile(after, 'utf8')).trim().split('\n');
  const earlier = (await readFile(before, 'utf8')).trim().split('\n');
  const all = new Set([...earlier, ...calls]);
  if (all.size !== RUNS * STEPS)
    throw new FermataError('internal', `W5: ${RUNS * STEPS} steps should have been called, but ${all.size} were.`);
  return {
    done: Number(stdout),
    again: calls.filter((call) => finished.has(call)).length,
    cut: earlier.length + calls.length - RUNS * STEPS,
  };
}

/** On a copy, so that nobody has read the log before the start that is measured. */
async function finishedIn(file: string, sql: string): Promise<ReadonlySet<string>> {
  const copy = `${file}.copy`;
  await copyFile(file, copy);
  await copyFile(`${file}-wal`, `${copy}-wal`);
  const database = new BetterSqlite3(copy);
  const finished = new Set(database.prepare<[], string>(sql).pluck().all());
  database.close();
  return finished;
}

const fermata = (): Promise<Sample> =>
  withDatabaseFile(async (file) => {
    await createDatabase(file, chain(STEPS));
    return killedAndFinished('fermata', file);
  });

const raw = (): Promise<Sample> => withDatabaseFile((file) => killedAndFinished('raw', file));

/** The workload. */
export const w5: Workload = {
  id: 'W5',
  title: 'runs killed in the middle',
  cases: [
    {
      title: `${RUNS} runs of ${STEPS} steps, killed with -9 when half of the steps were called`,
      target: 'start to all done at most 1.5 × raw, no finished step again',
      metrics: [
        { key: 'done', label: 'start to all done, ms', digits: 0 },
        { key: 'again', label: 'finished steps called again', digits: 0 },
        { key: 'cut', label: 'steps that the kill cut off', digits: 0 },
      ],
      contenders: [
        { name: 'fermata', open: afresh(fermata) },
        { name: 'raw sqlite', open: afresh(raw) },
      ],
    },
  ],
};
