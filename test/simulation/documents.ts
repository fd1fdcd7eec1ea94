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
  if (random.chance(0.2))
    return { name: `t${index}`, ...randomWait(random), ...dependsOn(before), ...maybeGate(random) };
  const call = random.chance(0.5)
    ? { prompt: `Do ${index}${text}` }
    : { kind: 'code', function: 'work', input: { index: String(index) } };
  return {
    name: `t${index}`,
    ...call,
    ...dependsOn(before),
    retry: {
      maxRetries: random.between(0, 3),
      initialSeconds: random.pick([0.001, 0.5, 2]),
      factor: random.pick([1, 2, 3]),
      maxSeconds: random.pick([2, 60]),
    },
    timeoutSeconds: random.pick([0.04, 30, 120]),
    onInDoubt: random.pick(['retry', 'retry', 'ask', 'fail']),
    ...maybeGate(random),
  };
}

const dependsOn = (before: readonly string[]) => (before.length > 0 ? { dependsOn: before } : {});
const maybeGate = (random: Random) => (random.chance(0.25) ? randomGate(random) : {});

/** The types of events that are sent in a life. */
export const EVENT_TYPES = ['paid', 'shipped'] as const;

function randomWait(random: Random) {
  const type = random.pick(EVENT_TYPES);
  const what = random.pick<object>([
    { seconds: random.pick([0.5, 60, 30 * 86_400]) },
    { until: random.pick(['2025-12-31', '2026-01-01T00:00:10Z', '2026-01-20']) },
    { event: { type } },
    { event: { type } },
    // Of an event that does not say whether it is even, it cannot tell.
    { event: { type, filter: 'event.even' } },
  ]);
  return {
    kind: 'wait',
    ...what,
    onTimeout: random.pick(['fail', 'skip', 'continue']),
    ...(random.chance(0.4) ? { timeoutSeconds: random.pick([1, 600, 40 * 86_400]) } : {}),
  };
}

function randomGate(random: Random) {
  return {
    requiresApproval: true,
    onReject: random.pick(['skip', 'cancel', 'fail']),
    ...(random.chance(0.5) ? { approvalTimeoutSeconds: random.between(1, 600) } : {}),
  };
}
