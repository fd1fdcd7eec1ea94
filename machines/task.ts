/**
 * One task of a document: asks for approval where it must, calls (or waits), tries again, ends.
 *
 * Its top-level states are the API's task statuses. It holds a slot of the workflow's `breadth` only while it runs:
 * before it waits (for a person, a back-off, an answer about a doubtful call) it parks, and asks for a slot afterwards.
 *
 * A long file, because a statechart is read in one piece: half of it are the actions that its states name.
 */
import { assign, cancel, enqueueActions, forwardTo, fromPromise, sendParent, setup } from 'xstate';
import { FermataError, type ErrorData } from '../src/errors.ts';
import type { Consequence } from '../src/document/consequence.ts';
import { DEFAULT_RETRY, FROM_OUTPUT, type ApprovalSpec, type RetryPolicy } from '../src/document/definition.ts';
import type { PreparedCondition } from '../src/document/kinds/condition.ts';
import type { PreparedCodeCall } from '../src/document/kinds/code.ts';
import type { PreparedMap } from '../src/document/kinds/map.ts';
import type { PreparedPlanExecuteReflect } from '../src/document/kinds/plan-execute-reflect.ts';
import type { PreparedReduce } from '../src/document/kinds/reduce.ts';
import type { PreparedModelCall } from '../src/document/kinds/model.ts';
import type { Skip } from '../src/document/when.ts';
import type { PreparedSubworkflow } from '../src/document/kinds/subworkflow.ts';
import type { PreparedWait } from '../src/document/kinds/wait.ts';
import type { InDoubtPolicy } from '../src/runtime/effect.ts';
import { backoffMs } from './backoff.ts';
import { errorOf } from './call-error.ts';
import {
  childCancel,
  childError,
  childInput,
  usageOf,
  type BegunRun,
  type ChildEvent,
  type ChildRun,
} from './child-run.ts';
import {
  askModel,
  dropOpenCalls,
  isFunctionCall,
  keepAnswer,
  type CallsModel,
  type FunctionCall,
} from './function-calls.ts';
import {
  planExecuteReflectMachine,
  type RoundAsk,
  type RoundsInput,
  type RoundsOutput,
} from './plan-execute-reflect.ts';
import { fact, send, type Enqueue } from './reserved.ts';
import {
  isPublished,
  lostEvent,
  publish,
  refusalOf,
  setting,
  stateCompletion,
  unpublished,
  written,
  type Stops,
  type WritesShared,
} from './sharing.ts';
import type { SharedAnswer } from './shared-space.ts';
import { spentInVain, withEarlier } from './spent.ts';
import { dueAt, missed, outputOf, waitsFor } from './waiting.ts';

/** The approval gate of a task, but for its prompt. */
export interface PreparedApproval extends Pick<ApprovalSpec, 'onReject'> {
  readonly timeoutSeconds?: number;
}

/**
 * What a task is made ready with (prepared data, R2): rendered, with every default in place. Like a task's context it is
 * in every snapshot, so what is not set is absent or null: `undefined` has no short form in JSON.
 */
export interface PreparedTask {
  readonly description?: string;
  readonly call:
    | PreparedModelCall
    | PreparedCodeCall
    | PreparedCondition
    | PreparedMap
    | PreparedReduce
    | PreparedWait
    | PreparedPlanExecuteReflect
    | PreparedSubworkflow;
  readonly approval?: PreparedApproval;
  readonly approvalPrompt?: string;
  /** Absent: as documents have it that do not say. */
  readonly retry?: RetryPolicy;
  /** Of each attempt of a call, of any other kind from start to end; absent: none. */
  readonly timeoutMs?: number;
  /** Absent: `retry`. */
  readonly onInDoubt?: InDoubtPolicy;
  /** True where what depends on it is skipped with it (`skipPolicy`), and it can be stopped by its `cancelWhen`. */
  readonly cascades?: true;
  /** What it adds to the run when it completes: `fromOutput`, or a function's name. */
  readonly addTasks?: string;
  /** True where it has `outputs`: its result is published before it completes. */
  readonly publishes?: true;
  /** What the clock says, in milliseconds since 1970: given to a task that waits. */
  readonly now?: number;
  /** Seed of everything random in the task. Absent: it comes with the failure of an attempt (`FailedAttempt`). */
  readonly seed?: string;
}

/** What the failure of an attempt is prepared with: most tasks never need it, and would carry it in every snapshot. */
export interface FailedAttempt {
  readonly seed: string;
}

/** What a task is made ready with that does not run. */
export interface PreparedSkip {
  readonly description?: string;
  readonly skip: Skip;
}

/** What a task is made ready with whose outcome is known: of a run from which this one was forked, or given by hand. */
export interface PreparedOutcome extends Pick<
  PreparedTask,
  'description' | 'retry' | 'timeoutMs' | 'onInDoubt' | 'addTasks' | 'publishes'
> {
  readonly known: {
    readonly result: unknown;
    /** What its fact says beside that. With `reused` it is another run's, else somebody gave it. */
    readonly facts: Readonly<Record<string, unknown>>;
  };
}

/** What the workflow machine spawns a task with; `prepared` is attached by the runtime. */
export interface TaskInput {
  readonly name: string;
  readonly prepared?: PreparedTask | PreparedSkip | PreparedOutcome | { readonly error: ErrorData };
}

/** What the items of a map gave (prepared data, R2). */
export interface JoinedItems {
  /** In their order; null for one that gave nothing. */
  readonly outputs: readonly unknown[];
  /** The error of each item that failed, null for the others; absent where none failed. */
  readonly errors?: readonly (ErrorData | null)[];
  readonly first?: { readonly task: string; readonly error: ErrorData };
  /** Items that gave nothing because they failed, or were cancelled. */
  readonly failed?: number;
  /** How many of them were cancelled. */
  readonly cancelled?: number;
  /** The next level of a tree: these were not the last ones. */
  readonly next?: readonly (readonly unknown[])[];
}

/** How a task ended, as the workflow machine is told. The result itself is in the facts. */
export interface TaskOutput {
  readonly name: string;
  readonly status: 'completed' | 'failed' | 'timedOut' | 'rejected' | 'cancelled' | 'skipped';
  /** It held a slot until it ended. */
  readonly held: boolean;
  readonly consequence: Consequence;
  readonly error: ErrorData | null;
}

