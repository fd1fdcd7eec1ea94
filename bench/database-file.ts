/** A database file for one round, on the disk that the temporary folder is on, gone afterwards. */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Does `work` with the path of a file that does not exist yet, and removes whatever is there afterwards. */
export async function withDatabaseFile<T>(work: (file: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'fermata-bench-'));
  try {
    return await work(join(folder, 'bench.db'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Bytes of a closed database. */
export async function sizeOf(file: string): Promise<number> {
  return (await stat(file)).size;
}
