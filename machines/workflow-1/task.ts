/**
 * Version 1, as runs of databases written before version 2 go on with it. Frozen: docs/decisions/006.
 *
 * One task of a document: asks for approval where it must, calls, tries again, ends.
 *
 * Its top-level states are the API's task statuses. It holds a slot of the workflow's `breadth` only while it runs:
 * before it waits (for a person, a back-off, an answer about a doubtful call) it parks, and asks for a slot afterwards.
 *
 * A long file, because a statechart is read in one piece: half of it are the actions that its states name.
 */
import { assign, cancel, enqueueActions, fromPromise, sendParent, setup } from 'xstate';
import { ERROR_CODES, FermataError, type ErrorCode, type ErrorData } from '../../src/errors.ts';
import type { Consequence } from '../../src/document/consequence.ts';
import type { ApprovalSpec, RetryPolicy } from '../../src/document/definition.ts';
import type { PreparedCodeCall } from '../../src/document/kinds/code.ts';
import type { PreparedModelCall } from '../../src/document/kinds/model.ts';
import type { InDoubtPolicy } from '../../src/runtime/effect.ts';
import { backoffMs } from '../backoff.ts';
import { fact } from '../reserved.ts';

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
  readonly call: PreparedModelCall | PreparedCodeCall;
  readonly approval?: PreparedApproval;
  readonly approvalPrompt?: string;
  readonly retry: RetryPolicy;
  readonly timeoutMs: number;
  readonly onInDoubt: InDoubtPolicy;
  /** Seed of everything random in the task. */
  readonly seed: string;
}

/** What the workflow machine spawns a task with; `prepared` is attached by the runtime. */
export interface TaskInput {
  readonly name: string;
  readonly prepared?: PreparedTask | { readonly error: ErrorData };
}

/** How a task ended, as the workflow machine is told. The result itself is in the facts. */
export interface TaskOutput {
  readonly name: string;
  readonly status: 'completed' | 'failed' | 'timedOut' | 'rejected' | 'cancelled';
  /** It held a slot until it ended. */
  readonly held: boolean;
  /** What its end means for the run: nothing, a failure, or that the run is to be cancelled. */
  readonly consequence: Consequence;
  readonly error: ErrorData | null;
}

export interface TaskContext extends PreparedTask {
  readonly name: string;
  readonly attempt: number;
  readonly held: boolean;
  readonly error: ErrorData | null;
  readonly consequence: Consequence;
  /** Key of the doubtful call that the next one repeats. */
  readonly repeatOf: string | null;
  readonly retryDelayMs: number;
}

/** A person's decision. */
export interface Decision {
  readonly approved: boolean;
  readonly reason?: string;
  readonly by?: string;
}

type TaskEvent =
  | { readonly type: 'fermata.approve'; readonly decision: Decision }
  | { readonly type: 'fermata.cancel'; readonly reason?: string }
  | { readonly type: 'fermata.retry' }
  | { readonly type: 'fermata.task.admitted' }
  | { readonly type: 'fermata.task.attemptTimedOut' }
  | { readonly type: 'fermata.task.backoffOver' }
  | { readonly type: 'fermata.task.approvalExpired' }
  | { readonly type: 'fermata.inDoubt'; readonly key: string; readonly policy: InDoubtPolicy }
  | { readonly type: 'fermata.unsent' }
  | { readonly type: 'fermata.unavailable'; readonly code: string; readonly message: string }
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

const outside = (src: string) =>
  fromPromise<CallOutput, CallInput>(() =>
    Promise.reject(
      new FermataError(
        'machineMissing',
        `The effect "${src}" is provided by the runtime: register it in createRuntime({ actors }).`,
      ),
    ),
  );

function callInput({ context }: { context: TaskContext }): CallInput {
  const { name, attempt, call, timeoutMs, onInDoubt, repeatOf } = context;
  const { kind: _, ...rest } = call;
  return { ...rest, task: name, attempt, timeoutMs, onInDoubt, ...(repeatOf === null ? {} : { repeatOf }) };
}

