import type { MaybePromise } from './maybe-promise.ts';
import type { RunKey } from './runs.ts';

/** Status of a task, as the API shows it. */
export type TaskStatus =
  | 'pending'
  | 'awaitingApproval'
  | 'running'
  | 'retrying'
  | 'inDoubt'
  | 'completed'
  | 'failed'
  | 'timedOut'
  | 'skipped'
  | 'rejected'
  | 'cancelled';

/** A task of a run, as projections keep it. A task without a row is `pending` with all its dependencies open. */
export interface TaskRow {
  readonly name: string;
  /** Place in the document. */
  readonly position: number;
  readonly status: TaskStatus;
  /** Dependencies that are not settled. */
  readonly waiting: number;
  /** Wants a slot: fresh with all dependencies settled, or approved, or its back-off is over. */
  readonly ready: boolean;
  /** It has an actor that has not ended. */
  readonly live: boolean;
  readonly attempts: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** Journal number of the fact that carries its result. */
  readonly resultSeq: number | null;
  /** Error, usage, model, request id …: shown, never searched. */
  readonly detailJson: string | null;
}

/** A page of projected rows. */
export interface RowPage {
  readonly limit: number;
  /** Task position (or approval order) after which to go on. */
  readonly after?: number | undefined;
}

/** The tasks of runs. */
export interface TaskStore {
  /** Names of tasks that want a slot, in document order. */
  readyTasks(key: RunKey, limit: number): MaybePromise<readonly { readonly name: string; readonly position: number }[]>;
  /** Names of tasks whose actor has not ended. */
  liveTasks(key: RunKey): MaybePromise<readonly string[]>;
  /** Rows of these tasks, in any order: of those that have one. */
  tasksNamed(key: RunKey, names: readonly string[]): MaybePromise<readonly TaskRow[]>;
  tasks(key: RunKey, page: RowPage): Promise<readonly TaskRow[]>;
}
