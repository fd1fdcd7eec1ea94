/** Random tasks: every kind, gate, condition, retry and deadline that a task can have. */
import { randomRounds } from './rounds.ts';
import type { Random } from '../../src/testing/random.ts';

/** A task as documents write it; `unknown`: of one that somebody else has written, only the name is known. */
export interface RandomTask {
  readonly name: string;
  readonly kind?: string;
  readonly responseFormat?: string;
  readonly onComplete?: object;
}

/** Values that tasks share in a life: true or false. */
export const SHARED_KEYS = ['done', 'enough'] as const;

/** What a task shares, and what stops it. */
export function randomSharing(random: Random): object {
  const key = (): string => random.pick(SHARED_KEYS);
  return {
    ...(random.chance(0.25)
      ? {
          outputs: {
            shared: {
              [key()]: random.pick([true, false, 'result == null', 'result != null']),
              // Before anybody has written it, that gives nothing that can be shared.
              ...(random.chance(0.1) ? { copied: 'shared.done' } : {}),
            },
          },
        }
      : {}),
    ...(random.chance(0.25)
      ? {
          cancelWhen: random.pick([
            `shared.${key()}`,
            `shared.${key()} == false`,
            'has(shared.done) && shared.done && shared.?enough.orValue(true)',
            'shared.done && shared.enough',
          ]),
        }
      : {}),
  };
}

/** What a task does by itself; `depth`: of maps in maps. */
export function randomWork(random: Random, about: string, read: RandomTask | undefined, depth: number): object {
  if (depth > 0 && random.chance(0.4)) return randomMap(random, about, read, depth);
  if (random.chance(0.1)) return randomRounds(random, about);
  if (random.chance(0.12)) return randomChild(random, LEAF);
  return random.chance(0.2) ? randomWait(random) : randomCall(random, about, read);
}

/** The workflow that tasks run by its name. */
export const LEAF = 'leaf';

/** A task that runs another workflow. */
export function randomChild(random: Random, workflow: unknown): object {
  return {
    kind: 'subworkflow',
    workflow,
    input: { about: '{{ input }}', n: random.between(0, 9) },
    wait: random.chance(0.85),
    retry: { maxRetries: random.pick([0, 0, 1, 2]), initialSeconds: random.pick([0.001, 2]) },
    ...(random.chance(0.3) ? { timeoutSeconds: random.pick([0.02, 0.2, 30, 86_400]) } : {}),
    ...(random.chance(0.15) ? randomGate(random) : {}),
  };
}

/** A call after which tasks join the run. */
export function randomGrowth(random: Random, about: string): object {
  return growing(random, randomCall(random, about, undefined));
}

/** The same of whatever a task is; some become one that adds tasks. */
export function randomlyGrowing(random: Random, task: object): object {
  return random.chance(0.2) ? growing(random, task) : task;
}

/** What it gives may hold tasks where its kind allows that. */
function growing(random: Random, task: object): object {
  const { kind, wait, event } = task as { readonly kind?: string; readonly wait?: boolean; readonly event?: object };
  const answers = kind === undefined || kind === 'reduce' || kind === 'planExecuteReflect';
  const mayHold = answers || kind === 'code' || event !== undefined || (kind === 'subworkflow' && wait !== false);
  return {
    ...task,
    ...(answers ? { responseFormat: 'json' } : {}),
    onComplete: {
      addTasks: mayHold ? random.pick(['fromOutput', 'fromOutput', 'grow']) : 'grow',
      join: random.chance(0.7),
      dynamicTaskLimit: random.pick([2, 10]),
      maxDynamicDepth: random.between(1, 2),
      onLimit: random.pick(['truncate', 'truncate', 'fail']),
    },
  };
}

/** Says of one that adds tasks what those may name: mostly all that there is. */
export function withAllowance(random: Random, task: RandomTask): RandomTask {
  if (task.onComplete === undefined || random.chance(0.25)) return task;
  const tasks = random.chance(0.2) ? { tasks: ['t0', 't1'] } : {};
  const allow = { functions: ['work', 'grow'], workflows: [LEAF], shared: [...SHARED_KEYS, 'copied'], ...tasks };
  return { ...task, onComplete: { ...task.onComplete, allow } };
}

