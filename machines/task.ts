/**
 * One task of a document: asks for approval where it must, calls (or waits), tries again, ends.
 *
 * Its top-level states are the API's task statuses. It holds a slot of the workflow's `breadth` only while it runs:
 * before it waits (for a person, a back-off, an answer about a doubtful call) it parks, and asks for a slot afterwards.
 *
 * A long file, because a statechart is read in one piece; what its states name is in `task/`, by subject.
 */
import { assign, cancel, forwardTo, setup } from 'xstate';
import { planExecuteReflectMachine } from './plan-execute-reflect.ts';
import { addingActions } from './task/adding.ts';
import { approvalActions, expired, rejected } from './task/approval.ts';
import { attemptActions } from './task/attempts.ts';
import { billActions } from './task/bill.ts';
import { choosingInput, outside } from './task/calls.ts';
import { choosingActions } from './task/choosing.ts';
import { childInput, childRunActions, type BegunRun } from './task/child-run.ts';
import { comparingActions, type Compared } from './task/comparing.ts';
import { comparing } from './task/comparing-states.ts';
import { initialContext, type TaskContext, type TaskInput, type TaskOutput } from './task/context.ts';
import { endActions, taskOutput } from './task/ending.ts';
import type { TaskEvent } from './task/events.ts';
import { functionCallActions } from './task/function-calls.ts';
import { guards } from './task/guards.ts';
import { itemActions } from './task/items.ts';
import { outcomeActions } from './task/outcome.ts';
import { payingActions } from './task/paying.ts';
import { recallingActions, type Recalled } from './task/recalling.ts';
import { roundActions, roundsInput } from './task/rounds.ts';
import { sharingActions } from './task/sharing.ts';
import { slotActions } from './task/slot.ts';
import { spendingActions } from './task/spent.ts';
import {
  BEGIN,
  BEGIN_AGAIN,
  CALL_AGAIN,
  calling,
  endingAsKnown,
  hearingFunction,
  MISSES_TIME,
  recalling,
} from './task/transitions.ts';
import { waitActions } from './task/waiting.ts';

