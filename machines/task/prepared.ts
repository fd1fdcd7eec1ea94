/** What rows and documents say to a task (prepared data, R2): what it is made ready with, and what its items gave. */
import type { ErrorData } from '../../src/errors.ts';
import type { ApprovalSpec, RetryPolicy } from '../../src/document/definition.ts';
import type { PreparedCodeCall } from '../../src/document/kinds/code.ts';
import type { PreparedCondition } from '../../src/document/kinds/condition.ts';
import type { PreparedMap } from '../../src/document/kinds/map.ts';
import type { PreparedModelCall } from '../../src/document/kinds/model.ts';
import type { PreparedPlanExecuteReflect } from '../../src/document/kinds/plan-execute-reflect.ts';
import type { PreparedReduce } from '../../src/document/kinds/reduce.ts';
import type { PreparedSubworkflow } from '../../src/document/kinds/subworkflow.ts';
import type { PreparedWait } from '../../src/document/kinds/wait.ts';
import type { Skip } from '../../src/document/when.ts';
import type { InDoubtPolicy } from '../../src/runtime/effect.ts';

/** The approval gate of a task, but for its prompt. */
export interface PreparedApproval extends Pick<ApprovalSpec, 'onReject'> {
  readonly timeoutSeconds?: number;
}

/**
 * What a task is made ready with (prepared data, R2): rendered, with every default in place. Like a task's context it is
 * in every snapshot, so what is not set is absent or null: `undefined` has no short form in JSON.
 */
export interface PreparedTask {
  readonly description?: string;
  readonly call:
    | PreparedModelCall
    | PreparedCodeCall
    | PreparedCondition
    | PreparedMap
    | PreparedReduce
    | PreparedWait
    | PreparedPlanExecuteReflect
    | PreparedSubworkflow;
  readonly approval?: PreparedApproval;
  readonly approvalPrompt?: string;
  /** Absent: as documents have it that do not say. */
  readonly retry?: RetryPolicy;
  /** Of each attempt of a call, of any other kind from start to end; absent: none. */
  readonly timeoutMs?: number;
  /** Absent: `retry`. */
  readonly onInDoubt?: InDoubtPolicy;
  /** True where what depends on it is skipped with it (`skipPolicy`), and it can be stopped by its `cancelWhen`. */
  readonly cascades?: true;
  /** What it adds to the run when it completes: `fromOutput`, or a function's name. */
  readonly addTasks?: string;
  /** True where it has `outputs`: its result is published before it completes. */
  readonly publishes?: true;
  /** What the clock says, in milliseconds since 1970: given to a task that waits. */
  readonly now?: number;
  /** Seed of everything random in the task. Absent: it comes with the failure of an attempt (`FailedAttempt`). */
  readonly seed?: string;
}

/** What the failure of an attempt is prepared with: most tasks never need it, and would carry it in every snapshot. */
export interface FailedAttempt {
  readonly seed: string;
}

/** What a task is made ready with that does not run. */
export interface PreparedSkip {
  readonly description?: string;
  readonly skip: Skip;
}

/** What a task is made ready with whose outcome is known: of a run from which this one was forked, or given by hand. */
export interface PreparedOutcome extends Pick<
  PreparedTask,
  'description' | 'retry' | 'timeoutMs' | 'onInDoubt' | 'addTasks' | 'publishes'
> {
  readonly known: {
    readonly result: unknown;
    /** What its fact says beside that. With `reused` it is another run's, else somebody gave it. */
    readonly facts: Readonly<Record<string, unknown>>;
  };
}

/** What the items of a map gave (prepared data, R2). */
export interface JoinedItems {
  /** In their order; null for one that gave nothing. */
  readonly outputs: readonly unknown[];
  /** The error of each item that failed, null for the others; absent where none failed. */
  readonly errors?: readonly (ErrorData | null)[];
  readonly first?: { readonly task: string; readonly error: ErrorData };
  /** Items that gave nothing because they failed, or were cancelled. */
  readonly failed?: number;
  /** How many of them were cancelled. */
  readonly cancelled?: number;
  /** The next level of a tree: these were not the last ones. */
  readonly next?: readonly (readonly unknown[])[];
}
