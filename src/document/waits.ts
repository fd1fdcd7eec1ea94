/**
 * Rows of the tasks that wait for an event from outside: who waits for which type, how many are still to come, and what
 * was kept for them. Counted and not looked for, so that an event costs the same at task 10 and at task 100,000 (R3).
 */
import type { Prepare } from '../runtime/registration.ts';
import type { DraftFact } from '../runtime/draft.ts';
import type { EventTypeRow } from '../store/outside-events.ts';
import type { RowChange } from '../store/rows.ts';
import type { Definition, TaskSpec } from './definition.ts';
import type { PreparedWait } from './kinds/wait.ts';
import type { RunGraph } from './run-graph.ts';

/** Events of one type that are kept for one run at most: who sends more does not send to this workflow. */
export const MOST_KEPT = 10_000;

const types = new WeakMap<Definition, ReadonlyMap<string, readonly TaskSpec[]>>();

/** The types of events for which tasks of a definition wait, with those tasks in document order. */
export function eventTypesOf(definition: Definition): ReadonlyMap<string, readonly TaskSpec[]> {
  const known = types.get(definition);
  if (known !== undefined) return known;
  const found = Map.groupBy(
    definition.tasks.filter((spec) => comingType(spec) !== undefined),
    (spec) => comingType(spec) ?? '',
  );
  types.set(definition, found);
  return found;
}

/** The type of the event for which a task waits; undefined where it waits for none. */
export function typeOf({ call }: TaskSpec): string | undefined {
  return call.kind === 'wait' && 'event' in call.for ? call.for.event.type : undefined;
}

/** The type that a task may come to wait for: itself, or, while it has no items yet, by those that it will have. */
function comingType(spec: TaskSpec): string | undefined {
  return spec.call.kind === 'map' ? comingType(spec.call.task) : typeOf(spec);
}

/** Who waits for a type, and what is kept of it. Until something happens to one of its tasks there is no row. */
export function eventTypeRow({ definition, rows }: RunGraph, type: string): EventTypeRow {
  const toCome = eventTypesOf(definition).get(type)?.length ?? 0;
  return rows.get('eventType', type) ?? { type, toCome, waiting: 0, kept: 0 };
}

const ENDS: ReadonlySet<string> = new Set([
  'wait_ended',
  'task_completed',
  'task_failed',
  'task_skipped',
  'task_cancelled',
]);

/** What a fact about a task changes here: it begins to wait for an event, or its wait ends, or never begins. */
export function waitRows(fact: DraftFact, graph: RunGraph): readonly RowChange[] {
  const { rows } = graph;
  // What is known already only begins to be said, or to ask a function: it waits for nobody.
  const begins = fact.type === 'task_started' && fact.data['waitsFor'] !== undefined;
  if (!begins && !ENDS.has(fact.type)) return [];
  const task = String(fact.data['task']);
  const spec = graph.spec(task);
  const type = comingType(spec);
  if (type === undefined) return [];
  // A second word about its end changes nothing.
  if ((rows.get('task', task)?.endedAt ?? null) !== null) return [];
  // Its items count in its place, once it has them; one that ends without any has nobody to wait.
  if (spec.call.kind === 'map') return graph.growth(task).group === undefined ? comingWaits(spec, -1, graph) : [];
  const before = rows.get('wait', task);
  const counts = eventTypeRow(graph, type);
  const { keptEvent } = fact.data;
  const kept = typeof keptEvent === 'number' ? rows.get('keptEvent', String(keptEvent)) : undefined;
  const takes = kept?.takenBy === null;
  const row: EventTypeRow = {
    ...counts,
    toCome: counts.toCome - (before === undefined ? 1 : 0),
    waiting: counts.waiting + (begins ? 1 : before?.open === true ? -1 : 0),
    kept: counts.kept - (takes ? 1 : 0),
  };
  return [
    { table: 'eventType', key: type, row },
    ...(begins || before !== undefined
      ? [{ table: 'wait' as const, key: task, row: { task, type, position: spec.position, open: begins } }]
      : []),
    ...(takes ? [{ table: 'keptEvent' as const, key: String(kept.seq), row: { ...kept, takenBy: task } }] : []),
  ];
}

/** An event that came before anybody waited for it. */
export function keepEvent(fact: DraftFact, graph: RunGraph): readonly RowChange[] {
  const type = String(fact.data['eventType']);
  const counts = eventTypeRow(graph, type);
  return [
    { table: 'keptEvent', key: String(fact.entry), row: { seq: fact.entry, type, takenBy: null } },
    { table: 'eventType', key: type, row: { ...counts, kept: counts.kept + 1 } },
  ];
}

/** So many tasks more that wait for an event join the run, or so many fewer are left of those that might. */
export function comingWaits(spec: TaskSpec, by: number, graph: RunGraph): readonly RowChange[] {
  const type = comingType(spec);
  if (type === undefined) return [];
  const counts = eventTypeRow(graph, type);
  return [{ table: 'eventType', key: type, row: { ...counts, toCome: counts.toCome + by } }];
}

/** Adds to the preparation of tasks what one that waits must know: the time at which it begins. */
export function withTime(prepare: Prepare): Prepare {
  return (preparing) => {
    const { event, snapshot, now } = preparing;
    const prepared = prepare(preparing) as { readonly call?: { readonly kind?: unknown } } | undefined;
    if (prepared?.call?.kind === 'wait') return { ...prepared, now };
    const { call } = (snapshot?.context ?? {}) as { readonly call?: PreparedWait };
    return event.type === 'fermata.task.admitted' && call?.kind === 'wait' ? { now } : prepared;
  };
}
