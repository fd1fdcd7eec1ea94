/** What a task that works in rounds needs for a decision (R2). */
import type { Prepare, Preparing } from '../../runtime/registration.ts';
import type { DefinitionOf } from '../definition-of.ts';
import { phaseOutcome } from '../rounds.ts';
import { RunGraph } from '../run-graph.ts';

/** Prepares a task that works in rounds: what the call gave that it waits for. */
export function prepareRounds(definitionOf: DefinitionOf): Prepare {
  return ({ event, snapshot, rows }: Preparing) =>
    event.type === 'fermata.task.joined' && snapshot !== undefined
      ? phaseOutcome(new RunGraph(rows, definitionOf(rows)), (snapshot.context as { readonly name: string }).name)
      : undefined;
}
