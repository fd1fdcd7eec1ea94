/** What the reference model notes of a run and its tasks. */
import { FermataError } from '../errors.ts';
import type { SeenFact } from './observation.ts';
import type { Plan, PlannedTask } from './plan.ts';

type Ended = 'completed' | 'failed' | 'timedOut' | 'rejected' | 'cancelled' | 'skipped';
type TaskStatus = 'pending' | 'awaitingApproval' | 'refused' | 'running' | 'retrying' | 'inDoubt' | Ended;

/** A task, as far as facts say how it stands. */
export interface Task {
  readonly plan: PlannedTask;
  status: TaskStatus;
  approved: boolean;
  attempt: number;
  /** Of the attempt, of the question. */
  since: number;
  /** Not before this does it go on after a failure. */
  due: number;
  /** What needs it cannot run. */
  bad: boolean;
  result: unknown;
  /** Code of the error that it ended with. */
  code: string | undefined;
  /** Whose item it is, or who added it; null of a task of the document. */
  readonly from: { readonly task: string; readonly as: 'item' | 'waitedFor' | 'added' } | null;
  /** Its items, where it is a map that has begun. */
  items: readonly Task[] | undefined;
}

/** A run, as far as it was seen. */
export interface Run {
  readonly name: string;
  readonly facts: SeenFact[];
  readonly tasks: Map<string, Task>;
  plan: Plan | undefined;
  status: string;
  progress: number;
  paused: boolean;
  cancelTaken: boolean;
  stuck: boolean;
  published: number;
  /** Decisions that somebody was told to have made. */
  readonly told: { readonly request: string; readonly by: unknown }[];
  /** Since when it is in the middle of a turn: what that turn dates may be as old. */
  cutSince: number;
}

export const ENDED: ReadonlySet<string> = new Set([
  'completed',
  'failed',
  'timedOut',
  'rejected',
  'cancelled',
  'skipped',
]);
/** The statuses in which a fact may be stated of a task; whatever is not here, while it runs. */
export const LEGAL: Readonly<Record<string, readonly TaskStatus[]>> = {
  task_added: ['pending', 'running'],
  task_started: ['pending', 'retrying', 'inDoubt'],
  task_queued: ['pending', 'retrying', 'inDoubt'],
  approval_requested: ['pending'],
  approval_resolved: ['awaitingApproval'],
  task_failed: ['pending', 'running', 'refused'],
  task_skipped: ['pending'],
  task_cancelled: ['pending', 'awaitingApproval', 'running', 'retrying', 'inDoubt'],
};
export const RUN_ENDS: ReadonlySet<string> = new Set(['run_completed', 'run_failed', 'run_cancelled']);
/** Rounding of seconds that were written as fractions. */
export const ROUNDING_MS = 1;

/** A task of which nothing was said yet. */
export function fresh(plan: PlannedTask, from: Task['from'] = null): Task {
  const state = { approved: false, attempt: 0, since: 0, due: 0, bad: false, result: undefined, code: undefined };
  return { ...state, plan, from, status: 'pending', items: undefined };
}

/** Something was said of it, and not that it has ended. */
export function isAlive({ status, approved }: Task): boolean {
  return !ENDED.has(status) && (status !== 'pending' || approved);
}

/** @param broken the promise, and what broke it */
export function check(holds: boolean, broken: string): asserts holds {
  if (holds) return;
  const promise = broken.slice(0, 2);
  throw new FermataError('simulationFailed', `${promise} was broken: ${broken.slice(3)}.`, { data: { promise } });
}
