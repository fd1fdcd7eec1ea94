/** The inspector as people have it: `fermata serve --stately`, a real process, and the receiver that Stately's page has. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createWebSocketReceiver, type StatelyInspectionEvent } from '@statelyai/inspect';
import { expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { statelyBridge } from '../../inspector/bridge.ts';
import { createClient } from '../../src/client/index.ts';
import type { WorkflowDocument } from '../../src/document/schema.ts';
import { createLogger } from '../../src/http/log.ts';
import { serve } from '../../src/http/server.ts';
import { folder, startFermata } from '../cli/entry.ts';
import { startRun } from '../http/documents.ts';
import { openFermata } from '../harness/fermata.ts';
import { rootEnded, TOKEN } from './bridge-server.ts';

const GATE: WorkflowDocument = {
  name: 'gate',
  tasks: [
    { name: 'make', kind: 'code', function: 'greet', input: {} },
    { name: 'send', kind: 'code', function: 'greet', dependsOn: ['make'], input: {}, requiresApproval: true },
  ],
};

/** A server with the bridge; `link` is the one that it prints. */
async function serveStately(...args: readonly string[]) {
  const directory = folder();
  writeFileSync(join(directory, 'fermata.config.ts'), `export default { functions: { greet: () => 'Hello' } };`);
  const server = startFermata(['serve', '--port', '0', ...args], { directory });
  const [, url = ''] = await server.saw(/listens on (\S+)/);
  const [, link = ''] = await server.saw(/Stately Inspector: (\S+)/);
  const token = new URL(link).searchParams.get('token') ?? '';
  const relay = (runId: string, as = token): string =>
    `${url.replace('http', 'ws')}/inspect/stately/ws?run=${runId}&token=${as}`;
  return { server, url, link, relay, client: createClient({ baseUrl: url }) };
}

/** Collects what the relay sends until `enough` says so. */
function receive(
  relay: string,
  enough: (messages: readonly StatelyInspectionEvent[]) => boolean,
): Promise<StatelyInspectionEvent[]> {
  return new Promise((resolve) => {
    const messages: StatelyInspectionEvent[] = [];
    createWebSocketReceiver({ server: relay }).subscribe((message) => {
      messages.push(message);
      if (enough(messages)) resolve(messages);
    });
  });
}

/** What a WebSocket is answered with. */
function answerTo(url: string, headers: Record<string, string> = {}): Promise<number | 'open'> {
  const socket = new WebSocket(url, { headers });
  onTestFinished(() => socket.terminate());
  return new Promise((resolve) => {
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
    socket.on('error', () => {});
    socket.on('open', () => resolve('open'));
  });
}

it('serve --stately: a run is seen while it goes on, and again when it is over', async () => {
  const { server, url, relay, client } = await serveStately('--stately');
  const { id } = await client.createWorkflow(GATE);
  const { runId } = await client.execute(id);

  const live = receive(relay(runId), rootEnded);
  const waits = (messages: readonly StatelyInspectionEvent[]): boolean =>
    messages.some((message) => message.sessionId === `${runId}/send`);
  await receive(relay(runId), waits);
  await client.approve(runId, 'send', { approved: true });
  const seen = await live;
  expect(new Set(seen.map(({ sessionId }) => sessionId))).toEqual(
    new Set(['/', '/make', '/make/call', '/send', '/send/call'].map((address) => runId + address)),
  );
  expect(seen.at(-1)).toMatchObject({ type: '@xstate.snapshot', snapshot: { status: 'done' } });
  expect(await receive(relay(runId), rootEnded)).toEqual(seen);

  expect(await answerTo(relay(runId), { origin: url })).toBe('open');
  expect(await answerTo(relay(runId, 'wrong-token-of-this-test'))).toBe(401);
  expect(await answerTo(relay(runId), { origin: 'https://evil.example' })).toBe(403);
  expect(await answerTo(relay('nobody'))).toBe(404);

  // One that waits for more hears that there is none, and does not hold up the stop.
  const { runId: open } = await client.execute(id);
  const viewer = new WebSocket(relay(open));
  await once(viewer, 'message');
  server.child.kill('SIGTERM');
  expect(((await once(viewer, 'close')) as [number])[0]).toBe(1001);
  expect((await server.ended).status).toBe(0);
});

it('serve --stately-url: another viewer, and the page says what comes from where', async () => {
  const { url, link, client } = await serveStately('--stately-url', 'https://viewer.example/ui');
  const { id } = await client.createWorkflow(GATE);
  const { runId } = await client.execute(id);
  const address = new URL(link);
  address.searchParams.set('run', runId);
  const page = await fetch(address);
  expect(page.headers.get('content-security-policy')).toContain('frame-src https://viewer.example;');
  const text = await page.text();
  expect(text).toContain('Waiting for the viewer at https://viewer.example');
  expect(text).toContain('comes from the internet');
  expect(text).toContain(`npx fermata watch ${runId} --server ${url}`);
  const [, journal = ''] = /href="([^"]+journal)"/.exec(text) ?? [];
  expect((await fetch(url + journal)).status).toBe(200);
});

it('a server without WebSockets answers 500, and its log says why', async () => {
  const harness = await openFermata({ config: { functions: { now: () => 'now' } } });
  const { fermata } = harness;
  const { runId } = await startRun(harness, { tasks: [{ name: 'a', kind: 'code', function: 'now' }] });
  await fermata.runtime.waitFor(runId);
  const lines: string[] = [];
  const log = createLogger({ level: 'info', destination: { write: (line: string) => void lines.push(line) } });
  const bridge = statelyBridge({ runtime: fermata.runtime, token: TOKEN });
  const server = await serve({ fermata, log, port: 0, extend: (app) => void app.route('/', bridge.routes) });
  onTestFinished(() => server.close());
  expect(await answerTo(`ws://127.0.0.1:${server.port}/inspect/stately/ws?run=${runId}&token=${TOKEN}`)).toBe(500);
  expect(lines.map((line) => JSON.parse(line) as object)).toContainEqual(
    expect.objectContaining({
      level: 'error',
      status: 500,
      error: expect.objectContaining({ message: expect.stringContaining('takes no WebSockets') }),
    }),
  );
});
