/** What a turn may ask: answered at once, from statements prepared once. */
import { and, asc, desc, eq, getTableColumns, gte, isNotNull, sql } from 'drizzle-orm';
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3';
import type { EffectRow, ProjectedRows, ProjectedTable, RunKey, Store } from '../store.ts';
import type { RunKeys } from './run-keys.ts';
import { runColumns, toRunRow } from './run-row.ts';
import { actor, approval, blob, effect, journal, run, runState, taken, task } from './schema.ts';

type TurnReads = Pick<
  Store,
  | 'run'
  | 'actor'
  | 'row'
  | 'readyTasks'
  | 'liveTasks'
  | 'entry'
  | 'entryOfFact'
  | 'blob'
  | 'messageTaken'
  | 'startedUnder'
  | 'effectsOf'
>;

/** Prepares the reads of a turn. */
export function prepareTurnReads(db: BetterSQLite3Database, keys: RunKeys): TurnReads {
  const read = prepareReads(db);
  const readers: { [T in ProjectedTable]: (run: number, key: string) => ProjectedRows[T] | undefined } = {
    task: (run, name) => read.task.get({ run, name }),
    approval: (run, name) => read.approval.get({ run, name }),
  };

  /** What a run owns: `none` where the tenant has no such run. */
  function owned<T>(owner: RunKey, none: T, answer: (run: number) => T): T {
    const key = keys.of(owner);
    return key === undefined ? none : answer(key);
  }

  /**
   * Both numbers rise together, and a fact's is never above its entry's: between there and the end, halving finds it. An
   * index would find it faster, for a price that every fact of every run pays.
   */
  function find(run: number, factSeq: number): number | undefined {
    let [low, high] = [factSeq, read.lastFact.get({ run })?.seq ?? 0];
    while (low <= high) {
      const fact = read.factFrom.get({ run, seq: Math.trunc((low + high) / 2) });
      if (fact?.factSeq === factSeq) return fact.seq;
      if (fact === undefined || (fact.factSeq ?? 0) > factSeq) high = Math.trunc((low + high) / 2) - 1;
      else low = fact.seq + 1;
    }
    return undefined;
  }

  return {
    run: (owner) =>
      owned(owner, undefined, (key) => {
        const row = read.run.get({ run: key });
        return row === undefined ? undefined : toRunRow(row);
      }),
    actor: (owner, address) => owned(owner, undefined, (run) => read.actor.get({ run, address })),
    row: (owner, table, key) => owned(owner, undefined, (run) => readers[table](run, key)),
    readyTasks: (owner, limit) => owned(owner, [], (run) => read.ready.all({ run, limit })),
    liveTasks: (owner) => owned(owner, [], (run) => read.live.all({ run }).map(({ name }) => name)),
    entryOfFact: (owner, factSeq) => owned(owner, undefined, (run) => find(run, factSeq)),
    entry: (owner, seq) => owned(owner, undefined, (run) => read.entry.get({ run, seq })),
    effectsOf: (owner) =>
      owned<readonly EffectRow[]>(owner, [], (key) =>
        read.effects.all({ run: key }).map((row) => ({ ...row, ...named(owner) })),
      ),
    messageTaken: (owner, id) => owned(owner, undefined, (run) => read.taken.get({ run, id })?.seq),
    blob: (hash) => read.blob.get({ hash })?.text,
    startedUnder: (tenant, key) => {
      const row = read.started.get({ tenant, key });
      return row === undefined || row.bodyHash === null ? undefined : { run: row.run, bodyHash: row.bodyHash };
    },
  };
}

function named({ tenant, run }: RunKey): RunKey {
  return { tenant, run };
}

function prepareReads(db: BetterSQLite3Database) {
  const runIs = sql.placeholder('run');
  const { key: _key, run: _actorRun, ...actorColumns } = getTableColumns(actor);
  const { run: _effectRun, ...effectColumns } = getTableColumns(effect);
  const { run: _taskRun, ...taskColumns } = getTableColumns(task);
  const { run: _approvalRun, order: _order, ...approvalColumns } = getTableColumns(approval);
  const { run: _journalRun, ...journalColumns } = getTableColumns(journal);
  const nameIs = sql.placeholder('name');
  return {
    run: db
      .select(runColumns)
      .from(run)
      .innerJoin(runState, eq(runState.run, run.key))
      .where(eq(run.key, runIs))
      .prepare(),
    actor: db
      .select(actorColumns)
      .from(actor)
      .where(and(eq(actor.run, runIs), eq(actor.address, sql.placeholder('address'))))
      .prepare(),
    task: db
      .select(taskColumns)
      .from(task)
      .where(and(eq(task.run, runIs), eq(task.name, nameIs)))
      .prepare(),
    approval: db
      .select(approvalColumns)
      .from(approval)
      .where(and(eq(approval.run, runIs), eq(approval.task, nameIs)))
      .prepare(),
    // `= 1` as text and not as a parameter: SQLite uses a partial index only where it can see its condition.
    ready: db
      .select({ name: task.name, position: task.position })
      .from(task)
      .where(and(eq(task.run, runIs), sql`${task.ready} = 1`))
      .orderBy(asc(task.position), asc(task.name))
      .limit(sql.placeholder('limit'))
      .prepare(),
    live: db
      .select({ name: task.name })
      .from(task)
      .where(and(eq(task.run, runIs), eq(task.live, true)))
      .orderBy(asc(task.name))
      .prepare(),
    entry: db
      .select(journalColumns)
      .from(journal)
      .where(and(eq(journal.run, runIs), eq(journal.seq, sql.placeholder('seq'))))
      .prepare(),
    lastFact: db
      .select({ seq: journal.seq })
      .from(journal)
      .where(and(eq(journal.run, runIs), isNotNull(journal.factSeq)))
      .orderBy(desc(journal.seq))
      .limit(1)
      .prepare(),
    factFrom: db
      .select({ seq: journal.seq, factSeq: journal.factSeq })
      .from(journal)
      .where(and(eq(journal.run, runIs), gte(journal.seq, sql.placeholder('seq')), isNotNull(journal.factSeq)))
      .orderBy(asc(journal.seq))
      .limit(1)
      .prepare(),
    effects: db.select(effectColumns).from(effect).where(eq(effect.run, runIs)).orderBy(asc(effect.token)).prepare(),
    taken: db
      .select({ seq: taken.seq })
      .from(taken)
      .where(and(eq(taken.run, runIs), eq(taken.id, sql.placeholder('id'))))
      .prepare(),
    blob: db
      .select({ text: blob.text })
      .from(blob)
      .where(eq(blob.hash, sql.placeholder('hash')))
      .prepare(),
    started: db
      .select({ run: run.run, bodyHash: run.bodyHash })
      .from(run)
      .where(and(eq(run.tenant, sql.placeholder('tenant')), eq(run.idempotencyKey, sql.placeholder('key'))))
      .prepare(),
  };
}
