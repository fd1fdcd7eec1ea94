/** Looking into runs without moving them: the journal, snapshots, and why they wait. */
import { createRoute, z } from '@hono/zod-openapi';
import { isRecord } from '../../document/json.ts';
import { FermataError } from '../../errors.ts';
import { withCosts } from '../cost-view.ts';
import { iso, toJson } from '../json.ts';
import { limitParameter, listOf, pageOf } from '../page.ts';
import { runPath } from '../parameters.ts';
import { answers, fields, newRouter, type Surroundings } from '../router.ts';
import { whySchema, whyView } from '../why-view.ts';

const tags = ['inspecting'];

const entrySchema = z
  .object({
    seq: z.int().describe('Number in the journal, without gaps'),
    factSeq: z.int().optional().describe("Number among the run's facts: the id of the stream"),
    timestamp: z.iso.datetime(),
    kind: z.enum(['event', 'fact', 'ignored']),
    actor: z.string(),
    type: z.string(),
    data: z.unknown(),
  })
  .openapi('JournalEntry');
const snapshotSchema = z
  .object({
    status: z.string(),
    value: z.unknown(),
    context: z.unknown(),
    historyValue: z.unknown().optional(),
    input: z.unknown().optional().describe('Of an actor that is no machine'),
    output: z.unknown().optional(),
    error: z.unknown().optional(),
    children: z.record(z.string(), z.unknown()).optional(),
    pendingTimers: z.array(z.object({ due: z.iso.datetime().nullable(), event: z.string() })),
  })
  .openapi('Snapshot');
type SnapshotBody = z.infer<typeof snapshotSchema>;

const journal = createRoute({
  method: 'get',
  path: '/runs/{id}/journal',
  operationId: 'getJournal',
  summary: 'Everything that happened to a run',
  tags,
  request: {
    params: runPath,
    query: fields({ after: z.coerce.number<string | number>().int().min(0).default(0), limit: limitParameter }),
  },
  responses: { 200: answers('A page; go on with after=nextCursor', listOf(entrySchema)) },
});
const snapshot = createRoute({
  method: 'get',
  path: '/runs/{id}/snapshot',
  operationId: 'getSnapshot',
  summary: "An actor in XState's own persisted form, now or as of a journal entry",
  tags,
  request: {
    params: runPath,
    query: fields({
      actor: z.string().max(10_000).optional().describe('Its address; default: the root'),
      at: z.coerce.number<string | number>().int().min(1).optional(),
    }),
  },
  responses: { 200: answers('createActor(machine, { snapshot }) takes it', snapshotSchema) },
});
const why = createRoute({
  method: 'get',
  path: '/runs/{id}/why',
  operationId: 'getWhy',
  summary: 'What each task or actor waits for',
  tags,
  request: { params: runPath },
  responses: { 200: answers('Reasons', whySchema) },
});

/** Routes that show what is inside a run. */
export function inspectingRoutes(surroundings: Surroundings) {
  const { runtime } = surroundings.fermata;
  const assertEntry = async (runId: string, at: number): Promise<void> => {
    const { seq } = await runtime.read(runId);
    if (at <= seq) return;
    const message = `expected at most ${seq}, the number of the last entry, came ${at}`;
    throw new FermataError('invalidRequest', `Run ${runId} has no such entry: ${message}.`, {
      faults: [{ path: 'query.at', message }],
    });
  };
  return newRouter()
    .openapi(journal, async (c) => {
      const { after, limit } = c.req.valid('query');
      const entries = await runtime.journal(c.req.valid('param').id, { after, limit: limit + 1 });
      const page = pageOf(
        entries,
        limit,
        ({ seq }) => String(seq),
        ({ seq, factSeq, at, kind, actor, type, data }) => ({
          seq,
          ...(factSeq === null ? {} : { factSeq }),
          timestamp: iso(at),
          kind,
          actor,
          type,
          // Money is dollars, as in the stream. What an actor took stays as it took it.
          data: toJson(kind === 'fact' && isRecord(data) ? withCosts(data) : data),
        }),
      );
      return c.json(page, 200);
    })
    .openapi(snapshot, async (c) => {
      const { actor, at } = c.req.valid('query');
      const { id } = c.req.valid('param');
      if (at !== undefined) await assertEntry(id, at);
      const view = await runtime.snapshot(id, {
        ...(actor === undefined ? {} : { actor }),
        ...(at === undefined ? {} : { at }),
      });
      const persisted: SnapshotBody = {
        ...(toJson(view.snapshot) as SnapshotBody),
        pendingTimers: [...view.pendingTimers],
      };
      return c.json(persisted, 200);
    })
    .openapi(why, async (c) => c.json(await whyView(surroundings, c.req.valid('param').id), 200));
}
