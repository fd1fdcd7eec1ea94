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
import type { FilterFailure, KeptEvent, PreparedStep } from '../../machines/workflow/prepared.ts';
import { FermataError, toErrorData } from '../errors.ts';
import type { Prepare } from '../runtime/catalog.ts';
import type { Arriving, EventAcceptance, OutsideEvents } from '../runtime/outside.ts';
import type { RunRows } from '../runtime/rows.ts';
import type { WaitPlace } from '../store/store.ts';
import type { TaskSpec } from './definition.ts';
import { evaluate, readsOfExpression } from './expression.ts';
import type { DefinitionOf } from './definition-of.ts';
import { described } from './preparation/description.ts';
import { itemScope } from './preparation/items.ts';
import { later, resultsOf } from './preparation/results.ts';
import { taskScope } from './render.ts';
import { RunGraph } from './run-graph.ts';
import { sharedScope } from './shared-values.ts';
import { eventTypeRow, eventTypesOf, MOST_KEPT, typeOf } from './waits.ts';

/** Types that are told, of a document that has more. */
const MOST_TOLD = 100;
/** Tasks that are told by name. */
const MOST_NAMED = 10;

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
    acceptance: ({ snapshot, rows }) => {
      const graph = new RunGraph(rows, definitionOf(rows));
      const told = typesOf(graph);
      const over = snapshot.status !== 'active' ? ENDED : isEnding(snapshot) ? ENDING : undefined;
      const all = told.map((type) => acceptanceOf(type, graph, over));
      return [...all.filter(({ accepted }) => accepted), ...all.filter(({ accepted }) => !accepted)];
    },
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

/** What a search through a list found. Its failures are told, the first of them. */
interface Search<Found> {
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
  return { ...(page.found === undefined ? {} : { found: page.found }), failures: failures.slice(0, MOST_NAMED) };
}

/** The first kept event that a task takes. Those that its filter fails on are kept for others. */
function keptFor(spec: TaskSpec, type: string, graph: RunGraph): PreparedStep['kept'] {
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
function takerOf(event: Arriving['event'], graph: RunGraph): Search<string> {
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

/** Throws where an event that no waiting task takes is not kept for one to come either. */
function assertKept(type: string, failures: readonly FilterFailure[], graph: RunGraph): void {
  const { toCome, waiting, kept } = eventTypeRow(graph, type);
  if (toCome > 0) {
    if (kept < MOST_KEPT) return;
    throw new FermataError(
      'tooManyEvents',
      `Run ${graph.rows.key.run} keeps ${kept} events "${type}" for tasks that have not begun to wait for them, and no more are kept. Send it again when one of them was taken.`,
      { data: { type, kept, most: MOST_KEPT } },
    );
  }
  const [failure] = failures;
  if (failure !== undefined)
    throw new FermataError(
      'expressionFailed',
      `Task "${failure.task}" waits for "${type}", and its filter failed on this event: ${failure.error.message} Nobody took the event.`,
      { data: { ...failure.error.data, task: failure.task } },
    );
  const reason =
    waiting > 0
      ? `${named(openTasks(type, graph))} for it, and no filter is true of this event.`
      : acceptanceOf(type, graph).reason;
  throw refusal(type, reason, graph);
}

function assertGoesOn({ snapshot, rows }: Omit<Arriving, 'event'>, type: string): void {
  if (!isEnding(snapshot)) return;
  throw new FermataError('eventNotAccepted', `Run ${rows.key.run} does not take "${type}": ${ENDING}`, {
    data: { accepts: [] },
  });
}

const ENDING = 'The run is ending; its tasks are being cancelled.';
const ENDED = 'The run has ended.';

function isEnding(snapshot: Arriving['snapshot']): boolean {
  return ((snapshot.context as { readonly ending?: unknown }).ending ?? null) !== null;
}

/** @param over why the run takes no event at all any more */
function acceptanceOf(type: string, graph: RunGraph, over?: string): EventAcceptance {
  const { toCome, waiting, kept } = eventTypeRow(graph, type);
  const number = `${kept} ${kept === 1 ? 'is' : 'are'}`;
  const refused = (reason: string): EventAcceptance => {
    // Whoever sent it was told that it is kept.
    const lost = kept === 0 ? '' : ` ${number} kept that nobody took.`;
    return { type, accepted: false, reason: `${reason}${lost}` };
  };
  if (over !== undefined) return refused(over);
  if (waiting > 0) return { type, accepted: true, reason: `${named(openTasks(type, graph))} for it.` };
  if (toCome > 0) {
    const full = kept >= MOST_KEPT;
    const already = kept === 0 ? '' : ` ${number} kept already${full ? ', and no more are' : ''}.`;
    const tasks = toCome === 1 ? 'A task has' : `${toCome} tasks have`;
    return {
      type,
      accepted: !full,
      reason: `${tasks} still to begin to wait for it; until then it is kept.${already}`,
    };
  }
  const specs = eventTypesOf(graph.definition).get(type);
  if (specs === undefined)
    return refused(
      graph.rows.get('eventType', type) === undefined
        ? 'No task of the workflow waits for it.'
        : 'The tasks that waited for it have ended.',
    );
  const ends = specs.slice(0, MOST_NAMED).map(({ name }) => `"${name}" (${graph.row(name).status})`);
  const more = specs.length > MOST_NAMED ? ` and ${specs.length - MOST_NAMED} more` : '';
  return refused(`No task waits for it any more: ${ends.join(', ')}${more}.`);
}

function openTasks(type: string, { rows }: RunGraph): readonly string[] {
  return rows.openWaits(type).items.map(({ task }) => task);
}

/** `Task "paid" waits`. */
function named(tasks: readonly string[]): string {
  const shown = tasks.slice(0, MOST_NAMED).map((task) => `"${task}"`);
  const more = tasks.length > shown.length ? ' and others' : '';
  return `${tasks.length === 1 ? 'Task' : 'Tasks'} ${shown.join(', ')}${more} ${tasks.length === 1 ? 'waits' : 'wait'}`;
}

/** Types that are told: those that the document names first, then those of tasks that joined the run. */
function typesOf({ definition, rows }: RunGraph): readonly string[] {
  const written = [...eventTypesOf(definition).keys()].slice(0, MOST_TOLD);
  return [...new Set([...written, ...rows.eventTypes(MOST_TOLD)])].slice(0, MOST_TOLD);
}

function refusal(type: string, reason: string, graph: RunGraph): FermataError {
  const told = typesOf(graph);
  const accepts = told.filter((other) => acceptanceOf(other, graph).accepted);
  return new FermataError(
    'eventNotAccepted',
    `Run ${graph.rows.key.run} does not take "${type}" now: ${reason} It accepts: ${accepts.join(', ') || 'no event from outside'}.`,
    { data: { accepts, reason } },
  );
}
