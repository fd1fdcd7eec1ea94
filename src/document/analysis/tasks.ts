/** The tasks of a document, numbered, in an order in which each comes after all that it waits for. */
import type { Definition, TaskSpec } from '../definition.ts';
import { walkGraph } from '../order.ts';
import { eachOf, type Steps } from '../steps.ts';

/** What the parts of the analysis go through. */
export interface Tasks {
  readonly definition: Definition;
  /** Each after what it waits for. */
  readonly order: readonly TaskSpec[];
  /** The task of a name; undefined where there is none. */
  spec(name: string): TaskSpec | undefined;
}

/** Puts the tasks in order. */
export function* tasksOf(definition: Definition): Steps<Tasks> {
  const { tasks } = definition;
  const byName = new Map(tasks.map((spec) => [spec.name, spec]));
  const numbered: number[][] = [];
  yield* eachOf(tasks, ({ dependsOn, after }) => {
    numbered.push([...dependsOn, ...after].map((name) => byName.get(name)?.position ?? 0));
  });
  const order = walkGraph(numbered).order.map((position) => tasks[position]);
  yield;
  return { definition, order: order.filter((spec) => spec !== undefined), spec: (name) => byName.get(name) };
}
