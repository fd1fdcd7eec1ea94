/** Workflows: create, read, version, list, look at, delete. */
import { createRoute, z } from '@hono/zod-openapi';
import { graphOf } from '../../document/graph.ts';
import type { Workflow } from '../../document/workflows.ts';
import { iso } from '../json.ts';
import { listOf, pageOf, pageQuery, readCursor, toCursor } from '../page.ts';
import { searchParameter, splitTags, tagsParameter, workflowPath } from '../parameters.ts';
import { readDocument } from '../request-body.ts';
import { answers, fields, newRouter, type Surroundings } from '../router.ts';
import { graphSchema, graphView } from '../graph-view.ts';

/** A stored workflow, without its document. */
const workflowSummarySchema = z
  .object({
    id: z.string(),
    name: z.string(),
    version: z.int(),
    description: z.string().nullable(),
    tags: z.array(z.string()),
    tasks: z.int().describe('How many'),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .openapi('WorkflowSummary');
const workflowSchema = workflowSummarySchema
  .extend({ document: z.unknown().openapi({ type: 'object', description: 'As it was written' }) })
  .openapi('Workflow');
const validSchema = z.object({ valid: z.literal(true), name: z.string(), tasks: z.int() }).openapi('ValidDocument');

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
  request: { params: workflowPath, query: fields({ version: z.coerce.number<string>().int().min(1).optional() }) },
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
  request: { params: workflowPath },
  responses: { 200: answers('All of them', listOf(workflowSummarySchema)) },
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
  const validated = (document: unknown): z.infer<typeof validSchema> => {
    const { name, tasks } = workflows.check(document);
    return { valid: true, name, tasks: tasks.length };
  };
  return newRouter()
    .openapi(create, async (c) => {
      const document = await readDocument(c);
      if (c.req.valid('query').validate === 'only') return c.json(validated(document), 200);
      const workflow = await workflows.create(document);
      c.header('Location', `/api/v1/workflows/${workflow.id}`);
      return c.json(workflowView(workflow), 201);
    })
    .openapi(list, async (c) => {
      const { tags: wanted, q, limit, cursor } = c.req.valid('query');
      const rows = await workflows.list({
        tags: splitTags(wanted),
        q,
        limit: limit + 1,
        after: readCursor('workflows', cursor),
      });
      return c.json(
        pageOf(rows, limit, ({ id }) => toCursor('workflows', id), workflowSummary),
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
        await workflows.get(id);
        return c.json(validated(document), 200);
      }
      return c.json(workflowView(await workflows.addVersion(id, document)), 200);
    })
    .openapi(versions, async (c) =>
      c.json(
        { items: (await workflows.versions(c.req.valid('param').id)).map(workflowSummary), nextCursor: null },
        200,
      ),
    )
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

function workflowSummary({
  id,
  name,
  version,
  tags: given,
  createdAt,
  updatedAt,
  document,
}: Workflow): z.infer<typeof workflowSummarySchema> {
  return {
    id,
    name,
    version,
    description: document.description ?? null,
    tags: [...given],
    tasks: document.tasks.length,
    createdAt: iso(createdAt),
    updatedAt: iso(updatedAt),
  };
}

function workflowView(workflow: Workflow): z.infer<typeof workflowSchema> {
  return { ...workflowSummary(workflow), document: workflow.document };
}
