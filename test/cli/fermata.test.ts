/** The entry as a real process: few tests, since each costs a start. What commands do is in `commands.test.ts`. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fermata, folder, ROOT, startFermata } from './entry.ts';

it('lists its commands, and what it exits with', async () => {
  const { status, out, err } = await fermata(['--help']);
  expect({ status, err }).toEqual({ status: 0, err: '' });
  for (const command of [
    'demo',
    'serve',
    'run',
    'validate',
    'graph',
    'dry-run',
    'estimate',
    'runs',
    'show',
    'watch',
    'why',
    'approve',
    'send',
    'cancel',
  ]) {
    expect(out).toMatch(new RegExp(`^ {2}${command}\\b`, 'm'));
  }
  expect(out).toMatch(/Exit status: 0 completed, 1 failed or cancelled, 2 wrong use; 130 and 143 /);
});

it('runs the research example with scripted models: --json is one object', async () => {
  const { status, out, err } = await fermata([
    'run',
    join(ROOT, 'examples/01-research.yaml'),
    '--input',
    'topic=tea',
    '--demo',
    '--json',
  ]);
  expect(status).toBe(0);
  const result = JSON.parse(out) as { output: string; usage: { outputTokens: number }; tasks: unknown[] };
  expect(result).toMatchObject({
    status: 'completed',
    progress: 100,
    output: expect.stringContaining('[scripted] Roadmap:'),
  });
  expect(result.usage.outputTokens).toBeGreaterThan(100);
  expect(result.tasks).toHaveLength(5);
  expect(err).toContain('scripted; no provider is asked');
  expect(err).toContain('[ 20%] Researching market conditions… ⏳');
});

it('refuses a wrong document with 2', async () => {
  const directory = folder();
  writeFileSync(join(directory, 'bad.yaml'), 'name: bad\ntasks: []\n');
  const { status, out, err } = await fermata(['validate', 'bad.yaml'], { directory });
  expect({ status, out }).toEqual({ status: 2, out: '' });
  expect(err).toContain('bad.yaml:2:1: tasks: ');
});

describe('Ctrl-C', () => {
  it('once: stops gracefully, and says how the run goes on', async () => {
    const directory = folder();
    // It ignores its signal: the process must end all the same.
    writeFileSync(
      join(directory, 'fermata.config.ts'),
      'export default { functions: { hang: () => new Promise((resolve) => setTimeout(resolve, 600_000)) } };',
    );
    writeFileSync(join(directory, 'hang.yaml'), 'name: hang\ntasks: [{ name: a, kind: code, function: hang }]');
    const run = startFermata(['run', 'hang.yaml'], { directory });
    await run.saw(/a… ⏳/);
    run.child.kill('SIGINT');
    const { status, err } = await run.ended;
    expect(status).toBe(130);
    expect(err).toMatch(/Stopping…[^]*fermata\.js watch \S+ --db \S+ --config \S+fermata\.config\.ts\n/);
    const { out } = await fermata(['runs'], { directory });
    expect(out).toMatch(/ running /);
  });

  it('twice: at once, although the graceful stop is not over', async () => {
    // Ctrl-C asks this server whether the run has ended, and gets no answer: the first one alone would never end.
    let asked = 0;
    const { promise: stopping, resolve: stopBegun } = Promise.withResolvers<void>();
    const server = createServer(({ url }, response) => {
      if (url?.endsWith('/stream') === true) {
        const fact = { runId: 'r', seq: 1, timestamp: new Date(0).toISOString(), task: 'a', progress: 0 };
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(`id: 1\nevent: task_started\ndata: ${JSON.stringify(fact)}\n\n`);
      } else if (asked++ === 0) {
        response.writeHead(200, { 'content-type': 'application/json' }).end('{"runId":"r","status":"running"}');
      } else stopBegun();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => (server.closeAllConnections(), void server.close()));
    const { port } = server.address() as AddressInfo;

    const watch = startFermata(['watch', 'r', '--server', `http://127.0.0.1:${port}`]);
    await watch.saw(/a… ⏳/);
    watch.child.kill('SIGINT');
    await stopping;
    watch.child.kill('SIGINT');
    const { status, err } = await watch.ended;
    expect(status).toBe(130);
    expect(err).toContain('Stopping…');
    expect(err).not.toContain('goes on at the server');
  });
});
