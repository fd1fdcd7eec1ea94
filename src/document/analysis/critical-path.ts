/** The chain of tasks that decides how long a run takes, however many tasks are in flight at once. */
import type { TaskSpec } from '../definition.ts';
import { eachOf, type Steps } from '../steps.ts';
import type { Reach } from './reach.ts';
import type { Tasks } from './tasks.ts';

/** The longest chain: by the seconds of its tasks; among those of the same seconds, by their number. */
export interface CriticalPath {
  /** Names, the first one first. */
  readonly tasks: readonly string[];
  /** Of those of its tasks whose duration is known. */
  readonly seconds: number;
  /** Tasks of it whose duration is not known. */
  readonly unestimated: number;
}

interface Chain {
  readonly name: string;
  readonly before: Chain | undefined;
  readonly seconds: number;
  readonly count: number;
  readonly unestimated: number;
}

/** Tasks that never run take no time, and are not in it. */
export function* criticalPathOf(tasks: Tasks, reach: Reach): Steps<CriticalPath> {
  const chains = new Map<string, Chain>();
  let longest: Chain | undefined;
  yield* eachOf(tasks.order, (spec) => {
    let before: Chain | undefined;
    for (const needed of spec.dependsOn) before = longer(before, chains.get(needed));
    for (const needed of spec.after) before = longer(before, chains.get(needed));
    const chain = reach.never(spec.name) ? before : chainOf(spec, before);
    if (chain === undefined) return;
    chains.set(spec.name, chain);
    longest = longer(longest, chain);
  });
  const names: string[] = [];
  for (let at: Chain | undefined = longest; at !== undefined; at = at.before) names.push(at.name);
  return { tasks: names.toReversed(), seconds: longest?.seconds ?? 0, unestimated: longest?.unestimated ?? 0 };
}

function chainOf(spec: TaskSpec, before: Chain | undefined): Chain {
  const seconds = secondsOf(spec);
  return {
    name: spec.name,
    before,
    seconds: (before?.seconds ?? 0) + (seconds ?? 0),
    count: (before?.count ?? 0) + 1,
    unestimated: (before?.unestimated ?? 0) + (seconds === undefined ? 1 : 0),
  };
}

/** A wait for a time span says itself how long it takes, and a decision takes no time. */
function secondsOf({ call, estimatedDurationSeconds }: TaskSpec): number | undefined {
  if (estimatedDurationSeconds !== undefined) return estimatedDurationSeconds;
  if (call.kind === 'wait' && 'seconds' in call.for) return call.for.seconds;
  return call.kind === 'condition' ? 0 : undefined;
}

function longer(one: Chain | undefined, other: Chain | undefined): Chain | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  const difference = other.seconds - one.seconds || other.count - one.count;
  return difference > 0 ? other : one;
}
