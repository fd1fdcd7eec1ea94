/**
 * Budgets that hold over several runs: which there are for a run, what bounds them, and what the actor is told that keeps
 * one (`machines/shared-budget.ts` decides). Each is a run of its own, which begins when it is first spoken to.
 */
import type { BudgetContext, BudgetInput } from '../../machines/budget.ts';
import type {
  AsksBudget,
  Holder,
  PreparedLending,
  SharedBudgetContext,
  SharedLimits,
} from '../../machines/shared-budget.ts';
import { farewellsOf, type Upstream } from '../cost/borrowing.ts';
import { fromDollars, nanosOf } from '../cost/money.ts';
import type { MachineRegistration, Prepare } from '../runtime/registration.ts';
import type { DraftFact } from '../runtime/draft.ts';
import type { Projection } from '../runtime/projection.ts';
import type { Addressed, Runtime } from '../runtime/runtime.ts';
import type { BudgetWaitRow } from '../store/budgets.ts';
import { BUDGET_ADDRESS } from './budget.ts';
import { lesserIn, rowOfNeed, type StatedNeed } from './budget-need.ts';
import type { BudgetSpec, Definition } from './definition.ts';
import type { SharedBudgets } from './shared-budget-spec.ts';

/** With what the ids of the runs begin that keep them. */
export const SHARED_BUDGET = 'budget:';

/** The machine that keeps one. */
const SHARED_BUDGET_MACHINE = 'budget';

/** How many of those that wait or hold something an event brings with it: together a few kilobytes. */
const PAGE = 50;

/** How many entries of its journal are kept: enough to see what it has just done. */
const KEPT_ENTRIES = 1_000;

/** The kinds, in the order in which they are asked: the same for every run, so that nobody waits for each other. */
const ORDER = [`${SHARED_BUDGET}run:`, `${SHARED_BUDGET}workflow:`, `${SHARED_BUDGET}day`];

/** What of a run says which budgets it has. */
export interface Budgeted {
  readonly definition: Pick<Definition, 'name' | 'tasks'>;
  /** Its own. */
  readonly own: OwnBudget | undefined;
  /** Id of the run that begins it: what bounds that one bounds it, too. */
  readonly parent?: string | undefined;
}

/** The budget of a run, as its document or whoever asks for it says. */
export type OwnBudget = Pick<BudgetInput, 'limit' | 'warnAt'>;

/** The budgets of a run that begins; undefined where nothing bounds what it spends. */
export type BudgetFor = (asked: Budgeted) => Promise<Omit<BudgetInput, 'prepared'> | undefined>;

/** What of the budgets of a run was its own. */
export function ownBudgetOf(budget: BudgetInput | undefined): OwnBudget | undefined {
  if (budget === undefined) return undefined;
  const { limit, warnAt } = budget.tree ?? budget;
  return limit === undefined ? undefined : { limit, ...(warnAt === undefined ? {} : { warnAt }) };
}

/** Finds them. */
export function budgetsIn(configured: SharedBudgets, runtime: () => Pick<Runtime, 'contextOf'>): BudgetFor {
  return async ({ definition, own, parent }) => {
    const above =
      parent === undefined
        ? undefined
        : ((await runtime().contextOf(parent, BUDGET_ADDRESS)) as BudgetContext | undefined);
    return together(definition, own, [
      ...(above?.above?.upstreams ?? []),
      ...configuredFor(definition.name, configured),
    ]);
  };
}

function together(
  definition: Budgeted['definition'],
  own: OwnBudget | undefined,
  given: readonly Upstream[],
): Omit<BudgetInput, 'prepared'> | undefined {
  const isTree = own !== undefined && mayBeginRuns(definition);
  const upstreams = [...new Map(given.map((upstream) => [upstream.id, upstream])).values()].toSorted(inOrder);
  if (!isTree && upstreams.length === 0) return own;
  return { ...(isTree ? { tree: own } : own), ...(upstreams.length === 0 ? {} : { upstreams }) };
}

/** Budgets that stand in the configuration, of the runs of a workflow. */
export function configuredFor(workflow: string, { perDay, workflows = {} }: SharedBudgets): readonly Upstream[] {
  const found = Object.hasOwn(workflows, workflow) ? workflows[workflow] : undefined;
  const { per = 'always' } = found ?? {};
  return [
    ...(found === undefined
      ? []
      : [{ id: `${SHARED_BUDGET}workflow:${encodeURIComponent(workflow)}`, ...(per === 'always' ? {} : { per }) }]),
    ...(perDay === undefined ? [] : [{ id: `${SHARED_BUDGET}day`, per: 'day' as const }]),
  ];
}

