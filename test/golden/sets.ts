/** The golden sets that are there. */
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Expected } from './record.ts';

/** Their names. */
export const sets = readdirSync(import.meta.dirname, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

/** What was recorded of a set. */
export function expectedOf(set: string): Expected {
  return JSON.parse(readFileSync(join(import.meta.dirname, set, 'expected.json'), 'utf8')) as Expected;
}

/** A copy of a set's database, gone when the test is finished. */
export function copyOf(set: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'fermata-golden-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'golden.db');
  copyFileSync(join(import.meta.dirname, set, 'golden.db'), file);
  return file;
}
