/** The calls of a task, to models and functions: effects, which the runtime provides. */
import { fromPromise } from 'xstate';
import { CALL_SECONDS } from '../../src/document/definition.ts';
import type { PreparedModelCall } from '../../src/document/kinds/model.ts';
import { FermataError } from '../../src/errors.ts';
import type { TaskContext } from './context.ts';
import { onlyAsks } from './outcome.ts';
import { isPaidFor, paidInput } from './paying.ts';

/** What a call gives back. */
export interface CallOutput {
  readonly value: unknown;
  readonly usage?: unknown;
  readonly model?: string;
  readonly requestId?: string | null;
  readonly finishReason?: string | null;
  /** Of each request, where there were two. */
  readonly billed?: unknown;
}

/** What a call is made with. */
export interface CallInput {
  readonly [key: string]: unknown;
}

/** Stands for an effect until the runtime provides it. */
export const outside = <Output = CallOutput>(src: string) =>
  fromPromise<Output, CallInput>(() =>
    Promise.reject(
      new FermataError(
        'machineMissing',
        `The effect "${src}" is provided by the runtime: register it in createRuntime({ actors }).`,
      ),
    ),
  );

/** What is asked: what that costs, and who else asks the same, is the task's to know, and nobody else's. */
export function questionOf(call: TaskContext['call']): CallInput {
  const {
    kind: _,
    prices: __,
    inputTokens: ___,
    minOutputTokens: ____,
    candidates: _____,
    optimize: ______,
    cache: _______,
    ...question
  } = call as Partial<PreparedModelCall>;
  return question;
}

/** What the call of a task is made with. */
export function callInput({ context }: { context: TaskContext }): CallInput {
  const { call, granted } = context;
  const paid = isPaidFor(call) && granted !== undefined ? paidInput(call, granted) : {};
  return { ...questionOf(call), ...paid, ...ofAttempt(context) };
}

/** What the function is called with that says which tasks a task adds. */
export function choosingInput({ context }: { context: TaskContext }): CallInput {
  const { addTasks, outcome } = context;
  return { ...ofAttempt(context), callId: 'chooseTasks', function: addTasks, input: outcome?.value };
}

function ofAttempt(context: TaskContext): CallInput {
  const { name, attempt, onInDoubt = 'retry', repeatOf = null } = context;
  const timeoutMs = callMs(context);
  return {
    task: name,
    attempt,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    onInDoubt,
    ...(repeatOf === null ? {} : { repeatOf }),
  };
}

/**
 * What one attempt of a call may take, in milliseconds. Of a task that calls nobody else its function has the time of a
 * call whose author does not say: the `timeoutSeconds` of such a task are for its work as a whole.
 */
export function callMs(context: TaskContext): number | undefined {
  const { call, timeoutMs } = context;
  const own = call.kind === 'model' || call.kind === 'code' ? timeoutMs : undefined;
  return own ?? (onlyAsks(context) ? CALL_SECONDS * 1_000 : undefined);
}
