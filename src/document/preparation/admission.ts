/** Which tasks may get a slot: those that wait for nothing, and those whose turn has come. */
import type { Candidate } from '../../../machines/workflow/prepared.ts';
import type { TaskRow } from '../../store/tasks.ts';
import { itemName, itemPosition, type Group } from '../growth.ts';
import { nextTurns } from '../lane.ts';
import { partIn } from '../rounds.ts';
import type { RunGraph } from '../run-graph.ts';
import { isSettled } from '../task-status.ts';

const NONE: ReadonlySet<string> = new Set();

/**
 * Tasks that may get a slot, in document order: those that wait for nothing, and those whose turn has come.
 *
 * @param gone tasks that end in this turn
 * @param closed tasks that are stopped, and maps of which no more items begin, from this turn on
 */
export function candidates(
  graph: RunGraph,
  nextRoot: number,
  slots: number,
  gone: ReadonlySet<string> = NONE,
  closed: ReadonlySet<string> = NONE,
): readonly Candidate[] {
  if (slots <= 0) return [];
  const found: Candidate[] = [];
  const ready = [
    ...graph.rows.ready(slots + gone.size + closed.size).filter(({ name }) => !gone.has(name)),
    ...released(graph, gone),
    ...nextTurns(graph, gone),
  ]
    .filter(({ name }) => !isWithin(graph, name, closed))
    .toSorted((one, other) => one.position - other.position);
  let root = nextRoot;
  let at = 0;
  while (found.length < slots) {
    const waiting = ready[at];
    const spec = nextRootSpec();
    if (spec !== undefined && (waiting === undefined || spec.position < waiting.position)) {
      found.push({ name: spec.name, live: false, root });
      root++;
    } else if (waiting !== undefined) {
      const { group } = graph.growth(waiting.name);
      // One all of whose items have ended wants the slot for itself: to have its function called.
      const isItself = group === undefined || group.settled >= group.total;
      if (isItself) found.push({ name: waiting.name, live: graph.row(waiting.name).live });
      else found.push(...nextItems(graph, waiting.name, group, slots - found.length, gone));
      at++;
    } else {
      break;
    }
  }
  return found;

  /** Roots that were cancelled before they began are passed over. */
  function nextRootSpec() {
    for (;;) {
      const spec = graph.roots[root];
      if (spec === undefined) return undefined;
      const row = graph.rows.task(spec);
      if (!gone.has(spec.name) && (row === undefined || !isSettled(row.status))) return spec;
      root++;
    }
  }
}

/** One of these, or an item or a part of one. Given a slot as it is stopped, it would keep that for ever. */
function isWithin(graph: RunGraph, name: string, closed: ReadonlySet<string>): boolean {
  if (closed.size === 0) return false;
  for (let at: string | undefined = name; at !== undefined; at = graph.item(at)?.map ?? partIn(graph, at)?.parent)
    if (closed.has(at)) return true;
  return false;
}

/** Items of a map that may begin: the next ones that were not cancelled before. */
function nextItems(
  graph: RunGraph,
  map: string,
  group: Group,
  slots: number,
  gone: ReadonlySet<string>,
): readonly Candidate[] {
  const found: Candidate[] = [];
  const most = Math.min(slots, group.concurrency - group.active);
  for (let index = group.next; index < group.total && found.length < most; index++) {
    const name = itemName(map, index);
    const row = graph.rows.task({ name, position: itemPosition(group, index) });
    if (!gone.has(name) && (row === undefined || !isSettled(row.status))) found.push({ name, live: false });
  }
  return found;
}

/**
 * Tasks that merely come after those that end in this very turn, or after who added them, and wait for nothing else. Their
 * rows do not say so yet: nothing else would ever wake them.
 */
function released(graph: RunGraph, gone: ReadonlySet<string>): TaskRow[] {
  const waiting = new Map<string, number>();
  const open = new Map<string, number>();
  for (const name of gone) if (!isSettled(graph.row(name).status)) isOver(name);
  return [...waiting].flatMap(([name, left]) => {
    const row = graph.row(name);
    return left === 0 && !row.live && !isSettled(row.status) ? [row] : [];
  });

  function isOver(name: string): void {
    for (const { name: next } of graph.dependents(name))
      if (!gone.has(next)) waiting.set(next, (waiting.get(next) ?? graph.row(next).waiting) - 1);
    const { parent } = graph.growth(name);
    if (parent === null) return;
    const left = (open.get(parent) ?? graph.growth(parent).open) - 1;
    open.set(parent, left);
    if (left === 0 && graph.row(parent).status === 'completed') isOver(parent);
  }
}
