/** Commands to one task of a run. */
import { createRoute, z } from '@hono/zod-openapi';
import { forkConfigSchema } from '../../document/execute.ts';
import { FermataError } from '../../errors.ts';
import { approvalBody, cancelBody, runPath } from '../parameters.ts';
import { answers, body, fields, newRouter, type Surroundings } from '../router.ts';
import { idempotencyHeader, idempotencyOf } from '../idempotency.ts';
import { retryTask } from '../retrying.ts';
import { approveTask, cancelTask } from '../run-commands.ts';
import { commandSchema, linksOf, startedSchema } from '../run-view.ts';

const tags = ['tasks'];
const taskPath = runPath.extend({ task: z.string().min(1) });

const approve = createRoute({
  method: 'post',
  path: '/runs/{id}/tasks/{task}/approve',
  operationId: 'approveTask',
  summary: 'Decide on a task that awaits approval; once',
  tags,
  request: { params: taskPath, body: body(approvalBody, true) },
  responses: { 202: answers('Taken', commandSchema) },
});
const cancel = createRoute({
  method: 'post',
  path: '/runs/{id}/tasks/{task}/cancel',
  operationId: 'cancelTask',
  summary: 'Cancel a task that has not ended',
  tags,
  request: { params: taskPath, body: body(cancelBody, false) },
  responses: { 202: answers('Taken', commandSchema) },
});
const retryBody = fields({
  config: fields(forkConfigSchema.shape)
    .optional()
    .describe('The budget of the new run, where it is to be another one'),
}).openapi('RetryTaskRequest');
const retry = createRoute({
  method: 'post',
  path: '/runs/{id}/tasks/{task}/retry',
  operationId: 'retryTask',
  summary: 'Try a task again: in its run where it is in doubt, in a new run where it has come to nothing',
  tags,
  request: { params: taskPath, headers: idempotencyHeader, body: body(retryBody, false) },
  responses: { 202: answers('The run in which it is tried', startedSchema) },
});

/** Routes of tasks. */
export function taskRoutes({ fermata }: Surroundings) {
  return newRouter()
    .openapi(approve, async (c) => {
      const { id, task } = c.req.valid('param');
      const decision = c.req.valid('json');
      assertNoEdits(decision);
      return c.json(await approveTask(fermata, id, task, decision), 202);
    })
    .openapi(cancel, async (c) => {
      const { id, task } = c.req.valid('param');
      return c.json(await cancelTask(fermata, id, task, c.req.valid('json').reason), 202);
    })
    .openapi(retry, async (c) => {
      const { id, task } = c.req.valid('param');
      const asked = c.req.valid('json');
      const key = idempotencyOf(c.req.valid('header')['idempotency-key'], `${id}/tasks/${task}/retry`, asked);
      const { runId, status } = await retryTask(fermata, id, task, { idempotency: key, config: asked.config });
      c.header('Location', `/api/v1/runs/${runId}`);
      return c.json({ runId, status, links: linksOf(runId) }, 202);
    });
}

/** Edits would change what is called: refused rather than ignored. */
export function assertNoEdits({ edits }: { readonly edits?: unknown }): void {
  if (edits === undefined) return;
  throw new FermataError(
    'notSupported',
    'Approving with edits is not supported yet. Decide without them, or cancel the run and change the document.',
    { faults: [{ path: 'edits', message: 'is not supported yet' }] },
  );
}
