/** docs/testing.md says what is true: its code runs, and it lists every fault and every promise. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FAULTS } from '../../src/testing/faults.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const text = readFileSync(join(ROOT, 'docs/testing.md'), 'utf8');

describe('docs/testing.md', () => {
  it('shows a world that runs', () => {
    const code = /^```ts\n([\s\S]*?)^```$/m.exec(text)?.[1] ?? '';
    // Inside the project, so that it imports `fermata` by its own name.
    const folder = mkdtempSync(join(ROOT, '.testing-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(join(folder, 'world.ts'), code);
    const said = execFileSync(process.execPath, [join(folder, 'world.ts')], { cwd: folder, encoding: 'utf8' });
    expect(said).toMatch(/^completed booked search, attempt \d: Hotel Fermata\n$/);
  });

  it('lists every fault', () => {
    expect([...text.matchAll(/^\| `(\w+)` +\| (?!.*default)/gm)].map(([, name]) => name)).toEqual(
      expect.arrayContaining([...FAULTS]),
    );
  });

  it('lists the promises of the reference model', () => {
    const model = readFileSync(join(ROOT, 'src/testing/reference-model.ts'), 'utf8');
    const promises = [...model.matchAll(/^ \* (P\d)\./gm)].map(([, name]) => name);
    expect(promises).toHaveLength(9);
    expect([...text.matchAll(/^- \*\*(P\d)\*\*/gm)].map(([, name]) => name)).toEqual(promises);
  });
});
