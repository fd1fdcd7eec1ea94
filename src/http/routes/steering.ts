/** Commands to a run, and events from outside. */
import { createRoute, z } from '@hono/zod-openapi';
import { cancelBody, runPath } from '../parameters.ts';
import { refusePrototype } from '../request-body.ts';
import { answers, body, fields, newRouter, type Surroundings } from '../router.ts';
import { cancelRun, pauseOrResume } from '../run-commands.ts';
import { commandSchema } from '../run-view.ts';

const tags = ['steering'];

const eventBody = z
  .looseObject({
    type: z.string().min(1).max(200),
    id: z.string().min(1).max(200).optional().describe('Taken once, however often it is sent'),
  })
  .openapi('OutsideEvent');
const noBody = body(fields({}), false);

const cancel = createRoute({
  method: 'post',
  path: '/runs/{id}/cancel',
  operationId: 'cancelRun',
  summary: 'Cancel a run',
  tags,
  request: { params: runPath, body: body(cancelBody, false) },
  responses: { 202: answers('Taken', commandSchema) },
});
const pause = createRoute({
  method: 'post',
  path: '/runs/{id}/pause',
  operationId: 'pauseRun',
  summary: 'Begin no more tasks',
  tags,
  request: { params: runPath, body: noBody },
  responses: { 202: answers('Taken', commandSchema) },
});
const resume = createRoute({
  method: 'post',
  path: '/runs/{id}/resume',
  operationId: 'resumeRun',
  summary: 'Go on after a pause, or let a quarantined run try again',
  tags,
  request: { params: runPath, body: noBody },
  responses: { 202: answers('Taken', commandSchema) },
});
const send = createRoute({
  method: 'post',
  path: '/runs/{id}/events',
  operationId: 'sendEvent',
  summary: 'An event from outside',
  tags,
  request: { params: runPath, body: body(eventBody, true) },
  responses: { 202: answers('Taken', commandSchema.extend({ seq: z.int().describe('Journal number of its turn') })) },
});

/** Routes that steer runs. */
export function steeringRoutes({ fermata }: Surroundings) {
  return newRouter()
    .openapi(cancel, async (c) =>
      c.json(await cancelRun(fermata, c.req.valid('param').id, c.req.valid('json').reason), 202),
    )
    .openapi(pause, async (c) => c.json(await pauseOrResume(fermata, c.req.valid('param').id, 'pause'), 202))
    .openapi(resume, async (c) => c.json(await pauseOrResume(fermata, c.req.valid('param').id, 'resume'), 202))
    .openapi(send, async (c) => {
      const event = c.req.valid('json');
      await refusePrototype(c);
      const { id: runId } = c.req.valid('param');
      const { seq, state } = await fermata.runtime.send(runId, event, event.id === undefined ? {} : { id: event.id });
      return c.json({ runId, status: state.status, seq }, 202);
    });
}
