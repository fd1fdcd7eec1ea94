/**
 * Whose turn it is among the proposed tasks of one that works in rounds: at most its `breadth` of them have it at once, from
 * when they could begin until they end, in the order in which they could.
 */
import type { TaskRow } from '../store/tasks.ts';
import type { Changes } from './changes.ts';
import type { Lane } from './growth.ts';
import { partIn, partOfRow } from './rounds.ts';
import type { RunGraph } from './run-graph.ts';
import { isSettled } from './task-status.ts';

const EMPTY: Lane = { active: 0, next: 0, end: 0 };

/** A task that waits for nothing else: whether it has its turn. One that has not will get it from one that ends. */
export function hasTurn(row: TaskRow, changes: Changes): boolean {
  const part = partOfRow(row);
  if (part?.lane === undefined) return true;
  const growth = changes.growth(part.parent);
  const lane = growth.lane ?? EMPTY;
  const isFree = lane.active < part.lane;
  if (!isFree) changes.putEntry({ task: part.parent, list: 'turn', at: lane.end, name: row.name, hard: false });
  const change = isFree ? { active: lane.active + 1 } : { end: lane.end + 1 };
  changes.putGrowth({ ...growth, lane: { ...lane, ...change } });
  return isFree;
}

/** A task has ended: the next one has its turn. `before`: its row as it was until then. */
export function passTurn(before: TaskRow, changes: Changes): void {
  const part = partOfRow(before);
  if (part?.lane === undefined) return;
  const growth = changes.growth(part.parent);
  const lane = growth.lane ?? EMPTY;
  const active = lane.active - (hadTurn(before) ? 1 : 0);
  let { next } = lane;
  let row: TaskRow | undefined;
  // Those that ended before their turn came are passed over.
  while (active < part.lane && next < lane.end && row === undefined) {
    const waiting = changes.task(changes.entry(part.parent, 'turn', next));
    if (!isSettled(waiting.status)) row = waiting;
    next++;
  }
  changes.putGrowth({ ...growth, lane: { ...lane, active: active + (row === undefined ? 0 : 1), next } });
  if (row !== undefined) changes.putTask({ ...row, ready: true });
}

/** Tasks whose turn comes as those end that are gone: the rows do not say so yet. */
export function nextTurns(graph: RunGraph, gone: ReadonlySet<string>): TaskRow[] {
  const free = new Map<string, number>();
  for (const name of gone) {
    const part = partIn(graph, name);
    if (part?.lane === undefined) continue;
    const { active } = graph.growth(part.parent).lane ?? EMPTY;
    const row = graph.row(name);
    const more = !isSettled(row.status) && hadTurn(row) ? 1 : 0;
    free.set(part.parent, (free.get(part.parent) ?? part.lane - active) + more);
  }
  return [...free].flatMap(([owner, turns]) => {
    const { next, end } = graph.growth(owner).lane ?? EMPTY;
    const found: TaskRow[] = [];
    for (let at = next; at < end && found.length < turns; at++) {
      const row = graph.row(graph.entry(owner, 'turn', at).name);
      if (!gone.has(row.name) && !isSettled(row.status)) found.push(row);
    }
    return found;
  });
}

/** It could begin and was allowed to, or has begun. */
function hadTurn({ ready, live }: TaskRow): boolean {
  return ready || live;
}
