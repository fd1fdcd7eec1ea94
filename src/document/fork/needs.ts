/**
 * Whose outcomes a task is worked out from: what it depends on, who added it, what the calls of a tree reduce, and what came
 * before a part of work in rounds. One rule, of a fork as it stands and of the runs behind it.
 */
import type { RoundPart, TaskSpec } from '../definition.ts';
import { itemOf, partOf } from '../growth.ts';
import { planNames } from '../round-names.ts';
import type { AddedTask, RunGraph } from '../run-graph.ts';
import type { OriginRuns } from './origin-runs.ts';
import type { ForkLayer } from './record.ts';

/** Tasks, as far as the rule asks for them. */
export interface NeedingTasks {
  /** A task; undefined where there is none. */
  spec(name: string): Pick<TaskSpec, 'dependsOn' | 'part'> | undefined;
  /** The task that added one. */
  adder(name: string): string | undefined;
  /** True where a task has joined the run in which `beside` is. */
  has(name: string, beside: string): boolean;
  /** All that one has added, in order, in the run in which `beside` is. */
  children(name: string, beside: string): readonly string[];
  /** Of a call of a tree, the calls of the level below that it reads. */
  reduced(name: string): Iterable<string>;
}

/** The names of those tasks, nearest first. A name may come twice. */
export function* needsOf(tasks: NeedingTasks, name: string): Generator<string> {
  const { dependsOn = [], part } = tasks.spec(name) ?? {};
  yield* dependsOn;
  yield* tasks.reduced(name);
  if (part !== undefined) {
    yield* needsOf(tasks, part.owner);
    yield* before(tasks, name, part);
    return;
  }
  const adder = tasks.adder(name);
  if (adder !== undefined) yield adder;
}

/** Parts of work in rounds that came before one: of a proposed task its plan, of every other part all. */
function* before(tasks: NeedingTasks, name: string, { owner, phase, round }: RoundPart): Generator<string> {
  if (phase === 'execute') {
    // By its name: to look through a plan of 1,000 for each of its tasks takes seconds.
    const plan = planNames(owner, round).find((other) => tasks.has(other, name));
    if (plan !== undefined) yield plan;
    return;
  }
  const children = tasks.children(owner, name);
  yield* children.slice(0, children.indexOf(name)).toReversed();
}

/** The tasks of a fork, as it stands. */
export function tasksOf(graph: RunGraph): NeedingTasks {
  return {
    has: (name) => graph.has(name),
    spec: (name) => graph.spec(name),
    adder(name) {
      if (graph.item(name) !== undefined) return undefined;
      const { detailJson } = graph.row(name);
      return ((detailJson === null ? {} : JSON.parse(detailJson)) as { readonly parent?: string }).parent;
    },
    children: (name) => graph.children(name),
    *reduced(name) {
      const item = graph.item(name);
      const call = item && graph.spec(item.map).call;
      if (item === undefined || call?.kind !== 'reduce') return;
      const { map, index, group } = item;
      const part = partOf(group, index);
      const below = group.parts[group.parts.indexOf(part) - 1];
      if (below === undefined) return;
      const first = below.from + (index - part.from) * call.arity;
      for (let at = first; at < Math.min(first + call.arity, part.from); at++) yield `${map}[${at}]`;
    },
  };
}

/** Where a task joined one of the runs behind a fork, and how. */
export interface JoinedBehind extends AddedTask {
  readonly run: string;
  readonly parent: string;
}

/** Where a task joined the nearest of the runs behind that it did join; undefined where none. */
export function joinedBehind(runs: OriginRuns, layers: readonly ForkLayer[], name: string): JoinedBehind | undefined {
  for (const { run } of layers) {
    const { specSeq } = runs.growth(run, name);
    if (specSeq !== null) return { run, ...(runs.data(run, specSeq) as unknown as Omit<JoinedBehind, 'run'>) };
  }
  return undefined;
}

/** The tasks of the runs behind a fork in which nothing has begun, so that it has those of its document only. */
export function tasksBehind(graph: RunGraph, runs: OriginRuns, layers: readonly ForkLayer[]): NeedingTasks {
  const joined = (name: string): JoinedBehind | undefined => joinedBehind(runs, layers, name);
  const tasks: NeedingTasks = {
    spec(name) {
      if (graph.has(name)) return graph.spec(name);
      const item = itemOf(name);
      // What an item needs, its map does.
      return item === undefined ? joined(name)?.spec : { dependsOn: [...needsOf(tasks, item.map)] };
    },
    adder: (name) => (graph.has(name) || itemOf(name) !== undefined ? undefined : joined(name)?.parent),
    has(name, beside) {
      const run = joined(beside)?.run;
      return run !== undefined && runs.growth(run, name).specSeq !== null;
    },
    children(name, beside) {
      const run = joined(beside)?.run;
      return run === undefined ? [] : runs.children(run, name);
    },
    reduced: () => [],
  };
  return tasks;
}
