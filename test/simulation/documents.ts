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
  const [read] = before;
  const text = read !== undefined && random.chance(0.5) ? ` after {{ tasks.${read}.output }}` : '';
  const call = random.chance(0.5)
    ? { prompt: `Do ${index}${text}` }
    : { kind: 'code', function: 'work', input: { index: String(index) } };
  return {
    name: `t${index}`,
    ...call,
    ...(before.length > 0 ? { dependsOn: before } : {}),
    retry: {
      maxRetries: random.between(0, 3),
      initialSeconds: random.pick([0.001, 0.5, 2]),
      factor: random.pick([1, 2, 3]),
      maxSeconds: random.pick([2, 60]),
    },
    timeoutSeconds: random.pick([0.04, 30, 120]),
    onInDoubt: random.pick(['retry', 'retry', 'ask', 'fail']),
    ...(random.chance(0.25) ? randomGate(random) : {}),
  };
}

function randomGate(random: Random) {
  return {
    requiresApproval: true,
    onReject: random.pick(['skip', 'cancel', 'fail']),
    ...(random.chance(0.5) ? { approvalTimeoutSeconds: random.between(1, 600) } : {}),
  };
}
