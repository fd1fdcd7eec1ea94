/** Random documents: every kind of graph that a document can have, small; and tasks that join its runs. */
import type { WorkflowDocument } from '../../src/document/schema.ts';
import { randomlyCached } from './cached.ts';
import type { Random } from '../../src/testing/random.ts';
import {
  LEAF,
  randomChild,
  randomCondition,
  randomGrowth,
  randomlyGrowing,
  randomReduce,
  randomSharing,
  randomWhen,
  randomWork,
  withAllowance,
  type RandomTask,
} from './tasks.ts';

/** The document that others run by its name. It runs none itself. */
export function randomLeaf(random: Random): WorkflowDocument {
  const tasks = Array.from({ length: random.between(1, 2) }, (_, index) => {
    const work = randomWork(random, `leaf ${index}`, undefined, 0);
    const own = 'kind' in work && work.kind === 'subworkflow' ? { prompt: 'Do leaf' } : work;
    return { name: `t${index}`, ...own };
  });
  return randomlyCached(random.fork('cache'), { name: LEAF, tasks } as WorkflowDocument);
}

/**
 * A document of a seed's making. Its tasks are called `t0`, `t1`, …
 *
 * @param nested of how many more documents it may hold one in another
 */
export function randomDocument(random: Random, name: string, nested = 2): WorkflowDocument {
  const names = Array.from({ length: random.between(1, nested === 2 ? 6 : 3) }, (_, index) => `t${index}`);
  const tasks: RandomTask[] = [];
  for (const [index, own] of names.entries()) {
    const before = tasks.filter(() => random.chance(0.4));
    const inner = nested > 0 && random.chance(0.15) ? randomDocument(random, `${name}.${own}`, nested - 1) : undefined;
    tasks.push(randomTask(random, own, before, names.slice(index + 1), nested + 1, inner));
  }
  const document = {
    name,
    config: {
      strategy: random.pick(['hybrid', 'hybrid', 'parallel', 'sequential']),
      breadth: random.between(1, 3),
      onTaskFailure: random.pick(['stop', 'continue']),
      ...(random.chance(0.2) ? { timeoutSeconds: random.between(1, 3_600) } : {}),
      ...randomBudget(random.fork('budget')),
      ...randomModels(random.fork('models')),
    },
    tasks: tasks.map((task) => withAllowance(random, task)),
  } as WorkflowDocument;
  return randomlyCached(random.fork(`cache of ${name}`), document);
}

/** What the calls of a run may cost; one may cost a cent and a half, and usually costs a hundredth of that. */
function randomBudget(random: Random): object {
  if (random.chance(0.6)) return {};
  const maxCostDollars = random.pick([0.01, 0.018, 0.018, 0.034, 0.034, 0.2]);
  const warns = random.chance(0.5) ? { warnAtDollars: maxCostDollars / 100 } : {};
  const prices = {
    '*': { input: 1, output: 4 },
    medium: { input: 0.4, output: 1.6 },
    tiny: { input: 0.1, output: 0.2 },
  };
  return { prices: { openai: prices }, budget: { maxCostDollars, ...warns } };
}

/** Models that its calls may choose from, the best first. Of some nobody knows the price where the run has no budget. */
function randomModels(random: Random): object {
  if (random.chance(0.6)) return {};
  const models = ['large', 'medium', 'small', 'tiny'].filter(() => random.chance(0.7));
  if (models.length === 0) return {};
  const optimize = random.pick([undefined, 'minimizeCost', 'balanced', 'maximizeQuality']);
  return { models, ...(optimize === undefined ? {} : { optimize }) };
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
 * @param inner a document that it may run
 */
function randomTask(
  random: Random,
  name: string,
  before: readonly RandomTask[],
  later: readonly string[],
  depth: number,
  inner?: WorkflowDocument,
): RandomTask {
  const [read] = before;
  const list = before.find(({ kind }) => kind === 'map');
  if (inner === undefined && list !== undefined && random.chance(0.7))
    return {
      name,
      dependsOn: [list.name],
      ...(random.chance(0.25) ? randomWhen(random, list) : {}),
      ...randomlyGrowing(random, randomReduce(random, list)),
    } as RandomTask;
  return {
    name,
    ...(before.length > 0 ? { dependsOn: before.map((task) => task.name) } : {}),
    ...(random.chance(0.25) ? randomWhen(random, read) : {}),
    ...randomSharing(random),
    ...(inner !== undefined
      ? randomlyGrowing(random, randomChild(random, inner))
      : later.length > 0 && random.chance(0.2)
        ? randomlyGrowing(random, randomCondition(random, later, read))
        : random.chance(0.25)
          ? randomGrowth(random, name)
          : randomlyGrowing(random, randomWork(random, name, read, depth))),
  };
}
