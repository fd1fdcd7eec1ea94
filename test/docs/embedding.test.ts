/** docs/embedding.md says what is true: its program runs. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { openFermata } from '../harness/fermata.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const text = readFileSync(join(ROOT, 'docs/embedding.md'), 'utf8');

it('docs/embedding.md shows a program that runs', async () => {
  const code = /^```ts\n([\s\S]*?)^```$/m.exec(text)?.[1] ?? '';
  // Inside the project, so that it imports `fermata` by its own name.
  const folder = mkdtempSync(join(ROOT, '.embedding-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'program.ts'), code);
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'program.ts')], { cwd: folder });
  expect(stdout.trim().split('\n')).toEqual([
    'book Book Hotel Fermata, Rome?',
    'booked: Hotel Fermata, Rome',
    'search completed Hotel Fermata, Rome',
    'book completed booked: Hotel Fermata, Rome',
    expect.stringMatching(/^alreadyDecided .*"book" was approved by Ada/),
  ]);
});

it('docs/embedding.md names calls that there are', async () => {
  const { api } = (await openFermata()).fermata;
  const named = [...text.matchAll(/(?:fermata\.api|`)\.(\w+)/g)].map(([, name = '']) => name);
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((name) => !(name in api))).toEqual([]);
});
