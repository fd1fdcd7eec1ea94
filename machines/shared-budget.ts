/**
 * A budget of several runs: of a run and all that it begins, of a workflow, of a day. A run of its own (R8), to which the
 * budgets of runs speak by messages; each of those is taken once (docs/decisions/012).
 *
 * L1. *settled + lent ≤ limit* after each event. What is lent is held for the run that has it until that says what it has
 *     spent and gives back the rest, or says farewell: in the commit that ends it, however it ends.
 * L2. Lent in blocks, so that a call in sixteen asks: but never much of what is left, so that the last of a budget goes to
 *     whoever needs it. While somebody waits nobody gets more than he needs, and what others have free is called back.
 *     A call that may choose its model gets what the best takes that fits and leaves enough for those to come.
 * L3. Who does not fit waits while something is lent that may come back. Where nothing is, nothing will: it gets less if it
 *     can do with that, or is told that it is over. The budget itself is never closed: a smaller call of another run may fit.
 * L4. It holds sums. What each run holds and waits for is a row, attached to the event (R2, R3).
 */
import { enqueueActions, setup } from 'xstate';
import { dollarsOf, type NanoDollars } from '../src/cost/money.ts';
import { wantedOf, type CallNeed } from '../src/cost/reservation.ts';
import { statedNeed } from '../src/document/budget-need.ts';
import type { CostWarning } from './budget/warning.ts';
import { fact, send, type Enqueue } from './reserved.ts';

/** A run wants money for a call, and says what has become of what it had. */
export interface AsksBudget extends CallNeed {
  readonly type: 'fermata.budget.ask';
  readonly run: string;
  /** What calls have cost since it last said so. */
  readonly spent: NanoDollars;
  /** Of what it holds: what it has spent, and what it gives back. */
  readonly released: NanoDollars;
  /** Of a budget that stands in no configuration. */
  readonly limit?: NanoDollars;
  readonly warnAt?: NanoDollars;
  readonly prepared?: PreparedLending;
}

/** A run says what has become of what it had. */
export interface ReportsToBudget extends Pick<AsksBudget, 'run' | 'spent' | 'released' | 'prepared'> {
  readonly type: 'fermata.budget.report';
  /** It does not wait any more, and wants to hear that this is known. */
  readonly leaves?: true;
}

/** A run has ended. */
export interface SaysFarewell extends Pick<AsksBudget, 'run' | 'prepared'> {
  readonly type: 'fermata.budget.farewell';
  /** null: nobody knows, so that all that it held is spent. */
  readonly spent: NanoDollars | null;
}

/** Its limit may have changed, or not all have been told yet. */
export interface LooksAgain {
  readonly type: 'fermata.budget.look';
  readonly prepared?: PreparedLending;
}

/** A run that has something of it, or waits. */
export interface Holder extends CallNeed {
  readonly run: string;
  readonly held: NanoDollars;
  readonly waits: boolean;
}

/** What rows and the configuration say. */
export interface PreparedLending {
  /** Whose event it is. */
  readonly holder?: Holder;
  /** Those that wait, who needs least first: a page of them. */
  readonly waiting: readonly Holder[];
  /** Some that hold something, where it is called back. */
  readonly holders?: readonly string[];
  /** As configured; null: without. Absent: it stands in no configuration. */
  readonly limits?: SharedLimits;
}

/** What bounds it. */
export interface SharedLimits {
  readonly limit: NanoDollars | null;
  readonly warnAt?: NanoDollars;
}

/** What runs hear. `from`: the id of the budget's run. */
export type SharedBudgetSays =
  | {
      readonly type: 'fermata.upstream.granted';
      readonly from: string;
      readonly nanos: NanoDollars;
      readonly tight?: true;
    }
  | { readonly type: 'fermata.upstream.recall'; readonly from: string }
  | { readonly type: 'fermata.upstream.left'; readonly from: string }
  | ({ readonly type: 'fermata.upstream.warned'; readonly from: string } & CostWarning)
  | ({ readonly type: 'fermata.upstream.over'; readonly from: string } & SharedSums);

/** What it is at. */
export interface SharedSums {
  readonly limit: NanoDollars | null;
  readonly settled: NanoDollars;
  /** What runs hold. */
  readonly lent: NanoDollars;
}

