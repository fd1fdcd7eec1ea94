/** Every rule of `docs/design.md` is held by tests that name it. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

/** Titles of all tests and of what groups them. */
const titles = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts') || file.includes('contract') || file.includes('conformance'))
  .flatMap((file) => (file.endsWith('.ts') ? [readFileSync(join(ROOT, 'test', file), 'utf8')] : []))
  .flatMap((text) => [...text.matchAll(/\b(?:describe|it|test)(?:\.each\([^`'"]*\))?\(\s*(['"`])(.*?)\1/gs)])
  .map(([, , title = '']) => title);

const rules = [...readFileSync(join(ROOT, 'docs/design.md'), 'utf8').matchAll(/\bR(\d+)\b/g)].map(([, n]) => Number(n));

describe('rules', () => {
  it('are thirteen', () => {
    expect([...new Set(rules)].toSorted((a, b) => a - b)).toEqual(Array.from({ length: 13 }, (_, index) => index + 1));
  });

  it.each(Array.from({ length: 13 }, (_, index) => `R${index + 1}`))('%s is held by tests that say so', (rule) => {
    const naming = titles.filter((title) => new RegExp(`\\b${rule}\\b`).test(title));
    expect(naming.length, `tests whose title names ${rule}`).toBeGreaterThan(0);
  });
});
