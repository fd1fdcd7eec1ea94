/** Facts as they come: of one run, and of all. */
import { createRoute } from '@hono/zod-openapi';
import { runPath, runStreamQuery, streamHeaders, streamQuery, streamResponses } from '../parameters.ts';
import { newRouter, type Surroundings } from '../router.ts';
import { streamOfAll, streamOfRun } from '../stream.ts';

const tags = ['streams'];

const stream = createRoute({
  method: 'get',
  path: '/runs/{id}/stream',
  operationId: 'streamRun',
  summary: 'Facts of a run as they come (SSE)',
  tags,
  request: { params: runPath, query: runStreamQuery, headers: streamHeaders },
  responses: streamResponses,
});
const streamAll = createRoute({
  method: 'get',
  path: '/stream',
  operationId: 'streamAll',
  summary: 'Facts of all runs as they come (SSE)',
  tags,
  request: { query: streamQuery, headers: streamHeaders },
  responses: streamResponses,
});

/** Routes of streams. */
export function streamRoutes(surroundings: Surroundings) {
  return newRouter()
    .openapi(stream, (c) => streamOfRun(c, surroundings, c.req.valid('param').id, c.req.valid('query')))
    .openapi(streamAll, (c) => streamOfAll(c, surroundings, c.req.valid('query').after));
}
