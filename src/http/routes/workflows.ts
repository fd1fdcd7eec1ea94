/** Workflows: create, read, version, list, look at, delete. */
import { createRoute, z } from '@hono/zod-openapi';
import { analysisOf } from '../../document/analysis.ts';
import { graphOf } from '../../document/graph.ts';
import { namedWorkflowsOf } from '../../document/known-workflows.ts';
import { inTurns } from '../../document/steps.ts';
import type { Workflow } from '../../document/workflows.ts';
import { analysisSchema, analysisView } from '../analysis-view.ts';
import { listOf, pageOf, pageQuery, readCursor, readNumberCursor, toCursor } from '../page.ts';
import { searchParameter, splitTags, tagsParameter, workflowPath } from '../parameters.ts';
import { readDocument } from '../request-body.ts';
import { answers, fields, newRouter, type Surroundings } from '../router.ts';
import { graphSchema, graphView } from '../graph-view.ts';
import {
  shownOf,
  WorkflowSummaries,
  workflowSummary,
  workflowSummarySchema,
  type WorkflowSummary,
} from '../workflow-summaries.ts';

const workflowSchema = workflowSummarySchema
  .extend({ document: z.unknown().openapi({ type: 'object', description: 'As it was written' }) })
  .openapi('Workflow');
const validSchema = z
  .object({
    valid: z.literal(true),
    name: z.string(),
    tasks: z.int(),
    runs: z.array(z.string()).optional().describe('Workflows that its tasks run by name, also in inline documents'),
    analysis: analysisSchema,
  })
  .openapi('ValidDocument');

/** A document in JSON or YAML. It is checked by `document/parse.ts`, which finds all faults of fields and of the graph at once. */
const documentBody = {
  required: true,
  content: {
    'application/json': { schema: { $ref: '#/components/schemas/WorkflowDocument' } },
    'application/yaml': { schema: { $ref: '#/components/schemas/WorkflowDocument' } },
    'text/yaml': { schema: { $ref: '#/components/schemas/WorkflowDocument' } },
  },
};
const validateQuery = fields({ validate: z.enum(['only']).optional().describe('Check, and store nothing') });
const tags = ['workflows'];

const create = createRoute({
  method: 'post',
  path: '/workflows',
  operationId: 'createWorkflow',
  summary: 'Create a workflow from a document',
  tags,
  request: { query: validateQuery, body: documentBody },
  responses: { 201: answers('Created', workflowSchema), 200: answers('Valid; nothing was stored', validSchema) },
});
const list = createRoute({
  method: 'get',
  path: '/workflows',
  operationId: 'listWorkflows',
  summary: 'List workflows',
  tags,
  request: { query: fields({ tags: tagsParameter, q: searchParameter, ...pageQuery }) },
  responses: { 200: answers('A page', listOf(workflowSummarySchema)) },
});
const read = createRoute({
  method: 'get',
  path: '/workflows/{id}',
  operationId: 'getWorkflow',
  summary: 'A workflow with its document, in its newest version or the one named',
  tags,
  request: {
    params: workflowPath,
    query: fields({ version: z.coerce.number<string | number>().int().min(1).optional() }),
  },
  responses: { 200: answers('The workflow', workflowSchema) },
});
const update = createRoute({
  method: 'put',
  path: '/workflows/{id}',
  operationId: 'updateWorkflow',
  summary: 'Store a new version; runs in flight keep theirs',
  tags,
  request: { params: workflowPath, query: validateQuery, body: documentBody },
  responses: { 200: answers('The new version', z.union([workflowSchema, validSchema])) },
});
const versions = createRoute({
  method: 'get',
  path: '/workflows/{id}/versions',
  operationId: 'listWorkflowVersions',
  summary: 'All versions, newest first',
  tags,
  request: { params: workflowPath, query: fields(pageQuery) },
  responses: { 200: answers('A page', listOf(workflowSummarySchema)) },
});
const graph = createRoute({
  method: 'get',
  path: '/workflows/{id}/graph',
  operationId: 'getWorkflowGraph',
  summary: 'Tasks, dependencies, and the stages in which they can run',
  tags,
  request: { params: workflowPath },
  responses: { 200: answers('The graph', graphSchema) },
});
const remove = createRoute({
  method: 'delete',
  path: '/workflows/{id}',
  operationId: 'deleteWorkflow',
  summary: 'Delete a workflow; runs in flight go on',
  tags,
  request: { params: workflowPath },
  responses: { 204: { description: 'Deleted' } },
});

/** Routes of workflows. */
export function workflowRoutes({ fermata }: Surroundings) {
  const { workflows } = fermata;
  const summaries = new WorkflowSummaries();
  const validated = async (document: unknown, version = 1): Promise<z.infer<typeof validSchema>> => {
    const definition = await workflows.checkInTurns(document);
    await workflows.assertKnown(definition, version);
    const analysis = await inTurns(analysisOf(document, definition, await workflows.below(definition)));
    const { name, tasks: written } = definition;
    const runs = namedWorkflowsOf(definition);
    const more = runs.length === 0 ? {} : { runs: [...runs] };
    return { valid: true, name, tasks: written.length, ...more, analysis: analysisView(analysis) };
  };
  return newRouter()
    .openapi(create, async (c) => {
      const document = await readDocument(c);
      if (c.req.valid('query').validate === 'only') return c.json(await validated(document), 200);
      const workflow = await workflows.create(document);
      c.header('Location', `/api/v1/workflows/${workflow.id}`);
      return c.json(workflowView(workflow), 201);
    })
    .openapi(list, async (c) => {
      const { tags: wanted, q, limit, cursor } = c.req.valid('query');
      const rows = await fermata.workflowRows({
        tags: splitTags(wanted),
        q,
        limit: limit + 1,
        after: readCursor('workflows', cursor),
      });
      return c.json(
        pageOf(
          rows,
          limit,
          ({ id }) => toCursor('workflows', id),
          (row) => summaries.of(row),
        ),
        200,
      );
    })
    .openapi(read, async (c) =>
      c.json(workflowView(await workflows.get(c.req.valid('param').id, c.req.valid('query').version)), 200),
    )
    .openapi(update, async (c) => {
      const document = await readDocument(c);
      const { id } = c.req.valid('param');
      if (c.req.valid('query').validate === 'only') {
        const { version } = await workflows.get(id);
        return c.json(await validated(document, version + 1), 200);
      }
      return c.json(workflowView(await workflows.addVersion(id, document)), 200);
    })
    .openapi(versions, async (c) => {
      const { limit, cursor } = c.req.valid('query');
      const after = readNumberCursor('versions', cursor) ?? Infinity;
      const rows = (await workflows.versions(c.req.valid('param').id)).filter(({ version }) => version < after);
      return c.json(
        pageOf(rows, limit, ({ version }) => toCursor('versions', version), summaryOf),
        200,
      );
    })
    .openapi(graph, async (c) => {
      const { id, version } = await workflows.get(c.req.valid('param').id);
      const definition = await workflows.definition(id, version);
      return c.json(graphView(definition, version, graphOf(definition)), 200);
    })
    .openapi(remove, async (c) => {
      await workflows.delete(c.req.valid('param').id);
      return c.body(null, 204);
    });
}

function summaryOf(workflow: Workflow): WorkflowSummary {
  return workflowSummary(workflow, shownOf(workflow.document));
}

function workflowView(workflow: Workflow): z.infer<typeof workflowSchema> {
  return { ...summaryOf(workflow), document: workflow.document };
}
