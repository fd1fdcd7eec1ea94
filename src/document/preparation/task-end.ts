/** What rows say of the end of a task (R2). */
import type { WorkflowContext } from '../../../machines/workflow/context.ts';
import type { GroupStep, PreparedStep } from '../../../machines/workflow/prepared.ts';
import { endsRun, skipsDependents, type Consequence } from '../consequence.ts';
import { joinedBy, leftBy, partIn } from '../rounds.ts';
import type { RunGraph } from '../run-graph.ts';
import { isSettled } from '../task-status.ts';
import { candidates } from './admission.ts';
import { described } from './description.ts';
import { afterItem, closedGroup } from './items.ts';
import { runOutput } from './results.ts';

/** What is asked of the run itself, whichever version its machine has. */
export type StepContext = Pick<
  WorkflowContext,
  'total' | 'breadth' | 'onTaskFailure' | 'settled' | 'active' | 'nextRoot' | 'ending'
>;

/** What may follow: who begins, who never will, whose items end with it, what the run gives where it is over. */
export function afterEnd(graph: RunGraph, context: StepContext, name: string, consequence: Consequence): PreparedStep {
  const part = partIn(graph, name);
  const items = part === undefined ? afterItem(graph, name, consequence) : { item: true as const };
  const meant = items !== undefined && consequence === 'fail' ? 'none' : consequence;
  if (endsRun(context, meant)) return { ...items, live: graph.rows.live() };
  if (context.ending !== null) return { ...items };
  // A proposed task that fails takes along what needs it: its run it does not fail.
  const skip =
    skipsDependents(context, meant) || (part !== undefined && consequence === 'fail')
      ? graph.hardDescendants(name).filter((dependent) => !isSettled(graph.row(dependent).status))
      : [];
  const own = closedGroup(graph, name);
  const left = leftBy(graph, name);
  const cancelled = left.cancelled.map((task) => ({ name: task, ...described(graph, task) }));
  const gone = new Set([name, ...skip, ...left.cancelled]);
  const group: GroupStep = {
    ...items,
    drop: [...(items?.drop ?? []), ...(own?.drop ?? [])],
    stop: [...(items?.stop ?? []), ...(own?.stop ?? []), ...left.stop],
  };
  const over = joinedBy(graph, gone);
  const closed = new Set([...(group.drop ?? []).map(({ map }) => map), ...(group.stop ?? [])]);
  const admissible = candidates(graph, context.nextRoot, 1 + context.breadth - context.active, gone, closed);
  const ended = 1 + skip.length + cancelled.length;
  const settled = context.settled + ended + (group.drop ?? []).reduce((sum, { count }) => sum + count, 0);
  return {
    ...withoutEmpty(group),
    ...(over.length === 0 ? {} : { over }),
    ...(cancelled.length === 0 ? {} : { cancelled }),
    ...(admissible.length === 0 ? {} : { candidates: admissible }),
    ...(skip.length === 0
      ? {}
      : { skip: skip.map((task) => ({ name: task, because: name, ...described(graph, task) })) }),
    ...(settled >= context.total ? { output: runOutput(graph) } : {}),
  };
}

/** The journal keeps every step: what says nothing is left out. */
function withoutEmpty({ drop = [], stop = [], ...rest }: GroupStep): GroupStep {
  return { ...rest, ...(drop.length === 0 ? {} : { drop }), ...(stop.length === 0 ? {} : { stop }) };
}
