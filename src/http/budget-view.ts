/** The budget of a run as the API shows it: as its actor holds it, so that it is what the next call is decided by. */
import { z } from '@hono/zod-openapi';
import type { BudgetContext } from '../../machines/budget.ts';
import type { SharedBudgetContext } from '../../machines/shared-budget.ts';
import { idOn } from '../cost/borrowing.ts';
import { dollarsOf, type NanoDollars } from '../cost/money.ts';
import { inDollars, leftOf } from '../cost/reservation.ts';
import { BUDGET_ADDRESS, OWN_CALL, utcDate } from '../document/budget.ts';
import { SHARED_BUDGET } from '../document/shared-budgets.ts';
import { ROOT } from '../runtime/run-memory.ts';
import type { Runtime } from '../runtime/runtime.ts';

/** Of a run in full. */
export const budgetSchema = z
  .object({
    maxCostDollars: z.number().optional().describe('Absent where only budgets of several runs bound what it spends'),
    warnAtDollars: z.number().optional(),
    spentDollars: z
      .number()
      .describe('By calls that have ended; what nobody knows the cost of counts as all that was reserved'),
    reservedDollars: z.number().describe('The most that those can cost that are under way'),
    waitingCalls: z.int().describe('Calls that wait until others leave something over'),
    above: z
      .array(z.object({ budget: z.string(), heldDollars: z.number() }))
      .optional()
      .describe('Budgets of several runs that pay for its calls, and what they have lent: GET /budgets/{id}'),
  })
  .optional()
  .describe(
    'Where it has one. spentDollars + reservedDollars never exceed maxCostDollars. Of a run that may begin runs: with what those spend and reserve',
  );

type Reads = Pick<Runtime, 'contextOf' | 'budgetWait' | 'clock'>;

/** What the budget of a run is at; undefined where it has none. */
export async function budgetView(runtime: Reads, runId: string): Promise<z.infer<typeof budgetSchema>> {
  const budget = (await runtime.contextOf(runId, BUDGET_ADDRESS)) as BudgetContext | undefined;
  if (budget === undefined) return undefined;
  const { limit, warnAt, settled, reserved } = await sumsOf(runtime, runId, budget);
  return {
    ...(limit === undefined ? {} : { maxCostDollars: dollarsOf(limit) }),
    ...(warnAt === undefined ? {} : { warnAtDollars: dollarsOf(warnAt) }),
    spentDollars: dollarsOf(settled),
    reservedDollars: dollarsOf(reserved),
    waitingCalls: budget.waiting,
    ...(budget.above === undefined ? {} : { above: await aboveOf(runtime, budget.above) }),
  };
}

/** Its own sums; of a run that may begin runs, those of all of them together. */
async function sumsOf(
  runtime: Reads,
  runId: string,
  budget: BudgetContext,
): Promise<Pick<BudgetContext, 'limit' | 'warnAt' | 'settled' | 'reserved'>> {
  const id = `${SHARED_BUDGET}run:${runId}`;
  const tree = budget.above?.upstreams.find((upstream) => upstream.id === id);
  if (tree === undefined) return budget;
  const kept = (await runtime.contextOf(id, ROOT)) as SharedBudgetContext | undefined;
  // What it has spent and not said yet is held by it. Of one that has ended its end has said it: counted here, it would be spent twice.
  const { spent = 0 } = budget.above?.blocks.find((block) => block.id === id) ?? {};
  const unsaid = Math.min(spent, await heldOf(runtime, id, runId));
  const { limit, warnAt } = tree;
  return {
    ...(limit === undefined ? {} : { limit }),
    ...(warnAt === undefined ? {} : { warnAt }),
    settled: (kept?.settled ?? 0) + unsaid,
    reserved: (kept?.lent ?? 0) - unsaid,
  };
}

async function aboveOf(runtime: Reads, { run, upstreams, blocks }: NonNullable<BudgetContext['above']>) {
  const current = upstreams.map((upstream) => idOn(upstream, utcDate(runtime.clock.now())));
  const ids = new Set([...current, ...blocks.map(({ id }) => id)]);
  return Promise.all(
    [...ids].map(async (id) => ({
      budget: id.slice(SHARED_BUDGET.length),
      heldDollars: dollarsOf(await heldOf(runtime, id, run)),
    })),
  );
}

/** What a budget of several runs has lent to one of them, as the lender has it: a run that has ended hears nothing more. */
async function heldOf(runtime: Reads, budget: string, run: string): Promise<NanoDollars> {
  return (await runtime.budgetWait(budget, run, ''))?.held ?? 0;
}

/** What would move a task that waits for money. */
export async function movesWaiting(
  runtime: Reads,
  runId: string,
  { task, at }: { readonly task: string; readonly at: string },
): Promise<string> {
  const budget = (await runtime.contextOf(runId, BUDGET_ADDRESS)) as BudgetContext | undefined;
  const asked = await waitingCall(runtime, runId, task);
  if (budget === undefined || asked === undefined) return `money of the run's budget, or POST ${at}/cancel`;
  const { call, need, least } = asked;
  const isOwn = call === OWN_CALL;
  const shorter = isOwn && least < need ? `, or ${inDollars(least)} for a shorter answer` : '';
  const otherwise = isOwn ? 'the run ends' : 'the model is asked without looking for a similar question';
  const cost = `it may cost ${inDollars(need)}${shorter}`;
  const { limit, settled, reserved } = budget;
  const asking = budget.above?.asking?.to;
  if (asking !== undefined || limit === undefined)
    return `${await movesAbove(runtime, asking, { cost, otherwise })}. Or POST ${at}/cancel`;
  return `the end of a call under way: ${cost}, and ${inDollars(Math.max(0, leftOf({ limit, settled, reserved })))} of the budget of ${inDollars(limit)} are left; ${inDollars(reserved)} are reserved for calls under way, ${inDollars(settled)} are spent. If they leave too little ${otherwise}${isOwn ? ', and a retry with a higher budget goes on from there' : ''}. Or POST ${at}/cancel`;
}

/** A task waits for one call at a time: its own, or one that looks for a similar question before that. */
async function waitingCall(runtime: Reads, runId: string, task: string): ReturnType<Reads['budgetWait']> {
  const rows = await Promise.all(CALLS.map((call) => runtime.budgetWait(runId, task, call)));
  return rows.find((row) => row?.open === true);
}

const CALLS = [OWN_CALL, 'compare', 'verify'];

async function movesAbove(
  runtime: Reads,
  asking: string | undefined,
  { cost, otherwise }: { readonly cost: string; readonly otherwise: string },
): Promise<string> {
  if (asking === undefined) return `the end of another task, or money that a budget of several runs lends: ${cost}`;
  const kept = (await runtime.contextOf(asking, ROOT)) as SharedBudgetContext | undefined;
  const { limit = null, settled = 0, lent = 0, waiting = 1 } = kept ?? {};
  const left = limit === null ? 'no limit' : inDollars(Math.max(0, limit - settled - lent));
  const of = limit === null ? '' : ` of ${inDollars(limit)}`;
  return `money of the budget ${asking.slice(SHARED_BUDGET.length)}: ${cost}, and ${left}${of} are left there; ${inDollars(lent)} are lent to runs that may give some back, ${inDollars(settled)} are spent, and ${waiting} ${waiting === 1 ? 'run waits' : 'runs wait'}. If they leave too little ${otherwise}. GET /budgets/${asking.slice(SHARED_BUDGET.length)} shows who holds what`;
}
