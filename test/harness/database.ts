/** Files for the databases of tests: where their syncs cost nothing, and with the schema in them. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sqliteStore } from '../../src/store/sqlite/index.ts';

/** Real files whose syncs cost nothing, where the system has such: what is tested with them is not the disk. */
const MEMORY = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
/** A database, and the sums of its pages. */
const PARTS = ['', '.sums'];

/** A new folder, which the caller removes. */
export function folderInMemory(): string {
  return mkdtempSync(join(MEMORY, 'fermata-test-'));
}

let empty: Promise<readonly Buffer[]> | undefined;

/**
 * Lays a database at a path, as a Fermata leaves it that opened it and closed it again. To make one is most of what many
 * tests cost; that it is made, and how, is tested in `test/store`.
 */
export async function layDatabase(path: string): Promise<void> {
  const parts = await (empty ??= makeEmpty());
  for (const [at, part] of parts.entries()) writeFileSync(`${path}${PARTS[at]}`, part);
}

async function makeEmpty(): Promise<readonly Buffer[]> {
  const folder = folderInMemory();
  try {
    const path = join(folder, 'empty.db');
    const store = sqliteStore(path);
    await store.open();
    await store.close();
    return PARTS.map((part) => readFileSync(`${path}${part}`));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
