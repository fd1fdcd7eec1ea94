/**
 * Model calls that a task's function asks for. Each is an effect of the task's own: its outcome is committed before the
 * function sees it, and a function that is repeated after a crash gets it without another call.
 */
import { priceUnknown } from '../../src/document/budget.ts';
import { CALL_SECONDS } from '../../src/document/definition.ts';
import type { NanoDollars } from '../../src/cost/money.ts';
import type { ErrorData } from '../../src/errors.ts';
import type { PreparedModelCall } from '../../src/document/kinds/model.ts';
import type { BudgetGranted } from '../budget.ts';
import { assumed, costOf } from './assumed.ts';
import { endsBadly } from './bad-end.ts';
import { callBill, cutBill, isBilledAsDoubtful, type Asked, type BilledCall } from './bill.ts';
import { callMs, questionOf, type CallOutput } from './calls.ts';
import type { TaskContext } from './context.ts';
import { errorOf } from './call-error.ts';
import { actionCreators } from '../action-creators.ts';
import { fact } from '../reserved.ts';
import type { TaskEvent } from './events.ts';
import { onlyAsks } from './outcome.ts';
import { isPaidFor, leave, paidInput, reserve, settle } from './paying.ts';
import { lostWith, withoutConsumed, type Usage } from './spent.ts';

const { assign, enqueueActions } = actionCreators<TaskContext, TaskEvent>();