export interface TaskContext extends PreparedTask, Partial<PreparedSkip>, Partial<Pick<PreparedOutcome, 'known'>> {
  readonly name: string;
  readonly attempt: number;
  readonly held: boolean;
  readonly error: ErrorData | null;
  readonly consequence: Consequence;
  /** Key of the doubtful call that the next one repeats. */
  readonly repeatOf?: string | null;
  /** What its call gave, while tasks are added for it; an answer that was refused, until there is another one. */
  readonly outcome?: CallOutput | null;
  /** What is stated of its completion, until its result is published; absent where nothing is. */
  readonly completion?: Readonly<Record<string, unknown>>;
  /** What was found of its `cancelWhen`; absent where it was not stopped by that. */
  readonly stopped?: Skip['condition'];
  /** The event that it took in vain, as facts say it; absent where it took none. */
  readonly lost?: { readonly event: unknown; readonly keptEvent?: unknown };
  /** Model calls of its function; absent where it made none. */
  readonly functionCalls?: readonly FunctionCall[];
  /** A model was told once already that its tasks were refused. */
  readonly repaired?: true;
  /** Of a sub-workflow. */
  readonly child?: ChildRun;
}

/** A person's decision. */
export interface Decision {
  readonly approved: boolean;
  readonly reason?: string;
  readonly by?: string;
}

/** An event from outside for which the task waits. */
export interface EventTaken {
  readonly type: 'fermata.task.event';
  /** As it was sent. */
  readonly event: Readonly<Record<string, unknown>>;
  /** Its number, where it came early and was kept. */
  readonly keptEvent?: number;
}

type TaskEvent =
  | { readonly type: 'fermata.approve'; readonly decision: Decision }
  | { readonly type: 'fermata.cancel'; readonly reason?: string }
  | { readonly type: 'fermata.retry' }
  | { readonly type: 'fermata.task.admitted'; readonly prepared?: { readonly now: number } }
  | { readonly type: 'fermata.task.attemptTimedOut' }
  | { readonly type: 'fermata.task.timedOut' }
  | { readonly type: 'fermata.task.backoffOver' }
  | { readonly type: 'fermata.task.approvalExpired' }
  | { readonly type: 'fermata.task.timeCame' }
  | { readonly type: 'fermata.task.waitTimedOut' }
  | EventTaken
  | CallsModel
  | WritesShared
  | SharedAnswer
  | Stops
  | { readonly type: `xstate.done.actor.model.${number}`; readonly output: CallOutput }
  | { readonly type: `xstate.error.actor.model.${number}`; readonly error: unknown }
  | { readonly type: 'fermata.inDoubt'; readonly id: string; readonly key: string; readonly policy: InDoubtPolicy }
  | { readonly type: 'fermata.unsent' }
  | { readonly type: 'fermata.unavailable'; readonly code: string; readonly message: string }
  | {
      readonly type: 'fermata.task.added';
      readonly count: number;
      readonly skipped?: number;
      readonly warning?: string;
    }
  | { readonly type: 'fermata.task.adds'; readonly ask: RoundAsk }
  | { readonly type: 'xstate.done.actor.rounds'; readonly output: RoundsOutput }
  | { readonly type: 'fermata.task.refused'; readonly error: ErrorData }
  | { readonly type: 'fermata.task.joined'; readonly prepared?: JoinedItems }
  | ChildEvent
  | { readonly type: 'task.progress'; readonly percent: number; readonly note?: string };

/** What a call gives back. */
export interface CallOutput {
  readonly value: unknown;
  readonly usage?: unknown;
  readonly model?: string;
  readonly requestId?: string | null;
  readonly finishReason?: string | null;
}

export interface CallInput {
  readonly [key: string]: unknown;
}

const outside = <Output = CallOutput>(src: string) =>
  fromPromise<Output, CallInput>(() =>
    Promise.reject(
      new FermataError(
        'machineMissing',
        `The effect "${src}" is provided by the runtime: register it in createRuntime({ actors }).`,
      ),
    ),
  );

function callInput({ context }: { context: TaskContext }): CallInput {
  const { name, attempt, call, timeoutMs, onInDoubt = 'retry', repeatOf = null } = context;
  const { kind: _, ...rest } = call;
  return {
    ...rest,
    task: name,
    attempt,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    onInDoubt,
    ...(repeatOf === null ? {} : { repeatOf }),
  };
}

function timeoutError(context: TaskContext): ErrorData {
  const what =
    spreads(context) || context.call.kind === 'planExecuteReflect' || context.call.kind === 'subworkflow'
      ? `Task "${context.name}"`
      : `Attempt ${context.attempt} of task "${context.name}"`;
  return {
    code: 'taskTimedOut',
    retry: 'backoff',
    message: `${what} took longer than ${(context.timeoutMs ?? 0) / 1_000} s. Raise timeoutSeconds if that is not enough.`,
  };
}

/** How a task completes: where it publishes, not before that is done. */
function completing<const Actions>(actions: Actions) {
  return [
    { guard: 'publishes', target: '#task.running.publishing', actions },
    { target: '#task.completed', actions },
  ] as const;
}

const calling = (src: 'modelCall' | 'code') =>
  ({
    meta: { waitsFor: 'call' },
    invoke: {
      src,
      id: 'call',
      input: callInput,
      onDone: [
        { guard: 'addsByFunction', target: '#task.running.choosingTasks', actions: 'keepOutcome' },
        { guard: 'adds', target: '#task.running.addingTasks', actions: 'keepOutcome' },
        ...completing({ type: 'complete', params: ({ event }: { event: { output: CallOutput } }) => event.output }),
      ],
      onError: [
        { guard: 'mayRetry', target: '#task.retrying', actions: 'keepError' },
        { target: '#task.failed', actions: 'keepError' },
      ],
    },
  }) as const;

/** What a function asks of its task while it is called, under the id of its call. */
const hearingFunction = (from: 'call' | 'chooseTasks') =>
  ({
    exit: 'dropOpenCalls',
    on: {
      'task.callsModel': { actions: 'askModel' },
      'task.writesShared': { actions: 'setShared' },
      'fermata.shared.answer': { actions: ['tellWritten', 'tellChanged'] },
      'xstate.done.actor.model.*': { actions: { type: 'keepAnswer', params: { from } } },
      'xstate.error.actor.model.*': { actions: { type: 'keepAnswer', params: { from } } },
    },
  }) as const;

/** How a task that holds a slot calls. Chosen on the way in: a state that only chooses would be a step more in every task. */
const CALL = [
  { guard: 'isCode', target: '#task.running.callingCode' },
  { guard: 'spreads', target: '#task.running.joining' },
  { guard: 'runsWorkflow', target: '#task.running.childRun' },
  { target: '#task.running.callingModel' },
] as const;

/** The same for one that comes back. What its call gave is paid: where only its function has failed, only that is called again. */
const CALL_AGAIN = [{ guard: 'hasOutcome', target: '#task.running.choosingTasks' }, ...CALL] as const;

