/** The cache of answers: what it did, and what it is to forget. */
import { createRoute, z } from '@hono/zod-openapi';
import { dollarsOf } from '../../cost/money.ts';
import type { ListedAnswer, ServedRow } from '../../store/answers.ts';
import { iso } from '../json.ts';
import { listOf, pageOf, pageQuery, readCursor, readNumberCursor, toCursor } from '../page.ts';
import { answers, body, fields, newRouter, type Surroundings } from '../router.ts';

const servedSchema = z
  .object({
    workflow: z.string(),
    hits: z.int().describe('Tasks that had their answer from it'),
    inFlight: z.int().describe('Those among them that waited for a task which was asking the same at that time'),
    misses: z.int().describe('Questions it had no answer to, so that a model was to be asked'),
    hitRate: z.number().nullable().describe('0..1; null: nothing was looked for'),
    costSavedDollars: z.number().describe('US dollars, of the hits whose first call has a known cost'),
  })
  .openapi('CacheUse');

const report = createRoute({
  method: 'get',
  path: '/cache',
  operationId: 'readCache',
  summary: 'What the cache of answers did, by workflow in the order of their names, and how big it is',
  tags: ['cache'],
  request: { query: fields(pageQuery) },
  responses: {
    200: answers(
      'A page',
      z
        .object({
          entries: z.int().describe('Answers that serve now'),
          bytes: z
            .int()
            .describe('Characters of all that is kept, also of questions that have no answer (yet, or any more)'),
          total: servedSchema.omit({ workflow: true }).describe('Of all workflows'),
          items: z.array(servedSchema),
          nextCursor: z.string().nullable(),
        })
        .openapi('Cache'),
    ),
  },
});

const keptSchema = z
  .object({
    prompt: z.string().describe('How it begins'),
    workflow: z.string().describe('Whose run asked last'),
    tags: z.array(z.string()).describe('Of that run'),
    model: z.string().describe('The one that answered'),
    costDollars: z
      .number()
      .nullable()
      .describe('What the call has cost: so much is saved by each hit; null: not known'),
    hitCount: z.int().describe('How often it has served since it was kept'),
    bytes: z.int().describe('Characters of it, and of what is kept of its prompt'),
    answeredAt: z.iso.datetime(),
    lastUsedAt: z.iso.datetime(),
    expiresAt: z.iso.datetime(),
  })
  .openapi('CachedAnswer');

const list = createRoute({
  method: 'get',
  path: '/cache/answers',
  operationId: 'listCachedAnswers',
  summary: 'The answers that serve now, without what they say: newest questions first',
  tags: ['cache'],
  request: {
    query: fields({
      workflow: z.string().min(1).optional().describe('Name of the workflow whose run asked last'),
      ...pageQuery,
    }),
  },
  responses: { 200: answers('A page', listOf(keptSchema)) },
});

const forgetBody = z
  .strictObject({
    workflow: z.string().min(1).optional().describe('Name of the workflow whose run asked'),
    tag: z.string().min(1).optional().describe('Of the run that asked'),
    prompt: z.string().min(1).optional().describe('The whole prompt, as it was rendered'),
    all: z.literal(true).optional(),
  })
  .refine((given) => Object.values(given).some((value) => value !== undefined), {
    error: 'expected "workflow", "tag", "prompt" or "all": true, to say which answers',
  })
  .openapi('Forget');

const forget = createRoute({
  method: 'post',
  path: '/cache/forget',
  operationId: 'forgetAnswers',
  summary: 'Forgets answers: those for which all that is given is so. Tasks that have theirs keep it',
  tags: ['cache'],
  request: { body: body(forgetBody, true) },
  responses: { 200: answers('How many', z.object({ forgotten: z.int() })) },
});

/** Routes of the cache. */
export function cacheRoutes({ fermata: { cache } }: Surroundings) {
  return newRouter()
    .openapi(report, async (c) => {
      const { limit, cursor } = c.req.valid('query');
      const after = readCursor('cache', cursor);
      const { entries, bytes, workflows } = await cache.report();
      const rest = workflows.filter(({ workflow }) => after === undefined || workflow > after);
      const page = pageOf(rest.slice(0, limit + 1), limit, ({ workflow }) => toCursor('cache', workflow), servedView);
      const { workflow: _, ...total } = servedView(workflows.reduce(plus, NONE));
      return c.json({ entries, bytes, total, ...page }, 200);
    })
    .openapi(list, async (c) => {
      const { workflow, limit, cursor } = c.req.valid('query');
      const kept = await cache.list({ workflow, limit: limit + 1, after: readNumberCursor('answers', cursor) });
      return c.json(
        pageOf(kept, limit, ({ key }) => toCursor('answers', key), keptView),
        200,
      );
    })
    .openapi(forget, async (c) => {
      const { workflow, tag, prompt } = c.req.valid('json');
      return c.json({ forgotten: await cache.forget({ workflow, tag, prompt }) }, 200);
    });
}

function keptView(answer: ListedAnswer): z.infer<typeof keptSchema> {
  const { key: _, tags, costNanos, answeredAt, lastUsedAt, expiresAt, ...rest } = answer;
  return {
    ...rest,
    tags: [...tags],
    costDollars: costNanos === null ? null : dollarsOf(costNanos),
    answeredAt: iso(answeredAt),
    lastUsedAt: iso(lastUsedAt),
    expiresAt: iso(expiresAt),
  };
}

const NONE: ServedRow = { workflow: '', misses: 0, hits: 0, shared: 0, savedNanos: 0 };

function plus(one: ServedRow, other: ServedRow): ServedRow {
  return {
    workflow: '',
    misses: one.misses + other.misses,
    hits: one.hits + other.hits,
    shared: one.shared + other.shared,
    savedNanos: one.savedNanos + other.savedNanos,
  };
}

function servedView({ workflow, misses, hits, shared, savedNanos }: ServedRow): z.infer<typeof servedSchema> {
  const asked = hits + misses;
  return {
    workflow,
    hits,
    inFlight: shared,
    misses,
    hitRate: asked === 0 ? null : hits / asked,
    costSavedDollars: dollarsOf(savedNanos),
  };
}