/** One model call of a function, as the task keeps it. */
export interface FunctionCall {
  /** Made from the key of the function's own call and the place, so that it is the same whenever that is repeated. */
  readonly key: string;
  /** Its number among the calls of the function, or the name that the function gave it. */
  readonly place: string;
  /** Fingerprint of what was asked. */
  readonly asked: string;
  /** Whom it asks, and what that costs: while the model is being asked. */
  readonly asks?: Asked;
  /** Of a run with a budget: what is asked once there is money for it. */
  readonly question?: PreparedModelCall;
  /** What it may cost at most, once that is reserved. */
  readonly granted?: NanoDollars;
  /** Of which day that is, where budgets of several runs pay for it. */
  readonly grantedOn?: string;
  /** Key of the doubtful call that it repeats. */
  readonly repeatOf?: string;
  /** While it is under way: of an answer that is asked for again. */
  readonly consumed?: Usage;
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
const MOST_FUNCTION_CALLS = 100;

const ID = 'model.';

/** Under which a task makes a call that its function asked for. */
export function functionCallId(index: number): string {
  return `${ID}${index}`;
}

/** True for the id of a call that a function asked for. */
export function isFunctionCall(id: string): boolean {
  return id.startsWith(ID);
}

/** The call that was made under an id; undefined where that is none of a function's. */
export function functionCallOf({ functionCalls = [] }: TaskContext, id: string): FunctionCall | undefined {
  return isFunctionCall(id) ? functionCalls[Number(id.slice(ID.length))] : undefined;
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
  if (context.budgeted === true && prepared.prices === undefined) {
    tell(enqueue, from, key, { error: priceUnknown(prepared, context.name) });
    return;
  }
  const { provider, model, prices } = prepared;
  const asks = { provider, model, ...(prices === undefined ? {} : { prices }) };
  const call: FunctionCall = { key, place, asked, asks };
  const id = functionCallId(calls.length);
  if (isPaidFor(prepared)) {
    enqueue.assign({ functionCalls: [...calls, { ...call, question: prepared }] });
    reserve(enqueue as never, context.name, id, prepared);
    return;
  }
  enqueue.assign({ functionCalls: [...calls, call] });
  callModel(enqueue, context, { id, key, question: prepared });
}

/** There is money for what a function asks. */
function beginPaid(enqueue: Enqueuing, context: TaskContext, { call: id, nanos, on }: BudgetGranted): void {
  const { functionCalls: calls = [] } = context;
  const call = functionCallOf(context, id);
  if (call?.question === undefined) return;
  const { question, ...begun } = call;
  const grant = { granted: nanos, ...(on === undefined ? {} : { grantedOn: on }) };
  enqueue.assign({ functionCalls: calls.with(calls.indexOf(call), { ...call, ...grant }) });
  callModel(enqueue, context, {
    id,
    key: begun.key,
    question: { ...question, ...paidInput(question, nanos) },
    ...(begun.repeatOf === undefined ? {} : { repeatOf: begun.repeatOf }),
  });
}

/** A crash has cut off what a function asked: it is paid for, and asked again once there is money for that, too. */
function payAgain(
  enqueue: Enqueuing,
  context: TaskContext,
  { id, key: repeatOf }: { readonly id: string; readonly key: string },
): void {
  const { name, functionCalls: calls = [] } = context;
  const call = functionCallOf(context, id);
  if (call?.question === undefined || call.granted === undefined) return;
  const { granted, grantedOn: on, ...asked } = call;
  enqueue.stopChild(id);
  settle(enqueue as never, name, id, { reserved: granted, on, spent: granted, last: false });
  enqueue.assign({ functionCalls: calls.with(calls.indexOf(call), { ...asked, repeatOf }) });
  reserve(enqueue as never, name, id, call.question);
}

function callModel(
  enqueue: Enqueuing,
  context: TaskContext,
  {
    id,
    key,
    question,
    ...repeat
  }: {
    readonly id: string;
    readonly key: string;
    readonly question: PreparedModelCall;
    readonly repeatOf?: string;
  },
): void {
  enqueue.spawnChild('modelCall', {
    id,
    input: {
      ...questionOf(question),
      task: context.name,
      attempt: context.attempt,
      timeoutMs: callMs(context) ?? CALL_SECONDS * 1_000,
      onInDoubt: 'retry',
      partOf: { key },
      ...repeat,
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
  const { asks, question: _, granted, grantedOn: on, repeatOf: __, ...known } = withoutConsumed(call);
  const bill = asks === undefined ? [] : assumed(callBill(call.place, asks, answer as never), granted);
  if (granted !== undefined) {
    const spent = isBilledAsDoubtful(answer) ? granted : costOf(bill);
    settle(enqueue as never, context.name, functionCallId(index), { reserved: granted, on, spent, last: false });
  }
  enqueue.assign({ functionCalls: calls.with(index, { ...known, answer }) });
  enqueue.stopChild(functionCallId(index));
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
    ...(bill.length === 0 ? {} : { bill }),
  });
  tell(enqueue, from, call.key, answer);
}

/** The function is over, or will be called again: nobody waits for what it asked. What was answered is kept for a repeat. */
function dropOpenCalls(enqueue: Enqueuing, context: TaskContext, event: { readonly type: string }): void {
  const calls = context.functionCalls;
  if (calls === undefined) return;
  const open = [...calls.entries()].flatMap(([index, call]) =>
    call.answer === undefined ? [{ ...call, id: functionCallId(index) }] : [],
  );
  // First those that wait: else they would still seem to when the others have ended, and nothing were left for them.
  for (const { id, question, granted } of open)
    if (question !== undefined && granted === undefined) leave(enqueue as never, context.name, id, question);
  let lost: Pick<TaskContext, 'lost'> = context.lost === undefined ? {} : { lost: context.lost };
  const cut: BilledCall[] = [];
  for (const { id, asks, place, question, granted, grantedOn: on, consumed } of open) {
    if (question !== undefined && granted === undefined) continue;
    enqueue.stopChild(id);
    const bill = asks === undefined ? [] : assumed(cutBill(place, asks, consumed), granted);
    const last = endsBadly(context, event);
    if (granted !== undefined)
      settle(enqueue as never, context.name, id, { reserved: granted, on, spent: costOf(bill), last });
    lost = { ...lost, ...lostWith(lost, consumed) };
    cut.push(...bill);
  }
  enqueue.assign({
    ...lost,
    functionCalls: calls.filter(({ answer }) => answer !== undefined),
    ...(cut.length === 0 ? {} : { bill: [...(context.bill ?? []), ...cut] }),
  });
}

/** What of XState's `enqueue` is needed here. */
interface Enqueuing {
  assign(change: {
    readonly functionCalls: readonly FunctionCall[];
    readonly lost?: Usage;
    readonly bill?: readonly BilledCall[];
  }): void;
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
  if (onlyAsks(context)) return context.addTasks;
  return context.call.kind === 'code' ? context.call.function : undefined;
}

/** What a task does about the model calls of its function. */
export const functionCallActions = {
  askModel: enqueueActions(({ enqueue, context, event }) => {
    if (event.type === 'task.callsModel') askModel(enqueue as never, context, event);
  }),
  beginPaid: enqueueActions(({ enqueue, context, event }) => {
    if (event.type === 'fermata.budget.granted') beginPaid(enqueue as never, context, event);
  }),
  payAgain: enqueueActions(({ enqueue, context }, doubt: { id: string; key: string }) =>
    payAgain(enqueue as never, context, doubt),
  ),
  keepAnswer: enqueueActions(({ enqueue, context, event }, { from }: { from: string }) =>
    keepAnswer(enqueue as never, context, event, from),
  ),
  dropOpenCalls: enqueueActions(({ enqueue, context, event }) => dropOpenCalls(enqueue as never, context, event)),
  // Another attempt asks everything anew.
  forgetCalls: assign(({ context }) => (context.functionCalls === undefined ? {} : { functionCalls: [] })),
};
