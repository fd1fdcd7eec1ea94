/** One projected row of a run, by its key: what most turns ask for. */
import { and, eq, getTableColumns, sql } from 'drizzle-orm';
import type { ProjectedRows, ProjectedTable } from '../rows.ts';
import type { Connection } from './connection.ts';
import { prepareLedgerRead } from './ledger.ts';
import { builder } from './prepared.ts';
import { readStatements } from './prepared-reads.ts';
import {
  approval,
  budgetWait,
  eventType,
  growth,
  growthList,
  keptEvent,
  shared,
  sharedWrite,
  task,
  wait,
  watch,
} from './schema.ts';

const { run: _approvalRun, order: _order, ...approvalColumns } = getTableColumns(approval);
const { run: _growthRun, ...growthColumns } = getTableColumns(growth);
const { run: _listRun, ...listColumns } = getTableColumns(growthList);
const { run: _typeRun, ...typeColumns } = getTableColumns(eventType);
const { run: _sharedRun, ...sharedColumns } = getTableColumns(shared);
const { run: _writeRun, ...writeColumns } = getTableColumns(sharedWrite);
const { run: _taskRun, ...ofTask } = getTableColumns(task);
const { run: _waitRun, ...ofWait } = getTableColumns(wait);
const { run: _watchRun, ...ofWatch } = getTableColumns(watch);
const { run: _keptRun, ...ofKeptEvent } = getTableColumns(keptEvent);
const { run: _budgetRun, ...ofBudgetWait } = getTableColumns(budgetWait);

/** Columns of the rows that are read in lists as well. */
export const columnsOf = {
  task: ofTask,
  wait: ofWait,
  watch: ofWatch,
  keptEvent: ofKeptEvent,
  budgetWait: ofBudgetWait,
};

const runIs = sql.placeholder('run');
const nameIs = sql.placeholder('name');
const keyIs = sql.placeholder('key');

const prepareReads = readStatements({
  task: () =>
    builder
      .select(columnsOf.task)
      .from(task)
      .where(and(eq(task.run, runIs), eq(task.name, nameIs))),
  approval: () =>
    builder
      .select(approvalColumns)
      .from(approval)
      .where(and(eq(approval.run, runIs), eq(approval.task, nameIs))),
  growth: () =>
    builder
      .select(growthColumns)
      .from(growth)
      .where(and(eq(growth.run, runIs), eq(growth.task, nameIs))),
  growthList: () =>
    builder
      .select(listColumns)
      .from(growthList)
      .where(
        and(
          eq(growthList.run, runIs),
          eq(growthList.task, nameIs),
          eq(growthList.list, sql.placeholder('list')),
          eq(growthList.at, sql.placeholder('at')),
        ),
      ),
  wait: () =>
    builder
      .select(columnsOf.wait)
      .from(wait)
      .where(and(eq(wait.run, runIs), eq(wait.task, nameIs))),
  keptEvent: () =>
    builder
      .select(columnsOf.keptEvent)
      .from(keptEvent)
      .where(and(eq(keptEvent.run, runIs), eq(keptEvent.seq, sql.placeholder('seq')))),
  eventType: () =>
    builder
      .select(typeColumns)
      .from(eventType)
      .where(and(eq(eventType.run, runIs), eq(eventType.type, sql.placeholder('type')))),
  shared: () =>
    builder
      .select(sharedColumns)
      .from(shared)
      .where(and(eq(shared.run, runIs), eq(shared.key, keyIs))),
  sharedWrite: () =>
    builder
      .select(writeColumns)
      .from(sharedWrite)
      .where(and(eq(sharedWrite.run, runIs), eq(sharedWrite.write, sql.placeholder('write')))),
  watch: () =>
    builder
      .select(columnsOf.watch)
      .from(watch)
      .where(and(eq(watch.run, runIs), eq(watch.task, nameIs), eq(watch.key, keyIs))),
  budgetWait: () =>
    builder
      .select(columnsOf.budgetWait)
      .from(budgetWait)
      .where(and(eq(budgetWait.run, runIs), eq(budgetWait.task, nameIs), eq(budgetWait.call, sql.placeholder('call')))),
});

/** A row of a table by the run's integer key and its own key; undefined where there is none. */
export type RowReads = <T extends ProjectedTable>(table: T, run: number, key: string) => ProjectedRows[T] | undefined;

/** Prepares the reads of single rows. */
export function prepareRowReads(connection: Connection): RowReads {
  const read = prepareReads(connection);
  const ledgerRow = prepareLedgerRead(connection.db);
  const readers: { [T in ProjectedTable]: (run: number, key: string) => ProjectedRows[T] | undefined } = {
    task: (run, name) => read.task.get({ run, name }),
    approval: (run, name) => read.approval.get({ run, name }),
    growth: (run, name) => read.growth.get({ run, name }),
    growthList: (run, key) => {
      const [name = '', list = '', at = ''] = key.split('/');
      return read.growthList.get({ run, name, list, at: Number(at) });
    },
    wait: (run, name) => read.wait.get({ run, name }),
    keptEvent: (run, seq) => read.keptEvent.get({ run, seq: Number(seq) }),
    eventType: (run, type) => read.eventType.get({ run, type }),
    shared: (run, key) => read.shared.get({ run, key }),
    sharedWrite: (run, write) => read.sharedWrite.get({ run, write }),
    ledger: (run, key) => {
      const [seq, index] = key.split('/').map(Number);
      return ledgerRow(run, seq ?? 0, index ?? 0);
    },
    // Of no run: it is written and never read by one.
    answer: () => undefined,
    watch: (run, taskAndKey) => {
      const end = taskAndKey.indexOf('/');
      return read.watch.get({ run, name: taskAndKey.slice(0, end), key: taskAndKey.slice(end + 1) });
    },
    budgetWait: (run, taskAndCall) => {
      const [name = '', call = ''] = taskAndCall.split('/');
      return read.budgetWait.get({ run, name, call });
    },
  };
  return (table, run, key) => readers[table](run, key);
}