/** What it keeps. */
export interface SharedBudgetContext extends SharedSums, Pick<SharedLimits, 'warnAt'> {
  /** Its own id. */
  readonly id: string;
  /** Runs that wait. */
  readonly waiting: number;
  /** What others hold free was called back, for those that wait. */
  readonly recalls?: true;
  /** People were told that this much is spent. */
  readonly warnedAt?: NanoDollars;
}

type SharedBudgetEvent = AsksBudget | ReportsToBudget | SaysFarewell | LooksAgain;

/** What is lent beyond the need at once, and the part of what is left that a block may be. */
const NEEDS_A_BLOCK = 16;
const PART_OF_REST = 0.05;

/** With what the id of one begins that a run has for itself and all that it begins: what follows is the run's. */
const OF_RUN = 'budget:run:';

/** The machine. */
export const sharedBudgetMachine = setup({
  types: {} as { context: SharedBudgetContext; input: { readonly id: string }; events: SharedBudgetEvent },
  actions: {
    // Data to the runtime (R3); see reserved.ts.
    'fermata.fact': (_, _params: Readonly<Record<string, unknown>>) => {},
    'fermata.send': (_, _params: Readonly<Record<string, unknown>>) => {},
    lend: enqueueActions(({ enqueue, context, event }) => {
      const { next, said, changed } = lending(context, event);
      for (const { run, held, waits, ...need } of changed)
        fact(enqueue, 'budget_lent', { run, ...statedNeed(need), heldDollars: dollarsOf(held), waits });
      // First: a run that hears that it is over ends with that, and its stream with it.
      const warned = warnOnce(enqueue, { ...context, ...next });
      for (const { run, event: heard } of said) send(enqueue, { run }, { ...heard });
      enqueue.assign({ ...next, ...warned });
    }),
  },
}).createMachine({
  id: 'sharedBudget',
  context: ({ input }) => ({ id: input.id, limit: null, settled: 0, lent: 0, waiting: 0 }),
  initial: 'open',
  states: {
    open: {
      meta: { waitsFor: 'runs' },
      on: {
        'fermata.budget.ask': { actions: 'lend' },
        'fermata.budget.report': { actions: 'lend' },
        'fermata.budget.farewell': { actions: 'lend' },
        'fermata.budget.look': { actions: 'lend' },
      },
    },
  },
});

