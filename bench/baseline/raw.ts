/**
 * The same commits without us: better-sqlite3 by hand, a commit a step, on a table of runs and a table of results.
 * The least that a program must write that wants to know after a crash which steps are done.
 */
import BetterSqlite3 from 'better-sqlite3';
import { inDatabaseFile } from '../database-file.ts';
import type { Contender, Sample } from '../workload.ts';

const TABLES = `
  create table if not exists run (id integer primary key, status text not null, done integer not null);
  create table if not exists step (run integer not null, name text not null, output text not null, ended_at integer not null, primary key (run, name)) without rowid;
  create table if not exists approval (run integer primary key, prompt text not null, decision text)`;

/** A database with runs of steps. Each method is one durable commit. */
export class RawDatabase {
  readonly #db: BetterSqlite3.Database;
  readonly begin: (run: number) => void;
  /** A step has ended: its result, and how far the run is. */
  readonly step: (run: number, name: string) => void;
  readonly end: (run: number) => void;
  /** A run begins with a question. */
  readonly park: (run: number) => void;
  readonly approve: (run: number) => void;
  /** The last step of a run and the run's end at once. */
  readonly stepAndEnd: (run: number, name: string) => void;
  /** How many steps of a run are done. */
  readonly done: (run: number) => number;

  constructor(file: string) {
    const db = (this.#db = new BetterSqlite3(file));
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.exec(TABLES);
    const run = db.prepare<[number, string]>('insert into run values (?, ?, 0)');
    const step = db.prepare<[number, string, string, number]>('insert into step values (?, ?, ?, ?)');
    const progress = db.prepare<[string, number]>('update run set done = done + 1, status = ? where id = ?');
    const end = db.prepare<[number]>("update run set status = 'completed' where id = ?");
    const ask = db.prepare<[number, string]>('insert into approval values (?, ?, null)');
    const decide = db.prepare<[string, number]>('update approval set decision = ? where run = ? and decision is null');
    const record = (id: number, name: string, status: string): void => {
      step.run(id, name, '"done"', Date.now());
      progress.run(status, id);
    };
    const done = db.prepare<[number], number>('select done from run where id = ?').pluck();
    this.done = (id) => done.get(id) ?? 0;
    this.begin = (id) => void run.run(id, 'running');
    this.end = (id) => void end.run(id);
    this.step = db.transaction((id: number, name: string) => record(id, name, 'running'));
    this.stepAndEnd = db.transaction((id: number, name: string) => record(id, name, 'completed'));
    this.park = db.transaction((id: number) => {
      run.run(id, 'waiting');
      ask.run(id, 'Book it?');
    });
    this.approve = (id) => void decide.run('{"approved":true}', id);
  }

  close(): void {
    this.#db.close();
  }
}

/** Does `work` in each round, on one file that stays open; `id` makes the key of a new run. */
export function storing(work: (database: RawDatabase, id: () => number) => Sample): Contender['open'] {
  return inDatabaseFile((file) => {
    const database = new RawDatabase(file);
    let runs = 0;
    return { round: async () => work(database, () => ++runs), close: async () => database.close() };
  });
}
