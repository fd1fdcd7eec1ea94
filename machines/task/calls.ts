/** The calls of a task, to models and functions: effects, which the runtime provides. */
import { fromPromise } from 'xstate';
import { CALL_SECONDS } from '../../src/document/definition.ts';
import { FermataError } from '../../src/errors.ts';
import type { TaskContext } from './context.ts';
import { hasOutcome } from './outcome.ts';

/** What a call gives back. */
export interface CallOutput {
  readonly value: unknown;
  readonly usage?: unknown;
  readonly model?: string;
  readonly requestId?: string | null;
  readonly finishReason?: string | null;
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

/** What the call of a task is made with. */
export function callInput({ context }: { context: TaskContext }): CallInput {
  const { kind: _, ...rest } = context.call;
  return { ...rest, ...ofAttempt(context) };
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
  return own ?? (hasOutcome(context) ? CALL_SECONDS * 1_000 : undefined);
}
