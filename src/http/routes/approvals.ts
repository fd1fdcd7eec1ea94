/** What people are asked, over all runs. */
import { createRoute, z } from '@hono/zod-openapi';
import type { PendingApproval } from '../../store/approvals.ts';
import { iso } from '../json.ts';
import { listOf, pageOf, pageQuery, readNumberCursor, toCursor } from '../page.ts';
import { answers, fields, newRouter, type Surroundings } from '../router.ts';
import { decisionOf } from '../run-commands.ts';

const statusSchema = z.enum(['pending', 'approved', 'rejected', 'expired', 'cancelled']);
const approvalSchema = z
  .object({
    runId: z.string(),
    task: z.string(),
    status: statusSchema,
    prompt: z.string(),
    requestedAt: z.iso.datetime(),
    expiresAt: z.iso.datetime().nullable(),
    decision: z
      .object({
        status: z.string(),
        approved: z.boolean(),
        reason: z.string().optional(),
        by: z.string().optional(),
        at: z.iso.datetime().nullable(),
      })
      .nullable(),
    links: z.object({ approve: z.string(), run: z.string() }),
  })
  .openapi('Approval');

const list = createRoute({
  method: 'get',
  path: '/approvals',
  operationId: 'listApprovals',
  summary: 'Approvals that are asked for, oldest first',
  tags: ['approvals'],
  request: { query: fields({ status: statusSchema.default('pending'), ...pageQuery }) },
  responses: { 200: answers('A page', listOf(approvalSchema)) },
});

/** Routes of approvals; they are decided on at their task. */
export function approvalRoutes({ fermata: { runtime } }: Surroundings) {
  return newRouter().openapi(list, async (c) => {
    const { status, limit, cursor } = c.req.valid('query');
    const after = readNumberCursor('approvals', cursor);
    const rows = await runtime.approvals({ status, limit: limit + 1, ...(after === undefined ? {} : { after }) });
    return c.json(
      pageOf(rows, limit, ({ order }) => toCursor('approvals', order), approvalView),
      200,
    );
  });
}

function approvalView(approval: PendingApproval): z.infer<typeof approvalSchema> {
  const { run, task, status, prompt, requestedAt, expiresAt } = approval;
  const self = `/api/v1/runs/${run}`;
  return {
    runId: run,
    task,
    status,
    prompt,
    requestedAt: iso(requestedAt),
    expiresAt: iso(expiresAt),
    decision: status === 'pending' ? null : decisionOf(approval),
    links: { approve: `${self}/tasks/${encodeURIComponent(task)}/approve`, run: self },
  };
}
