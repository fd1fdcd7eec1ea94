/** Guards of the task machine. */
import { OWN_CALL } from '../../src/document/budget.ts';
import { FROM_OUTPUT } from '../../src/document/definition.ts';
import type { RoundsOutput } from '../plan-execute-reflect.ts';
import { isRetriable, retryOf, triesLeft } from './attempts-left.ts';
import { childError } from './child-run.ts';
import {
  compares,
  isPaidOnTheSide,
  isSideGrant,
  isSidePaid,
  isSimilar,
  isToBeJudged,
  isVerified,
} from './comparing.ts';
import type { TaskContext } from './context.ts';
import type { Decision, TaskEvent } from './events.ts';
import { joinedItems, spreads } from './items.ts';
import { adds, asksFunction, endsWithCall, onlyAsks, publishes } from './outcome.ts';
import { isPaidFor } from './paying.ts';
import { isFound, recalls } from './recalling.ts';
import { isPublished, refusalOf } from './sharing.ts';
import { goesWithout } from './waiting.ts';

/** What a guard sees. */
interface Seen {
  readonly context: TaskContext;
  readonly event: TaskEvent;
}

/** A model gets one chance to mend tasks of its answer that were refused. */
function mayRepair({ context, event }: Seen): boolean {
  return (
    context.addTasks === FROM_OUTPUT &&
    context.call.kind === 'model' &&
    context.repaired === undefined &&
    // What is wrong then is what it shares, and no task of its answer.
    !(event.type === 'fermata.task.refused' && event.error.code === 'expressionFailed')
  );
}

function isDecision(event: TaskEvent, approved: boolean): boolean {
  const decision: Partial<Decision> | undefined = event.type === 'fermata.approve' ? event.decision : undefined;
  return decision?.approved === approved;
}

/** What it decides by. */
export const guards = {
  broken: ({ context }: Seen) => context.error !== null,
  isSkipped: ({ context }: Seen) => context.skip !== undefined,
  isKnown: ({ context }: Seen) => context.known === true,
  needsApproval: ({ context }: Seen) => context.approval !== undefined,
  isPaidFor: ({ context }: Seen) => isPaidFor(context.call),
  isOwnGrant: ({ event }: Seen) => event.type === 'fermata.budget.granted' && event.call === OWN_CALL,
  mustPayAgain: ({ context, event }: Seen) =>
    event.type === 'fermata.inDoubt' && event.policy === 'retry' && event.id === OWN_CALL && isPaidFor(context.call),
  isCode: ({ context }: Seen) => context.call.kind === 'code',
  runsWorkflow: ({ context }: Seen) => context.call.kind === 'subworkflow',
  recalls: ({ context }: Seen) => recalls(context),
  isFound: ({ event }: Seen) => isFound(event),
  compares: ({ context }: Seen) => compares(context),
  comparesPaid: ({ context }: Seen) => compares(context) && isPaidOnTheSide(context),
  isPaidOnTheSide: ({ context }: Seen) => isPaidOnTheSide(context),
  isComparisonPaid: ({ context, event }: Seen) => isSidePaid(context, event, 'compare'),
  isComparisonGrant: ({ event }: Seen) => isSideGrant(event, 'compare'),
  isVerdictPaid: ({ context, event }: Seen) => isSidePaid(context, event, 'verify'),
  isVerdictGrant: ({ event }: Seen) => isSideGrant(event, 'verify'),
  isSimilar: ({ context, event }: Seen) => isSimilar(context, event),
  isToBeJudged: ({ context, event }: Seen) => isToBeJudged(context, event),
  isToBeJudgedPaid: ({ context, event }: Seen) => isToBeJudged(context, event) && isPaidOnTheSide(context),
  isVerified: ({ event }: Seen) => isVerified(event),
  goesOnAlone: ({ context: { call } }: Seen) => call.kind === 'subworkflow' && !call.wait,
  wasCancelled: ({ context }: Seen) => context.error?.code === 'cancelled',
  wasTooLong: ({ context }: Seen) => context.error?.code === 'taskTimedOut',
  isOwnChild: ({ context, event }: Seen) =>
    (event.type === 'fermata.task.childEnded' || event.type === 'fermata.task.childProgressed') &&
    event.attempt === context.attempt,
  childCompleted: ({ context }: Seen) => context.child?.end?.status === 'completed',
  childMayRepeat: ({ context }: Seen) =>
    context.child?.end !== undefined &&
    childError(context.child.end, context.child.begun).retry !== 'never' &&
    context.attempt <= retryOf(context).maxRetries,
  childOver: ({ context }: Seen) => context.child?.end !== undefined,
  spreads: ({ context }: Seen) => spreads(context),
  hasRounds: ({ context }: Seen) => context.call.kind === 'planExecuteReflect',
  roundsFailed: ({ event }: Seen) => 'error' in (event as { readonly output: RoundsOutput }).output,
  isEmpty: ({ context }: Seen) => spreads(context) && context.call.items.length === 0,
  goesOn: ({ event }: Seen) => joinedItems(event).next !== undefined,
  itemsFailed: ({ context, event }: Seen) =>
    (context.call.kind !== 'map' || context.call.onItemFailure === 'stop') && joinedItems(event).errors !== undefined,
  onlyAsks: ({ context }: Seen) => onlyAsks(context),
  needsSlot: ({ context }: Seen) => asksFunction(context) && !context.held,
  asksFunction: ({ context }: Seen) => asksFunction(context),
  adds: ({ context }: Seen) => adds(context),
  mayRepairPaid: (seen: Seen) => isPaidFor(seen.context.call) && mayRepair(seen),
  mayRepair,
  isCondition: ({ context }: Seen) => context.call.kind === 'condition',
  waitsForEvent: ({ context: { call } }: Seen) => call.kind === 'wait' && 'event' in call.for,
  waitsForTime: ({ context: { call } }: Seen) => call.kind === 'wait' && !('event' in call.for),
  mayGoWithout: ({ context }: Seen) => goesWithout(context),
  publishes: ({ context }: Seen) => publishes(context),
  endsWithCall: ({ context }: Seen) => endsWithCall(context),
  isUnpublished: ({ event }: Seen) => refusalOf(event) !== undefined,
  isPublished: ({ event }: Seen) => isPublished(event),
  cannotTell: ({ event }: Seen) => event.type === 'fermata.task.stops' && 'error' in event.stop,
  mayRetry: ({ context, event }: Seen) => isRetriable(context, event),
  attemptsLeft: ({ context }: Seen) => triesLeft(context),
  // A program may send it by hand: what says neither is not taken, where it would else have failed the run.
  approved: ({ event }: Seen) => isDecision(event, true),
  declined: ({ event }: Seen) => isDecision(event, false),
  mustAsk: ({ event }: Seen) => event.type === 'fermata.inDoubt' && event.policy === 'ask',
};
