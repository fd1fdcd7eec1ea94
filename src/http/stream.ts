/**
 * Server-sent events: the facts of one run, or of all, as they are committed, with streaming text in between.
 *
 * `id:` stands on facts only, so that `Last-Event-ID` always names one. A stream ends when the run has ended and its facts
 * are sent, when the client goes away or takes nothing any more, or when the server stops. Who comes back to an ended run
 * with everything already received gets 204, which tells `EventSource` not to come back again.
 */
import type { ServerResponse } from 'node:http';
import type { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { FermataError } from '../errors.ts';
import type { StreamItem } from '../runtime/stream.ts';
import { commentText, eventBody, eventText } from './event-stream.ts';
import { withCosts } from './cost-view.ts';
import { iso, toJson } from './json.ts';
import type { runStreamQuery } from './parameters.ts';
import type { HttpEnvironment, Surroundings } from './router.ts';
import { withEta, type EtaItem } from './stream-eta.ts';

/** The facts of one run. Throws `notFound`, and `invalidRequest` for a cursor that is not a number. */
export async function streamOfRun(
  c: Context<HttpEnvironment>,
  surroundings: Surroundings,
  runId: string,
  { after: query, eta = 'false' }: z.output<typeof runStreamQuery>,
): Promise<Response> {
  const { runtime } = surroundings.fermata;
  const after = readAfter(c, query, (cursor) => (/^\d{1,15}$/.test(cursor) ? Number(cursor) : undefined));
  const run = await runtime.read(runId);
  if (after !== undefined && after > run.facts)
    refuseCursor(query, `expected at most ${run.facts}, the id of the run's last event, came ${after}`);
  if (run.endedAt !== null && after !== undefined && after >= run.facts) return c.body(null, 204);
  return send(
    c,
    surroundings,
    (signal) => {
      const items = runtime.stream(runId, after === undefined ? { signal } : { signal, after });
      return eta === 'true' ? withEta(items, surroundings.fermata, runId) : items;
    },
    (position) => String(position.seq),
  );
}

/** The facts of all runs, in commit order. Throws `invalidRequest` for a cursor that is not one of this stream. */
export async function streamOfAll(
  c: Context<HttpEnvironment>,
  surroundings: Surroundings,
  query: string | undefined,
): Promise<Response> {
  const after = readAfter(c, query, (cursor) => {
    const text = Buffer.from(cursor, 'base64url').toString();
    return /^p\d{1,15}$/.test(text) ? Number(text.slice(1)) : undefined;
  });
  const { runtime } = surroundings.fermata;
  return send(
    c,
    surroundings,
    (signal) => ofUsers(runtime.stream(undefined, after === undefined ? { signal } : { signal, after })),
    ({ position }) => Buffer.from(`p${position}`).toString('base64url'),
  );
}

/** `?after=` wins over `Last-Event-ID`: who writes it means it, while browsers send the header by themselves. */
function readAfter(
  c: Context,
  query: string | undefined,
  read: (cursor: string) => number | undefined,
): number | undefined {
  const cursor = query ?? c.req.header('last-event-id');
  if (cursor === undefined || cursor === '') return undefined;
  const after = read(cursor);
  if (after !== undefined) return after;
  return refuseCursor(query, `expected the id of an event of this stream, came ${JSON.stringify(cursor)}`);
}

/** What runs borrow of shared budgets is no news to anybody; that one is used up to its warning is. */
async function* ofUsers(items: AsyncIterable<StreamItem>): AsyncGenerator<StreamItem, void> {
  for await (const item of items) if (!('fact' in item && item.fact.type === 'budget_lent')) yield item;
}

function refuseCursor(query: string | undefined, message: string): never {
  const path = query === undefined ? 'header.last-event-id' : 'query.after';
  throw new FermataError('invalidRequest', `The stream cannot go on from there: ${message}.`, {
    faults: [{ path, message }],
  });
}

function send(
  c: Context<HttpEnvironment>,
  { fermata, log, stopping }: Surroundings,
  open: (signal: AbortSignal) => AsyncIterable<StreamItem | EtaItem>,
  idOf: (fact: { readonly seq: number; readonly position: number }) => string,
): Response {
  const headers = {
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache',
    // Proxies that buffer would keep events back.
    'x-accel-buffering': 'no',
  };
  // Nobody would read the body of HEAD, and what waits to be read would be kept for ever.
  if (c.req.method === 'HEAD') return c.body(null, 200, headers);

  async function* events(gone: AbortSignal): AsyncGenerator<string, void> {
    // Bytes at once: clients report a connection only when something came.
    yield commentText('fermata');
    try {
      for await (const item of open(AbortSignal.any([gone, stopping]))) yield eventText(toEvent(item, idOf));
    } catch (thrown) {
      // Deleted while it was streamed: there is nothing more to say. After anything else the client comes back.
      if (!(thrown instanceof FermataError && thrown.code === 'notFound'))
        log.error({ error: thrown }, 'a stream broke');
    }
  }
  const body = eventBody({
    clock: fermata.runtime.clock,
    events,
    stalled() {
      // In the process, without a socket, nothing is kept for a reader but what it is about to take.
      const outgoing = (c.env as { readonly outgoing?: ServerResponse } | undefined)?.outgoing;
      if (outgoing === undefined) return;
      log.info({}, 'a reader that took nothing any more was let go');
      outgoing.destroy();
    },
  });
  // Said here, the server sends the first bytes without waiting whether the whole is short.
  return c.body(body, 200, { ...headers, 'transfer-encoding': 'chunked', connection: 'keep-alive' });
}

function toEvent(
  item: StreamItem | EtaItem,
  idOf: (fact: { readonly seq: number; readonly position: number }) => string,
): { readonly event: string; readonly data: string; readonly id?: string } {
  if ('eta' in item) return { event: 'eta', data: JSON.stringify(item.eta) };
  if ('delta' in item) {
    const { run, about, offset, delta } = item.delta;
    return { event: 'task_delta', data: JSON.stringify({ runId: run, ...about, offset, delta }) };
  }
  const { fact } = item;
  const head = { runId: fact.run, seq: fact.seq, timestamp: iso(fact.at) };
  return {
    event: fact.type,
    id: idOf(fact),
    data: JSON.stringify({ ...head, ...(toJson(withCosts(fact.data)) as object), ...head }),
  };
}
