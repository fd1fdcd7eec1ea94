/**
 * The paths of a task: what may happen to it in each of its states, as the machine's event and as what really happens,
 * and every simple path from its beginning to an end, found by `@xstate/graph`.
 */
import { getSimplePaths } from '@xstate/graph';
import type { EventObject, SnapshotFrom } from 'xstate';
import { taskMachine } from '../../machines/task.ts';
import type { TaskInput } from '../../machines/task/context.ts';
import type { JoinedItems, PreparedTask } from '../../machines/task/prepared.ts';
import { taskMachine as taskMachine1 } from '../../machines/workflow-1/task.ts';
import type { OnItemFailure } from '../../src/document/kinds/map.ts';
import { explorable } from '../harness/plain.ts';
import type { TaskWalk } from './task-walk.ts';

type TaskSnapshot = SnapshotFrom<typeof taskMachine>;

/** What kinds of task there are to walk. */
export interface TaskKind {
  /** Of the workflow machine; default: the newest. */
  readonly version?: 1;
  /**
   * `missedTime` is a wait for a time that its timeout comes before; one that is `skipped` has a `when` that is false, and
   * one that is `unready` a prompt that cannot be rendered.
   */
  readonly calls:
    | 'code'
    | 'model'
    | 'map'
    | 'reduce'
    | 'time'
    | 'missedTime'
    | 'event'
    | 'condition'
    | 'skipped'
    | 'unready';
  /** Of a wait; default: fail. */
  readonly onTimeout?: 'fail' | 'skip' | 'continue';
  readonly approval: boolean;
  /** Who says which tasks it adds when it completes: its call, or a function. */
  readonly adds?: 'fromOutput' | 'work';
  /** Of a map, and how many items it has. */
  readonly onItemFailure?: OnItemFailure;
  readonly items?: number;
}

/** Something that happens to a task. */
export interface TaskStep {
  readonly title: string;
  /** States in which it may happen; their innermost names. */
  readonly states: readonly string[];
  /** What the machine gets. */
  readonly event: EventObject & { readonly [field: string]: unknown };
  /** Makes it happen to a real task. */
  happen(walk: TaskWalk, next: TaskStep | undefined): Promise<void>;
}

/** Attempts of a task on its paths: the counter that is capped. */
export const MAX_RETRIES = 1;

const CALLING = ['callingCode', 'callingModel'];
const WAITING = ['waitingForTime', 'waitingForEvent'];
/** The run answers in the same breath: on the real runtime nobody sees a task there. */
const PASSING = 'addingTasks';
/** Of the step that ends its waiting for others. */
export const GETS_SLOT = 'gets a slot';
const REFUSED = 'its tasks are refused';

