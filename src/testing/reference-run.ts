/** What the reference model notes of a run and its tasks. */
import { FermataError } from '../errors.ts';
import type { SeenItem } from './choices.ts';
import type { SeenFact } from './observation.ts';
import type { Plan, PlannedTask } from './plan.ts';
import type { OutsideEventsModel } from './reference-events.ts';
import type { SharedModel } from './reference-shared.ts';
import type { SeenFork } from './reference-forks.ts';

type Ended = 'completed' | 'failed' | 'timedOut' | 'rejected' | 'cancelled' | 'skipped';
type Between = 'awaitingApproval' | 'refused' | 'running' | 'waiting' | 'inRun' | 'queued' | 'retrying' | 'inDoubt';
type TaskStatus = 'pending' | Between | Ended;

/** A task, as far as facts say how it stands. */
export interface Task {
  readonly plan: PlannedTask;
  status: TaskStatus;
  approved: boolean;
  attempt: number;
  /** Of the attempt, of the question. */
  since: number;
  /** Of the first attempt. */
  begun: number;
  /** The attempt at which it has come to what it gives, where it called nobody itself and its function is asked after that. */
  workedAt: number | undefined;
  /** Not before this does it go on after a failure. */
  due: number;
  /** It failed: what needs it cannot run. */
  bad: boolean;
  /** It was skipped, and what needs it is too. */
  cascades: boolean;
  result: unknown;
  /** Code of the error that it ended with. */
  code: string | undefined;
  /** Whose item it is, or who added it; null of a task of the document. */
  readonly from: { readonly task: string; readonly as: 'item' | 'waitedFor' | 'added' | 'part' } | null;
  /** What it reads of its map, where it is an item. */
  readonly item: SeenItem | undefined;
  /** In a fork: it did not run, since another run has found it or somebody has given it. */
  takenOver: 'reused' | 'edited' | undefined;
  /** Its items, where it is a map that has begun. */
  items: readonly Task[] | undefined;
  /** Number of the first of those that came last: those of a tree come level by level. */
  level: number;
  /** What it has added, where it works in rounds and has begun. */
  parts: readonly Task[] | undefined;
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
  fork: SeenFork | undefined;
  readonly events: OutsideEventsModel;
  readonly shared: SharedModel;
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
  task_started: ['pending', 'running', 'inRun', 'queued', 'retrying', 'inDoubt'],
  task_queued: ['pending', 'running', 'inRun', 'queued', 'retrying', 'inDoubt'],
  wait_ended: ['waiting'],
  approval_requested: ['pending'],
  approval_resolved: ['awaitingApproval'],
  task_retrying: ['running', 'inRun'],
  progress: ['running', 'inRun'],
  task_completed: ['running', 'waiting', 'inRun'],
  event_refused: ['running', 'waiting'],
  task_failed: ['pending', 'running', 'waiting', 'inRun', 'queued', 'retrying', 'inDoubt', 'refused'],
  task_skipped: ['pending'],
  task_cancelled: ['pending', 'awaitingApproval', 'running', 'waiting', 'inRun', 'queued', 'retrying', 'inDoubt'],
};
/** Somebody from outside, or time, has to do something. */
export const WAITS_FOR_SOMEBODY: ReadonlySet<string> = new Set(['awaitingApproval', 'inDoubt', 'waiting']);
export const RUN_ENDS: ReadonlySet<string> = new Set(['run_completed', 'run_failed', 'run_cancelled']);
/** Rounding of seconds that were written as fractions. */
export const ROUNDING_MS = 1;

/** A task of which nothing was said yet. */
export function fresh(plan: PlannedTask, from: Task['from'] = null, item?: SeenItem): Task {
  const state = { approved: false, attempt: 0, since: 0, begun: 0, due: 0, bad: false, cascades: false, level: 0 };
  const none = { result: undefined, code: undefined, items: undefined, parts: undefined, takenOver: undefined };
  const work = { workedAt: undefined };
  return { ...state, ...none, ...work, plan, from, item, status: 'pending' };
}

/** Something was said of it, and not that it has ended. */
export function isAlive({ status, approved }: Task): boolean {
  return !ENDED.has(status) && (status !== 'pending' || approved);
}

/**
 * Tasks that hold a slot: a map does until it has its items, work in rounds until it has its first plan, and both again
 * while their function is called.
 */
export function holders(run: Run): readonly Task[] {
  return [...run.tasks.values()].filter(
    ({ status, items, parts, workedAt }) =>
      status === 'running' && (workedAt !== undefined || (items === undefined && parts === undefined)),
  );
}

/** The function that says which tasks one adds; undefined where none does. */
export function functionOf({ onComplete }: PlannedTask): string | undefined {
  return onComplete?.addTasks === 'fromOutput' ? undefined : onComplete?.addTasks;
}

/** Code of the error that a fact carries; an empty text where it carries none. */
export function codeOf(data: SeenFact['data']): string {
  return ((data['error'] ?? {}) as { readonly code?: string }).code ?? '';
}

/** @param broken the promise, and what broke it */
export function check(holds: boolean, broken: string): asserts holds {
  if (holds) return;
  const [promise = ''] = broken.split(' ', 1);
  const what = broken.slice(promise.length + 1);
  throw new FermataError('simulationFailed', `${promise} was broken: ${what}.`, { data: { promise } });
}

/** Whether a run keeps a budget of several others: no run of a user's. */
export function keepsBudget(run: string): boolean {
  return run.startsWith('budget:');
}
