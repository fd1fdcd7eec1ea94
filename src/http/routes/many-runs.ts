/** What is done to many runs at once. Each is done by itself: what one is refused hinders no other. */
import { createRoute, z } from '@hono/zod-openapi';
import { faultsMessage } from '../../document/faults.ts';
import { FermataError } from '../../errors.ts';
import type { RunView } from '../../runtime/runtime.ts';
import { idempotencyHeader, idempotencyOf } from '../idempotency.ts';
import { manyOf } from '../many.ts';
import { pageOf, readCursor, toCursor } from '../page.ts';
import { isTakenCareOf, retryRun } from '../retrying.ts';
import { answers, body, fields, newRouter, type Surroundings } from '../router.ts';
import { runStatusSchema } from '../run-status.ts';
import { cancelRun } from '../run-commands.ts';

const tags = ['executions'];
const MOST = 1_000;

const which = {
  ids: manyOf('ids', z.array(z.string().min(1).max(200)).min(1).max(MOST))
    .optional()
    .describe('These'),
  filter: fields({
    workflowId: z.string().optional(),
    status: runStatusSchema.optional(),
    tags: manyOf('filter.tags', z.array(z.string().min(1).max(200)).max(100))
      .optional()
      .describe('All of them'),
    q: z.string().min(1).max(200).optional().describe('Part of the name or id'),
  })
    .optional()
    .describe('Or those that a list would have, newest first'),
  limit: z.int().min(1).max(MOST).optional().describe('Of the filter: runs of one page; default 100'),
  cursor: z.string().min(1).max(2_000).optional().describe('Of the filter: where it goes on'),
};
const retryBody = fields(which).openapi('RetryRunsRequest');
const cancelBody = fields({ ...which, reason: z.string().max(10_000).optional() }).openapi('CancelRunsRequest');

const problem = z.object({ code: z.string(), detail: z.string() }).nullable().describe('Why nothing was done to it');
const started = z.object({ runId: z.string(), status: runStatusSchema });
const nextCursor = z.string().nullable().describe('Of the filter: there may be more');
const retriedSchema = z
  .object({
    items: z.array(
      z.object({
        runId: z.string(),
        retry: started.nullable().describe('The run that tries it again'),
        error: problem,
      }),
    ),
    nextCursor,
  })
  .openapi('RetriedRuns');
const cancelledSchema = z
  .object({
    items: z.array(z.object({ runId: z.string(), status: runStatusSchema.nullable(), error: problem })),
    nextCursor,
  })
  .openapi('CancelledRuns');

const retry = createRoute({
  method: 'post',
  path: '/runs/retry',
  operationId: 'retryRuns',
  summary: 'Try many runs again',
  description:
    'Each as POST /runs/{id}/retry does. A filter means failed runs where it says nothing else, and leaves out those that were tried again before and those that another run waited for, which tries them again itself.',
  tags,
  request: { headers: idempotencyHeader, body: body(retryBody, true) },
  responses: { 202: answers('What became of each', retriedSchema) },
});
const cancel = createRoute({
  method: 'post',
  path: '/runs/cancel',
  operationId: 'cancelRuns',
  summary: 'Cancel many runs',
  description: 'Each as POST /runs/{id}/cancel does. A filter means those that have not ended.',
  tags,
  request: { body: body(cancelBody, true) },
  responses: { 202: answers('What became of each', cancelledSchema) },
});

