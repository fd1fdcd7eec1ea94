/** Runs that go on from another one: forked at a point, or to try again what did not succeed. */
import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { forkConfigSchema } from '../../document/execute.ts';
import { fork, type ForkRequest } from '../../document/fork/request.ts';
import { FermataError } from '../../errors.ts';
import { idempotencyHeader, idempotencyOf } from '../idempotency.ts';
import { manyOf } from '../many.ts';
import { runPath } from '../parameters.ts';
import { refusePrototype } from '../request-body.ts';
import { answers, body, fields, newRouter, type HttpEnvironment, type Surroundings } from '../router.ts';
import { linksOf, startedSchema } from '../run-view.ts';

const tags = ['executions'];

const edit = fields({
  prompt: z.string().optional().describe('In place of the prompt that the task has'),
  output: z.unknown().optional().describe('The task does not run: this is what it gives'),
});
const forkBody = fields({
  fromTask: z.string().min(1).optional().describe('This task, and all that depends on it, runs anew'),
  atSeq: z.int().min(0).optional().describe('Number of a fact (`seq` of the stream): what came after it runs anew'),
  edits: manyOf('edits', z.record(z.string(), edit))
    .optional()
    .describe('By task; what depends on an edited task runs anew as well'),
  config: fields(forkConfigSchema.shape).optional().describe('The budget, where it is to be another one'),
}).openapi('ForkRequest');
const retryBody = fields({
  config: fields(forkConfigSchema.shape).optional().describe('The budget, where it is to be another one'),
}).openapi('RetryRequest');

const forkRun = createRoute({
  method: 'post',
  path: '/runs/{id}/fork',
  operationId: 'forkRun',
  summary: 'Start a run that takes over what this one has found up to a point',
  tags,
  request: { params: runPath, headers: idempotencyHeader, body: body(forkBody, true) },
  responses: { 202: answers('Started', startedSchema) },
});
const retryRun = createRoute({
  method: 'post',
  path: '/runs/{id}/retry',
  operationId: 'retryRun',
  summary: 'Start a run that tries again what did not succeed, and takes over the rest',
  tags,
  request: { params: runPath, headers: idempotencyHeader, body: body(retryBody, false) },
  responses: { 202: answers('Started', startedSchema) },
});

/** Routes that start forks. */
export function forkRoutes({ fermata }: Surroundings) {
  const { runtime } = fermata;

  const start = async (c: Context<HttpEnvironment>, id: string, request: ForkRequest) => {
    // First of all: what was started stays started, whatever has become of its origin since.
    const started = (await runtime.startedBefore(request.idempotency)) ?? (await fork(fermata, id, request));
    c.set('runId', started.runId);
    c.header('Location', `/api/v1/runs/${started.runId}`);
    return c.json({ runId: started.runId, status: started.status, links: linksOf(started.runId) }, 202);
  };

  return newRouter()
    .openapi(forkRun, async (c) => {
      const { id } = c.req.valid('param');
      const asked = c.req.valid('json');
      await refusePrototype(c, 'edits');
      const idempotency = idempotencyOf(c.req.valid('header')['idempotency-key'], `${id}/fork`, asked);
      return start(c, id, { point: pointOf(asked), edits: asked.edits, config: asked.config, idempotency });
    })
    .openapi(retryRun, async (c) => {
      const { id } = c.req.valid('param');
      const asked = c.req.valid('json');
      const idempotency = idempotencyOf(c.req.valid('header')['idempotency-key'], `${id}/retry`, asked);
      return start(c, id, { point: { retry: true }, config: asked.config, idempotency });
    });
}

function pointOf({ fromTask, atSeq }: z.infer<typeof forkBody>): ForkRequest['point'] {
  if (fromTask !== undefined && atSeq === undefined) return { fromTask };
  if (atSeq !== undefined && fromTask === undefined) return { atSeq };
  const message =
    fromTask === undefined
      ? 'is missing: give "fromTask", or "atSeq"'
      : 'is given beside "atSeq": a fork leaves its origin at one point, keep one';
  throw new FermataError('invalidRequest', `The request has a fault: fromTask: ${message}.`, {
    faults: [{ path: 'fromTask', message }],
  });
}
