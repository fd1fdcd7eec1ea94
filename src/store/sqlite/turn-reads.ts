/** What a turn may ask: answered at once, from statements prepared once. */
import { and, asc, eq, getTableColumns, gt, isNull, sql } from 'drizzle-orm';
import type { EffectRow } from '../effects.ts';
import type { WaitPlace } from '../outside-events.ts';
import type { RunKey } from '../runs.ts';
import type { Store } from '../store.ts';
import type { JournalReads } from './journal.ts';
import type { Connection } from './connection.ts';
import { builder } from './prepared.ts';
import { readStatements } from './prepared-reads.ts';
import { columnsOf, prepareRowReads } from './row-reads.ts';
import type { RunKeys } from './run-keys.ts';
import { parentOf, runColumns, toRunRow } from './run-row.ts';
import {
  actor,
  blob,
  budgetWait,
  effect,
  eventType,
  keptEvent,
  message,
  run,
  runState,
  taken,
  task,
  wait,
  watch,
} from './schema.ts';

type TurnReads = Pick<
  Store,
  | 'run'
  | 'actor'
  | 'row'
  | 'readyTasks'
  | 'liveTasks'
  | 'tasksNamed'
  | 'eventTypes'
  | 'openWaits'
  | 'keptEvents'
  | 'openWatches'
  | 'openBudgetWaits'
  | 'budgetHolders'
  | 'budgetsAskedBy'
  | 'entry'
  | 'entryOfFact'
  | 'blob'
  | 'awaitedRuns'
  | 'messageTaken'
  | 'startedUnder'
  | 'effectsOf'
>;

const runIs = sql.placeholder('run');
const { key: _key, run: _actorRun, ...actorColumns } = getTableColumns(actor);
const { run: _effectRun, ...effectColumns } = getTableColumns(effect);
const keyIs = sql.placeholder('key');
const typeIs = sql.placeholder('type');

/** Where a task waits for something from outside, and where it watches a shared value. */
type Waiting = typeof wait | typeof watch;
const inDocumentOrder = ({ position, task }: Waiting) => [asc(position), asc(task)];
// Here and below, `= 1` as text and not as a parameter: SQLite uses a partial index only where it can see its condition.
const isOpenAfter = ({ open, position, task }: Waiting) =>
  sql`${open} = 1 and (${position}, ${task}) > (${sql.placeholder('position')}, ${sql.placeholder('task')})`;
/** Before the first place where there is none. */
const placeOf = ({ position, task }: WaitPlace = { position: -1, task: '' }) => ({ position, task });

const prepareReads = readStatements({
  run: () =>
    builder.select(runColumns).from(run).innerJoin(runState, eq(runState.run, run.key)).where(eq(run.key, runIs)),
  actor: () =>
    builder
      .select(actorColumns)
      .from(actor)
      .where(and(eq(actor.run, runIs), eq(actor.address, sql.placeholder('address')))),
  ready: () =>
    builder
      .select({ name: task.name, position: task.position })
      .from(task)
      .where(and(eq(task.run, runIs), sql`${task.ready} = 1`))
      .orderBy(asc(task.position), asc(task.name))
      .limit(sql.placeholder('limit')),
  live: () =>
    builder
      .select({ name: task.name })
      .from(task)
      .where(and(eq(task.run, runIs), eq(task.live, true)))
      .orderBy(asc(task.name)),
  named: () =>
    builder
      .select(columnsOf.task)
      .from(task)
      .where(and(eq(task.run, runIs), sql`${task.name} in (select value from json_each(${sql.placeholder('names')}))`)),
  eventTypes: () =>
    builder
      .select({ type: eventType.type })
      .from(eventType)
      .where(eq(eventType.run, runIs))
      .orderBy(asc(eventType.type))
      .limit(sql.placeholder('limit')),
  openWaits: () =>
    builder
      .select(columnsOf.wait)
      .from(wait)
      .where(and(eq(wait.run, runIs), eq(wait.type, typeIs), isOpenAfter(wait)))
      .orderBy(...inDocumentOrder(wait))
      .limit(sql.placeholder('limit')),
  keptEvents: () =>
    builder
      .select(columnsOf.keptEvent)
      .from(keptEvent)
      .where(
        and(
          eq(keptEvent.run, runIs),
          eq(keptEvent.type, typeIs),
          sql`${keptEvent.takenBy} is null`,
          gt(keptEvent.seq, sql.placeholder('after')),
        ),
      )
      .orderBy(asc(keptEvent.seq))
      .limit(sql.placeholder('limit')),
  openWatches: () =>
    builder
      .select(columnsOf.watch)
      .from(watch)
      .where(and(eq(watch.run, runIs), eq(watch.key, keyIs), isOpenAfter(watch)))
      .orderBy(...inDocumentOrder(watch))
      .limit(sql.placeholder('limit')),
  openBudgetWaits: () =>
    builder
      .select(columnsOf.budgetWait)
      .from(budgetWait)
      .where(
        and(
          eq(budgetWait.run, runIs),
          sql`${budgetWait.open} = 1`,
          sql`(${budgetWait.least}, ${budgetWait.task}, ${budgetWait.call}) > (${sql.placeholder('least')}, ${sql.placeholder('task')}, ${sql.placeholder('call')})`,
        ),
      )
      .orderBy(asc(budgetWait.least), asc(budgetWait.task), asc(budgetWait.call))
      .limit(sql.placeholder('limit')),
  budgetHolders: () =>
    builder
      .select(columnsOf.budgetWait)
      .from(budgetWait)
      .where(
        and(
          eq(budgetWait.run, runIs),
          sql`${budgetWait.held} > 0`,
          sql`${budgetWait.task} > ${sql.placeholder('after')}`,
        ),
      )
      .orderBy(asc(budgetWait.task))
      .limit(sql.placeholder('limit')),
  budgetsAskedBy: () =>
    builder
      .select({ id: run.run })
      .from(budgetWait)
      .innerJoin(run, eq(run.key, budgetWait.run))
      .where(
        and(
          eq(budgetWait.task, sql.placeholder('holder')),
          sql`(${budgetWait.held} > 0 or (${budgetWait.open} = 1 and ${budgetWait.call} = ''))`,
          eq(run.tenant, sql.placeholder('tenant')),
        ),
      )
      .orderBy(asc(budgetWait.run)),
  askedNow: () =>
    builder
      .select({ id: message.toRun })
      .from(message)
      .where(
        and(
          eq(message.tenant, sql.placeholder('tenant')),
          eq(message.fromRun, runIs),
          sql`${message.eventJson} ->> '$.type' = 'fermata.budget.ask'`,
        ),
      )
      .orderBy(asc(message.id)),
  effects: () => builder.select(effectColumns).from(effect).where(eq(effect.run, runIs)).orderBy(asc(effect.token)),
  children: () =>
    builder
      .select({ id: run.run, parentJson: run.parentJson })
      .from(run)
      .innerJoin(runState, eq(runState.run, run.key))
      .where(
        and(
          eq(run.parentRun, sql.placeholder('parent')),
          eq(run.tenant, sql.placeholder('tenant')),
          isNull(runState.endedAt),
        ),
      )
      .orderBy(asc(run.key)),
  taken: () =>
    builder
      .select({ seq: taken.seq })
      .from(taken)
      .where(and(eq(taken.run, runIs), eq(taken.id, sql.placeholder('id')))),
  blob: () =>
    builder
      .select({ text: blob.text })
      .from(blob)
      .where(eq(blob.hash, sql.placeholder('hash'))),
  started: () =>
    builder
      .select({ run: run.run, bodyHash: run.bodyHash })
      .from(run)
      .where(and(eq(run.tenant, sql.placeholder('tenant')), eq(run.idempotencyKey, sql.placeholder('key')))),
});

