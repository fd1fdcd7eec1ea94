/** Runs: list, read, delete. */
import { createRoute, z } from '@hono/zod-openapi';
import { graphOf } from '../../document/graph.ts';
import { graphSchema, graphView } from '../graph-view.ts';
import { pageOf, pageQuery, readCursor, readNumberCursor, toCursor } from '../page.ts';
import { runPath, searchParameter, splitTags, tagsParameter } from '../parameters.ts';
import { answers, fields, newRouter, type Surroundings } from '../router.ts';
import { runStatusSchema } from '../run-status.ts';
import {
  resultsQuery,
  resultsSchema,
  runDetail,
  runListSchema,
  runProgress,
  runResults,
  runSchema,
  runSummary,
  statusSchema,
} from '../run-view.ts';
import { definitionOf } from '../task-view.ts';

const tags = ['runs'];

const list = createRoute({
  method: 'get',
  path: '/runs',
  operationId: 'listRuns',
  summary: 'List runs, newest first',
  tags,
  request: {
    query: fields({
      workflowId: z.string().optional(),
      parent: z.string().optional().describe('Id of the run that began them: its sub-workflows'),
      status: runStatusSchema.optional(),
      blocked: z.literal('true').optional().openapi({
        description:
          'Only those that cannot go on: quarantined, their machine is missing, their row is damaged, or a call of theirs cannot be made here',
      }),
      forkedFrom: z.string().min(1).max(200).optional().openapi({ description: 'Forks of this run' }),
      tags: tagsParameter,
      q: searchParameter,
      ...pageQuery,
    }),
  },
  responses: { 200: answers('A page', runListSchema) },
});
const read = createRoute({
  method: 'get',
  path: '/runs/{id}',
  operationId: 'getRun',
  summary: 'A run in full',
  tags,
  request: { params: runPath },
  responses: { 200: answers('The run', runSchema) },
});
const status = createRoute({
  method: 'get',
  path: '/runs/{id}/status',
  operationId: 'getRunStatus',
  summary: 'How far a run is',
  tags,
  request: { params: runPath },
  responses: { 200: answers('Its status', statusSchema) },
});
const results = createRoute({
  method: 'get',
  path: '/runs/{id}/results',
  operationId: 'getRunResults',
  summary: 'Output of a run and of its tasks',
  tags,
  request: { params: runPath, query: resultsQuery },
  responses: { 200: answers('A page', resultsSchema) },
});
const graph = createRoute({
  method: 'get',
  path: '/runs/{id}/graph',
  operationId: 'getRunGraph',
  summary: 'Nodes, edges and stages of what a run executes: of a fork, with its edits',
  tags,
  request: { params: runPath },
  responses: { 200: answers('The graph', graphSchema) },
});
const remove = createRoute({
  method: 'delete',
  path: '/runs/{id}',
  operationId: 'deleteRun',
  summary: 'Delete an ended run',
  tags,
  request: { params: runPath },
  responses: { 204: { description: 'Deleted' } },
});

/** Routes of runs. */
export function runRoutes(surroundings: Surroundings) {
  const { runtime } = surroundings.fermata;
  return newRouter()
    .openapi(list, async (c) => {
      const query = c.req.valid('query');
      const { workflowId, parent, status: wanted, blocked, forkedFrom, tags: tagged, q, limit, cursor } = query;
      const rows = await runtime.list({
        workflowId,
        parent,
        status: wanted,
        blocked: blocked === 'true',
        forkedFrom,
        tags: splitTags(tagged),
        q,
        limit: limit + 1,
        after: readCursor('runs', cursor),
      });
      return c.json(
        pageOf(rows, limit, ({ runId }) => toCursor('runs', runId), runSummary),
        200,
      );
    })
    .openapi(read, async (c) => c.json(await runDetail(surroundings, c.req.valid('param').id), 200))
    .openapi(status, async (c) => c.json(await runProgress(surroundings, c.req.valid('param').id), 200))
    .openapi(results, async (c) => {
      const { limit, cursor, output } = c.req.valid('query');
      return c.json(
        await runResults(surroundings, c.req.valid('param').id, {
          limit,
          after: readNumberCursor('tasks', cursor),
          output,
        }),
        200,
      );
    })
    .openapi(graph, async (c) => {
      const run = await runtime.read(c.req.valid('param').id);
      const definition = await definitionOf(surroundings.fermata, run);
      return c.json(graphView(definition, run.workflow?.version ?? 1, graphOf(definition)), 200);
    })
    .openapi(remove, async (c) => {
      await runtime.delete(c.req.valid('param').id);
      return c.body(null, 204);
    });
}