function stateCompleted(
  enqueue: Enqueue,
  context: TaskContext,
  { value, usage, model, requestId, finishReason }: CallOutput,
  more: Readonly<Record<string, unknown>> = {},
): void {
  stateCompletion(enqueue as never, context, {
    ...about(context),
    result: value,
    attempt: context.attempt,
    ...context.known?.facts,
    ...more,
    ...(usage === undefined ? {} : { usage }),
    ...(model === undefined ? {} : { model }),
    ...(requestId === undefined ? {} : { requestId }),
    ...(finishReason === undefined ? {} : { finishReason }),
  });
}

/** What a task adds: its own output says it, or the function that was asked. */
function tasksToAdd({ addTasks, outcome }: TaskContext, event: { readonly type: string }): unknown {
  if (addTasks === FROM_OUTPUT) {
    const { tasks } = (typeof outcome?.value === 'object' ? (outcome.value ?? {}) : {}) as { readonly tasks?: unknown };
    return tasks ?? null;
  }
  return (event as unknown as { readonly output: CallOutput }).output.value;
}

/** The prompt again, with what was wrong: the model gets one chance to mend it. */
function repairPrompt(prompt: string, answer: unknown, { message }: ErrorData): string {
  return `${prompt}\n\nYour last answer was:\n${JSON.stringify(answer)}\n\nIts tasks were refused. ${message}\nAnswer again, with this mended.`;
}

/** Its work are tasks of their own: the items of a list, or the parts of one. */
function spreads(context: TaskContext): context is TaskContext & { readonly call: PreparedMap | PreparedReduce } {
  return context.call.kind === 'map' || context.call.kind === 'reduce';
}

function goesWithout({ call }: TaskContext): boolean {
  return call.kind === 'wait' && call.onTimeout === 'continue';
}

function joinedItems(event: { readonly type: string }): JoinedItems {
  return (event as { readonly prepared?: JoinedItems }).prepared ?? { outputs: [] };
}

/** A call's time ends with the process, as the call does; what waits for longer keeps its date (R10). */
function armTimeout(enqueue: { raise: unknown }, { timeoutMs, call, attempt }: TaskContext): void {
  if (timeoutMs === undefined) return;
  // Of all its attempts together: it goes on while the task backs off.
  if (call.kind === 'subworkflow' && attempt > 0) return;
  const raise = enqueue.raise as (event: object, options: { readonly id: string; readonly delay: number }) => void;
  if (call.kind === 'map' || call.kind === 'reduce' || call.kind === 'planExecuteReflect')
    raise({ type: 'fermata.task.timedOut' }, { id: 'timeout', delay: timeoutMs });
  else if (call.kind === 'subworkflow') raise({ type: 'fermata.task.timedOut' }, { id: 'deadline', delay: timeoutMs });
  else raise({ type: 'fermata.task.attemptTimedOut' }, { id: 'attemptTimeout', delay: timeoutMs });
}

/** How a task begins. A decision, a wait and work in rounds are never tried again, so that they begin once. */
const BEGIN = [
  { guard: 'isCondition', target: '#task.running.deciding' },
  { guard: 'waitsForEvent', target: '#task.running.waitingForEvent' },
  { guard: 'waitsForTime', target: '#task.running.waitingForTime' },
  { guard: 'hasRounds', target: '#task.running.workingInRounds' },
  ...CALL,
] as const;

/** The same for one that has waited, perhaps after its call. */
const BEGIN_AGAIN = [{ guard: 'hasOutcome', target: '#task.running.choosingTasks' }, ...BEGIN] as const;

/** What follows where nothing came in time: `onTimeout`. */
const MISSES_TIME = [
  {
    guard: 'mayPublishWithout',
    target: '#task.running.publishing',
    actions: { type: 'completeWait', params: { value: null } },
  },
  { guard: 'mayGoWithout', target: '#task.completed', actions: { type: 'completeWait', params: { value: null } } },
  { target: '#task.timedOut', actions: 'missTime' },
] as const;

