/**
 * A task that runs another workflow: it begins a run, parks, and hears once how that ended.
 *
 * C1. A run that was begun is known to its task, or will be: a task that is cancelled while the call that begins the run
 *     is under way waits for its outcome, so that no run goes on for nobody.
 * C2. What comes from the run of another attempt is none of this one's business.
 */
import type { ChildEnded } from '../../src/runtime/parent.ts';
import type { PreparedSubworkflow } from '../../src/document/kinds/subworkflow.ts';
import type { ErrorData } from '../../src/errors.ts';
import { actionCreators } from '../action-creators.ts';
import { fact, send } from '../reserved.ts';
import { about, type TaskContext } from './context.ts';
import type { TaskEvent } from './events.ts';

const { assign, enqueueActions } = actionCreators<TaskContext, TaskEvent>();

/** What the call that begins a run gives. */
export interface BegunRun {
  readonly runId: string;
  readonly workflow: { readonly name: string; readonly version: number };
  /** The run whose outcomes it takes over. */
  readonly forkedFrom?: string;
}

/** The run that a task waits for, as the task keeps it. */
export interface ChildRun {
  readonly begun?: BegunRun;
  /** How it ended: heard, perhaps, before the call that began it has come back. */
  readonly end?: ChildEnd;
  /** This run was paused before the other one had begun. */
  readonly paused?: boolean;
  /** The run of the attempt before, which failed: the next one takes over what that has found. */
  readonly failed?: string;
}

type ChildEnd = Omit<ChildEnded, 'type' | 'task'>;

/** What the workflow machine passes on to a task. */
export type ChildEvent =
  | ({ readonly type: 'fermata.task.childEnded'; readonly prepared?: object } & ChildEnd)
  | { readonly type: 'fermata.task.childProgressed'; readonly attempt: number; readonly percent: number }
  | { readonly type: 'fermata.task.pause' }
  | { readonly type: 'fermata.task.resume' };

/** What the call that begins a run is made with. */
export function childInput(
  { workflow, input, wait, takesOver: before }: PreparedSubworkflow,
  { name, attempt, child }: Pick<TaskContext, 'name' | 'attempt' | 'child'>,
): { readonly [key: string]: unknown } {
  const takesOver = child?.failed ?? before;
  return { task: name, attempt, workflow, input, awaited: wait, ...(takesOver === undefined ? {} : { takesOver }) };
}

/** Tokens that the tasks of the run took, with those of runs below it; undefined where nothing is known. */
function usageOf({ counts }: ChildEnd): Readonly<Record<string, number>> | undefined {
  const { inputTokens, outputTokens, totalTokens } = counts;
  if (inputTokens === undefined || outputTokens === undefined || totalTokens === undefined) return undefined;
  return { inputTokens, outputTokens, totalTokens };
}

/** What went wrong in the lowest run: each one above it says no more than that the one below it failed. */
function causeOf(reason: Partial<ErrorData>): string {
  let [lowest, below, runId]: [Partial<ErrorData>, number, unknown] = [reason, 0, undefined];
  while (lowest.code === 'childRunFailed' && lowest.data?.['error'] !== undefined) {
    runId = lowest.data['runId'];
    lowest = lowest.data['error'] as Partial<ErrorData>;
    below++;
  }
  const message = lowest.message ?? 'it says not why';
  return below === 0 ? message : `run ${String(runId)}, ${below} below it, failed: ${message}`;
}

/**
 * Why a task fails whose run did not complete. What cannot succeed by being tried again is not; nor is what the run has
 * tried again as a whole already, with a run of its own: else eight levels would try it 65,536 times.
 */
