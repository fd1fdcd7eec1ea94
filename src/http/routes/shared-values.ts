/** What the tasks of a run share. */
import { createRoute, z } from '@hono/zod-openapi';
import type { SharedValue } from '../../runtime/shared-value.ts';
import { iso, toJson } from '../json.ts';
import { listOf, pageOf, pageQuery, readCursor, toCursor } from '../page.ts';
import { runPath } from '../parameters.ts';
import { answers, fields, newRouter, type Surroundings } from '../router.ts';

const sharedValueSchema = z
  .object({
    key: z.string(),
    revision: z.int().min(1).describe('How often it was written'),
    value: z.unknown(),
    by: z.string().describe('The task that wrote it'),
    writtenAt: z.iso.datetime(),
    reused: z
      .object({ runId: z.string(), seq: z.int().describe("Number of the fact in that run's stream") })
      .optional()
      .describe('Of a fork that began with it: where it was written'),
  })
  .openapi('SharedValue');

const list = createRoute({
  method: 'get',
  path: '/runs/{id}/shared',
  operationId: 'listSharedValues',
  summary: 'What the tasks of a run share, in the order of the keys',
  tags: ['runs'],
  request: { params: runPath, query: fields(pageQuery) },
  responses: { 200: answers('A page', listOf(sharedValueSchema)) },
});

/** Routes of shared values. */
export function sharedValueRoutes({ fermata: { runtime } }: Surroundings) {
  return newRouter().openapi(list, async (c) => {
    const { id } = c.req.valid('param');
    const { limit, cursor } = c.req.valid('query');
    // It throws where there is no such run.
    await runtime.read(id);
    const values = await runtime.sharedValues(id, { limit: limit + 1, after: readCursor('shared', cursor) });
    return c.json(
      pageOf(values, limit, ({ key }) => toCursor('shared', key), shown),
      200,
    );
  });
}

function shown({ key, revision, value, by, at, reused }: SharedValue): z.infer<typeof sharedValueSchema> {
  const from = reused === undefined ? {} : { reused };
  return { key, revision, value: toJson(value), by, writtenAt: iso(at), ...from };
}