/** The task machine. */
export const taskMachine = setup({
  types: {} as { context: TaskContext; input: TaskInput; output: TaskOutput; events: TaskEvent },
  actors: {
    modelCall: outside('modelCall'),
    code: outside('code'),
    subworkflow: outside<BegunRun>('subworkflow'),
    planExecuteReflect: planExecuteReflectMachine,
  },
  actions: {
    // Data to the runtime (R3); see reserved.ts.
    'fermata.fact': (_, _params: Readonly<Record<string, unknown>>) => {},
    'fermata.send': (_, _params: Readonly<Record<string, unknown>>) => {},
    park: enqueueActions(({ enqueue, context }) => {
      if (context.held) enqueue(sendParent({ type: 'fermata.task.parked', task: context.name }));
      enqueue.assign({ held: false });
    }),
    askForSlot: sendParent(({ context }) => ({ type: 'fermata.task.wantsSlot', ...about(context) })),
    keepCancel: assign({
      error: ({ event }) => ({
        code: 'cancelled',
        message: (event.type === 'fermata.cancel' ? event.reason : undefined) ?? 'Cancelled.',
        retry: 'never' as const,
      }),
      consequence: 'fail',
    }),
    keepTimeout: assign({ error: ({ context }) => timeoutError(context), consequence: 'fail' }),
    keepBegun: enqueueActions(({ enqueue, context, event }) => {
      const begun = (event as unknown as { readonly output: BegunRun }).output;
      const { runId, workflow } = begun;
      enqueue.assign({ child: { ...context.child, begun }, repeatOf: null });
      fact(enqueue, 'child_run_started', {
        ...about(context),
        attempt: context.attempt,
        childRunId: runId,
        workflow: workflow.name,
        version: workflow.version,
      });
      const isAwaited = context.call.kind === 'subworkflow' && context.call.wait;
      if (isAwaited && context.child?.paused === true) send(enqueue, { run: runId }, { type: 'fermata.pause' });
    }),
    completeBegun: enqueueActions(({ enqueue, context, event }) => {
      const { runId } = (event as unknown as { readonly output: BegunRun }).output;
      stateCompletion(enqueue as never, context, {
        ...about(context),
        result: { runId },
        attempt: context.attempt,
        childRunId: runId,
      });
    }),
    keepChildEnd: assign(({ context, event }) => {
      if (event.type !== 'fermata.task.childEnded') return {};
      const { type: _, prepared: __, ...end } = event;
      return { child: { ...context.child, end } };
    }),
    completeChild: enqueueActions(({ enqueue, context }) => {
      const { end } = context.child ?? {};
      if (end === undefined) return;
      const usage = usageOf(end);
      stateCompletion(enqueue as never, context, {
        ...about(context),
        result: end.output ?? null,
        attempt: context.attempt,
        childRunId: end.runId,
        ...(usage === undefined ? {} : { usage }),
      });
    }),
    keepChildError: assign(({ context: { child } }) =>
      child?.end === undefined
        ? {}
        : { error: childError(child.end, child.begun), consequence: 'fail' as const, child: {} },
    ),
    cancelChild: enqueueActions(({ enqueue, context, event }) => {
      const { runId } = context.child?.begun ??
        (event as unknown as { readonly output?: BegunRun }).output ?? { runId: undefined };
      if (runId !== undefined) send(enqueue, { run: runId }, childCancel(context.name, context.error));
    }),
    pauseChild: enqueueActions(({ enqueue, context, event }) => {
      const paused = event.type === 'fermata.task.pause';
      const runId = context.child?.begun?.runId;
      if (runId === undefined) enqueue.assign({ child: { ...context.child, paused } });
      else send(enqueue, { run: runId }, { type: paused ? 'fermata.pause' : 'fermata.resume' });
    }),
    keepError: assign({ error: ({ event }) => errorOf(event), consequence: 'fail' }),
    begin: enqueueActions(({ enqueue, context }) => {
      // Of a known outcome nothing begins: it is only published.
      if (context.completion !== undefined) return;
      if (onlyAdds(context))
        return fact(enqueue, 'task_started', { ...about(context), attempt: 0, ...context.known.facts });
      const attempt = (context.repeatOf ?? null) === null ? context.attempt + 1 : context.attempt;
      // What an earlier attempt ended with is over.
      enqueue.assign({ attempt, held: true, error: null, consequence: 'none' });
      // A wait is no call: its time is kept across downtime (R10), by timers of its own.
      if (context.call.kind === 'wait') return;
      armTimeout(enqueue, context);
      fact(enqueue, 'task_started', { ...about(context), attempt, ...context.known?.facts });
    }),
    beginWait: enqueueActions(({ enqueue, context, event }) => {
      const { call, timeoutMs, attempt } = context;
      if (call.kind !== 'wait') return;
      const now = (event.type === 'fermata.task.admitted' ? event.prepared?.now : undefined) ?? context.now ?? 0;
      const due = dueAt(call, now);
      enqueue.assign({ now });
      if (due !== undefined)
        enqueue.raise({ type: 'fermata.task.timeCame' }, { id: 'wait', delay: Math.max(0, due - now) });
      if (timeoutMs !== undefined)
        enqueue.raise({ type: 'fermata.task.waitTimedOut' }, { id: 'waitTimeout', delay: timeoutMs });
      fact(enqueue, 'task_started', { ...about(context), attempt, waitsFor: waitsFor(call, now) });
    }),
    completeWait: enqueueActions(
      ({ enqueue, context }, { value, keptEvent }: { value: unknown; keptEvent?: number | undefined }) => {
        const kept = keptEvent === undefined ? {} : { keptEvent };
        const data = { ...about(context), result: value, attempt: context.attempt, ...kept };
        stateCompletion(enqueue as never, context, data);
      },
    ),
    missTime: assign(({ context }) =>
      context.call.kind === 'wait' ? missed(context.name, context.call, (context.timeoutMs ?? 0) / 1_000) : {},
    ),
    complete: enqueueActions(({ enqueue, context }, outcome: CallOutput) => stateCompleted(enqueue, context, outcome)),
    // What is called next is another call, and repeats none.
    keepOutcome: assign({
      outcome: ({ context, event }) => withEarlier(context, (event as unknown as { output: CallOutput }).output),
      repeatOf: null,
    }),
    askModel: enqueueActions(({ enqueue, context, event }) => {
      if (event.type === 'task.callsModel') askModel(enqueue as never, context, event);
    }),
    keepAnswer: enqueueActions(({ enqueue, context, event }, { from }: { from: string }) =>
      keepAnswer(enqueue as never, context, event, from),
    ),
    setShared: enqueueActions(({ enqueue, context, event }) => {
      if (event.type === 'task.writesShared') enqueue.sendParent(setting(context, event));
    }),
    tellWritten: enqueueActions(({ enqueue, event }) => {
      if (event.type !== 'fermata.shared.answer' || event.from === undefined) return;
      const { write, answer } = event;
      enqueue.sendTo(event.from as never, { type: 'task.sharedWritten', write, answer } as never);
    }),
    publish: enqueueActions(({ enqueue, context }) => publish(enqueue, context)),
    tellChanged: enqueueActions(({ enqueue, context, event }) => {
      const changed = written(context, event);
      if (changed !== undefined) enqueue.sendParent(changed);
    }),
    stateKept: enqueueActions(({ enqueue, context }) => {
      fact(enqueue, 'task_completed', context.completion ?? {});
      // Else a big result would be kept here as well.
      enqueue.assign({ completion: {} });
    }),
    keepUnpublished: assign(({ context, event }) => {
      const error = refusalOf(event);
      return error === undefined
        ? {}
        : {
            error: unpublished(context, error),
            consequence: 'fail' as const,
            completion: {},
            ...lostEvent(context),
          };
    }),
    // Whether a task is stopped before it begins or after it has begun must make no difference to what needs it.
    keepStop: assign(({ context, event }) => {
      if (event.type !== 'fermata.task.stops') return {};
      const { stop } = event;
      if ('error' in stop) return { error: stop.error, consequence: 'fail' as const };
      const error: ErrorData = { code: 'cancelled', message: stop.reason, retry: 'never' };
      return {
        error,
        stopped: stop.condition ?? {},
        consequence: context.cascades === true ? ('skip' as const) : ('none' as const),
      };
    }),
    dropOpenCalls: enqueueActions(({ enqueue, context }) => dropOpenCalls(enqueue as never, context)),
    // Another attempt asks everything anew.
    forgetCalls: assign(({ context }) => (context.functionCalls === undefined ? {} : { functionCalls: [] })),
    askToAdd: sendParent(({ context, event }) => ({
      type: 'fermata.task.adds',
      ...about(context),
      ...(isReused(context) ? { again: true } : { tasks: tasksToAdd(context, event) }),
      ...(context.publishes === true ? { result: context.outcome?.value ?? null } : {}),
    })),
    completeKnown: enqueueActions(({ enqueue, context }) => {
      stateCompleted(enqueue, context, { value: context.known?.result });
      // The fact has it from here on.
      enqueue.assign({ known: { result: null, facts: {} } });
    }),
    repair: assign(({ context, event }) => {
      if (event.type !== 'fermata.task.refused' || context.call.kind !== 'model') return {};
      const prompt = repairPrompt(context.call.prompt, context.outcome?.value, event.error);
      return { call: { ...context.call, prompt }, repaired: true as const };
    }),
    keepRefusal: assign(({ event }) =>
      event.type === 'fermata.task.refused' ? { error: event.error, consequence: 'fail' as const } : {},
    ),
    completeAdded: enqueueActions(({ enqueue, context, event }) => {
      if (event.type !== 'fermata.task.added') return;
      const { count, warning } = event;
      stateCompleted(enqueue, context, context.outcome ?? { value: null }, {
        added: count,
        ...(warning === undefined ? {} : { warning }),
      });
    }),
    // The workflow keeps the items from here on: in this snapshot they would be written again with each of its turns.
    spread: sendParent(({ context }) => ({
      type: 'fermata.task.adds',
      ...about(context),
      items: spreads(context) ? context.call.items : [],
    })),
    // Whoever holds no slot any more is not heard of parking again.
    join: sendParent(({ context }) => ({ type: 'fermata.task.joins', task: context.name })),
    // Until its first plan has joined the run it holds its slot: else the run would wait for a moment.
    relay: enqueueActions(({ enqueue, context, event }) => {
      if (event.type !== 'fermata.task.adds') return;
      enqueue(sendParent({ type: 'fermata.task.adds', ...about(context), ask: event.ask }));
      if (context.held) enqueue(sendParent({ type: 'fermata.task.parked', task: context.name }));
      else enqueue(sendParent({ type: 'fermata.task.joins', task: context.name }));
      enqueue.assign({ held: false });
    }),
    completeRounds: enqueueActions(({ enqueue, context, event }) => {
      const { output } = event as { readonly output: RoundsOutput };
      if ('error' in output) return;
      const { value, ...more } = output;
      stateCompleted(enqueue, context, { value }, more);
    }),
    keepRoundsError: assign(({ event }) => {
      const { output } = event as { readonly output: RoundsOutput };
      return 'error' in output ? { error: output.error, consequence: 'fail' as const } : {};
    }),
    nextLevel: assign(({ context, event }) => {
      const { next = [] } = joinedItems(event);
      return context.call.kind === 'reduce' ? { call: { ...context.call, items: next } } : {};
    }),
    letGoOfItems: assign(({ context }) => (spreads(context) ? { call: { ...context.call, items: [] } } : {})),
    completeItems: enqueueActions(({ enqueue, context, event }) => {
      const { outputs, errors, failed } = joinedItems(event);
      const collects = context.call.kind === 'map' && context.call.onItemFailure === 'collect';
      const value = outputs.map((output, at) => {
        const error = errors?.[at] ?? null;
        return error === null || !collects ? output : { error };
      });
      stateCompletion(enqueue as never, context, {
        ...about(context),
        result: context.call.kind === 'reduce' ? value[0] : value,
        attempt: context.attempt,
        items: outputs.length,
        ...(failed === undefined ? {} : { failedItems: failed }),
      });
    }),
    failItems: assign(({ context, event }) => {
      const { first, failed = 0, cancelled = 0, outputs } = joinedItems(event);
      const others = cancelled === 0 ? '' : `, ${cancelled} ${cancelled === 1 ? 'was' : 'were'} cancelled`;
      const message = `${failed - cancelled} of ${outputs.length} items of "${context.name}" failed${others}; first "${first?.task}": ${first?.error.message}`;
      return { error: { code: 'itemFailed', message, retry: 'never' as const }, consequence: 'fail' as const };
    }),
    stateChoice: enqueueActions(({ enqueue, context }) => {
      const { call, attempt } = context;
      if (call.kind !== 'condition') return;
      const data = { ...about(context), result: call.decision, attempt, condition: call.found };
      stateCompletion(enqueue as never, context, data);
    }),
    stateSkip: enqueueActions(({ enqueue, context }) => {
      const { reason, condition, reused } = context.skip ?? {};
      fact(enqueue, 'task_skipped', {
        ...about(context),
        reason,
        ...(condition === undefined ? {} : { condition }),
        ...(reused === undefined ? {} : { reused }),
      });
    }),
    stateFailure: enqueueActions(({ enqueue, context }, { status }: { status: TaskOutput['status'] }) => {
      const type = status === 'cancelled' ? 'task_cancelled' : 'task_failed';
      const usage = spentInVain(context);
      fact(enqueue, type, {
        ...about(context),
        status,
        attempt: context.attempt,
        ...(usage === undefined ? {} : { usage }),
        ...(status === 'cancelled' ? { reason: context.error?.message } : { error: context.error }),
        ...(context.stopped === undefined ? {} : { condition: context.stopped }),
        ...context.lost,
      });
    }),
    askPerson: enqueueActions(({ enqueue, context }) => {
      const seconds = context.approval?.timeoutSeconds;
      if (seconds !== undefined)
        enqueue.raise({ type: 'fermata.task.approvalExpired' }, { id: 'approvalTimeout', delay: seconds * 1_000 });
      const prompt = context.approvalPrompt ?? `May task "${context.name}" run?`;
      fact(enqueue, 'approval_requested', {
        ...about(context),
        prompt,
        ...(seconds === undefined ? {} : { timeoutSeconds: seconds }),
      });
    }),
    stateDecision: enqueueActions(({ enqueue, context }, decision: Decision & { readonly expired?: true }) => {
      fact(enqueue, 'approval_resolved', { ...about(context), ...decision });
    }),
    refuse: assign(({ context }, { code, message }: { code: 'taskRejected' | 'approvalExpired'; message: string }) => ({
      error: { code, message, retry: 'never' as const },
      consequence:
        context.approval?.onReject === 'cancel'
          ? ('cancel' as const)
          : context.approval?.onReject === 'skip'
            ? ('none' as const)
            : ('fail' as const),
    })),
    backOff: enqueueActions(({ enqueue, context, event }) => {
      const { attempt, error } = context;
      const delay = backoffMs(retryOf(context), attempt, seedOf(context, event), error?.retryAfterMs);
      enqueue.raise({ type: 'fermata.task.backoffOver' }, { id: 'backoff', delay });
      fact(enqueue, 'task_retrying', {
        ...about(context),
        attempt: context.attempt,
        error: context.error,
        delaySeconds: delay / 1_000,
      });
    }),
    stateDoubt: enqueueActions(({ enqueue, context }, { id, policy }: { id: string; policy: InDoubtPolicy }) => {
      const call = isFunctionCall(id) ? { call: id } : {};
      fact(enqueue, 'task_in_doubt', { ...about(context), attempt: context.attempt, policy, ...call });
    }),
    // The call begins anew after a crash, and so does its time (R10): the old date may lie in the downtime.
    restartTimeout: enqueueActions(({ enqueue, context }) => {
      enqueue.cancel('attemptTimeout');
      armTimeout(enqueue, context);
    }),
    stateProgress: enqueueActions(({ enqueue, context, event }) => {
      if (event.type !== 'task.progress') return;
      fact(enqueue, 'progress', {
        ...about(context),
        percent: event.percent,
        ...(event.note === undefined ? {} : { note: event.note }),
      });
    }),
  },
  guards: {
    broken: ({ context }) => context.error !== null,
    isSkipped: ({ context }) => context.skip !== undefined,
    isKnown: ({ context }) => context.known !== undefined && context.addTasks === undefined,
    isKnownAndPublishes: ({ context }) =>
      context.known !== undefined && context.addTasks === undefined && context.publishes === true,
    isKnownAndAdds: ({ context }) => onlyAdds(context),
    isKnownAndAsks: ({ context }) => context.known !== undefined,
    needsApproval: ({ context }) => context.approval !== undefined,
    isCode: ({ context }) => context.call.kind === 'code',
    runsWorkflow: ({ context }) => context.call.kind === 'subworkflow',
    goesOnAlone: ({ context: { call } }) => call.kind === 'subworkflow' && !call.wait,
    goesOnAloneAndPublishes: ({ context: { call, publishes } }) =>
      call.kind === 'subworkflow' && !call.wait && publishes === true,
    childCompletedAndPublishes: ({ context }) =>
      context.child?.end?.status === 'completed' && context.publishes === true,
    wasCancelled: ({ context }) => context.error?.code === 'cancelled',
    isOwnChild: ({ context, event }) => event.type === 'fermata.task.childEnded' && event.attempt === context.attempt,
    childCompleted: ({ context }) => context.child?.end?.status === 'completed',
    childMayRepeat: ({ context }) =>
      context.child?.end !== undefined &&
      childError(context.child.end, context.child.begun).retry !== 'never' &&
      context.attempt <= retryOf(context).maxRetries,
    childOver: ({ context }) => context.child?.end !== undefined,
    spreads: ({ context }) => spreads(context),
    hasRounds: ({ context }) => context.call.kind === 'planExecuteReflect',
    roundsFailed: ({ event }) => 'error' in (event as { readonly output: RoundsOutput }).output,
    isEmpty: ({ context }) => spreads(context) && context.call.items.length === 0,
    goesOn: ({ event }) => joinedItems(event).next !== undefined,
    itemsFailed: ({ context, event }) =>
      (context.call.kind !== 'map' || context.call.onItemFailure === 'stop') && joinedItems(event).errors !== undefined,
    hasOutcome: ({ context }) => (context.outcome ?? null) !== null && context.addTasks !== FROM_OUTPUT,
    adds: ({ context }) => context.addTasks !== undefined,
    addsByFunction: ({ context }) => context.addTasks !== undefined && context.addTasks !== FROM_OUTPUT,
    mayRepair: ({ context, event }) =>
      context.addTasks === FROM_OUTPUT &&
      context.call.kind === 'model' &&
      context.repaired === undefined &&
      // What is wrong then is what it shares, and no task of its answer.
      !(event.type === 'fermata.task.refused' && event.error.code === 'expressionFailed'),
    isCondition: ({ context }) => context.call.kind === 'condition',
    waitsForEvent: ({ context: { call } }) => call.kind === 'wait' && 'event' in call.for,
    waitsForTime: ({ context: { call } }) => call.kind === 'wait' && !('event' in call.for),
    mayGoWithout: ({ context }) => goesWithout(context),
    isEmptyAndPublishes: ({ context }) =>
      spreads(context) && context.call.items.length === 0 && context.publishes === true,
    mayPublishWithout: ({ context }) => goesWithout(context) && context.publishes === true,
    publishes: ({ context }) => context.publishes === true,
    isUnpublished: ({ event }) => refusalOf(event) !== undefined,
    isPublished: ({ event }) => isPublished(event),
    cannotTell: ({ event }) => event.type === 'fermata.task.stops' && 'error' in event.stop,
    mayRetry: ({ context, event }) =>
      errorOf(event).retry !== 'never' && context.attempt <= retryOf(context).maxRetries,
    attemptsLeft: ({ context }) => context.attempt <= retryOf(context).maxRetries,
    approved: ({ event }) => event.type === 'fermata.approve' && event.decision.approved,
    mustAsk: ({ event }) => event.type === 'fermata.inDoubt' && event.policy === 'ask',
  },
}).createMachine({
  id: 'task',
  context: ({ input }) => initialContext(input),
  initial: 'pending',
  on: {
    'fermata.cancel': {
      target: '.cancelled',
      actions: assign({
        error: ({ event }) => ({ code: 'cancelled', message: event.reason ?? 'Cancelled.', retry: 'never' as const }),
        consequence: 'fail',
      }),
    },
    // Whoever wrote it may have gone on meanwhile.
    'fermata.shared.answer': { actions: 'tellChanged' },
    'fermata.task.stops': [
      { guard: 'cannotTell', target: '.failed', actions: 'keepStop' },
      { target: '.cancelled', actions: 'keepStop' },
    ],
  },
  states: {
    pending: {
      initial: 'beginning',
      states: {
        beginning: {
          always: [
            { guard: 'broken', target: '#task.failed' },
            { guard: 'isSkipped', target: '#task.skipped' },
            { guard: 'isKnownAndPublishes', target: '#task.running.publishing', actions: 'completeKnown' },
            { guard: 'isKnown', target: '#task.completed', actions: 'completeKnown' },
            { guard: 'isKnownAndAdds', target: '#task.running.addingTasks' },
            { guard: 'isKnownAndAsks', target: '#task.running.choosingTasks' },
            { guard: 'needsApproval', target: '#task.awaitingApproval' },
            ...BEGIN,
          ],
        },
        queued: { meta: { waitsFor: 'slot' }, entry: 'askForSlot', on: { 'fermata.task.admitted': BEGIN_AGAIN } },
      },
    },
    awaitingApproval: {
      meta: { waitsFor: 'approval' },
      entry: ['askPerson', 'park'],
      exit: cancel('approvalTimeout'),
      on: {
        'fermata.approve': [
          {
            guard: 'approved',
            target: 'pending.queued',
            actions: { type: 'stateDecision', params: ({ event }) => event.decision },
          },
          {
            target: 'rejected',
            actions: [
              { type: 'stateDecision', params: ({ event }) => event.decision },
              {
                type: 'refuse',
                params: ({ context, event }) => ({
                  code: 'taskRejected',
                  message: `Task "${context.name}" was refused${event.decision.by === undefined ? '' : ` by ${event.decision.by}`}${event.decision.reason === undefined ? '.' : `: ${event.decision.reason}`}`,
                }),
              },
            ],
          },
        ],
        'fermata.task.approvalExpired': {
          target: 'timedOut',
          actions: [
            { type: 'stateDecision', params: { approved: false, expired: true } },
            {
              type: 'refuse',
              params: ({ context }) => ({
                code: 'approvalExpired',
                message: `Nobody decided on task "${context.name}" within ${context.approval?.timeoutSeconds} s.`,
              }),
            },
          ],
        },
      },
    },
    running: {
      entry: 'begin',
      exit: [cancel('attemptTimeout'), cancel('timeout')],
      initial: 'callingModel',
      on: {
        'fermata.task.timedOut': {
          target: 'timedOut',
          actions: assign({ error: ({ context }) => timeoutError(context), consequence: 'fail' }),
        },
        'fermata.task.attemptTimedOut': [
          {
            guard: 'attemptsLeft',
            target: 'retrying',
            actions: assign({ error: ({ context }) => timeoutError(context) }),
          },
          {
            target: 'timedOut',
            actions: assign({ error: ({ context }) => timeoutError(context), consequence: 'fail' }),
          },
        ],
        'fermata.inDoubt': [
          {
            guard: 'mustAsk',
            target: 'inDoubt',
            actions: [
              assign({ repeatOf: ({ event }) => event.key }),
              { type: 'stateDoubt', params: ({ event }) => event },
            ],
          },
          { actions: [{ type: 'stateDoubt', params: ({ event }) => event }, 'restartTimeout'] },
        ],
        'fermata.unsent': { actions: 'restartTimeout' },
        // Nobody can make the call here: its time stands still until somebody does.
        'fermata.unavailable': { actions: cancel('attemptTimeout') },
        'task.progress': { actions: 'stateProgress' },
      },
      states: {
        callingModel: calling('modelCall'),
        callingCode: { ...calling('code'), ...hearingFunction('call') },
        choosingTasks: {
          ...hearingFunction('chooseTasks'),
          meta: { waitsFor: 'call' },
          invoke: {
            src: 'code',
            id: 'chooseTasks',
            input: ({ context }) => ({
              ...callInput({ context }),
              callId: 'chooseTasks',
              function: context.addTasks,
              input: context.outcome?.value,
            }),
            onDone: '#task.running.addingTasks',
            onError: [
              { guard: 'mayRetry', target: '#task.retrying', actions: 'keepError' },
              { target: '#task.failed', actions: 'keepError' },
            ],
          },
        },
        addingTasks: {
          meta: { waitsFor: 'run' },
          entry: 'askToAdd',
          on: {
            'fermata.task.added': completing('completeAdded'),
            'fermata.task.refused': [
              { guard: 'mayRepair', target: '#task.running.callingModel', actions: 'repair' },
              { target: '#task.failed', actions: 'keepRefusal' },
            ],
          },
        },
        joining: {
          initial: 'spreading',
          states: {
            spreading: {
              always: [
                {
                  guard: 'isEmptyAndPublishes',
                  target: '#task.running.publishing',
                  actions: 'completeItems',
                },
                { guard: 'isEmpty', target: '#task.completed', actions: 'completeItems' },
                { target: 'waiting', actions: 'spread' },
              ],
            },
            spreadingOn: { always: { target: 'waiting', actions: ['spread', 'join'] } },
            waiting: {
              meta: { waitsFor: 'items' },
              entry: ['letGoOfItems', 'park'],
              on: {
                'fermata.task.joined': [
                  { guard: 'itemsFailed', target: '#task.failed', actions: 'failItems' },
                  { guard: 'goesOn', target: 'spreadingOn', actions: 'nextLevel' },
                  ...completing('completeItems'),
                ],
              },
            },
          },
        },
        workingInRounds: {
          meta: { waitsFor: 'rounds' },
          invoke: {
            src: 'planExecuteReflect',
            id: 'rounds',
            input: ({ context }) => roundsInput(context),
            onDone: [
              { guard: 'roundsFailed', target: '#task.failed', actions: 'keepRoundsError' },
              ...completing('completeRounds'),
            ],
            onError: { target: '#task.failed', actions: 'keepError' },
          },
          on: {
            'fermata.task.adds': { actions: 'relay' },
            'fermata.task.added': { actions: forwardTo('rounds') },
            'fermata.task.refused': { actions: forwardTo('rounds') },
            'fermata.task.joined': { actions: forwardTo('rounds') },
          },
        },
        childRun: {
          initial: 'starting',
          invoke: {
            src: 'subworkflow',
            id: 'startRun',
            input: ({ context }) => (context.call.kind === 'subworkflow' ? childInput(context.call, context) : {}),
            onDone: [
              { guard: 'wasCancelled', target: '#task.cancelled', actions: ['keepBegun', 'cancelChild'] },
              { guard: 'broken', target: '#task.timedOut', actions: ['keepBegun', 'cancelChild'] },
              {
                guard: 'goesOnAloneAndPublishes',
                target: '#task.running.publishing',
                actions: ['keepBegun', 'completeBegun'],
              },
              { guard: 'goesOnAlone', target: '#task.completed', actions: ['keepBegun', 'completeBegun'] },
              { target: '#task.running.childRun.waitingForRun', actions: 'keepBegun' },
            ],
            onError: [
              { guard: 'wasCancelled', target: '#task.cancelled' },
              { guard: 'broken', target: '#task.timedOut' },
              { guard: 'mayRetry', target: '#task.retrying', actions: 'keepError' },
              { target: '#task.failed', actions: 'keepError' },
            ],
          },
          on: {
            'fermata.task.pause': { actions: 'pauseChild' },
            'fermata.task.resume': { actions: 'pauseChild' },
            'fermata.task.childEnded': { guard: 'isOwnChild', actions: 'keepChildEnd' },
          },
          states: {
            starting: {
              meta: { waitsFor: 'call' },
              on: {
                'fermata.cancel': { target: 'letGo', actions: 'keepCancel' },
                'fermata.task.stops': { target: 'letGo', actions: 'keepStop' },
                'fermata.task.timedOut': { target: 'letGo', actions: 'keepTimeout' },
              },
            },
            // Nobody waits for the run any more that is just being begun: it is cancelled once its id is known (C1).
            letGo: {
              meta: { waitsFor: 'call' },
              on: { 'fermata.cancel': {}, 'fermata.task.timedOut': {}, 'fermata.task.stops': {} },
            },
            waitingForRun: {
              meta: { waitsFor: 'childRun' },
              entry: 'park',
              always: [
                { guard: 'childCompletedAndPublishes', target: '#task.running.publishing', actions: 'completeChild' },
                { guard: 'childCompleted', target: '#task.completed', actions: 'completeChild' },
                { guard: 'childMayRepeat', target: '#task.retrying', actions: 'keepChildError' },
                { guard: 'childOver', target: '#task.failed', actions: 'keepChildError' },
              ],
              on: {
                'fermata.cancel': { target: '#task.cancelled', actions: ['keepCancel', 'cancelChild'] },
                'fermata.task.stops': [
                  { guard: 'cannotTell', target: '#task.failed', actions: ['keepStop', 'cancelChild'] },
                  { target: '#task.cancelled', actions: ['keepStop', 'cancelChild'] },
                ],
                'fermata.task.timedOut': { target: '#task.timedOut', actions: ['keepTimeout', 'cancelChild'] },
              },
            },
          },
        },
        // It was decided when the task was made ready; here it only becomes a fact.
        deciding: { always: completing('stateChoice') },
        // What it gives is written before anybody hears that it has completed, and in the same commit.
        publishing: {
          meta: { waitsFor: 'run' },
          entry: 'publish',
          on: {
            'fermata.shared.answer': [
              { guard: 'isUnpublished', target: '#task.failed', actions: 'keepUnpublished' },
              { guard: 'isPublished', target: '#task.completed', actions: ['stateKept', 'tellChanged'] },
            ],
          },
        },
        waitingForTime: {
          meta: { waitsFor: 'time' },
          entry: ['beginWait', 'park'],
          exit: [cancel('wait'), cancel('waitTimeout')],
          on: {
            'fermata.task.timeCame': completing({
              type: 'completeWait',
              params: ({ context }: { context: TaskContext }) => ({ value: dateOf(context) }),
            }),
            'fermata.task.waitTimedOut': MISSES_TIME,
          },
        },
        waitingForEvent: {
          meta: { waitsFor: 'event' },
          entry: ['beginWait', 'park'],
          exit: [cancel('wait'), cancel('waitTimeout')],
          on: {
            'fermata.task.event': completing({
              type: 'completeWait',
              params: ({ event }: { event: EventTaken }) => ({
                value: outputOf(event.event),
                keptEvent: event.keptEvent,
              }),
            }),
            'fermata.task.waitTimedOut': MISSES_TIME,
          },
        },
      },
    },
    retrying: {
      entry: [assign({ repeatOf: null }), 'forgetCalls'],
      initial: 'backingOff',
      on: { 'fermata.task.timedOut': { target: 'timedOut', actions: 'keepTimeout' } },
      states: {
        backingOff: {
          meta: { waitsFor: 'backoff' },
          entry: ['backOff', 'park'],
          exit: cancel('backoff'),
          on: { 'fermata.task.backoffOver': 'queued' },
        },
        queued: { meta: { waitsFor: 'slot' }, entry: 'askForSlot', on: { 'fermata.task.admitted': CALL_AGAIN } },
      },
    },
    inDoubt: {
      meta: { waitsFor: 'decision about a doubtful call' },
      entry: 'park',
      on: { 'fermata.retry': 'pending.queued' },
    },
    completed: { type: 'final' },
    skipped: { type: 'final', entry: 'stateSkip' },
    failed: { type: 'final', entry: { type: 'stateFailure', params: { status: 'failed' } } },
    timedOut: { type: 'final', entry: { type: 'stateFailure', params: { status: 'timedOut' } } },
    rejected: { type: 'final', entry: { type: 'stateFailure', params: { status: 'rejected' } } },
    cancelled: { type: 'final', entry: { type: 'stateFailure', params: { status: 'cancelled' } } },
  },
  output: ({ context, event }) => ({
    name: context.name,
    status: endOf(event.type),
    held: context.held,
    consequence: context.consequence,
    error: context.error,
  }),
});

