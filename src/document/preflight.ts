/**
 * Before a run begins: what it will cost is kept with it, and one that cannot be paid for is refused.
 *
 * A budget is too small where even the least is above it, or what is to be expected is and all of that is counted or
 * declared: anything else would refuse work that fits (docs/decisions/022).
 */
import type { BudgetInput } from '../../machines/budget.ts';
import { isSure } from '../cost/estimate/calls.ts';
import { dollarsOf, type NanoDollars } from '../cost/money.ts';
import { inDollars } from '../cost/reservation.ts';
import { FermataError } from '../errors.ts';
import type { BudgetReports, Rest } from './budget-reports.ts';
import type { Definition } from './definition.ts';
import type { Estimate } from './estimate.ts';
import type { EstimateOptions } from './estimates.ts';

/** What a run was expected to cost by itself, in nano-dollars; without `highest` where nothing bounds it. */
export interface RunEstimate {
  readonly lowest: NanoDollars;
  readonly expected: NanoDollars;
  readonly highest?: NanoDollars;
}

/** Looks ahead for a run; undefined where its cost is not known, or takes too long to find out. */
export type Foresee = (
  definition: Definition,
  input: unknown,
  budget: Omit<BudgetInput, 'prepared'> | undefined,
) => Promise<RunEstimate | undefined>;

/** Tasks of a document whose runs are estimated though they have no budget: some milliseconds. */
const MOST_TASKS = 100;
/** Tasks that a refusal names. */
const MOST_NAMED = 20;

/** Looks ahead with estimates. */
export function foreseeing(
  estimates: { of(definition: Definition, input: unknown, options: EstimateOptions): Promise<Estimate> },
  budgets: Pick<BudgetReports, 'leftFor'>,
): Foresee {
  return async (definition, input, budget) => {
    const { limit } = budget?.tree ?? budget ?? {};
    const bounds = [...(limit === undefined ? [] : [{ limit, left: limit }]), ...(await budgets.leftFor(budget ?? {}))];
    const hasBudget = bounds.length > 0;
    if (!hasBudget && definition.tasks.length > MOST_TASKS) return undefined;
    const estimate = await estimateOrNothing(() => estimates.of(definition, input, { exact: hasBudget, hasBudget }));
    if (estimate === undefined) return undefined;
    if (!hasBudget) return kept(estimate);
    if (!chooses(estimate)) {
      for (const bound of bounds) assertEnough(estimate, bound);
      return kept(estimate);
    }
    // What a better model would cost refuses nothing: the budget lets it choose one that fits.
    const least = Math.min(...bounds.map(({ left }) => left));
    if (!isEnough(estimate, least)) {
      const cheapest = await estimates.of(definition, input, { exact: true, hasBudget, atCheapest: true });
      for (const bound of bounds) assertEnough(cheapest, bound);
    }
    return kept(estimate, least);
  };
}

/** A prompt that cannot be rendered is the fault of its task: the run says so, where it comes to it. */
async function estimateOrNothing(work: () => Promise<Estimate>): Promise<Estimate | undefined> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof FermataError) return undefined;
    throw thrown;
  }
}

/** Nothing where no call has a known price. */
function kept({ own: { calls, nanos, unpriced } }: Estimate, limit = Infinity): RunEstimate | undefined {
  if (unpriced.highest > 0 && nanos.highest === 0 && calls.range.highest > 0) return undefined;
  const highest = Math.ceil(nanos.highest);
  return {
    lowest: Math.floor(nanos.lowest),
    expected: Math.min(limit, Math.round(nanos.expected)),
    ...(Number.isSafeInteger(highest) ? { highest } : {}),
  };
}

/** True where calls would choose by their cost. */
function chooses({ tasks }: Estimate): boolean {
  return tasks.some(({ lines }) => lines.some(({ choice }) => choice?.optimize !== undefined));
}

function isEnough({ total }: Estimate, limit: NanoDollars): boolean {
  const { lowest, expected } = total.nanos;
  return lowest <= limit && (!isSure(total) || expected <= limit);
}

/** Throws `budgetTooSmall`. With the runs that its tasks begin: the budget pays for them, too. */
function assertEnough(estimate: Estimate, rest: Omit<Rest, 'id'> & Partial<Pick<Rest, 'id'>>): void {
  const { id, limit, left } = rest;
  if (isEnough(estimate, left)) return;
  const { total, tasks } = estimate;
  const { lowest, expected } = total.nanos;
  const isImpossible = lowest > left;
  const [costs, nanos] = isImpossible ? ['costs at least', lowest] : ['is expected to cost', expected];
  const dearest = tasks
    .flatMap(({ task, chance, lines }) => lines.map((line) => ({ task, nanos: line.nanos.expected * chance })))
    .toSorted((one, other) => other.nanos - one.nanos);
  const what =
    id === undefined
      ? `its budget is ${inDollars(limit)}. Give it more (config.budget.maxCostDollars)`
      : `of ${inDollars(limit)} of the budget ${id} ${inDollars(Math.max(0, left))} are left. Wait for the next one, give that more (budgets in the configuration)`;
  throw new FermataError(
    'budgetTooSmall',
    `A run with this input ${costs} ${inDollars(Math.round(nanos))}, and ${what}, or less to do: POST …/estimate-cost says what costs how much.`,
    {
      data: {
        maxCostDollars: dollarsOf(limit),
        ...(id === undefined ? {} : { budget: id, leftDollars: dollarsOf(Math.max(0, left)) }),
        estimatedCostDollars: {
          lowest: dollarsOf(Math.floor(lowest)),
          expected: dollarsOf(Math.round(expected)),
          highest: Number.isFinite(total.nanos.highest) ? dollarsOf(Math.ceil(total.nanos.highest)) : null,
        },
        estimatedCostBreakdown: dearest.slice(0, MOST_NAMED).map(({ task, nanos: cost }) => ({
          task,
          expectedCostDollars: dollarsOf(Math.round(cost)),
        })),
        unlisted: Math.max(0, dearest.length - MOST_NAMED),
      },
    },
  );
}
