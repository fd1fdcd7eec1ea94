/** A database file for one round, on the disk that the temporary folder is on, gone afterwards. */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import type { Contender, Rounds } from './workload.ts';

/** Does `work` with the path of a file that does not exist yet, and removes whatever is there afterwards. */
export async function withDatabaseFile<T>(work: (file: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'fermata-bench-'));
  try {
    return await work(join(folder, 'bench.db'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The same for a contender whose file stays open from round to round. */
export function inDatabaseFile(open: (file: string) => Promise<Rounds> | Rounds): Contender['open'] {
  return async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fermata-bench-'));
    const { round, close } = await open(join(folder, 'bench.db'));
    return {
      round,
      async close() {
        await close();
        await rm(folder, { recursive: true, force: true });
      },
    };
  };
}

/** Bytes of a closed database. */
export async function sizeOf(file: string): Promise<number> {
  return (await stat(file)).size;
}

/** Bytes of an open database, with what is still in its log. */
export function sizeWhileOpen(file: string): number {
  const database = new BetterSqlite3(file, { readonly: true });
  try {
    const { bytes } = database
      .prepare<[], { bytes: number }>('select page_count * page_size as bytes from pragma_page_count, pragma_page_size')
      .get() ?? { bytes: 0 };
    return bytes;
  } finally {
    database.close();
  }
}
