/** What a disk may do to a file behind SQLite's back: it is found at the next start, or it changes nothing. */
import {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { fraction } from '../../../machines/backoff.ts';
import { sqliteStore } from '../../../src/store/sqlite/index.ts';
import type { JournalEntry } from '../../../src/store/journal.ts';
import type { Store, StoreError } from '../../../src/store/store.ts';
import { begin, changes, entry, group, runKey, state } from '../contract/rows.ts';
import { childOfTest, ended, folderOfTest } from './folder.ts';

const a = runKey('a');
const COMMITS = 30;

function entryOf(seq: number): JournalEntry {
  return entry(seq, seq, { dataJson: JSON.stringify({ seq, text: 'x'.repeat(900) }) });
}

async function write(store: Store): Promise<void> {
  await store.commit(group([begin(a, { entries: [entryOf(1)], state: state({ seq: 1 }) })]));
  for (let seq = 2; seq <= COMMITS; seq++)
    await store.commit(group([changes(a, seq - 1, { entries: [entryOf(seq)], state: state({ seq }) })]));
}

/** `truth`: all is there. `refused`: the file was not opened. Anything else would be a lie. */
async function seen(file: string): Promise<'truth' | 'refused' | readonly JournalEntry[]> {
  const store = sqliteStore(file);
  try {
    await store.open();
  } catch (error) {
    expect(error).toMatchObject({ code: 'databaseCorrupt' });
    return 'refused';
  }
  const found = await store.journal(a, { after: 0, limit: 1_000 });
  await store.close();
  const all = Array.from({ length: COMMITS }, (_, index) => entryOf(index + 1));
  return JSON.stringify(found) === JSON.stringify(all) ? 'truth' : found;
}

/** A copy of the files as they are, as after kill -9. */
function copy(from: string, to: string): void {
  for (const suffix of ['', '-wal', '.sums']) {
    rmSync(`${to}${suffix}`, { force: true });
    if (existsSync(`${from}${suffix}`)) copyFileSync(`${from}${suffix}`, `${to}${suffix}`);
  }
}

function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << (at & 7));
  writeFileSync(file, bytes);
}

/** Places of a file of `size` bytes, the same in every run of the test. */
function places(size: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => Math.floor(fraction(`flip ${index}`) * size));
}

