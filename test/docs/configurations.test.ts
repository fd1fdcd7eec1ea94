/** Configurations on pages load, and Fermata starts with them: whoever copies one has a `fermata.config.ts`. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { openFermata } from '../harness/fermata.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const DOCS = join(ROOT, 'docs');
// Inside the project, so that it imports `fermata` by its own name.
const folder = mkdtempSync(join(ROOT, '.pages-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const blocks = readdirSync(DOCS)
  .filter((file) => file.endsWith('.md'))
  .flatMap((page) =>
    [...readFileSync(join(DOCS, page), 'utf8').matchAll(/```ts\n([^]*?)```/g)]
      .map(([, code = '']) => code)
      // One without imports is about what the one before it has.
      .filter((code) => code.includes('import ') && code.includes('export default defineConfig('))
      .map((code, at) => ({ page, at, code })),
  );

it('there are some', () => {
  expect(blocks.map(({ page }) => page)).toEqual([
    'budgets.md',
    'cache.md',
    'choosing-models.md',
    'conditions.md',
    'costs.md',
    'upgrades.md',
  ]);
});

it.each(blocks)('$page, $at', async ({ page, at, code }) => {
  const file = join(folder, `${page}-${at}.config.ts`);
  writeFileSync(file, code);
  const { call } = await openFermata({ config: await loadConfig(file, ROOT) });
  expect((await call('GET', '/readyz')).status).toBe(200);
});
