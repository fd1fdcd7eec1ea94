/** A goal, without a document: the run that works towards it. */
import { createRoute } from '@hono/zod-openapi';
import { execute } from '../../document/execute.ts';
import { planExecuteReflectTaskSchema } from '../../document/kinds/plan-execute-reflect.ts';
import { keptPlanExecute, PLAN_EXECUTE, planExecuteDocument } from '../../document/plan-execute.ts';
import { name, prompt } from '../../document/fields.ts';
import type { Started } from '../../runtime/runtime.ts';
import { idempotencyHeader, idempotencyOf } from '../idempotency.ts';
import { givenTags } from '../parameters.ts';
import { answers, body, fields, newRouter, type Surroundings } from '../router.ts';
import { linksOf, startedSchema } from '../run-view.ts';

const task = planExecuteReflectTaskSchema.shape;
const planExecuteBody = fields({
  goal: prompt.describe('A text; nothing in it is a template'),
  name: name.optional().describe(`Of the workflow that is kept for such goals; default: ${PLAN_EXECUTE}`),
  tags: givenTags,
  breadth: task.breadth.describe('Proposed tasks at once; default: 3'),
  depth: task.depth.describe('Rounds at most; default: 3'),
  dynamicTaskLimit: task.dynamicTaskLimit.unwrap().optional().describe('Tasks of one plan; default: 10'),
  onLimit: task.onLimit.unwrap().optional(),
  allow: task.allow,
  prompts: task.prompts.unwrap().optional(),
  system: task.system,
  provider: task.provider,
  model: task.model,
  temperature: task.temperature,
  maxOutputTokens: task.maxOutputTokens,
  responseFormat: task.responseFormat.unwrap().optional().describe('Of the answer'),
  maxRetries: task.maxRetries,
  timeoutSeconds: task.timeoutSeconds,
}).openapi('PlanExecuteRequest');

const planExecute = createRoute({
  method: 'post',
  path: '/workflows/plan-execute',
  operationId: 'planExecute',
  summary: 'Start a run that plans, does and judges what a goal needs, and answers it',
  tags: ['executions'],
  request: { headers: idempotencyHeader, body: body(planExecuteBody, true) },
  responses: { 202: answers('Started', startedSchema) },
});

/** Routes of goals. */
export function planExecuteRoutes({ fermata }: Surroundings) {
  const { workflows, runtime } = fermata;
  return newRouter().openapi(planExecute, async (c) => {
    const request = c.req.valid('json');
    const { goal, tags, ...options } = request;
    const idempotency = idempotencyOf(c.req.valid('header')['idempotency-key'], PLAN_EXECUTE, request);
    const startNew = async (): Promise<Started> => {
      const workflow = await keptPlanExecute(workflows, planExecuteDocument(options));
      const definition = await workflows.definition(workflow.id, workflow.version);
      await fermata.assertRunnable(definition);
      return execute(runtime, workflow, definition, { input: { goal }, tags, idempotency }, fermata);
    };
    const started = (await runtime.startedBefore(idempotency)) ?? (await startNew());
    c.set('runId', started.runId);
    c.header('Location', `/api/v1/runs/${started.runId}`);
    return c.json({ runId: started.runId, status: started.status, links: linksOf(started.runId) }, 202);
  });
}
