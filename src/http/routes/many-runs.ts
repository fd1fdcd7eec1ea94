/** What is done to many runs at once. Each is done by itself: what one is refused hinders no other. */
import { createRoute, z } from '@hono/zod-openapi';
import { FermataError } from '../../errors.ts';
import type { RunView } from '../../runtime/runtime.ts';
import { idempotencyHeader, idempotencyOf } from '../idempotency.ts';
import { pageOf, readCursor, toCursor } from '../page.ts';
import { isTakenCareOf, retryRun } from '../retrying.ts';
import { answers, body, fields, newRouter, type Surroundings } from '../router.ts';
import { runStatusSchema } from '../run-status.ts';
import { cancelRun } from '../run-commands.ts';

const tags = ['executions'];
const MOST = 1_000;

const which = {
  ids: z.array(z.string().min(1).max(200)).min(1).max(MOST).optional().describe('These'),
  filter: fields({
    workflowId: z.string().optional(),
    status: runStatusSchema.optional(),
    tags: z.array(z.string().min(1).max(200)).max(100).optional().describe('All of them'),
    q: z.string().min(1).max(200).optional().describe('Part of the name or id'),
  })
    .optional()
    .describe('Or those that a list would have, newest first'),
  limit: z.int().min(1).max(MOST).optional().describe('Of the filter: runs that are looked at; default 100'),
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
      const { runs, next } = await chosen(asked, { status: 'failed' });
      const items: z.infer<typeof retriedSchema>['items'] = [];
      for (const run of runs) {
        const isFound = typeof run !== 'string';
        const runId = isFound ? run.runId : run;
        // By filters it is tried once, also by two that come at the same moment.
        const unless = isFound ? `fermata.retry/${runId}` : undefined;
        const keys = idempotencyOf(key === undefined ? unless : `${key}/${runId}`, `${runId}/retry`, {});
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
      const { runs, next } = await chosen(asked, {});
      const open = runs.flatMap((run) => (typeof run === 'string' ? [run] : run.endedAt === null ? [run.runId] : []));
      const items: z.infer<typeof cancelledSchema>['items'] = [];
      for (const id of open) {
        const done = await settled(() => cancelRun(fermata, id, asked.reason));
        items.push('error' in done ? { runId: id, status: null, error: done.error } : { ...done.value, error: null });
      }
      return c.json({ items, nextCursor: next }, 202);
    });

  /** The ids as they were given, or the runs that a filter finds. */
  async function chosen(
    { ids, filter, limit = 100, cursor }: z.infer<typeof retryBody>,
    unless: { readonly status?: RunView['status'] },
  ): Promise<{ readonly runs: readonly (string | RunView)[]; readonly next: string | null }> {
    if ((ids === undefined) === (filter === undefined)) {
      const message =
        ids === undefined ? 'is missing: give "ids", or a "filter"' : 'is given beside "filter": keep one';
      throw new FermataError('invalidRequest', `The request has a fault: ids: ${message}.`, {
        faults: [{ path: 'ids', message }],
      });
    }
    if (ids !== undefined) return { runs: [...new Set(ids)], next: null };
    const rows = await runtime.list({ ...unless, ...filter, limit: limit + 1, after: readCursor('runs', cursor) });
    const { items, nextCursor: next } = pageOf(
      rows,
      limit,
      ({ runId }) => toCursor('runs', runId),
      (run) => run,
    );
    return { runs: items, next };
  }
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
