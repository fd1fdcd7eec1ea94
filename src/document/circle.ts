/**
 * Whether tasks that join a run would wait for themselves: what depends on a task waits for what that adds, so that an added
 * task which needs one of those would wait for ever.
 *
 * It is looked for from both sides at once, up from what the added tasks need and down from who adds them. The side that
 * comes to its end first has the answer: among 10,000 tasks that wait, a task joins that nobody waits for, or that needs
 * what waits for nothing, at the cost of one among ten (R3).
 */
import type { TaskSpec } from './definition.ts';
import type { RunGraph } from './run-graph.ts';
import { isSettled } from './task-status.ts';

/** An added task, and the one among those that it comes from for which it would wait. */
interface Circle {
  readonly task: string;
  readonly origin: string;
}

/** A side of the search: gives way after each task that it comes past, and then says what it has found. */
type Side = Generator<void, Circle | undefined>;

/** In which way tasks that `parent` adds would wait for themselves, in words; undefined where they would not. */
export function waitsForItself(graph: RunGraph, parent: string, specs: readonly TaskSpec[]): string | undefined {
  const origins = new Set<string>();
  for (let at: string | null = parent; at !== null; at = graph.growth(at).parent) origins.add(at);
  const circle = firstToEnd(upwards(graph, origins, specs), downwards(graph, origins, specs));
  if (circle === undefined) return undefined;
  const { task, origin } = circle;
  return `task ${JSON.stringify(task)} needs one that waits for ${JSON.stringify(origin)} and all that it adds`;
}

function firstToEnd(one: Side, other: Side): Circle | undefined {
  for (let [turn, next] = [one, other]; ; [turn, next] = [next, turn]) {
    const { done, value } = turn.next();
    if (done === true) return value;
  }
}

/** All that the added tasks wait for. One search for all of them: what one has led past, no other needs to walk again. */
function* upwards(graph: RunGraph, origins: ReadonlySet<string>, specs: readonly TaskSpec[]): Side {
  const seen = new Set<string>();
  for (const { name, dependsOn } of specs) {
    const pending = dependsOn.filter((needed) => graph.has(needed) && !origins.has(needed));
    for (const needed of pending) {
      if (origins.has(needed)) return { task: name, origin: needed };
      if (seen.has(needed)) continue;
      seen.add(needed);
      yield;
      const { status, waiting } = graph.row(needed);
      const isOver = isSettled(status);
      // Nothing is behind it that it still waits for.
      if (isOver ? graph.growth(needed).open === 0 : waiting === 0) continue;
      const { dependsOn: further, after } = graph.spec(needed);
      pending.push(...(isOver ? graph.children(needed) : [...further, ...after]));
    }
  }
  return undefined;
}

/** All that waits for those from which the added tasks come: none of it may be needed. */
function* downwards(graph: RunGraph, origins: ReadonlySet<string>, specs: readonly TaskSpec[]): Side {
  /** For which of them each waits. */
  const waits = new Map<string, string>();
  const pending = [...origins];
  for (const at of pending) {
    // What depends on a task that has ended waits for those that it added.
    const { parent } = graph.growth(at);
    for (const name of [...(parent === null ? [] : [parent]), ...graph.dependents(at).map((waiter) => waiter.name)]) {
      yield;
      if (origins.has(name) || waits.has(name) || (name !== parent && isSettled(graph.row(name).status))) continue;
      waits.set(name, waits.get(at) ?? at);
      pending.push(name);
    }
  }
  for (const { name, dependsOn } of specs) {
    const origin = dependsOn.flatMap((needed) => waits.get(needed) ?? [])[0];
    if (origin !== undefined) return { task: name, origin };
  }
  return undefined;
}
