/** The states in which a task looks for similar questions. Each call is paid for first, where its run has a budget. */
import { compareInput, verifyInput, type SideCall } from './comparing.ts';
import { MISSED } from './transitions.ts';

/** Guards of the answer to a call that asks for money: it gets all that it needs, or what there is. */
const GRANTED = {
  compare: { paid: 'isComparisonPaid', granted: 'isComparisonGrant' },
  verify: { paid: 'isVerdictPaid', granted: 'isVerdictGrant' },
} as const;

/** An action about a call on the side. */
const about = <Name extends string>(type: Name, side: SideCall) => ({ type, params: { side } }) as const;

/** Waits for money. */
const reserving = <const Target extends string>(side: SideCall, target: Target) =>
  ({
    meta: { waitsFor: 'budget' },
    entry: about('askForSide', side),
    exit: about('stopAskingForSide', side),
    on: {
      'fermata.budget.granted': [
        { guard: GRANTED[side].paid, target, actions: ['keepSideGrant', 'restartTimeout'] },
        {
          guard: GRANTED[side].granted,
          target: '#task.running.reserving',
          actions: ['giveSideGrantBack', 'stateMiss', 'restartTimeout'],
        },
      ],
    },
  }) as const;

/** What is heard while the call is made: a crash has cut it off, or it takes too long. */
const hearing = <const Again extends string>(side: SideCall, again: Again) =>
  ({
    'fermata.inDoubt': [
      // What it may have cost is paid, and it is made again once there is money for that, too.
      { guard: 'isPaidOnTheSide', target: again, actions: about('stateSideDoubt', side) },
      { actions: [about('stateSideDoubt', side), 'restartTimeout'] },
    ],
    'fermata.task.attemptTimedOut': MISSED,
  }) as const;

export const comparing = {
  initial: 'embedding',
  states: {
    reservingEmbedding: reserving('compare', 'embedding'),
    embedding: {
      meta: { waitsFor: 'call' },
      exit: about('endSide', 'compare'),
      invoke: {
        src: 'compare',
        id: 'compare',
        input: compareInput,
        onDone: [
          { guard: 'isSimilar', target: '#task.running.completing', actions: 'keepSimilar' },
          {
            guard: 'isToBeJudgedPaid',
            target: 'reservingVerdict',
            actions: ['keepCandidate', 'stateBill'],
          },
          { guard: 'isToBeJudged', target: 'verifying', actions: ['keepCandidate', 'stateBill', 'restartTimeout'] },
          ...MISSED,
        ],
        onError: MISSED,
      },
      on: hearing('compare', 'reservingEmbedding'),
    },
    reservingVerdict: reserving('verify', 'verifying'),
    verifying: {
      meta: { waitsFor: 'call' },
      exit: about('endSide', 'verify'),
      invoke: {
        src: 'verify',
        id: 'verify',
        input: verifyInput,
        onDone: [{ guard: 'isVerified', target: '#task.running.completing', actions: 'keepVerified' }, ...MISSED],
        onError: MISSED,
      },
      on: hearing('verify', 'reservingVerdict'),
    },
  },
} as const;
