/** Random documents: every kind of graph, gate, condition, retry and deadline that a document can have, small. */
import type { WorkflowDocument } from '../../src/document/schema.ts';
import type { Random } from '../../src/testing/random.ts';

/** A document of a seed's making. Its tasks are called `t0`, `t1`, … */
export function randomDocument(random: Random, name: string): WorkflowDocument {
  const length = random.between(1, 6);
  const decides = Array.from({ length }, (_, index) => index < length - 1 && random.chance(0.2));
  const tasks = decides.map((isCondition, index) => randomTask(random, { index, length, isCondition, decides }));
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

interface Place {
  readonly index: number;
  /** How many tasks there are. */
  readonly length: number;
  readonly isCondition: boolean;
  /** Of all tasks, whether they are conditions. */
  readonly decides: readonly boolean[];
}

function randomTask(random: Random, place: Place) {
  const { index, isCondition, decides } = place;
  const before = Array.from({ length: index }, (_, other) => other).filter(() => random.chance(0.4));
  const [read] = before;
  const text = read !== undefined && random.chance(0.5) ? ` after {{ tasks.t${read}.output }}` : '';
  const when = random.chance(0.25) ? randomWhen(random, read, read !== undefined && decides[read] === true) : undefined;
  const common = {
    name: `t${index}`,
    ...dependsOn(before.map((other) => `t${other}`)),
    ...(when === undefined ? {} : { when, skipPolicy: random.pick(['run', 'run', 'cascade']) }),
  };
  if (!isCondition && random.chance(0.2)) return { ...common, ...randomWait(random), ...maybeGate(random) };
  const call = isCondition
    ? randomCondition(random, place, read)
    : random.chance(0.5)
      ? { prompt: `Do ${index}${text}` }
      : { kind: 'code', function: 'work', input: { index: String(index) } };
  return {
    ...common,
    ...call,
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

/** Most can be evaluated; some fail where what they read was skipped. */
function randomWhen(random: Random, read: number | undefined, readsCondition: boolean): unknown {
  if (read === undefined) return random.pick<unknown>(['true', 'false', { predicate: 'coin' }, 'input.nothing > 1']);
  const name = `tasks.t${read}`;
  return random.pick<unknown>([
    `${name}.status == "completed"`,
    `${name}.status != "skipped"`,
    `has(${name}.output)`,
    readsCondition ? `${name}.output.value == true` : `${name}.output.endsWith("1")`,
    { predicate: 'coin' },
  ]);
}

function randomCondition(random: Random, { index, length }: Place, read: number | undefined) {
  const later = Array.from({ length: length - index - 1 }, (_, other) => `t${index + 1 + other}`);
  const some = (): string[] => later.filter(() => random.chance(0.5));
  if (read === undefined || random.chance(0.5))
    return {
      kind: 'condition',
      if: read === undefined ? random.pick(['true', 'false']) : `tasks.t${read}.status == "completed"`,
      then: some(),
      ...(random.chance(0.7) ? { else: some() } : {}),
    };
  return {
    kind: 'condition',
    switch: `tasks.t${read}.status`,
    cases: { completed: some(), failed: some() },
    ...(random.chance(0.5) ? { else: some() } : {}),
  };
}

function randomGate(random: Random) {
  return {
    requiresApproval: true,
    onReject: random.pick(['skip', 'cancel', 'fail']),
    ...(random.chance(0.5) ? { approvalTimeoutSeconds: random.between(1, 600) } : {}),
  };
}
