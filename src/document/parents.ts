/** Tasks that wait for runs of their own, as their rows say it. */
import type { PreparedStep } from '../../machines/workflow/prepared.ts';
import type { TaskRow } from '../store/tasks.ts';
import type { RunGraph } from './run-graph.ts';
import { asksFunction } from './task-status.ts';

/** The run that a task has begun last; undefined where it has begun none. */
export function begunRunOf({ detailJson }: Pick<TaskRow, 'detailJson'>): string | undefined {
  const { childRunId, childRunBefore } = JSON.parse(detailJson ?? '{}') as {
    readonly childRunId?: string;
    readonly childRunBefore?: string;
  };
  return childRunId ?? childRunBefore;
}

/** The run that a task waits for; undefined where it waits for none. */
export function childRunOf(graph: RunGraph, name: string): string | undefined {
  const { call } = graph.spec(name);
  if (call.kind !== 'subworkflow' || !call.wait) return undefined;
  const row = graph.rows.get('task', name);
  if (row?.status !== 'running' || row.ready || asksFunction(row)) return undefined;
  const { childRunId } = JSON.parse(row.detailJson ?? '{}') as { readonly childRunId?: string };
  return childRunId;
}

/** Who is told that the run pauses or goes on: all that have begun, for one may be about to begin its run. */
export function waitingParents(graph: RunGraph): Pick<PreparedStep, 'parents'> {
  const parents = graph.rows.live().filter((name) => graph.spec(name).call.kind === 'subworkflow');
  return parents.length === 0 ? {} : { parents };
}

/** The run that a task had waited for that broke: nobody else would tell it. */
export function childOfBroken(graph: RunGraph, name: string): Pick<PreparedStep, 'childRun'> {
  const childRun = childRunOf(graph, name);
  return childRun === undefined ? {} : { childRun };
}
