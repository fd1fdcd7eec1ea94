/** What the tasks of a document come to together, where conditions choose among them. */
import type { TaskSpec } from '../definition.ts';
import { eachOf, type Steps } from '../steps.ts';
import type { Reach } from './reach.ts';
import type { Tasks } from './tasks.ts';

/** What is added up. */
export interface Sum<Of> {
  readonly nothing: Of;
  plus(one: Of, other: Of): Of;
  /** Of a task by itself. */
  of(spec: TaskSpec): Of;
  /** Of a task with all that it chooses among: by branch, those in which there is something. */
  with(spec: TaskSpec, own: Of, branches: ReadonlyMap<string, Of>): Of;
}

/** Adds up. What no condition chooses, or more than one, is counted whatever they choose. */
export function* sumOf<Of>(tasks: Tasks, reach: Pick<Reach, 'only'>, sum: Sum<Of>): Steps<Of> {
  const branches = new Map<string, Map<string, Of>>();
  let total = sum.nothing;
  // What a condition chooses comes after it, so that backwards every branch is complete when its condition is counted.
  yield* eachOf(tasks.order.toReversed(), (spec) => {
    const { name } = spec;
    const cost = sum.with(spec, sum.of(spec), branches.get(name) ?? new Map<string, Of>());
    const only = reach.only(name);
    if (only === undefined) {
      total = sum.plus(total, cost);
      return;
    }
    const known = branches.get(only.by) ?? new Map<string, Of>();
    branches.set(only.by, known);
    for (const label of only.branches) known.set(label, sum.plus(known.get(label) ?? sum.nothing, cost));
  });
  return total;
}
