import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { requireSoundSqlite } from '../../../src/store/sqlite/connection.ts';
import { sqliteStore } from '../../../src/store/sqlite/index.ts';
import { begin, group, runKey } from '../contract/rows.ts';
import { childOfTest, ended, folderOfTest } from './folder.ts';

describe('opening a file', () => {
  const path = folderOfTest();
  const start = childOfTest();

  test('a second process is refused in under a second, until the first one is killed', async () => {
    const file = path('fermata.db');
    const { child, line } = await start({ command: 'hold', file });
    expect(line).toEqual({ held: true });
    const began = performance.now();
    const store = sqliteStore(file);
    await expect(store.open()).rejects.toMatchObject({
      code: 'databaseInUse',
      message: expect.stringContaining(file) as string,
    });
    expect(performance.now() - began).toBeLessThan(1_000);
    expect(await store.healthy()).toBe(false);
    child.kill('SIGKILL');
    await ended(child);
    await store.open();
    const second = await start({ command: 'open', file });
    expect(second.line).toMatchObject({ code: 'databaseInUse' });
    await store.close();
    await ended(second.child);
  });

  test('a second store of the same process is refused too, also under another spelling of the path', async () => {
    const file = path('fermata.db');
    const store = sqliteStore(file);
    await store.open();
    symlinkSync(file, path('link.db'));
    await expect(sqliteStore(path('link.db')).open()).rejects.toMatchObject({ code: 'databaseInUse' });
    await expect(sqliteStore(path('./x/../fermata.db')).open()).rejects.toMatchObject({ code: 'databaseInUse' });
    await expect(store.open()).rejects.toMatchObject({ code: 'databaseInUse' });
    await store.close();
    const next = sqliteStore(path('link.db'));
    await next.open();
    await next.close();
  });

  test('a newer database is refused and left as it is', async () => {
    const file = path('fermata.db');
    const store = sqliteStore(file);
    await store.open();
    await store.close();
    const raw = new BetterSqlite3(file);
    raw.pragma('user_version = 999');
    raw.close();
    const before = readFileSync(file);
    await expect(store.open()).rejects.toMatchObject({
      code: 'databaseNewer',
      message: expect.stringContaining('999') as string,
    });
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  test('a file that is no database is refused and left as it is', async () => {
    const file = path('notes.txt');
    writeFileSync(file, 'Dear diary, '.repeat(1_000));
    const store = sqliteStore(file);
    await expect(store.open()).rejects.toMatchObject({
      code: 'databaseCorrupt',
      message: expect.stringContaining(file) as string,
    });
    expect(readFileSync(file, 'utf8')).toBe('Dear diary, '.repeat(1_000));
  });

  test('a database of another program is refused and left as it is', async () => {
    const file = path('photos.db');
    const raw = new BetterSqlite3(file);
    raw.exec('create table photo (id integer primary key)');
    raw.close();
    const before = readFileSync(file);
    await expect(sqliteStore(file).open()).rejects.toMatchObject({
      code: 'storeUnavailable',
      message: expect.stringContaining('another program') as string,
    });
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  test('a missing folder is named, and nothing is created', async () => {
    const file = path('nowhere/fermata.db');
    await expect(sqliteStore(file).open()).rejects.toMatchObject({
      code: 'storeUnavailable',
      message: expect.stringContaining(path('nowhere')) as string,
    });
    expect(existsSync(path('nowhere'))).toBe(false);
  });

  test('a folder is called one', async () => {
    const folder = path('');
    await expect(sqliteStore(folder).open()).rejects.toMatchObject({
      code: 'storeUnavailable',
      message: expect.stringContaining('is a folder. Name a file in it') as string,
    });
  });

  test('after a failed opening the file is free', async () => {
    const file = path('fermata.db');
    writeFileSync(file, 'no database, no database, no database');
    const store = sqliteStore(file);
    await expect(store.open()).rejects.toMatchObject({ code: 'databaseCorrupt' });
    writeFileSync(file, '');
    expect(await store.open()).toEqual({ position: 0, messageId: 0, lastStop: { orderly: true } });
    await store.close();
  });

  test('a column that is no JSON fails its reader and nobody else', async () => {
    const file = path('fermata.db');
    const store = sqliteStore(file);
    await store.open();
    await store.commit(group([begin(runKey('a')), begin(runKey('b'))]));
    await store.close();
    const raw = new BetterSqlite3(file);
    raw.exec(`update run_state set counts = '{"total":' where run = 1`);
    raw.close();
    rmSync(`${file}.sums`);
    await store.open();
    expect(() => store.run(runKey('a'))).toThrow(expect.objectContaining({ code: 'databaseCorrupt' }) as Error);
    expect(await store.run(runKey('b'))).toMatchObject({ revision: 1 });
    await store.close();
  });

  test('a SQLite that can corrupt a database in WAL mode is refused', () => {
    for (const sound of ['3.51.3', '3.52.0', '4.0.0', '3.100.1']) expect(() => requireSoundSqlite(sound)).not.toThrow();
    for (const old of ['3.51.2', '3.7.9', '2.99.99']) {
      expect(() => requireSoundSqlite(old)).toThrow(expect.objectContaining({ code: 'invalidConfig' }) as Error);
    }
  });
});
