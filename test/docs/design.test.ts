/** The documents say what is true: named files and functions exist, all codes and rules are listed. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../../src/errors.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

describe('docs/design.md', () => {
  const text = read('docs/design.md');
  const steps = text.split('\n').filter((line) => /^\d+\. /.test(line));

  it('follows an event through at least ten files', () => {
    expect(steps.length).toBeGreaterThanOrEqual(10);
  });

  for (const step of steps) {
    const file = /\]\(\.\.\/([^)]+)\)/.exec(step)?.[1] ?? '';
    const names = [...step.slice(step.indexOf(')')).matchAll(/`(#?[A-Za-z]+)`/g)].map(([, name]) => name ?? '');
    it(`step ${step.slice(0, 2)} names what ${file} has`, () => {
      const source = read(file);
      expect(names.length).toBeGreaterThan(0);
      expect(names.filter((name) => !source.includes(name))).toEqual([]);
    });
  }

  it('lists R1 to R13', () => {
    expect([...text.matchAll(/^- \*\*R(\d+)\./gm)].map(([, rule]) => Number(rule))).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13,
    ]);
  });
});

describe('docs/errors.md', () => {
  it('has a row for every code, with its status, and no other', () => {
    const rows = [...read('docs/errors.md').matchAll(/^\| `(\w+)` \| (\d+) \| (\w+) \| (.+) \|$/gm)].map(
      ([, code, status, retry, title]) => [code, Number(status), retry, title],
    );
    expect(rows).toEqual(
      Object.entries(ERROR_CODES).map(([code, { status, retry, title }]) => [code, status, retry, title]),
    );
  });
});

describe('links', () => {
  const files = [
    'README.md',
    'CONTRIBUTING.md',
    ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.md'))
      .map((file) => `docs/${file}`),
  ];
  for (const file of files) {
    it(`${file} links only to what exists`, () => {
      const targets = [...read(file).matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)].map(([, target]) => target ?? '');
      expect(targets.filter((target) => !existsSync(resolve(ROOT, file, '..', target)))).toEqual([]);
    });
  }
});
