/**
 * Events from outside to a run of a document: which task takes one, or for which it is kept.
 *
 *  E1. One event is taken by one task: the first in document order that waits for its type and whose filter is true.
 *      That is how queues of messages work (DBOS, Azure): an event that is kept could not be given to all who may come.
 *  E2. Nobody takes it, but a task has still to begin its wait: the event is kept, in order, and taken when it does.
 *  E3. It makes no difference whether an event comes a moment before or after a task begins to wait for it.
 *  E4. A filter that throws does not take the event; that is stated, and where nobody else takes it, it is the answer.
 */
import type { OutsideEvent } from '../../machines/workflow/events.ts';
import type { PreparedStep } from '../../machines/workflow/prepared.ts';
import type { Prepare } from '../runtime/registration.ts';
import type { OutsideEvents } from '../runtime/outside.ts';
import type { DefinitionOf } from './definition-of.ts';
import { acceptanceOfAll, assertGoesOn, assertKept, isEnding } from './event-acceptance.ts';
import { keptFor, takerOf } from './event-takers.ts';
import { RunGraph } from './run-graph.ts';
import { eventTypeRow, typeOf } from './waits.ts';

/** How runs of documents hear events from outside. */
export function outsideEvents(definitionOf: DefinitionOf): OutsideEvents {
  return {
    receive: ({ event, snapshot, rows }) => {
      const graph = new RunGraph(rows, definitionOf(rows));
      assertGoesOn({ snapshot, rows }, event.type);
      const { found: takenBy, failures } = takerOf(event, graph);
      if (takenBy === undefined) assertKept(event.type, failures, graph);
      const received: OutsideEvent = {
        type: 'fermata.outside',
        event,
        failures,
        ...(takenBy === undefined ? {} : { takenBy }),
      };
      return { ...received };
    },
    acceptance: ({ snapshot, rows }) => acceptanceOfAll(new RunGraph(rows, definitionOf(rows)), snapshot),
  };
}

/** Adds to the preparation of the workflow machine what was kept for a task that begins to wait. */
export function withKeptEvents(definitionOf: DefinitionOf, prepare: Prepare): Prepare {
  return (preparing) => {
    const step = prepare(preparing) as PreparedStep | undefined;
    const { event, rows, snapshot } = preparing;
    if (event.type !== 'fermata.task.parked' || snapshot === undefined || isEnding(snapshot)) return step;
    const graph = new RunGraph(rows, definitionOf(rows));
    const spec = graph.spec(String(event['task']));
    const type = typeOf(spec);
    if (type === undefined || eventTypeRow(graph, type).kept === 0) return step;
    const kept = keptFor(spec, type, graph);
    return kept === undefined ? step : { ...step, kept };
  };
}
