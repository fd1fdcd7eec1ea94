/** The client in a place that has only what browsers have: bundled, and run without anything of Node. */
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { build } from 'vite';
import { expect, it } from 'vitest';
import { openFermata } from '../harness/fermata.ts';
import { holding, startRun } from '../http/documents.ts';

it('bundles for browsers without anything of the server, and runs there', async () => {
  const entry = fileURLToPath(new URL('../../src/client/index.ts', import.meta.url));
  const built = await build({
    configFile: false,
    logLevel: 'silent',
    build: { write: false, minify: false, lib: { entry, formats: ['iife'], name: 'fermata' } },
  });
  const [bundle] = [built].flat();
  const output = bundle !== undefined && 'output' in bundle ? bundle.output : [];
  const text = output.map((chunk) => (chunk.type === 'chunk' ? chunk.code : '')).join('');
  expect(output).toHaveLength(1);
  expect(text).not.toMatch(/node:|require\(|\bzod\b|better-sqlite3|\bBuffer\b|\bprocess\./);
  expect(text.length).toBeLessThan(60_000);

  const harness = await openFermata({ config: holding().config });
  const { runId } = await startRun(harness, { tasks: [{ name: 'a', kind: 'code', function: 'now' }] });
  await harness.fermata.runtime.waitFor(runId);
  const fetch = (input: string, init?: RequestInit) => harness.app.request(input, init);
  const browser = createContext({
    fetch,
    Headers,
    Response,
    URL,
    URLSearchParams,
    AbortController,
    TextDecoderStream,
    TransformStream,
    encodeURIComponent,
    setTimeout,
    clearTimeout,
  });
  runInContext(text, browser);
  const events = (await runInContext(
    `(async () => { const events = []; const client = fermata.createClient({ baseUrl: 'http://localhost' }); for await (const { event } of client.stream('${runId}')) events.push(event); events.push((await client.run('${runId}')).status); return events.join(); })()`,
    browser,
  )) as string;
  expect(events).toBe('run_started,task_started,task_completed,run_completed,completed');
});
