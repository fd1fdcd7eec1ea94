/** From facts to the rows of a run that grows: tasks that join it, the items of a map, and who waits for them. */
import type { TaskRow } from '../store/tasks.ts';
import type { DraftFact } from '../runtime/draft.ts';
import type { Projected } from '../runtime/projection.ts';
import type { Changes } from './changes.ts';
import { hasTurn } from './lane.ts';
import { reusedOf } from './fork/record.ts';
import { capacity, itemName, type Group } from './growth.ts';
import { partOfSpec } from './rounds.ts';
import type { AddedItems, AddedTask } from './run-graph.ts';
import { isSettled } from './task-status.ts';
import { comingWaits } from './waits.ts';

/** What `task_added` carries: one task with its definition, or the items of a map. */
export type TaskAdded = {
  readonly task: string;
  /** Of the first one among the tasks of the run. */
  readonly position: number;
} & (
  | (AddedTask & { readonly parent: string; readonly depth: number; readonly join: boolean })
  | (AddedItems & { readonly concurrency: number })
);

/** A task has joined the run, or a map has got its items. */
export function taskAdded(fact: DraftFact, added: TaskAdded, changes: Changes): Projected {
  return 'items' in added ? itemsAdded(fact, added, changes) : oneAdded(fact, added, changes);
}

function oneAdded(fact: DraftFact, added: Extract<TaskAdded, AddedTask>, changes: Changes): Projected {
  const { task, position, parent, depth, join, spec } = added;
  // Those that it comes from have given what they give, or do so in this very cascade; and they wait for it.
  const ancestors = ancestorsOf(changes, parent);
  const waitsFor = [...spec.dependsOn, ...spec.after].filter((name) => !ancestors.has(name) && isOpen(changes, name));
  for (const name of waitsFor) {
    const growth = changes.growth(name);
    const hard = spec.dependsOn.includes(name);
    changes.putEntry({ task: name, list: 'dependent', at: growth.dependents, name: task, hard });
    changes.putGrowth({ ...growth, dependents: growth.dependents + 1 });
  }
  // Also where nobody waits for it, it comes from them.
  const adders = [parent, ...changes.graph.adders(parent)];
  for (const name of spec.dependsOn) {
    if (waitsFor.includes(name)) continue;
    const isOwn = adders.includes(name);
    changes.putGrowth({ ...changes.growth(name), ...(isOwn ? { neededByOwn: true } : { needed: true }) });
  }
  const waiting = waitsFor.length;
  const row: TaskRow = {
    name: task,
    position,
    status: 'pending',
    waiting,
    ready: false,
    live: false,
    attempts: 0,
    startedAt: null,
    endedAt: null,
    resultSeq: null,
    detailJson: JSON.stringify({ parent, ...(spec.part && partOfSpec(spec.part)) }),
  };
  changes.putTask({ ...row, ready: waiting === 0 && hasTurn(row, changes) });
  const own = changes.growth(task);
  changes.putGrowth({ ...own, task, parent: join ? parent : null, depth, specSeq: fact.entry });
  const grown = changes.growth(parent);
  changes.putEntry({ task: parent, list: 'child', at: grown.children, name: task, hard: false });
  changes.putGrowth({ ...grown, children: grown.children + 1, open: grown.open + (join ? 1 : 0) });
  for (const change of comingWaits(spec, 1, changes.graph)) changes.put(change);
  return { rows: changes.rows(), counts: { total: 1 }, keeps: true };
}

function ancestorsOf(changes: Changes, parent: string): ReadonlySet<string> {
  const found = new Set<string>();
  for (let at: string | null = parent; at !== null; at = changes.growth(at).parent) found.add(at);
  return found;
}

/** What depends on a task waits until it is settled, and those that it waits for. */
function isOpen(changes: Changes, name: string): boolean {
  return !isSettled(changes.task(name).status) || changes.growth(name).open > 0;
}

function itemsAdded(fact: DraftFact, added: Extract<TaskAdded, AddedItems>, changes: Changes): Projected {
  const { task, position, items, concurrency } = added;
  const { group = NO_GROUP } = changes.growth(task);
  const parts = [...group.parts, { seq: fact.entry, from: group.total, position }];
  putGroup(changes, task, { ...group, parts, total: group.total + items.length, concurrency });
  // Until now the map stood for all of them.
  comingItems(changes, task, items.length - 1);
  return { rows: changes.rows(), counts: { total: items.length }, keeps: true };
}

function comingItems(changes: Changes, map: string, count: number): void {
  const { call } = changes.graph.spec(map);
  if (call.kind !== 'map') return;
  for (const change of comingWaits(call.task, count, changes.graph)) changes.put(change);
}

const NO_GROUP: Group = { parts: [], total: 0, next: 0, active: 0, settled: 0, concurrency: 0 };

/** The items of a map that have not begun never will. */
export function itemsCancelled(task: string, count: number, changes: Changes): Projected {
  const { group } = changes.growth(task);
  if (group === undefined) return {};
  putGroup(changes, task, { ...group, next: group.total, settled: group.settled + count });
  comingItems(changes, task, -count);
  return { rows: changes.rows(), counts: { settled: count, cancelled: count } };
}

/** The first that is said of an item. */
export function itemBegun(map: string, index: number, changes: Changes): void {
  const { group } = changes.growth(map);
  if (group === undefined) return;
  putGroup(changes, map, { ...group, next: Math.max(group.next, index + 1), active: group.active + 1 });
}

/** An item has ended. `begun`: something was said of it before. */
export function itemSettled(
  { map, index }: { readonly map: string; readonly index: number },
  begun: boolean,
  changes: Changes,
): void {
  const { group } = changes.growth(map);
  if (group === undefined) return;
  const { active, settled } = group;
  const last = itemName(map, index);
  putGroup(changes, map, { ...group, active: active - (begun ? 1 : 0), settled: settled + 1, last });
}

/** The map wants a slot as long as one of its items may begin. */
function putGroup(changes: Changes, map: string, group: Group): void {
  changes.putGrowth({ ...changes.growth(map), group });
  const row = changes.task(map);
  changes.putTask({ ...row, ready: !isSettled(row.status) && capacity(group) > 0 });
}

/**
 * A task is over, and so is all that it added and that is waited for: those who wait for it wait for one less. `barred`:
 * what needs it can never run.
 */
export function release(name: string, barred: boolean, changes: Changes): void {
  for (const { name: waiter, hard } of changes.graph.dependents(name)) {
    // It will be skipped, or falls with its run. Ready until that is decided, it would be begun in a turn that comes between.
    if (hard && barred) continue;
    const dependent = changes.task(waiter);
    if (isSettled(dependent.status)) continue;
    const waiting = dependent.waiting - 1;
    changes.putTask({ ...dependent, waiting, ready: waiting === 0 && !dependent.live && hasTurn(dependent, changes) });
  }
  const { parent } = changes.growth(name);
  if (parent === null) return;
  const grown = changes.growth(parent);
  const open = grown.open - 1;
  // What depends on the parent waits for this one too, and is not the same any more where this one is not.
  const anew = grown.anew || (changes.graph.isFork && isAnew(name, changes));
  changes.putGrowth({ ...grown, open, anew, last: name });
  // One that did not complete has let them go already.
  if (open === 0 && changes.task(parent).status === 'completed') release(parent, false, changes);
}

function isAnew(name: string, changes: Changes): boolean {
  return reusedOf(changes.task(name)) === undefined || changes.growth(name).anew;
}
