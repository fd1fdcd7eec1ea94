/**
 * The budget of a run: what its calls have spent, what is reserved for those under way, and what becomes of a call that
 * does not fit. An actor of the run, so that calls which begin at once are decided one after the other.
 *
 * B1. *settled + reserved ≤ limit* after each event. The most that a call can cost is reserved in the commit that begins
 *     it, and settled in the commit that ends it. Only a provider that takes more than it was allowed breaks that, and
 *     then the run is over: nothing that it says can be relied on any more.
 * B2. A call that does not fit waits while one under way may leave something over. Where none is under way nothing will:
 *     it gets less if its author allows that (`least`), or the run is over.
 * B3. It holds sums only. Who waits is a row, and those of them that fit are attached to the event that makes room (R2),
 *     so that a call costs the same among 1,000 waiting ones (R3).
 * B4. Once its run ends nobody gets anything any more; what is under way is still paid for.
 * B5. Where there are budgets above it (of the run that began this one, of the workflow, of the day) a call is paid from
 *     all of them. This one asks them for blocks of money, and gives back what it does not need (`src/cost/borrowing.ts`).
 * B6. Each call that asked is granted money, or waits, until it settles or leaves: once, in whatever order that comes. A
 *     grant may meet a task that is just being cancelled; what it was granted is free again, as nothing was called.
 */
import { setup } from 'xstate';
import type { Above, Upstream } from '../src/cost/borrowing.ts';
import type { NanoDollars } from '../src/cost/money.ts';
import type { BudgetSums, CallNeed } from '../src/cost/reservation.ts';
import type { ErrorData } from '../src/errors.ts';
import { isOverAbove, lentActions } from './budget/lent.ts';
import { purseActions } from './budget/purse.ts';
import { warningActions } from './budget/warning.ts';
import type { SharedBudgetSays } from './shared-budget.ts';

/** What a call may cost. */
export interface Need extends CallNeed {
  readonly task: string;
  /** Which of the task's calls it is. */
  readonly call: string;
}

/** A call wants to begin. */
export interface ReservesMoney extends Need {
  readonly type: 'fermata.budget.reserve';
  readonly prepared?: PreparedSharing;
}

/** A call that may choose among models asks what there is for it. */
export interface AsksBudget {
  readonly type: 'fermata.budget.ask';
  readonly task: string;
  readonly call: string;
  /** What is to be kept for each task that has not ended yet. */
  readonly each: NanoDollars;
  readonly prepared?: PreparedAsk;
}

/** What the run knows of the tasks to come. */
export interface PreparedAsk {
  /** Tasks that have not ended, but for the one that asks. */
  readonly toCome: number;
  readonly on?: string;
}

/** What is told to a call that asks. Nothing is reserved for it yet. */
export interface BudgetFits {
  readonly type: 'fermata.budget.fits';
  readonly call: string;
  /** Neither spent nor reserved. */
  readonly left: NanoDollars;
  /** Of that for the tasks to come. */
  readonly kept: NanoDollars;
}

/** A call has ended that was granted money. */
export interface SettlesMoney {
  readonly type: 'fermata.budget.settle';
  readonly task: string;
  readonly call: string;
  /** As granted. */
  readonly reserved: NanoDollars;
  /** What it cost; what nobody knows counts as all that was reserved. */
  readonly spent: NanoDollars;
  /** As granted: the date of the budgets above that it is paid from. */
  readonly on?: string;
  /** Its task ends badly: others may have to end with it, so that nobody gets what is left before its run has decided that. */
  readonly last?: true;
  readonly prepared?: PreparedSharing;
}

/** A call that has asked will never begin. */
export interface LeavesBudget {
  readonly type: 'fermata.budget.leave';
  readonly task: string;
  readonly call: string;
  /** As it was asked for. */
  readonly need: NanoDollars;
  readonly prepared?: PreparedLeave;
}

/** A run has heard of the bad end of a task, and whoever ends with it has been told so. */
export interface ReleasesBudget {
  readonly type: 'fermata.budget.release';
  readonly prepared?: PreparedSharing;
}

/** What rows say where there may be room again. */
export interface PreparedSharing {
  /** Of those that wait, the ones that may fit: those first that need least at their shortest. */
  readonly waiting: readonly Need[];
  /** The UTC date, where there are budgets above: `2026-11-22`. */
  readonly on?: string;
}

/** What rows say of a call that leaves. */
export interface PreparedLeave extends PreparedSharing {
  /** It waits. Otherwise it has been granted money, and its task has not heard of that. */
  readonly waits: boolean;
}

/** What a call is told that may begin: how much it may cost at most. */
export interface BudgetGranted {
  readonly type: 'fermata.budget.granted';
  readonly call: string;
  readonly nanos: NanoDollars;
  /** Of which day it is, where there are budgets above. */
  readonly on?: string;
}

/** What a run is told that has to end. */
export interface BudgetOver {
  readonly type: 'fermata.budget.over';
  readonly error: ErrorData;
}

