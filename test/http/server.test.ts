/** The app on a real socket. */
import { connect } from 'node:net';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createClient } from '../../src/client/index.ts';
import { createLogger } from '../../src/http/log.ts';
import { serve, type ServeOptions, type Serving } from '../../src/http/server.ts';
import { openFermata, type Harness } from '../harness/fermata.ts';
import { holding, startRun } from './documents.ts';

const log = createLogger({ level: 'silent' });

async function start(harness: Harness, options: Partial<ServeOptions> = {}): Promise<Serving> {
  const server = await serve({ fermata: harness.fermata, log, port: 0, ...options });
  onTestFinished(() => server.close());
  return server;
}

describe('serve', () => {
  it('answers on a free port of this machine', async () => {
    const { url, port } = await start(await openFermata());
    expect(url).toBe(`http://127.0.0.1:${port}`);
    expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ status: 'ok', demo: false });
  });

  it.each(['0.0.0.0', '::', '192.168.1.5', 'example.com', '127.evil.example'])(
    'refuses to listen on %s without authentication',
    async (host) => {
      const { fermata } = await openFermata();
      await expect(serve({ fermata, log, host, port: 0 })).rejects.toMatchObject({
        code: 'insecureAddress',
        message: expect.stringContaining('--insecure'),
      });
    },
  );

  it('listens there when told to, and then under any name', async () => {
    const { port } = await start(await openFermata(), { host: '0.0.0.0', insecure: true });
    const answer = await rawRequest(
      port,
      'GET /healthz HTTP/1.1\r\nHost: fermata.example\r\nConnection: close\r\n\r\n',
    );
    expect(answer).toContain('200 OK');
  });

  it('says what to do where the port is taken', async () => {
    const { port } = await start(await openFermata());
    const { fermata } = await openFermata();
    await expect(serve({ fermata, log, port })).rejects.toMatchObject({
      code: 'invalidConfig',
      message: expect.stringContaining('another process listens there'),
    });
  });

  it('refuses other names over the wire', async () => {
    const { port } = await start(await openFermata());
    expect(
      await rawRequest(port, 'GET /api/v1/runs HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n'),
    ).toContain('403 Forbidden');
  });

  it('refuses a chunked body over the limit over the wire', async () => {
    const { port } = await start(await openFermata(), { maxBodyBytes: 100 });
    const chunk = `80\r\n${'x'.repeat(128)}\r\n`;
    const answer = await rawRequest(
      port,
      `POST /api/v1/workflows HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n${chunk}0\r\n\r\n`,
    );
    expect(answer).toContain('413');
    expect(answer).toContain('bodyTooLarge');
  });

  it('stops gracefully: streams end, runs stay for the next start', async () => {
    const hold = holding();
    const harness = await openFermata({ config: hold.config, mayLeaveWork: true });
    const { runId } = await startRun(harness, { tasks: [{ name: 'a', kind: 'code', function: 'hold' }] });
    await hold.called();
    const server = await start(harness);
    const seen: string[] = [];
    const gaveUp = new AbortController();
    const client = createClient({ baseUrl: server.url, wait: () => (gaveUp.abort(), Promise.resolve()) });
    const streaming = (async () => {
      for await (const { event } of client.stream(runId, { signal: gaveUp.signal })) {
        seen.push(event);
        if (event === 'task_started') void server.close();
      }
    })();
    await streaming;
    await server.close();
    expect(seen).toEqual(['run_started', 'task_started']);
    await expect(client.runs()).rejects.toMatchObject({ code: 'unreachable', status: 0 });

    const later = holding();
    const { fermata } = await openFermata({ database: harness.database, config: later.config });
    await later.called();
    later.release('after');
    expect((await fermata.runtime.waitFor(runId)).output).toBe('after');
  });

  it('stops when a big answer has reached its client, whole', async () => {
    const big = 'x'.repeat(8_000_000);
    const harness = await openFermata({ config: { functions: { write: () => big } } });
    const { runId } = await startRun(harness, { tasks: [{ name: 'a', kind: 'code', function: 'write' }] });
    await harness.fermata.runtime.waitFor(runId);
    const server = await start(harness);
    const socket = connect(server.port, '127.0.0.1');
    socket.write(`GET /api/v1/runs/${runId}/results HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    await once(socket, 'readable');
    // Most of the answer is still in the server, which is told to stop.
    const closed = server.close();
    await harness.fermata.runtime.waitFor(runId, () => false).catch(() => {});
    let bytes = 0;
    socket.on('data', (data: Buffer) => (bytes += data.length));
    await Promise.all([once(socket, 'end'), closed]);
    expect(bytes).toBeGreaterThan(big.length);
  });

  it('closing twice is closing once', async () => {
    const server = await start(await openFermata());
    await Promise.all([server.close(), server.close()]);
  });
});

async function rawRequest(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.on('data', (data) => (answer += String(data)));
  socket.on('error', () => {});
  socket.write(text);
  await once(socket, 'close');
  return answer;
}
