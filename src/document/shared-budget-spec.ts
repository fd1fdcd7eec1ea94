/** How budgets of several runs are written in a configuration. */
import { z } from 'zod';
import { MOST_DOLLARS } from '../cost/money.ts';
import type { BudgetSpec } from './definition.ts';

/** A budget of all runs of a workflow, and of all that they begin. */
export interface WorkflowBudget extends BudgetSpec {
  /** It begins anew with each day or month (UTC); default `always`: never. */
  readonly per?: 'day' | 'month' | 'always' | undefined;
}

/**
 * Budgets that hold over several runs.
 *
 * @example
 * defineConfig({
 *   budgets: {
 *     perDay: { maxCostDollars: 20, warnAtDollars: 15 },
 *     workflows: { research: { maxCostDollars: 100, per: 'month' } },
 *   },
 * })
 */
export interface SharedBudgets {
  /** Of everything that is spent on one day (UTC). */
  readonly perDay?: BudgetSpec | undefined;
  /** By the name of the workflow. */
  readonly workflows?: Readonly<Record<string, WorkflowBudget>> | undefined;
}

const dollars = z.number().min(1e-9).max(MOST_DOLLARS);
const bounds = { maxCostDollars: dollars, warnAtDollars: dollars.optional() };
const LATE = { path: ['warnAtDollars'], error: 'Expected at most maxCostDollars: more than that is never spent.' };

function isWarnedInTime({ maxCostDollars, warnAtDollars }: BudgetSpec): boolean {
  return warnAtDollars === undefined || warnAtDollars <= maxCostDollars;
}

/** Checks them. */
export const sharedBudgetsSchema = z
  .strictObject({
    perDay: z.strictObject(bounds).refine(isWarnedInTime, LATE),
    workflows: z.record(
      z.string().min(1).max(200),
      z.strictObject({ ...bounds, per: z.enum(['day', 'month', 'always']).optional() }).refine(isWarnedInTime, LATE),
    ),
  })
  .partial();

/** Fields of budgets, for the nearest name of one that is unknown. */
export const BUDGET_FIELDS = ['perDay', 'workflows', 'maxCostDollars', 'warnAtDollars', 'per'] as const;
