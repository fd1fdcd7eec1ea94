/**
 * Whose turn it is among the proposed tasks of one that works in rounds: at most its `breadth` of them have it at once, from
 * when they could begin until they end, in the order in which they could.
 */
import type { TaskRow } from '../store/store.ts';
import type { Changes } from './changes.ts';
import type { Lane } from './growth.ts';
import { partIn, partOfRow } from './rounds.ts';
import type { RunGraph } from './run-graph.ts';

const EMPTY: Lane = { active: [], queue: [] };

/** A task that waits for nothing else: whether it has its turn. One that has not will get it from one that ends. */
export function hasTurn(row: TaskRow, changes: Changes): boolean {
  const part = partOfRow(row);
  if (part?.lane === undefined) return true;
  const growth = changes.growth(part.parent);
  const { active, queue } = growth.lane ?? EMPTY;
  const isFree = active.length < part.lane;
  changes.putGrowth({
    ...growth,
    lane: isFree ? { active: [...active, row.name], queue } : { active, queue: [...queue, row.name] },
  });
  return isFree;
}

/** A task has ended: the next one has its turn. */
export function passTurn(row: TaskRow, changes: Changes): void {
  const part = partOfRow(row);
  if (part?.lane === undefined) return;
  const growth = changes.growth(part.parent);
  const { active, queue } = without(growth.lane ?? EMPTY, row.name);
  const next = active.length < part.lane ? queue[0] : undefined;
  changes.putGrowth({
    ...growth,
    lane: next === undefined ? { active, queue } : { active: [...active, next], queue: queue.slice(1) },
  });
  if (next !== undefined) changes.putTask({ ...changes.task(next), ready: true });
}

/** Tasks whose turn comes as those end that are gone: the rows do not say so yet. */
export function nextTurns(graph: RunGraph, gone: ReadonlySet<string>): TaskRow[] {
  const lanes = new Map<string, { readonly free: number; readonly queue: readonly string[] }>();
  for (const name of gone) {
    const part = partIn(graph, name);
    if (part?.lane === undefined || lanes.has(part.parent)) continue;
    const { active, queue } = graph.growth(part.parent).lane ?? EMPTY;
    const left = active.filter((other) => !gone.has(other)).length;
    lanes.set(part.parent, { free: part.lane - left, queue: queue.filter((other) => !gone.has(other)) });
  }
  return [...lanes.values()].flatMap(({ free, queue }) =>
    queue.slice(0, Math.max(0, free)).map((name) => graph.row(name)),
  );
}

function without({ active, queue }: Lane, name: string): Lane {
  return { active: active.filter((other) => other !== name), queue: queue.filter((other) => other !== name) };
}
