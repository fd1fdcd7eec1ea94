/** What a run would cost and do: before it, without asking a model, without storing anything. */
import { createRoute, z } from '@hono/zod-openapi';
import { configured, runConfigSchema, type RunConfig } from '../../document/execute.ts';
import { estimateFields, estimateView } from '../estimate-view.ts';
import { workflowPath } from '../parameters.ts';
import { answers, body, fields, newRouter, type Surroundings } from '../router.ts';
import { dryRunFields, dryRunView } from '../dry-run-view.ts';

const tags = ['workflows'];
const request = body(
  fields({
    input: z.unknown().optional().describe('Of the run, as execute takes it'),
    config: fields(runConfigSchema.shape).optional().describe('The same'),
  }).openapi('EstimateRequest'),
  false,
);
const head = { workflowId: z.string(), name: z.string(), version: z.int() };

const estimate = createRoute({
  method: 'post',
  path: '/workflows/{id}/estimate-cost',
  operationId: 'estimateCost',
  summary: 'What a run would cost: the least, what to expect, the most',
  tags,
  request: { params: workflowPath, body: request },
  responses: { 200: answers('The estimate', z.object({ ...head, ...estimateFields }).openapi('CostEstimate')) },
});
const dryRun = createRoute({
  method: 'post',
  path: '/workflows/{id}/dry-run',
  operationId: 'dryRunWorkflow',
  summary: 'What a run would do: stages, time, approvals, waits and money',
  tags,
  request: { params: workflowPath, body: request },
  responses: { 200: answers('What would happen', z.object({ ...head, ...dryRunFields }).openapi('DryRun')) },
});

/** Routes that look ahead. */
export function estimateRoutes({ fermata: { workflows, estimates } }: Surroundings) {
  const newest = async (id: string, config: RunConfig | undefined) => {
    const { name, version } = await workflows.get(id);
    const definition = configured(await workflows.definition(id, version), config);
    return { definition, head: { workflowId: id, name, version } };
  };
  return newRouter()
    .openapi(estimate, async (c) => {
      const { input, config } = c.req.valid('json');
      const { definition, head: of } = await newest(c.req.valid('param').id, config);
      const found = await estimates.of(definition, input);
      return c.json({ ...of, ...estimateView(found, definition.budget) }, 200);
    })
    .openapi(dryRun, async (c) => {
      const { input, config } = c.req.valid('json');
      const { definition, head: of } = await newest(c.req.valid('param').id, config);
      const found = await estimates.dryRun(definition, input, of.workflowId);
      return c.json({ ...of, ...dryRunView(found, definition.budget) }, 200);
    });
}