/** Everything that moves a task to another state. What it takes and stays where it is, stands in the test. */
export const STEPS: readonly TaskStep[] = [
  {
    title: 'is cancelled',
    states: ['awaitingApproval', 'queued', ...CALLING, ...WAITING, 'choosingTasks', 'joining', 'backingOff', 'inDoubt'],
    event: { type: 'fermata.cancel' },
    happen: (walk) => walk.cancel(),
  },
  {
    title: 'is approved',
    states: ['awaitingApproval'],
    event: { type: 'fermata.approve', decision: { approved: true } },
    happen: (walk) => walk.decide(true),
  },
  {
    title: 'is rejected',
    states: ['awaitingApproval'],
    event: { type: 'fermata.approve', decision: { approved: false } },
    happen: (walk) => walk.decide(false),
  },
  {
    title: 'nobody decides',
    states: ['awaitingApproval'],
    event: { type: 'fermata.task.approvalExpired' },
    happen: (walk) => walk.letApprovalExpire(),
  },
  {
    title: GETS_SLOT,
    states: ['queued'],
    event: { type: 'fermata.task.admitted' },
    happen: (walk) => walk.freeSlot(),
  },
  {
    title: 'call answers',
    states: CALLING,
    event: { type: 'xstate.done.actor.call', output: { value: 'done' } },
    happen: (walk, next) => walk.caller.answer(answerBefore(next)),
  },
  {
    title: 'call fails',
    states: CALLING,
    event: { type: 'xstate.error.actor.call', error: { code: 'codeFailed', message: 'broke', retry: 'backoff' } },
    happen: (walk) => walk.caller.fail('backoff'),
  },
  {
    title: 'call fails for good',
    states: CALLING,
    event: { type: 'xstate.error.actor.call', error: { code: 'modelRefused', message: 'refused', retry: 'never' } },
    happen: (walk) => walk.caller.fail('never'),
  },
  {
    title: 'call takes too long',
    states: [...CALLING, 'choosingTasks'],
    event: { type: 'fermata.task.attemptTimedOut' },
    happen: (walk) => walk.letCallTimeOut(),
  },
  {
    title: 'a crash cuts the call off',
    states: [...CALLING, 'choosingTasks'],
    event: { type: 'fermata.inDoubt', id: 'call', key: 'key', policy: 'ask' },
    happen: (walk) => walk.crash(),
  },
  {
    title: 'is to be called again',
    states: ['inDoubt'],
    event: { type: 'fermata.retry' },
    happen: (walk) => walk.callAgain(),
  },
  {
    title: 'back-off ends',
    states: ['backingOff'],
    event: { type: 'fermata.task.backoffOver' },
    happen: (walk) => walk.letBackoffEnd(),
  },
  {
    title: 'function chooses',
    states: ['choosingTasks'],
    event: { type: 'xstate.done.actor.chooseTasks', output: { value: [] } },
    happen: (walk, next) => walk.choose(answerBefore(next).tasks),
  },
  {
    title: 'function fails',
    states: ['choosingTasks'],
    event: { type: 'xstate.error.actor.chooseTasks', error: { code: 'codeFailed', message: 'broke' } },
    happen: (walk) => walk.failToChoose('backoff'),
  },
  {
    title: 'function fails for good',
    states: ['choosingTasks'],
    event: { type: 'xstate.error.actor.chooseTasks', error: { code: 'functionMissing', message: 'gone' } },
    happen: (walk) => walk.failToChoose('never'),
  },
  {
    title: 'its tasks join the run',
    states: [PASSING],
    event: { type: 'fermata.task.added', count: 1 },
    happen: async () => {},
  },
  {
    title: REFUSED,
    states: [PASSING],
    event: { type: 'fermata.task.refused', error: { code: 'invalidDocument', message: 'no list', retry: 'never' } },
    happen: async () => {},
  },
  {
    title: 'all items complete',
    states: ['joining'],
    event: { type: 'fermata.task.joined', prepared: { outputs: ['x', 'y'] } satisfies JoinedItems },
    happen: (walk) => walk.endItems(false),
  },
  {
    title: 'an item fails',
    states: ['joining'],
    event: {
      type: 'fermata.task.joined',
      prepared: {
        outputs: ['x', null],
        errors: [null, { code: 'codeFailed', message: 'broke' }],
        first: { task: 'walked[1]', error: { code: 'codeFailed', message: 'broke' } },
        failed: 1,
      } satisfies JoinedItems,
    },
    happen: (walk) => walk.endItems(true),
  },
  {
    title: 'its items take too long',
    states: ['joining'],
    event: { type: 'fermata.task.timedOut' },
    happen: (walk) => walk.letTimePass(),
  },
  {
    title: 'its time comes',
    states: ['waitingForTime'],
    event: { type: 'fermata.task.timeCame' },
    happen: (walk) => walk.letTimeCome(),
  },
  {
    title: 'its event comes',
    states: ['waitingForEvent'],
    event: { type: 'fermata.task.event', event: { type: 'paid' } },
    happen: (walk, next) => walk.sendEvent(answerBefore(next)),
  },
  {
    title: 'nothing comes in time',
    states: WAITING,
    event: { type: 'fermata.task.waitTimedOut' },
    happen: (walk) => walk.letTimePass(),
  },
];

/** What can never happen to a kind of task, because of the dates in its document. */
const NEVER: Readonly<Partial<Record<TaskKind['calls'], string>>> = {
  time: 'fermata.task.waitTimedOut',
  missedTime: 'fermata.task.timeCame',
};

