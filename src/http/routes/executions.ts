/** Runs of a workflow: start one, and what is asked of a workflow and answered by its latest run. */
import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { execute as startRun, runConfigSchema, type ExecuteRequest } from '../../document/execute.ts';
import { FermataError } from '../../errors.ts';
import type { Started } from '../../runtime/runtime.ts';
import { idempotencyHeader, idempotencyOf } from '../idempotency.ts';
import { readNumberCursor } from '../page.ts';
import {
  approvalBody,
  cancelBody,
  givenTags,
  runStreamQuery,
  streamHeaders,
  streamResponses,
  workflowPath,
} from '../parameters.ts';
import { answers, body, fields, newRouter, type HttpEnvironment, type Surroundings } from '../router.ts';
import { approveTask, cancelRun } from '../run-commands.ts';
import {
  commandSchema,
  linksOf,
  resultsQuery,
  resultsSchema,
  runProgress,
  runResults,
  startedSchema,
  statusSchema,
} from '../run-view.ts';
import { streamOfRun } from '../stream.ts';
import { assertNoEdits } from './tasks.ts';

const tags = ['executions'];
const executeBody = fields({
  input: z.unknown().optional(),
  tags: givenTags,
  config: fields(runConfigSchema.shape).optional(),
}).openapi('ExecuteRequest');
const contentLocation = { headers: z.object({ 'Content-Location': z.string().describe('The run that answers') }) };

const execute = createRoute({
  method: 'post',
  path: '/workflows/{id}/execute',
  operationId: 'executeWorkflow',
  summary: 'Start a run of the newest version',
  tags,
  request: { params: workflowPath, headers: idempotencyHeader, body: body(executeBody, false) },
  responses: { 202: answers('Started', startedSchema) },
});
const status = createRoute({
  method: 'get',
  path: '/workflows/{id}/status',
  operationId: 'getLatestStatus',
  summary: 'Status of the latest run',
  tags,
  request: { params: workflowPath },
  responses: { 200: { ...answers('Its status', statusSchema), ...contentLocation } },
});
const results = createRoute({
  method: 'get',
  path: '/workflows/{id}/results',
  operationId: 'getLatestResults',
  summary: 'Results of the latest run',
  tags,
  request: { params: workflowPath, query: resultsQuery },
  responses: { 200: { ...answers('Its results', resultsSchema), ...contentLocation } },
});
const stream = createRoute({
  method: 'get',
  path: '/workflows/{id}/stream',
  operationId: 'streamLatest',
  summary: 'Facts of the latest run (SSE)',
  tags,
  request: { params: workflowPath, query: runStreamQuery, headers: streamHeaders },
  responses: streamResponses,
});
const cancel = createRoute({
  method: 'post',
  path: '/workflows/{id}/cancel',
  operationId: 'cancelLatest',
  summary: 'Cancel the latest run',
  tags,
  request: { params: workflowPath, body: body(cancelBody, false) },
  responses: { 202: { ...answers('Taken', commandSchema), ...contentLocation } },
});
const approve = createRoute({
  method: 'post',
  path: '/workflows/{id}/tasks/{task}/approve',
  operationId: 'approveLatest',
  summary: 'Decide on a task of the latest run',
  tags,
  request: { params: workflowPath.extend({ task: z.string() }), body: body(approvalBody, true) },
  responses: { 202: { ...answers('Taken', commandSchema), ...contentLocation } },
});

/** Routes that start runs of a workflow, and those of its latest run. */
export function executionRoutes(surroundings: Surroundings) {
  const { fermata } = surroundings;
  const { workflows, runtime } = fermata;

  /** Names the run that answers. Throws `notFound` where the workflow is unknown or was never executed. */
  const latest = async (c: Context<HttpEnvironment>, id: string): Promise<string> => {
    await workflows.get(id);
    const [run] = await runtime.list({ workflowId: id, limit: 1 });
    if (run === undefined)
      throw new FermataError(
        'notFound',
        `Workflow ${id} has no run yet. Start one with POST /api/v1/workflows/${id}/execute.`,
      );
    c.header('Content-Location', `/api/v1/runs/${run.runId}`);
    c.set('runId', run.runId);
    return run.runId;
  };

  const startNew = async (id: string, request: ExecuteRequest): Promise<Started> => {
    const workflow = await workflows.get(id);
    const definition = await workflows.definition(id, workflow.version);
    await fermata.assertRunnable(definition, request.config);
    return startRun(runtime, workflow, definition, request, fermata);
  };

  return newRouter()
    .openapi(execute, async (c) => {
      const { id } = c.req.valid('param');
      const request = c.req.valid('json');
      const idempotency = idempotencyOf(c.req.valid('header')['idempotency-key'], id, request);
      // First of all: what was started stays started, whatever has become of the workflow since.
      const started = (await runtime.startedBefore(idempotency)) ?? (await startNew(id, { ...request, idempotency }));
      c.set('runId', started.runId);
      c.header('Location', `/api/v1/runs/${started.runId}`);
      return c.json({ runId: started.runId, status: started.status, links: linksOf(started.runId) }, 202);
    })
    .openapi(status, async (c) =>
      c.json(await runProgress(surroundings, await latest(c, c.req.valid('param').id)), 200),
    )
    .openapi(results, async (c) => {
      const { limit, cursor, output } = c.req.valid('query');
      return c.json(
        await runResults(surroundings, await latest(c, c.req.valid('param').id), {
          limit,
          after: readNumberCursor('tasks', cursor),
          output,
        }),
        200,
      );
    })
    .openapi(stream, async (c) =>
      streamOfRun(c, surroundings, await latest(c, c.req.valid('param').id), c.req.valid('query')),
    )
    .openapi(cancel, async (c) =>
      c.json(await cancelRun(fermata, await latest(c, c.req.valid('param').id), c.req.valid('json').reason), 202),
    )
    .openapi(approve, async (c) => {
      const { id, task } = c.req.valid('param');
      const decision = c.req.valid('json');
      assertNoEdits(decision);
      return c.json(await approveTask(fermata, await latest(c, id), task, decision), 202);
    });
}
