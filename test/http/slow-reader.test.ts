/** Readers that do not read, on real sockets: what they cost, that they are let go, and that they miss nothing. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { createParser } from 'eventsource-parser';
import { expect, it, onTestFinished } from 'vitest';
import { createClient } from '../../src/client/index.ts';
import { STALLED_MS } from '../../src/http/event-stream.ts';
import { createLogger } from '../../src/http/log.ts';
import { serve, type Serving } from '../../src/http/server.ts';
import { ManualClock } from '../harness/clock.ts';
import { openFermata, type Harness } from '../harness/fermata.ts';
import { turnsOfTheLoop } from '../harness/runtime.ts';
import { startRun } from './documents.ts';

const MEGABYTE = 2 ** 20;
/** More than the kernels of both sides take for a reader that does not read. */
const FACTS = 60;
const FACT_CHARACTERS = 300_000;
/** Turns of the event loop after which a socket that takes nothing more is stuck. */
const STUCK_TURNS = 300;

/** A run whose every step says 300 KB, ended. */
async function spoken(harness: Harness): Promise<string> {
  const tasks = Array.from({ length: FACTS }, (_, n) => ({
    name: `t${n}`,
    kind: 'code',
    function: 'speak',
    input: { n: String(n) },
  }));
  const { runId } = await startRun(harness, { config: { breadth: 10 }, tasks });
  expect((await harness.fermata.runtime.waitFor(runId)).status).toBe('completed');
  return runId;
}

const speak = ({ n }: { readonly n?: unknown }) => `${String(n)} `.padEnd(FACT_CHARACTERS, 'fermata ');

/** Asks for a stream and does not read what comes; `response` is the server's side of it. */
async function stuckReader({ port }: Serving, path: string): Promise<{ socket: Socket; response: ServerResponse }> {
  const opened = Promise.withResolvers<ServerResponse>();
  const hear = (message: unknown): void => opened.resolve((message as { readonly response: ServerResponse }).response);
  subscribe('http.server.request.start', hear);
  const socket = connect(port, '127.0.0.1');
  socket.pause();
  socket.write(`GET /api/v1${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  const response = await opened.promise;
  unsubscribe('http.server.request.start', hear);
  let still = 0;
  for (let before = -1; still < STUCK_TURNS; await turnsOfTheLoop(1)) {
    const sent = response.socket?.bytesWritten ?? 0;
    still = sent === before && response.writableLength > 0 ? still + 1 : 0;
    before = sent;
  }
  return { socket, response };
}

/** Ids of the events that came whole before the connection broke. */
async function received(socket: Socket): Promise<string[]> {
  const ids: string[] = [];
  const parser = createParser({ onEvent: ({ id }) => void (id === undefined || ids.push(id)) });
  const bytes: Buffer[] = [];
  socket.on('data', (piece: Buffer) => void bytes.push(piece));
  socket.resume();
  await once(socket, 'close');
  const text = Buffer.concat(bytes).toString();
  // Chunks of the transfer: a line with their length, the bytes, an empty line.
  for (let at = text.indexOf('\r\n\r\n') + 4; at < text.length;) {
    const end = text.indexOf('\r\n', at);
    const length = Number.parseInt(text.slice(at, end), 16);
    parser.feed(text.slice(end + 2, end + 2 + length));
    at = end + 2 + length + 2;
  }
  return ids;
}

it.each(['one', 'all'] as const)(
  'a reader of the stream of %s that stops reading costs at most 1 MB, is let go, and misses nothing',
  async (of) => {
    const clock = new ManualClock();
    const harness = await openFermata({ clock, config: { functions: { speak } } });
    const server = await serve({ fermata: harness.fermata, log: createLogger({ level: 'silent' }), port: 0 });
    onTestFinished(() => server.close());
    const runId = await spoken(harness);
    const armed = clock.armed;

    const { socket, response } = await stuckReader(server, of === 'one' ? `/runs/${runId}/stream` : '/stream');
    expect(response.writableLength).toBeLessThanOrEqual(MEGABYTE);
    expect(clock.armed).toBe(armed + 1);
    await clock.advance(STALLED_MS, () => turnsOfTheLoop());
    expect([response.destroyed, clock.armed]).toEqual([true, armed]);

    const ids = await received(socket);
    expect(ids.length).toBeGreaterThan(0);
    const all = await harness.fermata.runtime.journal(runId, { limit: 1_000, kind: 'fact' });
    expect(ids.length).toBeLessThan(all.length);
    const stop = new AbortController();
    const client = createClient({ baseUrl: server.url });
    const after = ids.at(-1) ?? '';
    const stream = of === 'one' ? client.stream(runId, { after }) : client.streamAll({ after, signal: stop.signal });
    const rest: number[] = [];
    for await (const { id, data } of stream) {
      if (id !== undefined) rest.push(data.seq);
      if (ids.length + rest.length >= all.length) stop.abort();
    }
    expect(rest).toEqual(all.slice(ids.length).map(({ factSeq }) => factSeq));
  },
);