/** What a budget begins with. */
export interface BudgetInput {
  /** Absent: only those above it bound what is spent. */
  readonly limit?: NanoDollars;
  /** Above this, people are warned once. */
  readonly warnAt?: NanoDollars;
  /** Of it and of all runs that it begins: kept by a run of its own. */
  readonly tree?: Pick<Upstream, 'limit' | 'warnAt'>;
  /** Other budgets above it, the nearest first. */
  readonly upstreams?: readonly Upstream[];
  /** Id of the run. */
  readonly prepared?: { readonly run: string };
}

/** What a budget holds. */
export interface BudgetContext extends Pick<BudgetInput, 'limit' | 'warnAt'>, Omit<BudgetSums, 'limit'> {
  /** What it has of the budgets above it. */
  readonly above?: Above;
  /** How many calls wait. */
  readonly waiting: number;
  /** Nobody that waits is granted anything: a task has ended badly, and its run does not know that yet. */
  readonly held?: boolean;
  readonly warned?: true;
  /** Why it is over. */
  readonly error?: ErrorData;
}

/** All that it hears. */
export type BudgetEvent =
  | ReservesMoney
  | AsksBudget
  | SettlesMoney
  | LeavesBudget
  | ReleasesBudget
  | (SharedBudgetSays & { readonly prepared?: PreparedSharing })
  | { readonly type: 'fermata.budget.close' | 'fermata.budget.idle'; readonly prepared?: PreparedSharing };

/** The machine. */
export const budgetMachine = setup({
  types: {} as { context: BudgetContext; input: BudgetInput; events: BudgetEvent },
  actions: {
    // Data to the runtime (R3); see reserved.ts.
    'fermata.fact': (_, _params: Readonly<Record<string, unknown>>) => {},
    'fermata.send': (_, _params: Readonly<Record<string, unknown>>) => {},
    ...lentActions,
    ...purseActions,
    ...warningActions,
  },
  guards: {
    takesMore: ({ event }) => event.type === 'fermata.budget.settle' && event.spent > event.reserved,
    // Nothing is under way that could leave something over, and nobody that waits fits into what is left.
    isOver: ({ context: { reserved, waiting, held, above } }) =>
      reserved === 0 && waiting > 0 && held !== true && above?.asking === undefined,
    isOverAbove: ({ context, event }) => isOverAbove(context, event),
  },
}).createMachine({
  id: 'budget',
  context: ({ input }) => initialContext(input),
  initial: 'open',
  on: { 'fermata.budget.ask': { actions: 'sayWhatFits' } },
  states: {
    open: {
      meta: { waitsFor: 'calls' },
      always: { guard: 'isOver', target: 'closed', actions: ['exceed', 'tellOver'] },
      on: {
        'fermata.budget.reserve': { actions: 'reserve' },
        'fermata.budget.settle': [
          { guard: 'takesMore', target: 'closed', actions: ['settle', 'warn', 'overcharge', 'tellOver'] },
          { actions: ['settle', 'share', 'warn'] },
        ],
        'fermata.budget.leave': { actions: ['leave', 'share'] },
        'fermata.budget.release': { actions: ['release', 'share'] },
        'fermata.budget.close': 'closed',
        'fermata.budget.idle': { actions: { type: 'giveBack', params: { idle: true } } },
        'fermata.upstream.granted': { actions: ['keepLent', 'share'] },
        'fermata.upstream.recall': { actions: ['keepRecall', 'share'] },
        'fermata.upstream.left': { actions: 'keepLeft' },
        'fermata.upstream.warned': { actions: 'warnOfAll' },
        'fermata.upstream.over': [
          { guard: 'isOverAbove', target: 'closed', actions: ['exceedAbove', 'tellOver'] },
          { actions: ['keepAnswer', 'share'] },
        ],
      },
    },
    closed: {
      meta: { waitsFor: 'run' },
      entry: { type: 'giveBack', params: { closed: true } },
      on: {
        'fermata.budget.reserve': { actions: 'letWait' },
        'fermata.budget.settle': { actions: ['settle', 'warn', { type: 'giveBack', params: { closed: true } }] },
        'fermata.budget.leave': { actions: ['leave', { type: 'giveBack', params: { closed: true } }] },
        'fermata.upstream.granted': { actions: ['keepLent', { type: 'giveBack', params: { closed: true } }] },
        'fermata.upstream.left': { actions: 'keepLeft' },
        'fermata.upstream.warned': { actions: 'warnOfAll' },
      },
    },
  },
});

/** Nothing is spent. */
function initialContext({ limit, warnAt, tree, upstreams = [], prepared }: BudgetInput): BudgetContext {
  const { run } = prepared ?? {};
  const above = [...(tree === undefined ? [] : [{ id: `budget:run:${run}`, ...tree }]), ...upstreams];
  return {
    ...(limit === undefined ? {} : { limit }),
    ...(warnAt === undefined ? {} : { warnAt }),
    settled: 0,
    reserved: 0,
    waiting: 0,
    ...(run === undefined ? {} : { above: { run, upstreams: above, blocks: [] } }),
  };
}
