/** Items of a map, and the parts of a reduction: what the end of one means, what its texts see, what all of them gave. */
import type { JoinedItems } from '../../../machines/task/prepared.ts';
import type { GroupStep } from '../../../machines/workflow/prepared.ts';
import type { ErrorData } from '../../errors.ts';
import type { TaskRow } from '../../store/tasks.ts';
import { barsDependents, becauseOf, type Consequence } from '../consequence.ts';
import { itemName, partOf } from '../growth.ts';
import { partsOf } from '../kinds/reduce.ts';
import type { Scope } from '../reads.ts';
import type { AddedItems, RunGraph } from '../run-graph.ts';
import { taskError } from '../task-error.ts';
import { isSettled } from '../task-status.ts';
import { resultsOf } from './results.ts';

/** What the end of an item means for its map: the map says what becomes of the others, and hears when all have ended. */
export function afterItem(
  graph: RunGraph,
  name: string,
  consequence: Consequence,
): (GroupStep & { readonly item: true }) | undefined {
  const item = graph.item(name);
  if (item === undefined) return undefined;
  const { map, group } = item;
  const { call } = graph.spec(map);
  const stops = consequence === 'fail' && (call.kind !== 'map' || call.onItemFailure === 'stop');
  // Of one that was cancelled before it began, or that broke, the rows do not say yet that it has ended.
  const row = graph.row(name);
  const settled = group.settled + (isSettled(row.status) ? 0 : 1);
  const active = group.active - (isSettled(row.status) || !row.live ? 0 : 1);
  const left = stops ? group.total - settled - active : 0;
  const isOver = isSettled(graph.row(map).status);
  // Several may have ended at once, and are heard of one after the other. Whoever ends with the first hears no other; a tree
  // that goes on from level to level must not take the second one for the end of the next.
  const ends = call.kind === 'map' || stops;
  const isLast = ends || !isSettled(row.status) || group.last === undefined || group.last === name;
  return {
    item: true,
    ...(left > 0 ? { drop: [{ map, count: left }] } : {}),
    ...(stops && active > 0 ? { stop: liveItems(graph, map, name) } : {}),
    ...(settled + left >= group.total && !isOver && isLast ? { joined: map } : {}),
  };
}

/** A map that ends before its items do takes them along. */
export function closedGroup(graph: RunGraph, name: string): GroupStep | undefined {
  const { group } = graph.growth(name);
  if (group === undefined || group.settled >= group.total) return undefined;
  const left = group.total - group.settled - group.active;
  return {
    ...(left > 0 ? { drop: [{ map: name, count: left }] } : {}),
    ...(group.active > 0 ? { stop: liveItems(graph, name) } : {}),
  };
}

function liveItems(graph: RunGraph, map: string, except?: string): readonly string[] {
  return graph.rows.live().filter((name) => name !== except && graph.item(name)?.map === map);
}

/** What the texts of an item see beside what its map does. */
export function itemScope(graph: RunGraph, name: string, tasks: Scope['tasks']): Partial<Scope> {
  const item = graph.item(name);
  if (item === undefined) return {};
  const { seq, from } = partOf(item.group, item.index);
  const { items } = graph.rows.entry(seq) as AddedItems;
  const value = items[item.index - from];
  const { call } = graph.spec(item.map);
  // A call of a tree sees its part where the whole list would be.
  if (call.kind === 'reduce') return { tasks: { ...tasks, [call.over]: { status: 'completed', output: value } } };
  return { item: value, index: item.index };
}

/** What the items of a map gave, in their order; of those that failed, their errors. */
export function itemsOutput(graph: RunGraph, map: string): JoinedItems {
  const { group } = graph.growth(map);
  const { total = 0, parts = [] } = group ?? {};
  const from = parts.at(-1)?.from ?? 0;
  const results = resultsOf(graph, { length: total - from, at: (index) => itemName(map, from + index) });
  const errors: (ErrorData | null)[] = [];
  const failed: { task: string; error: ErrorData }[] = [];
  const ended = new Set<string>();
  let cancelled = 0;
  for (const [task, { status }] of results) {
    const isFine = status === 'completed' || status === 'skipped' || !barsDependents(graph.row(task), graph.spec(task));
    if (isFine) {
      errors.push(null);
      continue;
    }
    const row = graph.row(task);
    const error = errorOfItem(row);
    errors.push(error);
    failed.push({ task, error });
    if (status === 'cancelled') cancelled++;
    const because = becauseOf(row);
    if (because !== undefined) ended.add(because);
  }
  // Those that were cancelled because of it come before it as well, and explain nothing.
  const first =
    failed.find(({ error }) => error.code !== 'cancelled') ?? failed.find(({ task }) => ended.has(task)) ?? failed[0];
  const outputs = results.map(([, { output = null }]) => output);
  const { call } = graph.spec(map);
  const further = call.kind === 'reduce' && outputs.length > 1 ? { next: partsOf(outputs, call.arity) } : {};
  return {
    outputs,
    ...further,
    ...(first === undefined ? {} : { errors, first, failed: failed.length, cancelled }),
  };
}

function errorOfItem(row: TaskRow): ErrorData {
  const message = `Task "${row.name}" was ${row.status}.`;
  return taskError(row) ?? { code: 'cancelled', message, retry: 'never' };
}
