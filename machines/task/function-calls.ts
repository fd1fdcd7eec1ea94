/**
 * Model calls that a task's function asks for. Each is an effect of the task's own: its outcome is committed before the
 * function sees it, and a function that is repeated after a crash gets it without another call.
 */
import { CALL_SECONDS } from '../../src/document/definition.ts';
import type { ErrorData } from '../../src/errors.ts';
import type { PreparedModelCall } from '../../src/document/kinds/model.ts';
import { callMs, type CallOutput } from './calls.ts';
import type { TaskContext } from './context.ts';
import { errorOf } from './call-error.ts';
import { actionCreators } from '../action-creators.ts';
import { fact } from '../reserved.ts';
import type { TaskEvent } from './events.ts';
import { hasOutcome } from './outcome.ts';

const { assign, enqueueActions } = actionCreators<TaskContext, TaskEvent>();

/** One model call of a function, as the task keeps it. */
export interface FunctionCall {
  /** Made from the key of the function's own call and the place, so that it is the same whenever that is repeated. */
  readonly key: string;
  /** Its number among the calls of the function, or the name that the function gave it. */
  readonly place: string;
  /** Fingerprint of what was asked. */
  readonly asked: string;
  /** Absent while the model is being asked. */
  readonly answer?: { readonly output: unknown } | { readonly error: ErrorData };
}

/** What a function sends its task. `prepared` is attached by the runtime: what is asked, with the document's defaults. */
export interface CallsModel {
  readonly type: 'task.callsModel';
  readonly key: string;
  readonly place: string;
  readonly asked: string;
  /** Which call of the task's it is: that of its function. */
  readonly from: string;
  readonly prepared?: PreparedModelCall;
}

/** What the function is told, under the key of its call. */
export interface ModelAnswered {
  readonly type: 'task.modelAnswered';
  readonly key: string;
  readonly answer: NonNullable<FunctionCall['answer']>;
}

/** Calls of one function: each is in every snapshot of its task. */
export const MOST_FUNCTION_CALLS = 100;

const ID = 'model.';

/** True for the id of a call that a function asked for. */
export function isFunctionCall(id: string): boolean {
  return id.startsWith(ID);
}

/** The call of an outcome; undefined for other events. */
function placeOf(type: string): number | undefined {
  const found = /^xstate\.(?:done|error)\.actor\.model\.(\d+)$/.exec(type);
  return found?.[1] === undefined ? undefined : Number(found[1]);
}

/** A function asks: the model is called, unless it was before. `call`: the id of the function's own call. */
function askModel(enqueue: Enqueuing, context: TaskContext, event: CallsModel): void {
  const { key, place, asked, from, prepared } = event;
  const calls = context.functionCalls ?? [];
  const known = calls.find((call) => call.key === key);
  if (known !== undefined) {
    const answer = known.asked === asked ? known.answer : { error: changed(context, place) };
    if (answer !== undefined) tell(enqueue, from, key, answer);
    return;
  }
  if (prepared === undefined || calls.length >= MOST_FUNCTION_CALLS) {
    tell(enqueue, from, key, { error: tooMany(context) });
    return;
  }
  const { kind: _, ...question } = prepared;
  enqueue.assign({ functionCalls: [...calls, { key, place, asked }] });
  enqueue.spawnChild('modelCall', {
    id: `${ID}${calls.length}`,
    input: {
      ...question,
      task: context.name,
      attempt: context.attempt,
      timeoutMs: callMs(context) ?? CALL_SECONDS * 1_000,
      onInDoubt: 'retry',
      partOf: { key },
    },
  });
}

/** A model has answered a function, or failed it. */
function keepAnswer(enqueue: Enqueuing, context: TaskContext, event: { readonly type: string }, from: string): void {
  const index = placeOf(event.type) ?? -1;
  const { functionCalls: calls = [] } = context;
  const call = calls[index];
  // Answered once, whatever comes later.
  if (call === undefined || call.answer !== undefined) return;
  const answer = event.type.startsWith('xstate.done.')
    ? { output: (event as unknown as { readonly output: CallOutput }).output }
    : { error: errorOf(event) };
  enqueue.assign({ functionCalls: calls.with(index, { ...call, answer }) });
  enqueue.stopChild(`${ID}${index}`);
  const { usage, model, requestId, finishReason } = 'output' in answer ? answer.output : {};
  fact(enqueue as never, 'model_called', {
    task: context.name,
    description: context.description ?? context.name,
    attempt: context.attempt,
    call: call.place,
    ...(usage === undefined ? {} : { usage }),
    ...(model === undefined ? {} : { model }),
    ...(requestId === undefined ? {} : { requestId }),
    ...(finishReason === undefined ? {} : { finishReason }),
    ...('error' in answer ? { error: answer.error } : {}),
  });
  tell(enqueue, from, call.key, answer);
}

/** The function is over, or will be called again: nobody waits for what it asked. What was answered is kept for a repeat. */
function dropOpenCalls(enqueue: Enqueuing, context: TaskContext): void {
  const calls = context.functionCalls;
  if (calls === undefined) return;
  for (const [index, { answer }] of calls.entries()) if (answer === undefined) enqueue.stopChild(`${ID}${index}`);
  enqueue.assign({ functionCalls: calls.filter(({ answer }) => answer !== undefined) });
}

/** What of XState's `enqueue` is needed here. */
interface Enqueuing {
  assign(change: { readonly functionCalls: readonly FunctionCall[] }): void;
  spawnChild(src: 'modelCall', options: { readonly id: string; readonly input: object }): void;
  stopChild(id: string): void;
  sendTo(id: string, event: ModelAnswered): void;
}

function tell(enqueue: Enqueuing, to: string, key: string, answer: ModelAnswered['answer']): void {
  enqueue.sendTo(to, { type: 'task.modelAnswered', key, answer });
}

function changed(context: TaskContext, place: string): ErrorData {
  return {
    code: 'functionNotDeterministic',
    retry: 'never',
    message: `The function "${functionOf(context)}" of task "${context.name}" was called again after a crash, and its model call ${JSON.stringify(place)} asks something else than before. What it asks may depend only on its input and on earlier answers; give calls whose order varies a name.`,
  };
}

function tooMany(context: TaskContext): ErrorData {
  return {
    code: 'codeRefused',
    retry: 'never',
    message: `The function "${functionOf(context)}" of task "${context.name}" asks for more than ${MOST_FUNCTION_CALLS} model calls. Make them tasks of their own: kind: map, or onComplete.`,
  };
}

function functionOf(context: TaskContext): string | undefined {
  if (hasOutcome(context)) return context.addTasks;
  return context.call.kind === 'code' ? context.call.function : undefined;
}

/** What a task does about the model calls of its function. */
export const functionCallActions = {
  askModel: enqueueActions(({ enqueue, context, event }) => {
    if (event.type === 'task.callsModel') askModel(enqueue as never, context, event);
  }),
  keepAnswer: enqueueActions(({ enqueue, context, event }, { from }: { from: string }) =>
    keepAnswer(enqueue as never, context, event, from),
  ),
  dropOpenCalls: enqueueActions(({ enqueue, context }) => dropOpenCalls(enqueue as never, context)),
  // Another attempt asks everything anew.
  forgetCalls: assign(({ context }) => (context.functionCalls === undefined ? {} : { functionCalls: [] })),
};