/** What a failed call says, and whether another attempt may help: that stands in the table of codes. */
function errorOf(event: { readonly type: string }): ErrorData {
  const { error } = event as { error?: Partial<ErrorData> };
  const code = typeof error?.code === 'string' ? error.code : 'taskFailed';
  return {
    code,
    message: String(error?.message ?? 'The call failed.'),
    retry: error?.retry ?? (code in ERROR_CODES ? ERROR_CODES[code as ErrorCode].retry : 'backoff'),
    ...(error?.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    ...(error?.data === undefined ? {} : { data: error.data }),
  };
}

function timeoutError(context: TaskContext): ErrorData {
  return {
    code: 'taskTimedOut',
    retry: 'backoff',
    message: `Attempt ${context.attempt} of task "${context.name}" took longer than ${context.timeoutMs / 1_000} s. Raise timeoutSeconds if that is not enough.`,
  };
}

const calling = (src: 'modelCall' | 'code') =>
  ({
    meta: { waitsFor: 'call' },
    invoke: {
      src,
      id: 'call',
      input: callInput,
      onDone: {
        target: '#task.completed',
        actions: { type: 'complete', params: ({ event }: { event: { output: CallOutput } }) => event.output },
      },
      onError: [
        { guard: 'mayRetry', target: '#task.retrying', actions: 'keepError' },
        { target: '#task.failed', actions: 'keepError' },
      ],
    },
  }) as const;

/** How a task that holds a slot begins its call. Chosen on the way in: a state that only chooses would be a step more in every task. */
const CALL = [
  { guard: 'isCode', target: '#task.running.callingCode' },
  { target: '#task.running.callingModel' },
] as const;

/** The task machine. */
export const taskMachine = setup({
  types: {} as { context: TaskContext; input: TaskInput; output: TaskOutput; events: TaskEvent },
  actors: { modelCall: outside('modelCall'), code: outside('code') },
  actions: {
    // Data to the runtime (R3); see reserved.ts.
    'fermata.fact': (_, _params: Readonly<Record<string, unknown>>) => {},
    park: enqueueActions(({ enqueue, context }) => {
      if (context.held) enqueue(sendParent({ type: 'fermata.task.parked', task: context.name }));
      enqueue.assign({ held: false });
    }),
    askForSlot: sendParent(({ context }) => ({ type: 'fermata.task.wantsSlot', ...about(context) })),
    keepError: assign({ error: ({ event }) => errorOf(event), consequence: 'fail' }),
    begin: enqueueActions(({ enqueue, context }) => {
      const attempt = context.repeatOf === null ? context.attempt + 1 : context.attempt;
      // What an earlier attempt ended with is over.
      enqueue.assign({ attempt, held: true, error: null, consequence: 'none' });
      enqueue.raise({ type: 'fermata.task.attemptTimedOut' }, { id: 'attemptTimeout', delay: context.timeoutMs });
      fact(enqueue, 'task_started', { ...about(context), attempt });
    }),
    complete: enqueueActions(({ enqueue, context }, { value, usage, model, requestId, finishReason }: CallOutput) => {
      const record = {
        attempt: context.attempt,
        ...(usage === undefined ? {} : { usage }),
        ...(model === undefined ? {} : { model }),
        ...(requestId === undefined ? {} : { requestId }),
        ...(finishReason === undefined ? {} : { finishReason }),
      };
      fact(enqueue, 'task_completed', { ...about(context), result: value, ...record });
    }),
    stateFailure: enqueueActions(({ enqueue, context }, { status }: { status: TaskOutput['status'] }) => {
      const type = status === 'cancelled' ? 'task_cancelled' : 'task_failed';
      fact(enqueue, type, {
        ...about(context),
        status,
        attempt: context.attempt,
        ...(status === 'cancelled' ? { reason: context.error?.message } : { error: context.error }),
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
    backOff: enqueueActions(({ enqueue, context }) => {
      const delay = backoffMs(context.retry, context.attempt, context.seed, context.error?.retryAfterMs);
      enqueue.assign({ retryDelayMs: delay });
      enqueue.raise({ type: 'fermata.task.backoffOver' }, { id: 'backoff', delay });
      fact(enqueue, 'task_retrying', {
        ...about(context),
        attempt: context.attempt,
        error: context.error,
        delaySeconds: delay / 1_000,
      });
    }),
    stateDoubt: enqueueActions(({ enqueue, context }, { policy }: { policy: InDoubtPolicy }) => {
      fact(enqueue, 'task_in_doubt', { ...about(context), attempt: context.attempt, policy });
    }),
    // The call begins anew after a crash, and so does its time (R10): the old date may lie in the downtime.
    restartTimeout: enqueueActions(({ enqueue, context }) => {
      enqueue.cancel('attemptTimeout');
      enqueue.raise({ type: 'fermata.task.attemptTimedOut' }, { id: 'attemptTimeout', delay: context.timeoutMs });
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
    needsApproval: ({ context }) => context.approval !== undefined,
    isCode: ({ context }) => context.call.kind === 'code',
    mayRetry: ({ context, event }) => errorOf(event).retry !== 'never' && context.attempt <= context.retry.maxRetries,
    attemptsLeft: ({ context }) => context.attempt <= context.retry.maxRetries,
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
  },
  states: {
    pending: {
      initial: 'beginning',
      states: {
        beginning: {
          always: [
            { guard: 'broken', target: '#task.failed' },
            { guard: 'needsApproval', target: '#task.awaitingApproval' },
            ...CALL,
          ],
        },
        queued: { meta: { waitsFor: 'slot' }, entry: 'askForSlot', on: { 'fermata.task.admitted': CALL } },
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
      exit: cancel('attemptTimeout'),
      initial: 'callingModel',
      on: {
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
        callingCode: calling('code'),
      },
    },
    retrying: {
      entry: assign({ repeatOf: null }),
      initial: 'backingOff',
      states: {
        backingOff: {
          meta: { waitsFor: 'backoff' },
          entry: ['backOff', 'park'],
          exit: cancel('backoff'),
          on: { 'fermata.task.backoffOver': 'queued' },
        },
        queued: { meta: { waitsFor: 'slot' }, entry: 'askForSlot', on: { 'fermata.task.admitted': CALL } },
      },
    },
    inDoubt: {
      meta: { waitsFor: 'decision about a doubtful call' },
      entry: 'park',
      on: { 'fermata.retry': 'pending.queued' },
    },
    completed: { type: 'final' },
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

/** XState names the final state that was reached in the event it makes the output with: `xstate.done.state.task.failed`. */
function endOf(type: string): TaskOutput['status'] {
  return type.slice(type.lastIndexOf('.') + 1) as TaskOutput['status'];
}

/** What every fact about a task carries. A task that its author did not describe is described by its name. */
function about({ name, description }: TaskContext): { readonly task: string; readonly description: string } {
  return { task: name, description: description ?? name };
}

function initialContext({ name, prepared }: TaskInput): TaskContext {
  const rest = { name, attempt: 0, held: true, consequence: 'none' as const, repeatOf: null, retryDelayMs: 0 };
  if (prepared !== undefined && !('error' in prepared)) return { ...prepared, ...rest, error: null };
  const error: ErrorData = prepared?.error ?? {
    code: 'internal',
    message: `Task "${name}" was started without its prompt.`,
    retry: 'never',
  };
  const call = { kind: 'code', function: '', input: {} } as const;
  return {
    ...rest,
    call,
    retry: { maxRetries: 0, initialSeconds: 1, factor: 2, maxSeconds: 60 },
    timeoutMs: 120_000,
    onInDoubt: 'retry',
    seed: name,
    consequence: 'fail',
    error,
  };
}