export function childError(end: ChildEnd, begun: BegunRun | undefined): ErrorData {
  const reason = (end.reason ?? {}) as Partial<ErrorData>;
  const what = `Run ${end.runId}${begun === undefined ? '' : ` of workflow "${begun.workflow.name}"`}`;
  const usage = usageOf(end);
  const data = {
    runId: end.runId,
    status: end.status,
    ...(end.reason === undefined ? {} : { error: reason }),
    ...(usage === undefined ? {} : { usage }),
  };
  const message = `${what} ${end.status === 'failed' ? 'failed' : 'was cancelled'}: ${causeOf(reason)}`;
  if (end.status === 'cancelled') return { code: 'childRunCancelled', retry: 'never', message, data };
  // Deleted while the next attempt began: the one after it has nothing to take over, and begins anew.
  const hadNoOrigin = reason.code === 'originMissing';
  const isFinal = (reason.retry === 'never' && !hadNoOrigin) || reason.code === 'childRunFailed';
  return { code: 'childRunFailed', retry: isFinal ? 'never' : 'backoff', message, data };
}

/** What a run is told whose task waits for it no longer. */
function childCancel(task: string, error: ErrorData | null): { readonly type: string; readonly reason: string } {
  const reason = `Task "${task}", which waited for it, ended: ${error?.message ?? 'cancelled.'}`;
  return { type: 'fermata.cancel', reason };
}

/** What a task does about the run that it begins. */
export const childRunActions = {
  keepBegun: enqueueActions(({ enqueue, context, event }) => {
    const begun = (event as unknown as { readonly output: BegunRun }).output;
    const { runId, workflow, forkedFrom } = begun;
    enqueue.assign({ child: { ...context.child, begun }, repeatOf: null });
    fact(enqueue, 'child_run_started', {
      ...about(context),
      attempt: context.attempt,
      childRunId: runId,
      workflow: workflow.name,
      version: workflow.version,
      ...(forkedFrom === undefined ? {} : { forkedFrom }),
    });
    const isAwaited = context.call.kind === 'subworkflow' && context.call.wait;
    if (isAwaited && context.child?.paused === true) send(enqueue, { run: runId }, { type: 'fermata.pause' });
  }),
  keepRunId: assign(({ event }) => {
    const { runId } = (event as unknown as { readonly output: BegunRun }).output;
    return { outcome: { value: { runId }, facts: { childRunId: runId } } };
  }),
  keepChildEnd: assign(({ context, event }) => {
    if (event.type !== 'fermata.task.childEnded') return {};
    const { type: _, prepared: __, ...end } = event;
    return { child: { ...context.child, end } };
  }),
  stateChildProgress: enqueueActions(({ enqueue, context, event }) => {
    if (event.type !== 'fermata.task.childProgressed') return;
    fact(enqueue, 'progress', { ...about(context), percent: event.percent });
  }),
  keepChildOutput: assign(({ context: { child } }) => {
    if (child?.end === undefined) return {};
    const { output = null, runId } = child.end;
    const usage = usageOf(child.end);
    // What it gave would else be kept here twice.
    return {
      outcome: { value: output, facts: { childRunId: runId, ...(usage === undefined ? {} : { usage }) } },
      child: {},
    };
  }),
  keepChildError: assign(({ context: { child } }) =>
    child?.end === undefined
      ? {}
      : {
          error: childError(child.end, child.begun),
          consequence: 'fail' as const,
          child: { failed: child.end.runId },
        },
  ),
  cancelChild: enqueueActions(({ enqueue, context, event }) => {
    const { runId } = context.child?.begun ??
      (event as unknown as { readonly output?: BegunRun }).output ?? { runId: undefined };
    if (runId !== undefined) send(enqueue, { run: runId }, childCancel(context.name, context.error));
  }),
  pauseChild: enqueueActions(({ enqueue, context, event }) => {
    const paused = event.type === 'fermata.task.pause';
    const runId = context.child?.begun?.runId;
    if (runId === undefined) enqueue.assign({ child: { ...context.child, paused } });
    else send(enqueue, { run: runId }, { type: paused ? 'fermata.pause' : 'fermata.resume' });
  }),
};
