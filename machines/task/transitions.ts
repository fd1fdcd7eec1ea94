/** What several states of the task machine have in common: how a task begins, calls and is heard. */
import { callInput } from './calls.ts';

/** A state in which a model or a function is called. */
export const calling = (src: 'modelCall' | 'code') =>
  ({
    meta: { waitsFor: 'call' },
    invoke: {
      src,
      id: 'call',
      input: callInput,
      onDone: { target: '#task.running.completing', actions: 'keepOutcome' },
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
      'task.writesShared': { actions: 'setShared' },
      'fermata.shared.answer': { actions: ['tellWritten', 'tellChanged'] },
      'xstate.done.actor.model.*': { actions: { type: 'keepAnswer', params: { from } } },
      'xstate.error.actor.model.*': { actions: { type: 'keepAnswer', params: { from } } },
    },
  }) as const;

/** How a task that holds a slot calls. Chosen on the way in: a state that only chooses would be a step more in every task. */
const CALL = [
  { guard: 'isCode', target: '#task.running.callingCode' },
  { guard: 'runsWorkflow', target: '#task.running.childRun' },
  { target: '#task.running.callingModel' },
] as const;

/** What its call gave is paid: where only its function has failed, or was cut off, only that is called again. */
const AGAIN = [{ guard: 'hasOutcome', target: '#task.running.choosingTasks' }] as const;

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
