/**
 * What the workflow machine needs for a decision, read from the run's rows and attached to the event (R2): which tasks
 * may begin, which can no longer run, what joins the run, the run's output.
 */
import type { TaskOutput } from '../../../machines/task/context.ts';
import type { WorkflowInput } from '../../../machines/workflow/context.ts';
import type { TaskAdds } from '../../../machines/workflow/events.ts';
import type { PreparedStep } from '../../../machines/workflow/prepared.ts';
import type { Prepare, Preparing } from '../../runtime/registration.ts';
import { additions } from '../adding.ts';
import type { AssertRunnable } from '../calls.ts';
import type { DefinitionOf } from '../definition-of.ts';
import { NO_FORKS, type OriginsOf } from '../fork/origins-of.ts';
import type { Origins } from '../fork/origins.ts';
import { withPrompt } from '../fork/prompts.ts';
import { isParked } from '../parked.ts';
import { childOfBroken, waitingParents } from '../parents.ts';
import { roundAdditions } from '../proposing.ts';
import { RunGraph } from '../run-graph.ts';
import { isSettled } from '../task-status.ts';
import { candidates } from './admission.ts';
import { described } from './description.ts';
import { afterEnd, type StepContext } from './task-end.ts';

/** Prepares the events of the workflow machine. `assertRunnable`: what joins a run is asked for, too. */
export function prepareWorkflow(
  definitionOf: DefinitionOf,
  assertRunnable: AssertRunnable = () => {},
  originsOf: OriginsOf = NO_FORKS,
): Prepare {
  return ({ event, snapshot, rows }: Preparing): PreparedStep | undefined => {
    const graph = new RunGraph(rows, definitionOf(rows));
    if (snapshot === undefined) {
      const { breadth } = (event as unknown as { input: WorkflowInput }).input;
      return { candidates: candidates(graph, 0, breadth) };
    }
    const context = snapshot.context as StepContext;
    switch (event.type) {
      case 'fermata.cancel':
      case 'fermata.runTimedOut':
        return { live: rows.live() };
      case 'fermata.pause':
        return waitingParents(graph);
      case 'fermata.resume':
      case 'fermata.task.joins':
        return {
          ...(event.type === 'fermata.resume' ? waitingParents(graph) : {}),
          candidates: candidates(graph, context.nextRoot, context.breadth - context.active),
        };
      case 'fermata.task.parked':
        return { candidates: candidates(graph, context.nextRoot, 1 + context.breadth - context.active) };
      case 'fermata.task.adds':
        return preparedAdditions(graph, event as unknown as TaskAdds, context, assertRunnable, originsOf(rows));
      case 'fermata.task.cancel': {
        const name = String(event['task']);
        const { status, live } = graph.row(name);
        if (isSettled(status)) return { cancels: 'nothing' };
        if (live) return { cancels: 'actor' };
        return { ...afterEnd(graph, context, name, 'fail'), ...described(graph, name) };
      }
      default:
        if (event.type.startsWith('xstate.done.actor.')) {
          const { name, consequence } = event['output'] as TaskOutput;
          return afterEnd(graph, context, name, consequence);
        }
        if (event.type.startsWith('xstate.error.actor.')) {
          const name = String(event['actorId']);
          return {
            ...afterEnd(graph, context, name, 'fail'),
            ...described(graph, name),
            ...(isParked(graph, name) ? { waited: true } : {}),
            ...childOfBroken(graph, name),
          };
        }
        return undefined;
    }
  };
}

function preparedAdditions(
  graph: RunGraph,
  { task, items, tasks, ask, again }: TaskAdds,
  context: StepContext,
  assertRunnable: AssertRunnable,
  origins: Origins | undefined,
): PreparedStep {
  if (isSettled(graph.row(task).status)) return {};
  const joining = { position: context.total, breadth: context.breadth };
  if (ask !== undefined) {
    const added = roundAdditions(graph, task, ask, joining, assertRunnable);
    if (origins === undefined || 'refused' in added) return { additions: added };
    const edited = added.tasks.map((one) => ({ ...one, spec: withPrompt(one.spec, origins.prompts[one.spec.name]) }));
    return { additions: { ...added, tasks: edited } };
  }
  if (again === true && origins !== undefined) return { additions: origins.additions(graph, task, context.total) };
  if (items === undefined)
    return { additions: additions(graph, task, { written: tasks, position: context.total }, assertRunnable) };
  const { call } = graph.spec(task);
  // Without a bound of its own that of the slots holds: items that wait, for people or events, need none.
  return { concurrency: (call.kind === 'map' ? call.concurrency : undefined) ?? items.length };
}