/** Routes of many runs. */
export function manyRunsRoutes({ fermata }: Surroundings) {
  const { runtime } = fermata;

  return newRouter()
    .openapi(retry, async (c) => {
      const asked = c.req.valid('json');
      const key = c.req.valid('header')['idempotency-key'];
      const { runs, next } = await chosen(asked, { status: 'failed' }, {});
      const items: z.infer<typeof retriedSchema>['items'] = [];
      for (const run of runs) {
        const isFound = typeof run !== 'string';
        const runId = isFound ? run.runId : run;
        // By filters it is tried once, also by two that come at the same moment.
        const unless =
          isFound && key === undefined ? ({ key: `fermata.retry/${runId}`, own: true } as const) : undefined;
        const given = idempotencyOf(
          unless?.key ?? (key === undefined ? undefined : `${key}/${runId}`),
          `${runId}/retry`,
          {},
        );
        const keys = given && { ...given, ...unless };
        const done = await settled(async () => {
          // The same request again: it was this one that has taken care of it.
          const isRepeated = key !== undefined && (await runtime.startedBefore(keys)) !== undefined;
          if (isFound && !isRepeated && (await isTakenCareOf(fermata, run))) return undefined;
          return retryRun(fermata, runId, keys);
        });
        if ('error' in done) items.push({ runId, retry: null, error: done.error });
        else if (done.value !== undefined)
          items.push({ runId, retry: { runId: done.value.runId, status: done.value.status }, error: null });
      }
      return c.json({ items, nextCursor: next }, 202);
    })
    .openapi(cancel, async (c) => {
      const asked = c.req.valid('json');
      const { runs, next } = await chosen(asked, {}, { open: true });
      const items: z.infer<typeof cancelledSchema>['items'] = [];
      for (const run of runs) {
        const id = typeof run === 'string' ? run : run.runId;
        const done = await settled(() => cancelRun(fermata, id, asked.reason));
        items.push('error' in done ? { runId: id, status: null, error: done.error } : { ...done.value, error: null });
      }
      return c.json({ items, nextCursor: next }, 202);
    });

  /** The ids as they were given, or the runs that a filter finds: `unless` it says otherwise, and `always`. */
  async function chosen(
    { ids, filter, limit: given, cursor }: z.infer<typeof retryBody>,
    unless: { readonly status?: RunView['status'] },
    always: { readonly open?: true },
  ): Promise<{ readonly runs: readonly (string | RunView)[]; readonly next: string | null }> {
    if ((ids === undefined) === (filter === undefined)) {
      const message =
        ids === undefined ? 'is missing: give "ids", or a "filter"' : 'is given beside "filter": keep one';
      throw new FermataError('invalidRequest', `The request has a fault: ids: ${message}.`, {
        faults: [{ path: 'ids', message }],
      });
    }
    if (ids !== undefined) {
      assertNoPages({ limit: given, cursor });
      return { runs: [...new Set(ids)], next: null };
    }
    const limit = given ?? 100;
    const rows = await runtime.list({
      ...unless,
      ...filter,
      ...always,
      limit: limit + 1,
      after: readCursor('runs', cursor),
    });
    const { items, nextCursor: next } = pageOf(
      rows,
      limit,
      ({ runId }) => toCursor('runs', runId),
      (run) => run,
    );
    return { runs: items, next };
  }
}

/** All ids are done at once. Ignored, a limit would let more runs be cancelled than somebody meant. */
function assertNoPages(given: Readonly<Record<'limit' | 'cursor', unknown>>): void {
  const message = 'is given beside "ids", all of which are done at once: it is for a "filter", leave it out';
  const faults = (['limit', 'cursor'] as const)
    .filter((field) => given[field] !== undefined)
    .map((path) => ({ path, message }));
  if (faults.length > 0) throw new FermataError('invalidRequest', faultsMessage('The request', faults), { faults });
}

/** What ends the whole request: none of the others could be done either. */
const OF_ALL: ReadonlySet<string> = new Set(['storeUnavailable', 'outcomeUnknown', 'shuttingDown', 'databaseInUse']);

/** What became of one of many: also one that is damaged hinders no other. */
async function settled<Value>(
  work: () => Promise<Value>,
): Promise<{ readonly value: Value } | { readonly error: z.infer<typeof problem> }> {
  try {
    return { value: await work() };
  } catch (thrown) {
    if (!(thrown instanceof FermataError) || OF_ALL.has(thrown.code)) throw thrown;
    return { error: { code: thrown.code, detail: thrown.message } };
  }
}
