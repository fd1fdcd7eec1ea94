/** What several states of the task machine have in common: how a task begins, calls and is heard. */
import { callInput } from './calls.ts';
import { recallInput } from './recalling.ts';

/** A state in which a model or a function is called. */
export const calling = (src: 'modelCall' | 'code') =>
  ({
    meta: { waitsFor: 'call' },
    invoke: {
      src,
      id: 'call',
      input: callInput,
      onDone: [
        // The way of most tasks: the state that chooses what is left would be a step more in each of them.
        { guard: 'endsWithCall', target: '#task.completed', actions: 'keepOutcome' },
        { target: '#task.running.completing', actions: 'keepOutcome' },
      ],
      onError: [
        { guard: 'mayRetry', target: '#task.retrying', actions: 'keepError' },
        { target: '#task.failed', actions: 'keepError' },
      ],
    },
  }) as const;

/** What a function asks of its task while it is called, under the id of its call. */
export const hearingFunction = (from: 'call' | 'chooseTasks') =>
  ({
    exit: 'dropOpenCalls',
    on: {
      'task.callsModel': { actions: 'askModel' },
      'fermata.budget.granted': { actions: 'beginPaid' },
      'task.writesShared': { actions: 'setShared' },
      'fermata.shared.answer': { actions: ['tellWritten', 'tellChanged'] },
      'xstate.done.actor.model.*': { actions: { type: 'keepAnswer', params: { from } } },
      'xstate.error.actor.model.*': { actions: { type: 'keepAnswer', params: { from } } },
    },
  }) as const;

/** A model is asked: at once, or once there is money for it. */
const ASK_MODEL = [
  { guard: 'isPaidFor', target: '#task.running.reserving' },
  { target: '#task.running.callingModel' },
] as const;

/** Nobody has its answer: it is the one that asks. */
export const MISSED = ASK_MODEL.map((way) => ({ ...way, actions: ['stateMiss', 'restartTimeout'] as const }));

/** Nobody was asked the very same: similar questions are looked for first, where one will do. */
const ASKED_BY_NOBODY = [
  {
    guard: 'comparesPaid',
    target: '#task.running.comparing.reservingEmbedding',
    actions: ['stateComparing', 'restartTimeout'],
  },
  { guard: 'compares', target: '#task.running.comparing.embedding', actions: ['stateComparing', 'restartTimeout'] },
  ...MISSED,
] as const;

/** Asks the cache. Whatever is wrong with it, a task has its answer: then from the model, in a time of its own. */
export const recalling = {
  meta: { waitsFor: 'cache' },
  // How long it waits for another one's call is bounded there (`timeoutMs` of its input): then it asks for itself.
  entry: 'stopTimeout',
  invoke: {
    src: 'recall',
    id: 'recall',
    input: recallInput,
    onDone: [
      { guard: 'isFound', target: '#task.running.completing', actions: ['keepFound', 'restartTimeout'] },
      ...ASKED_BY_NOBODY,
    ],
    onError: MISSED,
  },
  // Nobody was called: there is no doubt.
  on: { 'fermata.inDoubt': { actions: 'stopTimeout' } },
} as const;

/** How a task that holds a slot calls. Chosen on the way in: a state that only chooses would be a step more in every task. */
const CALL = [
  { guard: 'isCode', target: '#task.running.callingCode' },
  { guard: 'runsWorkflow', target: '#task.running.childRun' },
  { guard: 'recalls', target: '#task.running.recalling' },
  ...ASK_MODEL,
] as const;

/** What its call gave is paid: where only its function has failed, or was cut off, only that is called again. */
const AGAIN = [{ guard: 'onlyAsks', target: '#task.running.choosingTasks' }] as const;

/** The same for one that comes back after an attempt that failed. */
export const CALL_AGAIN = [...AGAIN, ...CALL] as const;

/** How a task begins. What calls nobody is never tried again, so that it begins once. */
export const BEGIN = [
  { guard: 'isCondition', target: '#task.running.completing', actions: 'keepChoice' },
  { guard: 'waitsForEvent', target: '#task.running.waitingForEvent' },
  { guard: 'waitsForTime', target: '#task.running.waitingForTime' },
  { guard: 'hasRounds', target: '#task.running.workingInRounds' },
  { guard: 'isEmpty', target: '#task.running.completing', actions: 'keepItems' },
  { guard: 'spreads', target: '#task.running.joining' },
  ...CALL,
] as const;

/** The same for one that has waited, perhaps after its call. */
export const BEGIN_AGAIN = [...AGAIN, ...BEGIN] as const;

/** What follows where nothing came in time: `onTimeout`. */
export const MISSES_TIME = [
  { guard: 'mayGoWithout', target: '#task.running.completing', actions: 'keepNothing' },
  { target: '#task.timedOut', actions: 'missTime' },
] as const;

/** Nobody waits for its run any more: how a task ends is known already. */
export const endingAsKnown = <const Actions extends readonly string[]>(actions: Actions) =>
  [
    { guard: 'wasCancelled', target: '#task.cancelled', actions },
    { guard: 'wasTooLong', target: '#task.timedOut', actions },
    { target: '#task.failed', actions },
  ] as const;
