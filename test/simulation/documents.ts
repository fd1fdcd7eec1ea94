/** Random documents: every kind of graph, gate, retry and deadline that a document can have, small. */
import type { WorkflowDocument } from '../../src/document/schema.ts';
import type { Random } from '../../src/testing/random.ts';

/** A document of a seed's making. Its tasks are called `t0`, `t1`, … */
export function randomDocument(random: Random, name: string): WorkflowDocument {
  const tasks = Array.from({ length: random.between(1, 6) }, (_, index) => randomTask(random, index));
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

function randomTask(random: Random, index: number) {
  const before = Array.from({ length: index }, (_, other) => `t${other}`).filter(() => random.chance(0.4));
  return {
    name: `t${index}`,
    ...randomWork(random, String(index), before, 2),
    ...(before.length > 0 ? { dependsOn: before } : {}),
  };
}

/** Tasks of somebody's own, which join a run: `parent` adds them, and knows the tasks of the document only. */
export function randomAdditions(random: Random, parent: string): readonly object[] {
  return Array.from({ length: random.between(0, 3) }, (_, index) => {
    const known = Array.from({ length: 3 }, (__, other) => `t${other}`).filter(() => random.chance(0.15));
    const earlier = index > 0 && random.chance(0.4) ? [`${parent}.${index - 1}`] : [];
    const needed = [...known, ...earlier, ...(random.chance(0.3) ? [parent] : [])];
    return {
      name: `${parent}.${index}`,
      ...randomWork(random, `${parent}.${index}`, [], 1),
      ...(needed.length > 0 ? { dependsOn: [...new Set(needed)] } : {}),
    };
  });
}

/** What a task does; `depth`: of maps in maps. */
function randomWork(random: Random, about: string, before: readonly string[], depth: number): object {
  return depth > 0 && random.chance(0.25)
    ? randomMap(random, about, depth)
    : randomCall(random, about, before, random.chance(0.2));
}

function randomMap(random: Random, about: string, depth: number): object {
  return {
    kind: 'map',
    items: JSON.stringify(Array.from({ length: random.between(0, 4) }, (_, item) => item)),
    batchSize: random.pick([1, 1, 1, 2]),
    ...(random.chance(0.4) ? { concurrency: random.between(1, 3) } : {}),
    onItemFailure: random.pick(['stop', 'continue', 'collect']),
    ...(random.chance(0.15) ? { timeoutSeconds: random.pick([0.04, 30, 120]) } : {}),
    ...(random.chance(0.1) ? randomGate(random) : {}),
    task: depth > 1 && random.chance(0.4) ? randomMap(random, about, depth - 1) : randomCall(random, about, [], false),
  };
}

function randomCall(random: Random, about: string, before: readonly string[], adds: boolean): object {
  const [read] = before;
  const text = read !== undefined && random.chance(0.5) ? ` after {{ tasks.${read}.output }}` : '';
  const call = random.chance(0.5)
    ? { prompt: `Do ${about}${text}`, ...(adds ? { responseFormat: 'json' } : {}) }
    : { kind: 'code', function: 'work', input: { about: JSON.stringify(about) } };
  return {
    ...call,
    retry: {
      maxRetries: random.between(0, 3),
      initialSeconds: random.pick([0.001, 0.5, 2]),
      factor: random.pick([1, 2, 3]),
      maxSeconds: random.pick([2, 60]),
    },
    timeoutSeconds: random.pick([0.04, 30, 120]),
    onInDoubt: random.pick(['retry', 'retry', 'ask', 'fail']),
    ...(random.chance(0.25) ? randomGate(random) : {}),
    ...(adds ? { onComplete: randomGrowth(random) } : {}),
  };
}

function randomGrowth(random: Random): object {
  return {
    addTasks: random.pick(['fromOutput', 'fromOutput', 'grow']),
    join: random.chance(0.7),
    dynamicTaskLimit: random.pick([2, 10]),
    maxDynamicDepth: random.between(1, 2),
    onLimit: random.pick(['truncate', 'truncate', 'fail']),
  };
}

function randomGate(random: Random) {
  return {
    requiresApproval: true,
    onReject: random.pick(['skip', 'cancel', 'fail']),
    ...(random.chance(0.5) ? { approvalTimeoutSeconds: random.between(1, 600) } : {}),
  };
}
