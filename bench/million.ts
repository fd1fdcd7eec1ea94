/**
 * 1,000,000 runs in one file, half of them ended, half waiting for a person, beside 1,000 of them: what is asked of a file
 * must not depend on how much is in it.
 *
 * The runs are copies of two real ones, row by row: to run them all would take ten minutes and show nothing else.
 */
import { rm } from 'node:fs/promises';
import BetterSqlite3 from 'better-sqlite3';
import { compose, type Fermata } from '../src/compose.ts';
import { execute } from '../src/document/execute.ts';
import { sqliteStore } from '../src/store/sqlite/index.ts';
import { sizeOf, withDatabaseFile } from './database-file.ts';
import { gated } from './documents.ts';
import { heard } from './fermata.ts';
import { percentile } from './statistics.ts';
import { afresh, type Case, type Sample, type Workload } from './workload.ts';

const APPROVE = { type: 'fermata.approve', decision: { approved: true } };
const open = (file: string): Promise<Fermata> =>
  compose({ store: sqliteStore(file), config: { functions: { nothing: () => 'done' } } });

async function start(fermata: Fermata, tags: readonly string[]): Promise<string> {
  const [workflow] = await fermata.workflows.list({ limit: 1 });
  if (workflow === undefined) return '';
  const definition = await fermata.workflows.definition(workflow.id, workflow.version);
  return (await execute(fermata.runtime, workflow, definition, { tags })).runId;
}

/** One run that has ended and one that waits, then copies of both: `count` runs in all. */
async function fill(file: string, count: number): Promise<void> {
  const fermata = await open(file);
  await fermata.workflows.create(gated());
  const ended = heard(fermata, 'run_completed', 1);
  await fermata.runtime.control(await start(fermata, ['ended']), '/book', APPROVE);
  await ended;
  const waiting = heard(fermata, 'run_waiting', 1);
  await start(fermata, ['waiting']);
  await waiting;
  await fermata.close();
  const database = new BetterSqlite3(file);
  database.pragma('foreign_keys = OFF');
  for (const [table, columns] of tablesOf(database)) copyRows(database, table, columns, count);
  database.close();
  // Changed on purpose.
  await rm(`${file}.sums`);
}

/** Tables whose rows belong to a run, each with its columns. */
function tablesOf(database: BetterSqlite3.Database): [string, string[]][] {
  const names = database.prepare<[], string>("select name from sqlite_schema where type = 'table'").pluck().all();
  const columnsOf = (table: string): string[] =>
    database.prepare<[string], string>('select name from pragma_table_info(?)').pluck().all(table);
  return names
    .map((table): [string, string[]] => [table, columnsOf(table)])
    .filter(([table, columns]) => table === 'run' || columns.includes('run'));
}

/** Copy `n` of a run has its key moved by `2 n`, and so has every number that is unique over all runs. */
function copyRows(database: BetterSqlite3.Database, table: string, columns: readonly string[], count: number): void {
  const owner = table === 'run' ? 'key' : 'run';
  const own = { journal: 'position', actor: 'key', approval: 'order' }[table];
  const span = own === undefined ? 0 : `(select max("${own}") from "${table}" where "${owner}" <= 2)`;
  const values = columns.map((column) => {
    if (column === owner) return `"${column}" + 2 * n`;
    if (column === own) return `"${column}" + ${span} * n`;
    // As the ids of real runs: they rise with time, and no two are alike.
    if (table === 'run' && column === 'id') return `printf('%.12s-%012x-%s', id, n, substr(id, 14))`;
    return `"${column}"`;
  });
  const names = columns.map((column) => `"${column}"`).join(', ');
  database.exec(`with recursive copy(n) as (select 1 union all select n + 1 from copy where n < ${count / 2 - 1})
    insert into "${table}" (${names}) select ${values.join(', ')} from copy cross join "${table}" where "${owner}" <= 2`);
}

const runs = (count: number) => (): Promise<Sample> =>
  withDatabaseFile(async (file) => {
    await fill(file, count);
    const bytes = (await sizeOf(file)) / count;
    const from = performance.now();
    const fermata = await open(file);
    await fermata.runtime.list({ limit: 1 });
    const opened = performance.now() - from;
    const { runtime } = fermata;
    const waiting = [...(await runtime.list({ limit: 100, status: 'waiting' }))];
    const middle = waiting.at(-1)?.runId;
    const sample = {
      opened,
      bytes,
      list: await median(() => runtime.list({ limit: 100 })),
      status: await median(() => runtime.list({ limit: 100, status: 'completed' })),
      tag: await median(() => runtime.list({ limit: 100, tags: ['waiting'] })),
      later: await median(() =>
        runtime.list({ limit: 100, tags: ['ended'], ...(middle === undefined ? {} : { after: middle }) }),
      ),
      start: await median(() => start(fermata, ['new'])),
      resume: await median(async () => {
        const next = waiting.pop();
        const ended = heard(fermata, 'run_completed', 1);
        if (next !== undefined) await runtime.control(next.runId, '/book', APPROVE);
        await ended;
      }),
    };
    await fermata.close();
    return sample;
  });

/** Median of 21, in milliseconds. */
async function median(work: () => Promise<unknown>): Promise<number> {
  const taken: number[] = [];
  for (let i = 0; i < 21; i++) {
    const from = performance.now();
    await work();
    taken.push(performance.now() - from);
  }
  return percentile(taken, 0.5);
}

const holding: Case = {
  title: 'half of them ended, half waiting for a person',
  target: 'as with 1,000 runs',
  metrics: [
    { key: 'opened', label: 'process opens the file and reads, ms', digits: 1 },
    { key: 'start', label: 'start a run, ms', digits: 2 },
    { key: 'resume', label: 'approve a waiting run, until it has ended, ms', digits: 2 },
    { key: 'list', label: 'newest 100 runs, ms', digits: 2 },
    { key: 'status', label: '100 that have ended, ms', digits: 2 },
    { key: 'tag', label: '100 with a tag, ms', digits: 2 },
    { key: 'later', label: '100 with a tag, from a cursor on, ms', digits: 2 },
    { key: 'bytes', label: 'bytes on disk a run', digits: 0 },
  ],
  contenders: [
    { name: '1,000,000 runs', open: afresh(runs(1_000_000)) },
    { name: '1,000 runs', open: afresh(runs(1_000)) },
  ],
  longRounds: 1,
};

/** The workload. */
export const million: Workload = { id: 'MILLION', title: 'a million runs in one file', cases: [holding] };