/** It does not run, and adds what it adds all the same. */
function onlyAdds(context: TaskContext): context is TaskContext & Pick<PreparedOutcome, 'known'> {
  return context.known !== undefined && (isReused(context) || context.addTasks === FROM_OUTPUT);
}

function isReused({ known }: TaskContext): boolean {
  return known?.facts['reused'] !== undefined;
}

function retryOf({ retry = DEFAULT_RETRY }: TaskContext): RetryPolicy {
  return retry;
}

function seedOf({ seed, name }: TaskContext, event: { readonly type: string }): string {
  return (event as { readonly prepared?: FailedAttempt }).prepared?.seed ?? seed ?? name;
}

/** XState names the final state that was reached in the event it makes the output with: `xstate.done.state.task.failed`. */
function endOf(type: string): TaskOutput['status'] {
  return type.slice(type.lastIndexOf('.') + 1) as TaskOutput['status'];
}

/** What every fact about a task carries. A task that its author did not describe is described by its name. */
function about({ name, description }: TaskContext): { readonly task: string; readonly description: string } {
  return { task: name, description: description ?? name };
}

function roundsInput({ name, call }: TaskContext): RoundsInput {
  const { goal, depth, reflectionAnswers } = call as PreparedPlanExecuteReflect;
  return { name, goal, depth, reflectionAnswers };
}