/** What the configuration says of the budget that a run keeps; undefined of those that stand in none. */
export function limitsIn({ perDay, workflows = {} }: SharedBudgets): (id: string) => SharedLimits | undefined {
  return (id) => {
    const [, kind, name = ''] = id.split(':');
    if (kind === 'day') return limitsOf(perDay);
    if (kind !== 'workflow') return undefined;
    const workflow = decodeURIComponent(name);
    return limitsOf(Object.hasOwn(workflows, workflow) ? workflows[workflow] : undefined);
  };
}

/** One that has been taken out of the configuration bounds nothing any more. */
function limitsOf(budget: BudgetSpec | undefined): SharedLimits {
  if (budget === undefined) return { limit: null };
  const { maxCostDollars, warnAtDollars } = budget;
  return {
    limit: nanosOf(maxCostDollars, 'budgets'),
    ...(warnAtDollars === undefined ? {} : { warnAt: nanosOf(warnAtDollars, 'budgets') }),
  };
}

/** Whether runs may begin runs: what they spend counts, too. What joins later may be anything. */
function mayBeginRuns({ tasks }: Pick<Definition, 'tasks'>): boolean {
  return tasks.some(({ call, onComplete }) => {
    const inner = call.kind === 'map' || call.kind === 'reduce' ? call.task : undefined;
    return (
      call.kind === 'subworkflow' ||
      call.kind === 'planExecuteReflect' ||
      onComplete !== undefined ||
      (inner !== undefined && mayBeginRuns({ tasks: [inner] }))
    );
  });
}

/** Those of runs stay as they are: the nearest first. */
function inOrder(one: Upstream, other: Upstream): number {
  const [rank, otherRank] = [one, other].map(({ id }) => ORDER.findIndex((prefix) => id.startsWith(prefix)));
  return rank !== otherRank ? (rank ?? 0) - (otherRank ?? 0) : rank === 0 ? 0 : one.id < other.id ? -1 : 1;
}

/** What begins where a shared budget is first spoken to. */
export function addressedBudget(run: string): Addressed | undefined {
  if (!run.startsWith(SHARED_BUDGET)) return undefined;
  const [, kind = ''] = run.split(':');
  return { machine: SHARED_BUDGET_MACHINE, input: { id: run }, tags: [tagOfKind(kind)] };
}

/** By which those of a kind are found among all runs. */
export function tagOfKind(kind: string): string {
  return `${SHARED_BUDGET}${kind}`;
}

/** What the runtime should know of the machine that keeps one. */
export function sharedBudgetRegistration(
  configured: SharedBudgets,
): Omit<MachineRegistration, 'machine' | 'definition'> {
  return {
    status: () => 'waiting',
    prepare: { '': prepareSharedBudget(limitsIn(configured)) },
    keepsEntries: KEPT_ENTRIES,
    inner: true,
  };
}

/** What other runs are told of the money that a run has of them when it ends. */
export const sayBudgetFarewell: NonNullable<MachineRegistration['farewell']> = ({ contextOf }) => {
  const above = (contextOf(BUDGET_ADDRESS) as BudgetContext | undefined)?.above;
  return above === undefined ? [] : farewellsOf(above).map(({ run, event }) => ({ run, event: { ...event } }));
};

function prepareSharedBudget(limits: (id: string) => SharedLimits | undefined): Prepare {
  return ({ event, snapshot, rows }): PreparedLending | undefined => {
    if (snapshot === undefined) return undefined;
    const { waiting, recalls } = snapshot.context as SharedBudgetContext;
    const { run } = event as Partial<AsksBudget>;
    const holder = run === undefined ? undefined : rows.get('budgetWait', `${run}/`);
    const waits = waiting === 0 ? [] : rows.openBudgetWaits().items.slice(0, PAGE).map(toHolder);
    const isRecalled = recalls !== true && (event.type === 'fermata.budget.ask' || waiting > 0);
    const bounds = limits(rows.key.run);
    return {
      ...(holder === undefined ? {} : { holder: toHolder(holder) }),
      waiting: waits,
      ...(isRecalled
        ? {
            holders: rows
              .budgetHolders()
              .slice(0, PAGE)
              .map(({ task }) => task),
          }
        : {}),
      ...(bounds === undefined ? {} : { limits: bounds }),
    };
  };
}

function toHolder({ task, need, least, lesserJson, held, open }: BudgetWaitRow): Holder {
  return { run: task, need, least, ...lesserIn(lesserJson), held, waits: open };
}

/** What a fact says of a run that borrows. */
interface LentFact extends StatedNeed {
  readonly run: string;
  readonly heldDollars: number;
  readonly waits: boolean;
}

/** Keeps the rows of the runs that hold something of a shared budget, or wait. */
export function sharedBudgetProjection(): Projection {
  return {
    facts: ['budget_lent'],
    project({ data }: DraftFact) {
      const { run, heldDollars, waits, ...need } = data as unknown as LentFact;
      const row = { task: run, call: '', ...rowOfNeed(need), open: waits, held: fromDollars(heldDollars) };
      return { rows: [{ table: 'budgetWait', key: `${run}/`, row }] };
    },
  };
}