/** What is answered, so that what is said of it next is true. */
function answerBefore(next: TaskStep | undefined): { readonly tasks: unknown } {
  const added = { name: 'added', kind: 'code', function: 'work', timeoutSeconds: 1_000_000 };
  return { tasks: next?.title === REFUSED ? 'none' : [added] };
}

/** True where a task is seen on the real runtime. */
export function isSeen(state: { readonly value: unknown }): boolean {
  return stateOf(state) !== PASSING;
}

/** What tells states of a task apart on a path. */
export function inShort({
  value,
  context: { attempt, repeatOf = null, outcome = null, repaired },
}: TaskSnapshot): string {
  return JSON.stringify([value, attempt, repeatOf !== null, outcome !== null, repaired]);
}

/** One way of a task from its beginning to an end. */
export interface TaskPath {
  readonly title: string;
  readonly begin: TaskSnapshot;
  readonly steps: readonly { readonly step: TaskStep; readonly leadsTo: TaskSnapshot }[];
}

/** Innermost name of the state that a task is in. */
export function stateOf({ value }: { readonly value: unknown }): string {
  return typeof value === 'string' ? value : stateOf({ value: Object.values(value as object)[0] });
}

/**
 * Every simple path: no two states on it are alike in value, attempt, whether a doubtful call is to be repeated, and what
 * is known of the tasks that it adds.
 */
export function pathsOf(kind: TaskKind): readonly TaskPath[] {
  const { calls, approval, adds, version } = kind;
  const machine = version === 1 ? (taskMachine1 as unknown as typeof taskMachine) : taskMachine;
  const prepared: PreparedTask = {
    call: callOf(kind),
    ...(adds === undefined ? {} : { addTasks: adds }),
    ...(approval ? { approval: { onReject: 'fail', timeoutSeconds: 60 } } : {}),
    retry: { maxRetries: MAX_RETRIES, initialSeconds: 1, factor: 1, maxSeconds: 1 },
    timeoutMs: 1_000,
    onInDoubt: 'ask',
    seed: 'seed',
  };
  const paths = getSimplePaths(explorable(machine), {
    input: { name: 'walked', prepared: idleAs(kind) ?? prepared },
    events: (state) =>
      STEPS.filter(({ states, event }) => states.includes(stateOf(state)) && event.type !== NEVER[calls]).map(
        ({ event }) => event,
      ) as never,
    serializeState: inShort,
    toState: ({ status }) => status !== 'active',
  });
  return paths.map((path) => {
    const [beginning, ...rest] = path.steps;
    const steps = rest.flatMap(({ event, state }) =>
      STEPS.filter((step) => step.event === event).map((step) => ({ step, leadsTo: state })),
    );
    return {
      title: [...steps.map(({ step: { title } }) => title), stateOf(path.state)].join(' → '),
      begin: beginning?.state ?? path.state,
      steps,
    };
  });
}

/** What a task is made ready with that ends before it begins. */
function idleAs({ calls }: TaskKind): TaskInput['prepared'] | undefined {
  if (calls === 'skipped') return { skip: { cascades: false, reason: '`when` is false.' } };
  if (calls === 'unready') return { error: { code: 'expressionFailed', message: 'missing', retry: 'never' } };
  return undefined;
}

function callOf({ calls, items = 2, onItemFailure = 'stop', onTimeout = 'fail' }: TaskKind): PreparedTask['call'] {
  switch (calls) {
    case 'code':
      return { kind: 'code', function: 'work', input: {} };
    case 'model':
      return { kind: 'model', model: 'any', provider: 'openai', prompt: 'Walk', responseFormat: 'text' };
    case 'map':
      return { kind: 'map', items: Array.from({ length: items }, (_, item) => item), onItemFailure };
    case 'reduce':
      return { kind: 'reduce', items: [['a', 'b']] };
    case 'condition': {
      const decision = { value: true, branch: 'then', chosen: [] };
      return { kind: 'condition', decision, found: { expression: 'true', values: {}, ...decision } };
    }
    case 'event':
      return { kind: 'wait', for: { event: { type: 'paid' } }, onTimeout };
    default:
      return { kind: 'wait', for: { seconds: 1 }, onTimeout };
  }
}