/** The output of a wait for a time: the date for which it waited. */
function dateOf({ call, now = 0 }: TaskContext): string | null {
  const due = call.kind === 'wait' ? dueAt(call, now) : undefined;
  return due === undefined ? null : new Date(due).toISOString();
}

function initialContext({ name, prepared }: TaskInput): TaskContext {
  const rest = {
    name,
    attempt: 0,
    held: true,
    consequence: 'none' as const,
  };
  if (prepared !== undefined && 'call' in prepared) return { ...prepared, ...rest, error: null };
  const idle = {
    ...rest,
    call: { kind: 'code', function: '', input: {} },
    retry: { maxRetries: 0, initialSeconds: 1, factor: 2, maxSeconds: 60 },
  } as const;
  if (prepared !== undefined && 'known' in prepared)
    return {
      ...idle,
      ...prepared,
      outcome: prepared.addTasks === undefined ? null : { value: prepared.known.result },
      error: null,
    };
  if (prepared !== undefined && 'skip' in prepared)
    return { ...idle, ...prepared, consequence: prepared.skip.cascades ? 'skip' : 'none', error: null };
  const error: ErrorData = prepared?.error ?? {
    code: 'internal',
    message: `Task "${name}" was started without its prompt.`,
    retry: 'never',
  };
  return { ...idle, consequence: 'fail', error };
}
