/** The calls of a task, to models and functions: effects, which the runtime provides. */
import { fromPromise } from 'xstate';
import { FermataError } from '../../src/errors.ts';
import type { TaskContext } from './context.ts';

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

/** What the call of a task is made with, whatever its kind. */
export function callInput({ context }: { context: TaskContext }): CallInput {
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