/** Prepares the reads of a turn. */
export function prepareTurnReads(connection: Connection, keys: RunKeys, journal: JournalReads): TurnReads {
  const read = prepareReads(connection);
  const row = prepareRowReads(connection);

  /** What a run owns: `none` where the tenant has no such run. */
  function owned<T>(owner: RunKey, none: T, answer: (run: number) => T): T {
    const key = keys.of(owner);
    return key === undefined ? none : answer(key);
  }

  return {
    run: (owner) =>
      owned(owner, undefined, (key) => {
        const row = read.run.get({ run: key });
        return row === undefined ? undefined : toRunRow(row);
      }),
    actor: (owner, address) => owned(owner, undefined, (run) => read.actor.get({ run, address })),
    row: (owner, table, key) => owned(owner, undefined, (run) => row(table, run, key)),
    readyTasks: (owner, limit) => owned(owner, [], (run) => read.ready.all({ run, limit })),
    tasksNamed: (owner, names) => owned(owner, [], (run) => read.named.all({ run, names: JSON.stringify(names) })),
    liveTasks: (owner) => owned(owner, [], (run) => read.live.all({ run }).map(({ name }) => name)),
    eventTypes: (owner, limit) =>
      owned(owner, [], (run) => read.eventTypes.all({ run, limit }).map(({ type }) => type)),
    openWaits: (owner, type, { limit, after }) =>
      owned(owner, [], (run) => read.openWaits.all({ run, type, limit, ...placeOf(after) })),
    keptEvents: (owner, type, { limit, after = -1 }) =>
      owned(owner, [], (run) => read.keptEvents.all({ run, type, limit, after })),
    openWatches: (owner, key, { limit, after }) =>
      owned(owner, [], (run) => read.openWatches.all({ run, key, limit, ...placeOf(after) })),
    openBudgetWaits: (owner, { limit, after }) =>
      owned(owner, [], (run) =>
        read.openBudgetWaits.all({
          run,
          limit,
          least: after?.least ?? -1,
          task: after?.task ?? '',
          call: after?.call ?? '',
        }),
      ),
    budgetHolders: (owner, { limit, after = '' }) =>
      owned(owner, [], (run) => read.budgetHolders.all({ run, limit, after })),
    budgetsAskedBy: ({ tenant, run }) => {
      const known = [...read.budgetsAskedBy.all({ tenant, holder: run }), ...read.askedNow.all({ tenant, run })];
      return [...new Set(known.map(({ id }) => id))];
    },
    entryOfFact: (owner, factSeq) => owned(owner, undefined, (run) => journal.entryOfFact(run, factSeq)),
    entry: (owner, seq) => owned(owner, undefined, (run) => journal.entry(run, seq)),
    effectsOf: (owner) =>
      owned<readonly EffectRow[]>(owner, [], (key) =>
        read.effects.all({ run: key }).map((row) => ({ ...row, ...named(owner) })),
      ),
    awaitedRuns: ({ tenant, run: parent }) =>
      read.children
        .all({ tenant, parent })
        .flatMap(({ id, parentJson }) => (parentOf(parent, parentJson, id).awaited ? [id] : [])),
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
