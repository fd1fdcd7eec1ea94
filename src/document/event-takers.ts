/** Which task takes an event from outside, and which kept event a task takes: the first one in order whose filter is true. */
import type { OutsideEvent } from '../../machines/workflow/events.ts';
import type { FilterFailure, KeptEvent, PreparedStep } from '../../machines/workflow/prepared.ts';
import { FermataError, toErrorData } from '../errors.ts';
import type { Arriving } from '../runtime/outside.ts';
import type { RunRows } from '../runtime/rows.ts';
import type { WaitPlace } from '../store/outside-events.ts';
import type { TaskSpec } from './definition.ts';
import { evaluate, readsOfExpression } from './expression.ts';
import { described } from './preparation/description.ts';
import { itemScope } from './preparation/items.ts';
import { later, resultsOf } from './preparation/results.ts';
import { taskScope } from './render.ts';
import type { RunGraph } from './run-graph.ts';
import { sharedScope } from './shared-values.ts';

/** Failures of filters that are told. */
const MOST_TOLD = 10;

/** What a search through a list found. Its failures are told, the first of them. */
export interface Search<Found> {
  readonly found?: Found;
  readonly failures: readonly FilterFailure[];
}

/**
 * Searches a list page by page. There may be 10,000 tasks with a filter each: between pages the turn waits, as for a load,
 * so that the process serves others meanwhile.
 *
 * @param look examines the page that begins at a place
 */
function search<Found, Place>(
  rows: RunRows,
  name: string,
  look: (after: Place | undefined) => Search<Found> & { readonly next: Place | undefined },
): Search<Found> {
  let page = look(undefined);
  const failures = [...page.failures];
  for (let pages = 1; page.found === undefined && page.next !== undefined; pages++) {
    const { next } = page;
    page = rows.read(`${name}/${pages}`, () => later(look(next)));
    failures.push(...page.failures);
  }
  return { ...(page.found === undefined ? {} : { found: page.found }), failures: failures.slice(0, MOST_TOLD) };
}

/** The first kept event that a task takes. Those that its filter fails on are kept for others. */
export function keptFor(spec: TaskSpec, type: string, graph: RunGraph): PreparedStep['kept'] {
  const takes = filterOf(spec, graph);
  const { found: taken, failures } = search<KeptEvent, number>(graph.rows, 'keptFor', (after) => {
    const { items, next } = graph.rows.keptEvents(type, after);
    const events = items.map(({ seq }) => ({ seq, event: (graph.rows.entry(seq) as OutsideEvent).event }));
    return { ...firstThat(events, ({ event }) => takes(event)), next };
  });
  if (taken !== undefined) return { taken, failures };
  return failures.length === 0 ? undefined : { failures };
}

/** The first waiting task that takes an event, and the tasks before it whose filters failed. */
export function takerOf(event: Arriving['event'], graph: RunGraph): Search<string> {
  return search<string, WaitPlace>(graph.rows, 'takerOf', (after) => {
    const { items, next } = graph.rows.openWaits(event.type, after);
    const tasks = items.map(({ task }) => task);
    return { ...firstThat(tasks, (task) => filterOf(graph.spec(task), graph)(event)), next };
  });
}

function firstThat<Item>(items: readonly Item[], takes: (item: Item) => boolean | FilterFailure): Search<Item> {
  const failures: FilterFailure[] = [];
  for (const item of items) {
    const taken = takes(item);
    if (taken === true) return { found: item, failures };
    if (taken !== false) failures.push(taken);
  }
  return { failures };
}

/** Whether a task takes an event: true, false, or that its filter cannot tell. */
function filterOf(
  spec: TaskSpec,
  graph: RunGraph,
): (event: Readonly<Record<string, unknown>>) => boolean | FilterFailure {
  const { call, name } = spec;
  const filter = call.kind === 'wait' && 'event' in call.for ? call.for.event.filter : undefined;
  if (filter === undefined) return () => true;
  const read = new Set(readsOfExpression(filter).tasks);
  const results = resultsOf(
    graph,
    spec.dependsOn.filter((dependency) => read.has(dependency)),
  );
  const seen = taskScope(graph.rows.input(), results);
  const shared = sharedScope(graph.rows, readsOfExpression(filter).shared);
  const scope = { ...seen, ...itemScope(graph, name, seen.tasks), ...shared };
  return ({ id: _, ...event }) => {
    try {
      const value = evaluate(filter, scope, { event });
      if (typeof value === 'boolean') return value;
      throw new FermataError(
        'expressionFailed',
        `The expression ${JSON.stringify(filter)} gives ${JSON.stringify(value) ?? 'nothing'}; expected true or false.`,
        { data: { expression: filter } },
      );
    } catch (thrown) {
      if (!(thrown instanceof FermataError)) throw thrown;
      const { description = name } = described(graph, name);
      return { task: name, description, error: toErrorData(thrown) };
    }
  };
}