function randomMap(random: Random, about: string, read: RandomTask | undefined, depth: number): object {
  return {
    kind: 'map',
    items: JSON.stringify(Array.from({ length: random.between(0, 4) }, (_, item) => item)),
    batchSize: random.pick([1, 1, 1, 2]),
    ...(random.chance(0.4) ? { concurrency: random.between(1, 3) } : {}),
    onItemFailure: random.pick(['stop', 'continue', 'collect']),
    ...(random.chance(0.15) ? { timeoutSeconds: random.pick([0.04, 30, 120]) } : {}),
    ...(random.chance(0.1) ? randomGate(random) : {}),
    task: {
      ...randomSharing(random),
      ...(random.chance(0.3) ? { when: random.pick(['index > 0', 'index == 0', 'item != 1', 'item > 1']) } : {}),
      ...(depth > 1 && random.chance(0.5)
        ? randomMap(random, about, read, depth - 1)
        : randomWork(random, about, read, 0)),
    },
  };
}

/** One of many, mostly in a tree. */
export function randomReduce(random: Random, list: RandomTask): object {
  const { timeoutSeconds, ...trouble } = randomTrouble(random);
  const isTree = random.chance(0.8);
  return {
    kind: 'reduce',
    prompt: `Combine {{ ${readAs(list)}.output | json }}`,
    ...trouble,
    ...(isTree ? { arity: random.between(2, 3) } : {}),
    // Of a tree it is from its first call to its last.
    ...(isTree && random.chance(0.85) ? {} : { timeoutSeconds }),
  };
}

function randomCall(random: Random, about: string, read: RandomTask | undefined): object {
  const text = read !== undefined && random.chance(0.5) ? ` after {{ ${readAs(read)}.output }}` : '';
  const call = random.chance(0.5)
    ? { prompt: `Do ${about}${text}` }
    : { kind: 'code', function: 'work', input: { about: JSON.stringify(about) } };
  return { ...call, ...randomTrouble(random) };
}

/** What may be in the way of a call, and what then. */
function randomTrouble(random: Random) {
  return {
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

/** The types of events that are sent in a life. */
export const EVENT_TYPES = ['paid', 'shipped'] as const;

function randomWait(random: Random): object {
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
    ...(random.chance(0.25) ? randomGate(random) : {}),
  };
}

/** Most can be evaluated; some fail where what they read was skipped. */
export function randomWhen(random: Random, read: RandomTask | undefined): object {
  const skipPolicy = random.pick(['run', 'run', 'cascade']);
  if (read === undefined)
    return { when: random.pick<unknown>(['true', 'false', { predicate: 'coin' }, 'input.nothing > 1']), skipPolicy };
  const task = readAs(read);
  const when = random.pick<unknown>([
    `${task}.status == "completed"`,
    `${task}.status != "skipped"`,
    task.endsWith(']') ? `"output" in ${task}` : `has(${task}.output)`,
    ofOutput(`${task}.output`, read),
    { predicate: 'coin' },
  ]);
  return { when, skipPolicy };
}

/** How expressions name a task: names of tasks that were added are no words. */
function readAs({ name }: RandomTask): string {
  return /^\w+$/.test(name) ? `tasks.${name}` : `tasks[${JSON.stringify(name)}]`;
}

/** A question that what a task gives can answer, where it has not failed. */
function ofOutput(output: string, { kind, responseFormat }: RandomTask): string {
  if (kind === 'condition') return `${output}.value == true`;
  if (kind === 'map') return `size(${output}) > 1`;
  if (kind === 'planExecuteReflect') return `${output} != "nothing"`;
  if (kind === 'code' || responseFormat === 'json') return `${output}.said.endsWith("1")`;
  return kind === undefined ? `${output}.contains("attempt 1")` : `${output} != null`;
}

/** A condition that chooses among tasks that come later. */
export function randomCondition(random: Random, later: readonly string[], read: RandomTask | undefined): object {
  const some = (): string[] => later.filter(() => random.chance(0.5));
  const status = read === undefined ? '' : `${readAs(read)}.status`;
  const decides =
    read === undefined || random.chance(0.5)
      ? {
          if: read === undefined ? random.pick(['true', 'false']) : `${status} == "completed"`,
          then: some(),
          ...(random.chance(0.7) ? { else: some() } : {}),
        }
      : {
          switch: status,
          cases: { completed: some(), failed: some() },
          ...(random.chance(0.5) ? { else: some() } : {}),
        };
  return {
    kind: 'condition',
    ...decides,
    // A decision takes none of it.
    ...(random.chance(0.3) ? { timeoutSeconds: 0.04 } : {}),
    ...(random.chance(0.25) ? randomGate(random) : {}),
  };
}

function randomGate(random: Random): object {
  return {
    requiresApproval: true,
    onReject: random.pick(['skip', 'cancel', 'fail']),
    ...(random.chance(0.5) ? { approvalTimeoutSeconds: random.between(1, 600) } : {}),
  };
}
