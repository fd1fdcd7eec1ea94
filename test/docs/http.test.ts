/** docs/http.md says what is true: its program runs against a server. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { createLogger } from '../../src/http/log.ts';
import { serve } from '../../src/http/server.ts';
import { openFermata } from '../harness/fermata.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const text = readFileSync(join(ROOT, 'docs/http.md'), 'utf8');

it('docs/http.md shows a program that runs', async () => {
  const { fermata } = await openFermata();
  const server = await serve({ fermata, log: createLogger({ level: 'silent' }), port: 0 });
  onTestFinished(() => server.close());
  const code = /^```ts\n([\s\S]*?)^```$/m.exec(text)?.[1] ?? '';
  // Inside the project, so that it imports `fermata/client` by its own name.
  const folder = mkdtempSync(join(ROOT, '.http-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'client.ts'), code.replace('http://127.0.0.1:3000', server.url));
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'client.ts')], { cwd: folder });
  expect(stdout.trim().split('\n')).toEqual([
    'run_started 0',
    'approval_requested 0',
    'run_waiting 0',
    'approval_resolved 0',
    'task_started 0',
    'task_completed 100',
    'run_completed 100',
    'completed',
    expect.stringMatching(/^409 alreadyDecided .*"greet" was approved by Bob/),
  ]);
});
