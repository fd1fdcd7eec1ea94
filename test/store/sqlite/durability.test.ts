import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { connect } from '../../../src/store/sqlite/connection.ts';
import { sqliteStore } from '../../../src/store/sqlite/index.ts';
import { StoreError } from '../../../src/store/store.ts';
import type { Store } from '../../../src/store/store.ts';
import { begin, changes, entry, group, runKey, state } from '../contract/rows.ts';
import { childOfTest, ended, folderOfTest } from './folder.ts';

const big = JSON.stringify('x'.repeat(5_000));

/** Commits runs with a big entry each until the store refuses one; returns the runs and the error. */
async function fill(store: Store): Promise<{ runs: string[]; error: unknown }> {
  const runs: string[] = [];
  for (;;) {
    const owner = runKey(`run-${runs.length}`);
    const entries = [entry(1, runs.length + 1, { dataJson: big })];
    try {
      await store.commit(group([begin(owner, { entries, state: state({ status: 'completed' }) })]));
    } catch (error) {
      return { runs, error };
    }
    runs.push(owner.run);
  }
}

/** A disk of its own, in memory, of two megabytes. */
function mountSmall(folder: string): boolean {
  mkdirSync(folder);
  return spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder]).status === 0;
}

describe('durability', () => {
  const path = folderOfTest();
  const start = childOfTest();

  test('R4: the connection syncs fully, also after its first write', () => {
    const { driver } = connect(path('fermata.db'));
    driver.pragma('journal_mode = WAL');
    expect(driver.pragma('synchronous', { simple: true })).toBe(2);
    driver.exec('create table t (x)');
    expect(driver.pragma('synchronous', { simple: true })).toBe(2);
    expect(driver.pragma('foreign_keys', { simple: true })).toBe(1);
    driver.close();
  });

  test('R4: every commit is one sync of the log before it returns', async ({ skip }) => {
    if (spawnSync('strace', ['-o', '/dev/null', 'true']).status !== 0) {
      expect(process.env['CI'], 'CI has strace').toBeUndefined();
      return skip('strace is not here or may not trace');
    }
    const syncsOf = async (command: 'open' | 'commit' | 'counted') => {
      const trace = path(`${command}.trace`);
      const strace = ['strace', '-f', '-y', '-o', trace, '-e', 'trace=fsync,fdatasync'];
      const { child, line } = await start({ command, file: path(`${command}.db`) }, strace);
      expect(line).toEqual({ opened: true });
      await ended(child);
      return readFileSync(trace, 'utf8')
        .split('\n')
        .filter((call) => /sync\(\d+<.*-wal>\)/.test(call)).length;
    };
    const committing = await syncsOf('commit');
    expect(committing - (await syncsOf('open'))).toBeGreaterThanOrEqual(11);
    expect(await syncsOf('counted'), 'counts that commits keep are synced by nobody').toBe(committing);
  });

  test('S3: a full disk leaves everything unchanged, and the store works again when there is space', async () => {
    const store = sqliteStore(path('fermata.db'), { maxPages: 1 });
    await store.open();
    const { runs, error } = await fill(store);
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({ outcome: 'unchanged', cause: { code: 'SQLITE_FULL' } });
    expect(await store.runs('default', { limit: 1_000 })).toHaveLength(runs.length);
    expect(await store.run(runKey(`run-${runs.length}`))).toBeUndefined();
    await expect(
      store.createWorkflow({
        tenant: 'default',
        id: 'w',
        name: 'w',
        version: 1,
        tags: [],
        createdAt: 1,
        updatedAt: 1,
        documentJson: big,
      }),
    ).rejects.toMatchObject({
      code: 'storeUnavailable',
      message:
        'The database could not be written: database or disk is full (SQLITE_FULL). Free some space on the disk. Nothing was changed; try again.',
    });
    await store.deleteRun(runKey('run-0'));
    const owner = runKey('after');
    await store.commit(group([begin(owner, { entries: [entry(1, 10_000)] })]));
    await store.commit(group([changes(owner, 1)]));
    expect(await store.healthy()).toBe(true);
    await store.close();
  });

  test('S3: a stop on a full disk is an orderly one; what is in the log is there at the next start', async ({
    skip,
  }) => {
    const disk = path('disk');
    const mounted = process.platform === 'linux' && mountSmall(disk);
    if (!mounted) return skip('needs Linux, and root, who may mount a tmpfs');
    try {
      const store = sqliteStore(`${disk}/fermata.db`);
      await store.open();
      const { runs, error } = await fill(store);
      expect(error).toMatchObject({ outcome: 'unchanged', cause: { code: 'SQLITE_FULL' } });
      await store.close();
      expect(spawnSync('mount', ['-o', 'remount,size=8m', disk]).status).toBe(0);
      await store.open();
      expect(await store.runs('default', { limit: 1_000 })).toHaveLength(runs.length);
      await store.close();
    } finally {
      spawnSync('umount', ['--lazy', disk]);
    }
  });

  test('S3: an I/O error during COMMIT is unknown; nothing is written after it, and the next start knows', async ({
    skip,
  }) => {
    if (process.platform === 'win32') return skip('a limit on the size of files needs a POSIX shell');
    const file = path('fermata.db');
    // The log may grow to a megabyte (in units of 512 bytes); a write past it is an I/O error to SQLite.
    const limited = `trap '' XFSZ; ulimit -f 2048; exec "$0" "$@"`;
    const { child, line } = await start({ command: 'fill', file }, ['sh', '-c', limited]);
    await ended(child);
    expect(line).toMatchObject({ outcome: 'unknown', next: 'unchanged', healthy: false });
    const { revision, seen } = line as { revision: number; seen: number };
    expect(seen).toBe(revision);
    const store = sqliteStore(file);
    const { position } = await store.open();
    const found = await store.run(runKey('a'));
    expect([revision, revision + 1]).toContain(found?.revision);
    expect(position).toBe(found?.seq);
    await store.commit(group([changes(runKey('a'), found?.revision ?? 0)]));
    await store.close();
  });
});
