/** Random documents: every kind of graph that a document can have, small; and tasks that join its runs. */
import type { WorkflowDocument } from '../../src/document/schema.ts';
import type { Random } from '../../src/testing/random.ts';
import { randomCondition, randomGrowth, randomSharing, randomWhen, randomWork, type RandomTask } from './tasks.ts';

/** A document of a seed's making. Its tasks are called `t0`, `t1`, … */
export function randomDocument(random: Random, name: string): WorkflowDocument {
  const names = Array.from({ length: random.between(1, 6) }, (_, index) => `t${index}`);
  const tasks: RandomTask[] = [];
  for (const [index, own] of names.entries()) {
    const before = tasks.filter(() => random.chance(0.4));
    tasks.push(randomTask(random, own, before, names.slice(index + 1), 2));
  }
  return {
    name,
    config: {
      strategy: random.pick(['hybrid', 'hybrid', 'parallel', 'sequential']),
      breadth: random.between(1, 3),
      onTaskFailure: random.pick(['stop', 'continue']),
      ...(random.chance(0.2) ? { timeoutSeconds: random.between(1, 3_600) } : {}),
    },
    tasks,
  } as WorkflowDocument;
}

/** Tasks of somebody's own, which join a run: `parent` adds them, and knows the names of the first tasks only. */
export function randomAdditions(random: Random, parent: string): readonly object[] {
  const names = Array.from({ length: random.between(0, 3) }, (_, index) => `${parent}.${index}`);
  const tasks: RandomTask[] = [];
  for (const [index, own] of names.entries()) {
    const known = [...new Set(['t0', 't1', 't2', parent])]
      .filter((other) => random.chance(other === parent ? 0.3 : 0.15))
      .map((other): RandomTask => ({ name: other, kind: 'unknown' }));
    const earlier = tasks.slice(-1).filter(() => random.chance(0.4));
    tasks.push(randomTask(random, own, [...known, ...earlier], names.slice(index + 1), 1));
  }
  return tasks;
}

/**
 * @param before what it needs
 * @param later names of those that it may choose among
 * @param depth of maps in maps
 */
function randomTask(
  random: Random,
  name: string,
  before: readonly RandomTask[],
  later: readonly string[],
  depth: number,
): RandomTask {
  const [read] = before;
  return {
    name,
    ...(before.length > 0 ? { dependsOn: before.map((task) => task.name) } : {}),
    ...(random.chance(0.25) ? randomWhen(random, read) : {}),
    ...randomSharing(random),
    ...(later.length > 0 && random.chance(0.2)
      ? randomCondition(random, later, read)
      : random.chance(0.25)
        ? randomGrowth(random, name)
        : randomWork(random, name, read, depth)),
  };
}
