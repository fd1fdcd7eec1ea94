/** The golden sets that are there. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { onTestFinished } from 'vitest';
import type { Expected } from './record.ts';

/** A database of many small tables is mostly empty pages. */
export const PACKED = 'golden.db.gz';

/** Their names. */
export const sets = readdirSync(import.meta.dirname, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

/** What was recorded of a set. */
export function expectedOf(set: string): Expected {
  return JSON.parse(readFileSync(join(import.meta.dirname, set, 'expected.json'), 'utf8')) as Expected;
}

/** Its database: packed, or, in the first two, as it is. */
export function fileOf(set: string): string {
  const packed = join(import.meta.dirname, set, PACKED);
  return existsSync(packed) ? packed : join(import.meta.dirname, set, 'golden.db');
}

/** A copy of a set's database, gone when the test is finished. */
export function copyOf(set: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'fermata-golden-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'golden.db');
  const kept = readFileSync(fileOf(set));
  writeFileSync(file, fileOf(set).endsWith(PACKED) ? gunzipSync(kept) : kept);
  return file;
}
