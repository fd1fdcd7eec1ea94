/** What models cost: sums of the ledger, and the requests of a run. */
import { createRoute, z } from '@hono/zod-openapi';
import { dollarsOf } from '../../cost/money.ts';
import type { UnitPrices } from '../../cost/unit-prices.ts';
import type { Costs } from '../../document/costs.ts';
import { FermataError } from '../../errors.ts';
import type { LedgerEntry, SpendingFilter } from '../../store/ledger.ts';
import { costDollarsSchema, spentSchema, spentView, unitPricesView } from '../cost-view.ts';
import { iso } from '../json.ts';
import { listOf, pageOf, pageQuery, readCursor, readNumberCursor, toCursor } from '../page.ts';
import { runPath } from '../parameters.ts';
import { answers, fields, newRouter, type Surroundings } from '../router.ts';

const DAY_MS = 86_400_000;
const GROUPS = ['day', 'model', 'provider', 'workflow', 'tag', 'tenant', 'run', 'task'] as const;

/** What cursors look like; names of all other groups may be any text. */
const CURSORS: Partial<Record<(typeof GROUPS)[number], RegExp>> = {
  day: /^\[\d{1,9}\]$/,
  run: /^\d{1,15}$/,
  task: /^\d{1,15}\/./s,
};

const timeSchema = z.union([z.iso.date(), z.iso.datetime({ offset: true })]);
const time = (what: string) =>
  z
    .string()
    .refine((text) => timeSchema.safeParse(text).success, {
      error: 'expected a date or a time (ISO 8601), such as 2026-11-22 or 2026-11-22T08:00:00Z',
    })
    .transform((text) => Date.parse(text))
    .optional()
    .openapi({ type: 'string', description: what, example: '2026-11-22' });

const costsSchema = spentSchema
  .extend({
    day: z.iso.date().optional().describe('UTC'),
    provider: z.string().optional(),
    model: z.string().optional().describe('The model that was asked'),
    workflow: z.object({ id: z.string(), name: z.string() }).nullable().optional(),
    tag: z.string().optional().describe('A run with two tags counts for both'),
    tenant: z.string().optional(),
    runId: z.string().optional().describe('It may have been deleted: what it cost stays'),
    task: z.string().optional(),
    withChildren: spentSchema
      .optional()
      .describe('Of a run whose tasks have begun runs: with those, and all that are below them'),
  })
  .openapi('Costs');

const list = createRoute({
  method: 'get',
  path: '/costs',
  operationId: 'listCosts',
  summary: 'What models cost, from the ledger: by day and run newest first, by everything else in the order of names',
  tags: ['costs'],
  request: {
    query: fields({
      groupBy: z.enum(GROUPS).default('day'),
      from: time('Requests that ended at this time (ISO 8601; a date begins at 0:00 UTC), or later'),
      to: time('… before this time'),
      workflow: z.string().min(1).optional().describe("A workflow's id or name"),
      tag: z.string().min(1).optional().describe('Of runs'),
      run: z.string().min(1).optional().describe('Id of a run'),
      ...pageQuery,
    }),
  },
  responses: { 200: answers('A page', listOf(costsSchema)) },
});

const requestSchema = z
  .object({
    seq: z.int().describe('Journal number of the fact that has it on its bill'),
    task: z.string(),
    attempt: z.int(),
    call: z.string().describe('call: the own one of the task; else the place among those of its function'),
    provider: z.string(),
    model: z.string().describe('The one that was asked'),
    answered: z.string().describe('The one that answered, as its provider names it'),
    kind: z
      .enum(['settled', 'unsettled', 'saved'])
      .describe(
        'unsettled: nobody knows what it used; it may be paid for. saved: it was not made, as its answer was kept',
      ),
    inputTokens: z.int().nullable(),
    cachedInputTokens: z.int().nullable(),
    cacheWriteTokens: z.int().nullable(),
    outputTokens: z.int().nullable(),
    reasoningTokens: z.int().nullable(),
    unitPrices: z
      .record(z.string(), z.unknown())
      .nullable()
      .describe('By which it was billed: US dollars for a million tokens; null: not known'),
    costDollars: costDollarsSchema,
    costSavedDollars: costDollarsSchema
      .optional()
      .describe('Of one that was saved: what the call has cost whose answer was kept; null: not known'),
    at: z.iso.datetime(),
  })
  .openapi('ModelRequest');

const requests = createRoute({
  method: 'get',
  path: '/runs/{id}/calls',
  operationId: 'listModelCalls',
  summary: 'The requests of a run to models, with usage, unit prices and cost; of a deleted run, too',
  tags: ['costs'],
  request: { params: runPath, query: fields(pageQuery) },
  responses: { 200: answers('A page', listOf(requestSchema)) },
});

/** Routes about money. */
export function costRoutes({ fermata: { costs, runtime } }: Surroundings) {
  return newRouter()
    .openapi(list, async (c) => {
      const { groupBy, limit, cursor, ...filter } = c.req.valid('query');
      assertInOrder(filter);
      const name = `costs-${groupBy}`;
      const after = readCursor(name, cursor, CURSORS[groupBy]);
      const rows = await costs.list({ ...filter, by: groupBy, limit: limit + 1, after });
      return c.json(
        pageOf(rows, limit, (row) => toCursor(name, row.cursor), costsView),
        200,
      );
    })
    .openapi(requests, async (c) => {
      const { id } = c.req.valid('param');
      const { limit, cursor } = c.req.valid('query');
      const rows = await costs.requests(id, { limit: limit + 1, after: readNumberCursor('calls', cursor) });
      // It throws where there is no such run, and never was one that was charged.
      if (rows === undefined) await runtime.read(id);
      return c.json(
        pageOf(rows ?? [], limit, ({ key }) => toCursor('calls', key), requestView),
        200,
      );
    });
}

/** Throws `invalidRequest`: the empty list that two swapped dates would give reads as if nothing had been spent. */
function assertInOrder({ from, to }: Pick<SpendingFilter, 'from' | 'to'>): void {
  if (from === undefined || to === undefined || from <= to) return;
  const message = `expected a time that is not before \`from\` (${iso(from)}), came ${iso(to)}`;
  throw new FermataError('invalidRequest', `The request has a fault: query.to: ${message}.`, {
    faults: [{ path: 'query.to', message }],
  });
}

function costsView({ of, withChildren, cursor: _, ...spent }: Costs): z.infer<typeof costsSchema> {
  const { day, run, ...group } = of;
  return {
    ...(day === undefined ? {} : { day: iso(day * DAY_MS).slice(0, 10) }),
    ...(run === undefined ? {} : { runId: run }),
    ...group,
    ...spentView(spent),
    ...(withChildren === undefined ? {} : { withChildren: spentView(withChildren) }),
  };
}

function requestView(row: LedgerEntry): z.infer<typeof requestSchema> {
  const { key: _, tenant: __, run: ___, index: ____, pricesJson, costNanos, at, ...rest } = row;
  const dollars = costNanos === null ? null : dollarsOf(costNanos);
  return {
    ...rest,
    unitPrices: pricesJson === null ? null : unitPricesView(JSON.parse(pricesJson) as UnitPrices),
    ...(row.kind === 'saved' ? { costDollars: 0, costSavedDollars: dollars } : { costDollars: dollars }),
    at: iso(at),
  };
}
