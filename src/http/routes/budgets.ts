/** Budgets of several runs: of days, of workflows, of runs and all that they begin. */
import { createRoute, z } from '@hono/zod-openapi';
import { dollarsOf } from '../../cost/money.ts';
import type { BudgetHolder, BudgetReport } from '../../document/budget-reports.ts';
import { FermataError } from '../../errors.ts';
import { listOf, pageOf, pageQuery, readCursor, toCursor } from '../page.ts';
import { answers, fields, newRouter, type Surroundings } from '../router.ts';

const tags = ['costs'];
const CURSOR = 'budgets';

const budgetSchema = z
  .object({
    id: z.string().openapi({ example: 'day:2026-11-22' }),
    kind: z.enum(['day', 'workflow', 'run']),
    workflow: z.string().optional().describe('Its name'),
    runId: z.string().optional().describe('The run: its budget pays for all that it begins, too'),
    period: z.string().optional().describe('The day or month (UTC) that it is for'),
    maxCostDollars: z.number().nullable().describe('null: it was taken out of the configuration, and bounds nothing'),
    warnAtDollars: z.number().optional(),
    spentDollars: z.number().describe('As far as runs have said so: what they hold they may have spent'),
    reservedDollars: z.number().describe('What runs hold: for calls under way, for those that come next, or spent'),
    leftDollars: z.number().nullable(),
    waitingRuns: z.int().describe('Runs that wait until others give something back'),
  })
  .openapi('SharedBudget');

const oneSchema = budgetSchema
  .extend({
    holders: z
      .array(
        z.object({
          runId: z.string(),
          heldDollars: z.number(),
          waitsForDollars: z.number().optional().describe('What it needs'),
        }),
      )
      .describe('The first hundred of those that hold something, and of those that wait'),
  })
  .openapi('SharedBudgetInFull');

const list = createRoute({
  method: 'get',
  path: '/budgets',
  operationId: 'listBudgets',
  summary: 'Budgets of several runs: those of the configuration as they are now, or all of a kind, newest first',
  tags,
  request: { query: fields({ kind: z.enum(['day', 'workflow', 'run']).optional(), ...pageQuery }) },
  responses: { 200: answers('A page', listOf(budgetSchema)) },
});

const one = createRoute({
  method: 'get',
  path: '/budgets/{id}',
  operationId: 'getBudget',
  summary: 'A budget of several runs, and who holds what of it',
  tags,
  request: { params: z.object({ id: z.string().min(1).openapi({ example: 'day:2026-11-22' }) }) },
  responses: { 200: answers('The budget', oneSchema) },
});

/** Routes about budgets of several runs. */
export function budgetRoutes({ fermata: { budgets } }: Surroundings) {
  return newRouter()
    .openapi(list, async (c) => {
      const { kind, limit, cursor } = c.req.valid('query');
      if (kind === undefined)
        return c.json({ items: (await budgets.current()).map(budgetView), nextCursor: null }, 200);
      const after = readCursor(`${CURSOR}-${kind}`, cursor);
      const found = await budgets.list(kind, { limit: limit + 1, after });
      return c.json(
        pageOf(found, limit, ({ id }) => toCursor(`${CURSOR}-${kind}`, id), budgetView),
        200,
      );
    })
    .openapi(one, async (c) => {
      const { id } = c.req.valid('param');
      let found: Awaited<ReturnType<typeof budgets.one>>;
      for (const spelling of spellingsOf(id)) found ??= await budgets.one(spelling);
      if (found === undefined)
        throw new FermataError(
          'notFound',
          `There is no budget ${JSON.stringify(id)}: none is configured under that id, and nothing was ever paid from it. GET /api/v1/budgets lists those that are.`,
        );
      const { holders, ...budget } = found;
      return c.json({ ...budgetView(budget), holders: holders.map(holderView) }, 200);
    });
}

/** Names are percent-encoded in ids: what is copied from a list into an address comes in here decoded. */
function spellingsOf(id: string): readonly string[] {
  const [kind, ...rest] = id.split(':');
  if (kind !== 'workflow') return [id];
  const nameOf = (parts: readonly string[]): string => encodeURIComponent(parts.join(':'));
  return [id, `workflow:${nameOf(rest.slice(0, -1))}:${rest.at(-1)}`, `workflow:${nameOf(rest)}`];
}

function budgetView(report: BudgetReport): z.infer<typeof budgetSchema> {
  const { id, kind, name, period, limit, warnAt, settled, lent, waiting } = report;
  return {
    id,
    kind,
    ...(name === undefined ? {} : kind === 'run' ? { runId: name } : { workflow: name }),
    ...(period === undefined ? {} : { period }),
    maxCostDollars: limit === null ? null : dollarsOf(limit),
    ...(warnAt === undefined ? {} : { warnAtDollars: dollarsOf(warnAt) }),
    spentDollars: dollarsOf(settled),
    reservedDollars: dollarsOf(lent),
    leftDollars: limit === null ? null : dollarsOf(Math.max(0, limit - settled - lent)),
    waitingRuns: waiting,
  };
}

function holderView({ runId, held, need }: BudgetHolder) {
  return { runId, heldDollars: dollarsOf(held), ...(need === undefined ? {} : { waitsForDollars: dollarsOf(need) }) };
}