/** The task machine. */
export const taskMachine = setup({
  types: {} as { context: TaskContext; input: TaskInput; output: TaskOutput; events: TaskEvent },
  actors: {
    modelCall: outside('modelCall'),
    recall: outside<Recalled>('recall'),
    compare: outside<Compared>('compare'),
    verify: outside('verify'),
    code: outside('code'),
    subworkflow: outside<BegunRun>('subworkflow'),
    planExecuteReflect: planExecuteReflectMachine,
  },
  actions: {
    // Data to the runtime (R3); see reserved.ts.
    'fermata.fact': (_, _params: Readonly<Record<string, unknown>>) => {},
    'fermata.send': (_, _params: Readonly<Record<string, unknown>>) => {},
    ...slotActions,
    ...approvalActions,
    ...attemptActions,
    ...billActions,
    ...payingActions,
    ...choosingActions,
    ...functionCallActions,
    ...spendingActions,
    ...childRunActions,
    ...waitActions,
    ...itemActions,
    ...roundActions,
    ...addingActions,
    ...sharingActions,
    ...outcomeActions,
    ...recallingActions,
    ...comparingActions,
    ...endActions,
  },
  guards,
}).createMachine({
  id: 'task',
  context: ({ input }) => initialContext(input),
  initial: 'pending',
  on: {
    'fermata.cancel': { target: '.cancelled', actions: 'keepCancel' },
    'fermata.task.timedOut': { target: '.timedOut', actions: 'keepTimeout' },
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
            { guard: 'isKnown', target: '#task.running.completing' },
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
            guard: 'declined',
            target: 'rejected',
            actions: [
              { type: 'stateDecision', params: ({ event }) => event.decision },
              { type: 'refuse', params: ({ context, event }) => rejected(context, event.decision) },
            ],
          },
        ],
        'fermata.task.approvalExpired': {
          target: 'timedOut',
          actions: [
            { type: 'stateDecision', params: { approved: false, expired: true } },
            { type: 'refuse', params: ({ context }) => expired(context) },
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
          { guard: 'attemptsLeft', target: 'retrying', actions: 'keepTimeout' },
          { target: 'timedOut', actions: 'keepTimeout' },
        ],
        'fermata.inDoubt': [
          {
            guard: 'mustPayAgain',
            target: '.reserving',
            actions: [
              assign({ repeatOf: ({ event }) => event.key }),
              { type: 'stateDoubt', params: ({ event }) => event },
            ],
          },
          {
            guard: 'mustAsk',
            target: 'inDoubt',
            actions: [
              assign({ repeatOf: ({ event }) => event.key }),
              { type: 'stateDoubt', params: ({ event }) => event },
              'loseConsumed',
            ],
          },
          {
            actions: [
              { type: 'stateDoubt', params: ({ event }) => event },
              { type: 'payAgain', params: ({ event }) => event },
              'loseConsumed',
              'restartTimeout',
            ],
          },
        ],
        'fermata.unsent': { actions: 'restartTimeout' },
        // Nobody can make the call here: its time stands still until somebody does.
        'fermata.unavailable': { actions: cancel('attemptTimeout') },
        'task.progress': { actions: 'stateProgress' },
        'task.modelConsumed': { actions: 'keepConsumed' },
      },
      states: {
        recalling,
        comparing,
        reserving: {
          meta: { waitsFor: 'budget' },
          // What it waits for money takes none of its time.
          entry: [cancel('attemptTimeout'), 'askForMoney'],
          exit: 'stopAsking',
          on: {
            'fermata.budget.fits': { actions: ['takeFitting', 'askForMoney'] },
            'fermata.budget.granted': {
              guard: 'isOwnGrant',
              target: 'callingModel',
              actions: ['keepGrant', 'restartTimeout'],
            },
          },
        },
        callingModel: { ...calling('modelCall'), entry: 'stateChoice', exit: ['billCall', 'settleCall'] },
        callingCode: { ...calling('code'), ...hearingFunction('call') },
        // Its work is done. What is left is the same for all kinds, and most have nothing left.
        completing: {
          always: [
            { guard: 'needsSlot', target: 'queued' },
            { guard: 'asksFunction', target: 'choosingTasks' },
            { guard: 'adds', target: 'addingTasks' },
            { guard: 'publishes', target: 'publishing' },
            { target: '#task.completed' },
          ],
        },
        queued: {
          meta: { waitsFor: 'slot' },
          entry: ['stateWaited', 'askForSlot'],
          on: { 'fermata.task.admitted': { target: 'choosingTasks', actions: 'goOn' } },
        },
        choosingTasks: {
          ...hearingFunction('chooseTasks'),
          meta: { waitsFor: 'call' },
          entry: 'stateBill',
          invoke: {
            src: 'code',
            id: 'chooseTasks',
            input: choosingInput,
            onDone: { target: 'addingTasks', actions: 'keepChosen' },
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
            'fermata.task.added': { target: 'completing', actions: 'keepAdded' },
            'fermata.task.refused': [
              { guard: 'mayRepairPaid', target: 'reserving', actions: ['stateBill', 'repair'] },
              { guard: 'mayRepair', target: 'callingModel', actions: ['stateBill', 'repair'] },
              { target: '#task.failed', actions: 'keepRefusal' },
            ],
          },
        },
        // What it gives is written before anybody hears that it has completed, and in the same commit.
        publishing: {
          meta: { waitsFor: 'run' },
          entry: 'publish',
          on: {
            'fermata.shared.answer': [
              { guard: 'isUnpublished', target: '#task.failed', actions: 'keepUnpublished' },
              { guard: 'isPublished', target: '#task.completed' },
            ],
          },
        },
        joining: {
          meta: { waitsFor: 'items' },
          entry: ['spread', 'admitAdded'],
          on: {
            'fermata.task.joined': [
              { guard: 'itemsFailed', target: '#task.failed', actions: 'failItems' },
              { guard: 'goesOn', target: 'joining', reenter: true, actions: 'nextLevel' },
              { target: 'completing', actions: 'keepItems' },
            ],
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
              { target: 'completing', actions: 'keepRounds' },
            ],
            onError: { target: '#task.failed', actions: 'keepError' },
          },
          on: {
            'fermata.task.adds': { actions: 'relay' },
            'fermata.task.added': { actions: ['letBegin', forwardTo('rounds')] },
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
              // Only now it has something to ask its function: the time of that begins.
              { guard: 'goesOnAlone', target: 'completing', actions: ['keepBegun', 'keepRunId', 'restartTimeout'] },
              { target: 'childRun.waitingForRun', actions: 'keepBegun' },
            ],
            onError: [
              { guard: 'mayRetry', target: '#task.retrying', actions: 'keepError' },
              { target: '#task.failed', actions: 'keepError' },
            ],
          },
          on: {
            'fermata.task.pause': { actions: 'pauseChild' },
            'fermata.task.resume': { actions: 'pauseChild' },
            'fermata.task.childEnded': { guard: 'isOwnChild', actions: 'keepChildEnd' },
            'fermata.task.childProgressed': { guard: 'isOwnChild', actions: 'stateChildProgress' },
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
              on: {
                'xstate.done.actor.startRun': endingAsKnown(['keepBegun', 'cancelChild']),
                'xstate.error.actor.startRun': endingAsKnown([]),
                'fermata.cancel': {},
                'fermata.task.timedOut': {},
                'fermata.task.stops': {},
              },
            },
            waitingForRun: {
              meta: { waitsFor: 'childRun' },
              entry: 'park',
              always: [
                { guard: 'childCompleted', target: '#task.running.completing', actions: 'keepChildOutput' },
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
        waitingForTime: {
          meta: { waitsFor: 'time' },
          entry: ['beginWait', 'park'],
          exit: [cancel('wait'), cancel('waitTimeout')],
          on: {
            'fermata.task.timeCame': { target: 'completing', actions: 'keepDate' },
            'fermata.task.waitTimedOut': MISSES_TIME,
          },
        },
        waitingForEvent: {
          meta: { waitsFor: 'event' },
          entry: ['beginWait', 'park'],
          exit: [cancel('wait'), cancel('waitTimeout')],
          on: {
            'fermata.task.event': { target: 'completing', actions: 'keepEvent' },
            'fermata.task.waitTimedOut': MISSES_TIME,
          },
        },
      },
    },
    retrying: {
      entry: [assign({ repeatOf: null }), 'forgetCalls'],
      initial: 'backingOff',
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
    // Whom its values stop is told behind that: what follows from it would else be stated first.
    completed: { type: 'final', entry: ['stateCompletion', 'tellChanged'] },
    skipped: { type: 'final', entry: 'stateSkip' },
    failed: { type: 'final', entry: { type: 'stateFailure', params: { status: 'failed' } } },
    timedOut: { type: 'final', entry: { type: 'stateFailure', params: { status: 'timedOut' } } },
    rejected: { type: 'final', entry: { type: 'stateFailure', params: { status: 'rejected' } } },
    cancelled: { type: 'final', entry: { type: 'stateFailure', params: { status: 'cancelled' } } },
  },
  output: ({ context, event }) => taskOutput(context, event),
});
