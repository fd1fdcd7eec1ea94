import type { MaybePromise } from './maybe-promise.ts';
import type { RunKey } from './runs.ts';

/**
 * Who waits, or has waited, for money of a budget. Its key is `TASK/CALL`: names of tasks have no slash. Of a shared
 * budget these are runs: `task` is the run's id, and `call` is empty.
 */
export interface BudgetWaitRow {
  readonly task: string;
  /** Which of the task's calls it is. */
  readonly call: string;
  /** The most that it can cost, in nano-dollars. */
  readonly need: number;
  /** The most that it can cost at its shortest. */
  readonly least: number;
  /** What it can cost with other models, where it may choose among several; null: it may not. */
  readonly lesserJson: string | null;
  /** It still waits. */
  readonly open: boolean;
  /** What a run holds of a shared budget, in nano-dollars; 0 of a call, whose budget holds sums only. */
  readonly held: number;
}

/** A place among the calls that wait for money: those that need the least come first. */
export type BudgetPlace = Pick<BudgetWaitRow, 'least' | 'task' | 'call'>;

/** Who waits for money, and who holds some. */
export interface BudgetStore {
  /** Calls that wait for money, those first that need the least; go on after the last one of the page before. */
  openBudgetWaits(
    key: RunKey,
    page: { readonly limit: number; readonly after?: BudgetPlace },
  ): MaybePromise<readonly BudgetWaitRow[]>;
  /** Runs that hold something of a shared budget, in the order of their ids; go on after the last one of the page before. */
  budgetHolders(
    key: RunKey,
    page: { readonly limit: number; readonly after?: string | undefined },
  ): MaybePromise<readonly BudgetWaitRow[]>;
  /** Ids of the shared budgets (they are runs) of which a run holds something, or which it has asked. */
  budgetsAskedBy(key: RunKey): MaybePromise<readonly string[]>;
}