describe('a bit that flips on the disk', () => {
  const path = folderOfTest();
  const start = childOfTest();

  test('in the file of a store that was closed: the start says which page', async () => {
    const [file, damaged] = [path('sound.db'), path('damaged.db')];
    const store = sqliteStore(file);
    await store.open();
    await write(store);
    await store.close();
    expect(await seen(file)).toBe('truth');
    for (const at of places(readFileSync(file).length, 60)) {
      copy(file, damaged);
      flip(damaged, at);
      expect(await seen(damaged), `byte ${at}`).toBe('refused');
    }
    copy(file, damaged);
    flip(damaged, 3 * 4_096 + 9);
    await expect(sqliteStore(damaged).open()).rejects.toMatchObject({
      message: expect.stringContaining('pages 4 are not as they were written') as string,
      data: { pages: [4] },
    });
    // Whoever is started again by a supervisor is refused again.
    for (let start = 0; start < 2; start++) expect(await seen(damaged), 'at the next start').toBe('refused');
    flip(damaged, 3 * 4_096 + 9);
    expect(await seen(damaged), 'mended').toBe('truth');
    flip(damaged, 3 * 4_096 + 9);
    expect(await seen(damaged), 'damaged again').toBe('refused');
    rmSync(`${damaged}.sums`);
    const trusted = sqliteStore(damaged);
    await trusted.open();
    await trusted.close();
  });

  test('far behind in a big file: the process stops, and the next start refuses it', async () => {
    const [file, damaged] = [path('sound.db'), path('damaged.db')];
    const store = sqliteStore(file);
    await store.open();
    const blobs = Array.from({ length: 80 }, (_, index) => ({ hash: `h${index}`, text: `${index}`.padEnd(1e6, 'x') }));
    const used = blobs.map(({ hash }) => ({ hash, holder: '' }));
    await store.commit(group([begin(a, { blobs: used })], { blobs }));
    await store.close();
    copy(file, damaged);
    flip(damaged, readFileSync(file).length - 2_000_000);
    const stopped = new Promise<StoreError>((resolve) => {
      const working = sqliteStore(damaged);
      void working.open((error) => void working.close().then(() => resolve(error)));
    });
    expect(await stopped).toMatchObject({
      outcome: 'unknown',
      message: expect.stringContaining('not as they were written') as string,
    });
    // The next process: this one keeps the file until it ends.
    copy(damaged, path('next.db'));
    await expect(sqliteStore(path('next.db')).open()).rejects.toMatchObject({ code: 'databaseCorrupt' });
    await store.open();
    await store.close();
  });

  test('under a process that has compared it already: it is compared again', async () => {
    const file = path('long.db');
    const first = sqliteStore(file);
    await first.open();
    await write(first);
    await first.close();
    const store = sqliteStore(file, { compareAfterMs: 1 });
    const stopped = new Promise<StoreError>((resolve) => void store.open(resolve));
    // Not before it serves.
    await store.run(a);
    flip(file, readFileSync(file).length - 10);
    expect(await stopped).toMatchObject({
      outcome: 'unknown',
      message: expect.stringContaining('not as they were written') as string,
    });
    await store.close();
  });

  test('under a process at work, where SQLite runs into it: the read says so, and nothing is written any more', async () => {
    const file = path('working.db');
    const first = sqliteStore(file);
    await first.open();
    await write(first);
    await first.close();
    const stops: StoreError[] = [];
    const store = sqliteStore(file);
    await store.open((error) => void stops.push(error));
    const { length } = readFileSync(file);
    const whole = openSync(file, 'r+');
    // The type of every page but the first, which SQLite holds already: in place, as a disk does it.
    for (let at = 4_096; at < length; at += 4_096) writeSync(whole, Buffer.from([0x7f]), 0, 1, at);
    closeSync(whole);
    const damage = { code: 'databaseCorrupt', message: expect.stringContaining('Restore the file') as string };
    await expect(store.journal(a, { after: 0, limit: 1_000 })).rejects.toMatchObject(damage);
    await expect(store.runs('default', { limit: 10 })).rejects.toMatchObject(damage);
    expect(stops).toMatchObject([{ outcome: 'unknown', message: damage.message }]);
    await expect(store.commit(group([begin(runKey('b'))]))).rejects.toMatchObject({ outcome: 'unchanged' });
    expect(await store.healthy()).toBe(false);
    await store.close();
  });

  test('in the log of a process that was killed: refused, unless it is in the last commit, which a power cut may cost', async () => {
    const [file, killed, damaged] = [path('sound.db'), path('killed.db'), path('damaged.db')];
    const store = sqliteStore(file);
    await store.open();
    await write(store);
    copy(file, killed);
    await store.close();
    const log = readFileSync(`${killed}-wal`);
    // Everything up to the last commit but one: behind each of its bytes there is a commit that was synced.
    const commits: number[] = [];
    for (let at = 32; at + 4_120 <= log.length; at += 4_120)
      if (log.readUInt32BE(at + 4) !== 0) commits.push(at + 4_120);
    const [before = 0] = commits.slice(-2);
    for (const at of places(before, 60)) {
      copy(killed, damaged);
      flip(`${damaged}-wal`, at);
      expect(await seen(damaged), `byte ${at}`).toBe('refused');
    }
    copy(killed, damaged);
    expect(await seen(damaged)).toBe('truth');
    // Cut off anywhere in the last commit: it is gone, the others are there, and nothing is called damaged.
    for (const cut of [before + 10, before + 4_120, log.length - 1]) {
      copy(killed, damaged);
      truncateSync(`${damaged}-wal`, cut);
      expect(await seen(damaged)).toEqual(Array.from({ length: COMMITS - 1 }, (_, index) => entryOf(index + 1)));
    }
    // And where some of its sectors did not reach the disk: any one, or all but the second half of a frame's header.
    for (let from = Math.floor(before / 512) * 512; from < log.length; from += 512) {
      copy(killed, damaged);
      const torn = Buffer.from(log).fill(0, Math.max(from, before), Math.min(from + 512, log.length));
      writeFileSync(`${damaged}-wal`, torn);
      if (!torn.equals(log))
        expect(await seen(damaged), `sector at ${from}`).toEqual(
          Array.from({ length: COMMITS - 1 }, (_, index) => entryOf(index + 1)),
        );
    }
    for (const [at, length] of [
      [before, 8],
      [before + 4_120, 8],
    ] as const) {
      copy(killed, damaged);
      writeFileSync(`${damaged}-wal`, Buffer.from(log).fill(0, at, at + length));
      expect(await seen(damaged)).toHaveLength(COMMITS - 1);
    }
    // A number of a page that no database can have.
    copy(killed, damaged);
    flip(`${damaged}-wal`, before);
    expect(await seen(damaged)).toHaveLength(COMMITS - 1);
  });

  test('is not what somebody else has done: who looks in after a crash, moves the log, or takes the file away', async () => {
    const [file, killed] = [path('sound.db'), path('killed.db')];
    const store = sqliteStore(file);
    await store.open();
    await write(store);
    copy(file, killed);
    await store.close();
    // The last one to close moves the log, also where it has only read.
    const browser = new BetterSqlite3(killed);
    expect(browser.prepare('select count(*) from run').pluck().get()).toBe(1);
    browser.close();
    expect(existsSync(`${killed}-wal`)).toBe(false);
    expect(await seen(killed)).toBe('truth');
    expect(await seen(killed), 'and knows the pages again').toBe('truth');
    flip(killed, 3 * 4_096 + 9);
    expect(await seen(killed)).toBe('refused');

    rmSync(killed);
    const anew = sqliteStore(killed);
    expect(await anew.open()).toMatchObject({ position: 0 });
    await anew.close();
  });

  test('is not what a backup program does that moves the log of a process at work', async () => {
    const [file, killed] = [path('busy.db'), path('killed.db')];
    const store = sqliteStore(file);
    await store.open();
    await store.commit(group([begin(a)]));
    for (let revision = 1; revision <= 200; revision++) {
      const entries = [entry(revision, revision, { dataJson: JSON.stringify('x'.repeat(9_000)) })];
      await store.commit(group([changes(a, revision, { entries, state: state({ seq: revision }) })]));
      if (revision % 50 !== 0) continue;
      const backup = new BetterSqlite3(file);
      backup.pragma('wal_checkpoint(passive)');
      backup.close();
    }
    copy(file, killed);
    const again = sqliteStore(killed);
    await again.open();
    expect((await again.run(a))?.seq).toBe(200);
    await again.close();
    await store.close();
    await store.open();
    await store.close();
  });

  test('sums are true after checkpoints under load, after a kill and after a process that just leaves', async () => {
    const [file, killed] = [path('busy.db'), path('killed.db')];
    const store = sqliteStore(file);
    await store.open();
    await store.commit(group([begin(a)]));
    for (let revision = 1; revision <= 600; revision++) {
      const entries = [entry(revision, revision, { dataJson: JSON.stringify('x'.repeat(9_000)) })];
      await store.commit(group([changes(a, revision, { entries, state: state({ seq: revision }) })]));
      // Checkpoints come one turn of the event loop later.
      await new Promise((resolve) => setImmediate(resolve));
      if (revision % 97 !== 0) continue;
      copy(file, killed);
      const again = sqliteStore(killed);
      await again.open();
      expect((await again.run(a))?.seq).toBe(revision);
      await again.close();
    }
    expect(readFileSync(`${file}-wal`).length).toBeLessThan(3_000 * 4_120);
    await store.close();

    const left = path('left.db');
    const { child, line } = await start({ command: 'leave', file: left });
    expect(line).toEqual({ left: true });
    await ended(child);
    const next = sqliteStore(left);
    await next.open();
    expect((await next.run(a))?.revision).toBe(11);
    await next.close();
  });
});