/** What comes of an event: its new sums, what runs hear, and the rows that change. Pure. */
function lending(
  context: SharedBudgetContext,
  event: SharedBudgetEvent,
): {
  readonly next: Partial<SharedBudgetContext>;
  readonly said: readonly { readonly run: string; readonly event: SharedBudgetSays | LooksAgain }[];
  readonly changed: readonly Holder[];
} {
  const { id } = context;
  const { limit, warnAt } = limitsOf(context, event);
  let { settled, lent, waiting } = context;
  const rows = new Map((event.prepared?.waiting ?? []).map((row) => [row.run, row]));
  const changed = new Set<string>();
  const put = (row: Holder): void => {
    rows.set(row.run, row);
    changed.add(row.run);
  };
  const left = (): number => (limit ?? Infinity) - settled - lent;
  const granted = new Map<string, NanoDollars>();
  const said: { readonly run: string; readonly event: SharedBudgetSays | LooksAgain }[] = [];
  const grant = (row: Holder, nanos: NanoDollars): void => {
    lent += nanos;
    put({ ...row, held: row.held + nanos, waits: false });
    granted.set(row.run, nanos);
  };

  if (event.type !== 'fermata.budget.look') {
    const { run } = event;
    const before = event.prepared?.holder ?? { run, need: 0, least: 0, held: 0, waits: false };
    const isOver = event.type === 'fermata.budget.farewell';
    const released = isOver ? before.held : Math.min(event.released, before.held);
    settled += event.spent ?? before.held;
    lent -= released;
    const stays = before.waits && !isOver && !(event.type === 'fermata.budget.report' && event.leaves === true);
    const row = { ...before, held: before.held - released, waits: stays };
    if (before.waits && !stays) waiting--;
    if (event.type === 'fermata.budget.ask') {
      const { need, least, lesser } = event;
      const { lesser: _, ...rest } = row;
      const asks = { ...rest, need, least, ...(lesser === undefined ? {} : { lesser }) };
      const wanted = wantedOf(asks, left());
      if (waiting === 0 && wanted <= left()) grant(asks, wanted < need ? wanted : blockFor(need, left()));
      else {
        if (!stays) waiting++;
        put({ ...asks, waits: true });
      }
    } else if (before.waits !== stays || released > 0) put(row);
    if (event.type === 'fermata.budget.report' && event.leaves === true)
      said.push({ run, event: { type: 'fermata.upstream.left', from: id } });
  }

  const inTurn = [...rows.values()].filter(({ waits }) => waits).toSorted(byNeed);
  for (const row of inTurn) {
    const rest = left();
    const wanted = wantedOf(row, rest);
    const nanos = wanted <= rest ? wanted : lent === 0 && row.least <= rest ? rest : undefined;
    if (nanos === undefined) continue;
    waiting--;
    grant(row, nanos);
  }
  if (lent === 0) {
    for (const row of inTurn.filter(({ run }) => !granted.has(run))) {
      waiting--;
      put({ ...row, waits: false });
      said.push({ run: row.run, event: { type: 'fermata.upstream.over', from: id, limit, settled, lent } });
    }
    // Beyond the page: they are told by the next turns.
    if (waiting > 0) said.push({ run: id, event: { type: 'fermata.budget.look' } });
  }
  const isTight = waiting > 0;
  for (const [run, nanos] of granted)
    said.push({
      run,
      event: { type: 'fermata.upstream.granted', from: id, nanos, ...(isTight ? { tight: true } : {}) },
    });
  if (isTight && context.recalls !== true)
    for (const run of event.prepared?.holders ?? [])
      if (!granted.has(run)) said.push({ run, event: { type: 'fermata.upstream.recall', from: id } });
  const recalls = isTight ? { recalls: true as const } : { recalls: undefined };
  return {
    next: {
      limit,
      settled,
      lent,
      waiting,
      ...(warnAt === context.warnAt ? {} : { warnAt }),
      ...((context.recalls === true) === isTight ? {} : recalls),
    } as Partial<SharedBudgetContext>,
    said,
    changed: [...changed].flatMap((run) => rows.get(run) ?? []),
  };
}

/** Tells people what is spent: once for each limit. */
function warnOnce(
  enqueue: Enqueue,
  { id, warnAt, settled, limit, warnedAt }: SharedBudgetContext,
): Pick<SharedBudgetContext, 'warnedAt'> {
  if (warnAt === undefined || settled < warnAt || warnedAt === warnAt) return {};
  const warning: CostWarning = {
    costDollars: dollarsOf(settled),
    warnAtDollars: dollarsOf(warnAt),
    ...(limit === null ? {} : { maxCostDollars: dollarsOf(limit) }),
  };
  fact(enqueue, 'cost_warning', { budget: id, ...warning });
  // Who watches a run watches nothing else.
  const said: SharedBudgetSays = { type: 'fermata.upstream.warned', from: id, ...warning };
  if (id.startsWith(OF_RUN)) send(enqueue, { run: id.slice(OF_RUN.length) }, { ...said });
  return { warnedAt: warnAt };
}

/** The configuration may have changed since; a run has said its own when it asked first. */
function limitsOf(context: SharedBudgetContext, event: SharedBudgetEvent): SharedLimits {
  const configured = event.prepared?.limits;
  if (configured !== undefined) return configured;
  const { limit, warnAt } = event.type === 'fermata.budget.ask' && event.limit !== undefined ? event : context;
  return { limit: limit ?? null, ...(warnAt === undefined ? {} : { warnAt }) };
}

/** How much is lent to who needs so much, where so much is left. */
function blockFor(need: NanoDollars, left: NanoDollars): NanoDollars {
  return Math.max(need, Math.min(NEEDS_A_BLOCK * need, Math.floor(left * PART_OF_REST)));
}

function byNeed(one: Holder, other: Holder): number {
  return one.least - other.least || (one.run < other.run ? -1 : one.run > other.run ? 1 : 0);
}
