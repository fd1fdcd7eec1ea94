/** What several states of the task machine have in common: how a task begins and completes, calls and is heard. */
import { callInput, type CallOutput } from './calls.ts';

/** How a task completes: where it publishes, not before that is done. */
export function completing<const Actions>(actions: Actions) {
  return [
    { guard: 'publishes', target: '#task.running.publishing', actions },
    { target: '#task.completed', actions },
  ] as const;
}

/** A state in which a model or a function is called. */
export const calling = (src: 'modelCall' | 'code') =>
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
  { guard: 'spreads', target: '#task.running.joining' },
  { guard: 'runsWorkflow', target: '#task.running.childRun' },
  { target: '#task.running.callingModel' },
] as const;

/** The same for one that comes back. What its call gave is paid: where only its function has failed, only that is called again. */
export const CALL_AGAIN = [{ guard: 'hasOutcome', target: '#task.running.choosingTasks' }, ...CALL] as const;

/** How a task begins. A decision, a wait and work in rounds are never tried again, so that they begin once. */
export const BEGIN = [
  { guard: 'isCondition', target: '#task.running.deciding' },
  { guard: 'waitsForEvent', target: '#task.running.waitingForEvent' },
  { guard: 'waitsForTime', target: '#task.running.waitingForTime' },
  { guard: 'hasRounds', target: '#task.running.workingInRounds' },
  ...CALL,
] as const;

/** The same for one that has waited, perhaps after its call. */
export const BEGIN_AGAIN = [{ guard: 'hasOutcome', target: '#task.running.choosingTasks' }, ...BEGIN] as const;

/** What follows where nothing came in time: `onTimeout`. */
export const MISSES_TIME = [
  {
    guard: 'mayPublishWithout',
    target: '#task.running.publishing',
    actions: { type: 'completeWait', params: { value: null } },
  },
  { guard: 'mayGoWithout', target: '#task.completed', actions: { type: 'completeWait', params: { value: null } } },
  { target: '#task.timedOut', actions: 'missTime' },
] as const;
