/** Rows that projections write. */
import type { AnswerChange } from './answers.ts';
import type { ApprovalRow } from './approvals.ts';
import type { BudgetWaitRow } from './budgets.ts';
import type { GrowthListRow, GrowthRow } from './growth.ts';
import type { LedgerRow } from './ledger.ts';
import type { MaybePromise } from './maybe-promise.ts';
import type { EventTypeRow, KeptEventRow, WaitRow } from './outside-events.ts';
import type { RunKey } from './runs.ts';
import type { SharedRow, SharedWriteRow, WatchRow } from './shared-values.ts';
import type { TaskRow } from './tasks.ts';

/** Tables that projections write, and what a row of each looks like. The key of a row is its task's name, or what the row says. */
export interface ProjectedRows {
  task: TaskRow;
  approval: ApprovalRow;
  growth: GrowthRow;
  growthList: GrowthListRow;
  wait: WaitRow;
  keptEvent: KeptEventRow;
  eventType: EventTypeRow;
  shared: SharedRow;
  sharedWrite: SharedWriteRow;
  watch: WatchRow;
  budgetWait: BudgetWaitRow;
  ledger: LedgerRow;
  answer: AnswerChange;
}

export type ProjectedTable = keyof ProjectedRows;

/** One change of a projected row: the whole row, by key. */
export type RowChange = {
  [T in ProjectedTable]: { readonly table: T; readonly key: string; readonly row: ProjectedRows[T] };
}[ProjectedTable];

/** Rows that projections have written, one by one. */
export interface RowStore {
  row<T extends ProjectedTable>(key: RunKey, table: T, rowKey: string): MaybePromise<ProjectedRows[T] | undefined>;
}
