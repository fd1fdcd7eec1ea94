/** R4, R7: a disk that is full, commits that fail, a damaged row, a file that is taken or too new. Nothing is lost. */
import { readFileSync, rmSync } from 'node:fs';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import type { CodeFunction } from '../../actors/code-function.ts';
import { fraction } from '../../machines/backoff.ts';
import { compose } from '../../src/compose.ts';
import type { WorkflowDocument, WorkflowTask } from '../../src/document/schema.ts';
import { createApp } from '../../src/http/app.ts';
import { createLogger } from '../../src/http/log.ts';
import { sqliteStore } from '../../src/store/sqlite/index.ts';
import { StoreError, type Store } from '../../src/store/store.ts';
import { openEmbedded } from './embedded.ts';
import { until } from './until.ts';

/** A chain of `count` tasks that call `work`. */
function chain(name: string, count: number, items: number): WorkflowDocument {
  const tasks = Array.from({ length: count }, (_, index): WorkflowTask => ({
    name: `step-${index + 1}`,
    kind: 'code',
    function: 'work',
    input: { items },
    ...(index === 0 ? {} : { dependsOn: [`step-${index}`] }),
  }));
  return { name, tasks };
}

/** Counts its calls by key, and returns so many kilobytes that no other call returns. */
function worker() {
  const calls = new Map<string, number>();
  const work: CodeFunction = ({ items }, { idempotencyKey }) => {
    calls.set(idempotencyKey, (calls.get(idempotencyKey) ?? 0) + 1);
    return idempotencyKey.padEnd(Number(items) * 1_024, '.');
  };
  return { calls, work };
}

describe('a disk that is full', () => {
  it('answers 503, loses and repeats nothing, and goes on when there is space', async () => {
    const { calls, work } = worker();
    const place = await openEmbedded({ functions: { work }, maxPages: 400 });
    const old = await place.run(chain('old', 1, 600));
    await place.ended(old);
    const run = await place.run(chain('big', 10, 100));
    await until('the disk to be full', () => place.logged.some((line) => line.includes('SQLITE_FULL')));
    const made = calls.size;
    expect(made, 'it became full in the middle of the run').toBeLessThan(11);

    // More than what is left, however much of it the step that failed would have taken.
    const another = place.run(chain('another', 1, 100), { text: 'x'.repeat(2_000_000) });
    await expect(another).rejects.toMatchObject({ code: 'storeUnavailable', status: 503 });
    await expect(place.fermata.runtime.cancel(run)).rejects.toMatchObject({ code: 'storeUnavailable' });
    expect((await place.fermata.runtime.read(run)).status, 'reads go on').toBe('running');
    expect(calls.size, 'nothing is called whose request is not committed').toBe(made);
    const app = createApp({ fermata: place.fermata, log: createLogger({ level: 'silent' }) });
    const ready = await app.request('/readyz');
    expect(ready.status, 'although something small still fits').toBe(503);
    expect(await ready.json()).toMatchObject({
      code: 'storeUnavailable',
      detail: expect.stringMatching(
        /^Commits have been failing for \d+ seconds, .*SQLITE_FULL.*Free some space/,
      ) as string,
    });

    await place.fermata.runtime.delete(old);
    expect((await place.ended(run)).status).toBe('completed');
    expect([...calls.values()], 'each call was made once').toEqual(Array.from({ length: 11 }, () => 1));
    expect((await app.request('/readyz')).status).toBe(200);
    const commits = place.logged.filter((line) => line.startsWith('commits'));
    expect(commits.map((line) => line.split(/[,{]/, 1).join('').trim())).toEqual([
      'commits fail',
      'commits succeed again',
    ]);
    await place.ended(await place.run(chain('after', 1, 1)));
  });

  it('goes on after a restart with more space; the call whose answer found no room is in doubt and repeated', async () => {
    const { calls, work } = worker();
    const place = await openEmbedded({ functions: { work }, maxPages: 200 });
    const run = await place.run(chain('big', 10, 100));
    await until('the disk to be full', () => place.logged.some((line) => line.includes('SQLITE_FULL')));
    await place.close();
    await place.open({ maxPages: 100_000 });
    expect((await place.ended(run)).status).toBe('completed');
    expect([...calls.values()].sort((a, b) => a - b)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 2]);
    expect(await place.facts(run, 'task_in_doubt')).toHaveLength(1);
  });
});

describe('commits that fail', () => {
  it('some without a change: what came from outside is told so, everything else happens, once', async () => {
    let commit = 0;
    let failed = 0;
    const shaky = (store: Store): Store => ({
      ...store,
      commit(group) {
        if (fraction(`shaky ${++commit}`) > 0.3) return store.commit(group);
        failed++;
        return Promise.reject(new StoreError('unchanged', 'the database is locked'));
      },
    });
    const { calls, work } = worker();
    const place = await openEmbedded({ functions: { work }, wrap: shaky });
    const started = await Promise.all(
      Array.from({ length: 12 }, (_, n) =>
        until(`start ${n} to be committed`, () =>
          place
            .run(chain(`run ${n}`, 3, 1))
            .catch((error: { code?: string }) => error.code !== 'storeUnavailable' && Promise.reject(error)),
        ),
      ),
    );
    for (const run of started) {
      expect((await place.ended(run)).status).toBe('completed');
      const numbers = (await place.fermata.runtime.journal(run, { limit: 1_000 })).map(({ seq }) => seq);
      expect(numbers, 'no gap').toEqual(numbers.map((_, index) => index + 1));
    }
    expect(failed).toBeGreaterThan(0);
    expect([...calls.values()]).toEqual(Array.from({ length: 36 }, () => 1));
    expect(await place.fermata.runtime.list({ limit: 100 })).toHaveLength(12);
  });

  it.each(['was there after all', 'was not there'])(
    'one whose outcome is unknown (it %s): nothing starts, and the next start finds out',
    async (truth) => {
      let failing = false;
      const doubtful = (store: Store): Store => ({
        ...store,
        async commit(group) {
          if (!failing) return store.commit(group);
          if (truth === 'was there after all') await store.commit(group);
          throw new StoreError('unknown', 'the disk said: input/output error');
        },
      });
      const { calls, work } = worker();
      const fatal: Error[] = [];
      const place = await openEmbedded({ functions: { work }, wrap: doubtful, onFatal: (error) => fatal.push(error) });
      await place.ended(await place.run(chain('before', 1, 1)));
      const facts: string[] = [];
      place.fermata.runtime.subscribe(undefined, ({ type }) => facts.push(type));
      failing = true;
      await expect(place.run(chain('doubtful', 2, 1))).rejects.toMatchObject({ code: 'outcomeUnknown', status: 503 });
      await expect(place.run(chain('before', 1, 1))).rejects.toMatchObject({ code: 'outcomeUnknown' });
      expect({ fatal: fatal.length, calls: calls.size, facts }).toEqual({ fatal: 1, calls: 1, facts: [] });

      await place.crash();
      failing = false;
      await place.open();
      const found = (await place.fermata.runtime.list({ limit: 10 })).filter(
        ({ workflow }) => workflow?.name === 'doubtful',
      );
      expect(found).toHaveLength(truth === 'was there after all' ? 1 : 0);
      for (const { runId } of found) expect((await place.ended(runId)).status).toBe('completed');
      expect([...calls.values()].every((times) => times === 1)).toBe(true);
    },
  );
});

describe('a file that is damaged, taken or too new', () => {
  const gated: WorkflowDocument = {
    name: 'gated',
    tasks: [{ name: 'pay', kind: 'code', function: 'work', input: { items: 1 }, requiresApproval: true }],
  };

  function edit(file: string, change: (database: BetterSqlite3.Database) => void): void {
    const database = new BetterSqlite3(file);
    change(database);
    database.close();
    // Changed on purpose: without the sums of its pages the file is taken as it is.
    rmSync(`${file}.sums`);
  }

  it('a damaged snapshot row stops its own run, which says so; mended, the run goes on', async () => {
    const place = await openEmbedded({ functions: { work: worker().work } });
    const [damaged, sound] = [await place.run(gated), await place.run(gated)];
    await place.close();
    let before: unknown;
    edit(place.file, (database) => {
      const row = database
        .prepare(
          `select actor.key as key, state from actor join run on run.key = actor.run where run.id = ? and address = '/pay'`,
        )
        .get(damaged) as { key: number; state: string };
      before = row;
      database
        .prepare('update actor set state = ? where key = ?')
        .run(`${row.state.slice(0, 40)}#${row.state.slice(41, -1)}`, row.key);
    });
    await place.open();
    await expect(place.approve(damaged, 'pay')).rejects.toMatchObject({ code: 'databaseCorrupt', status: 503 });
    await expect(place.fermata.runtime.cancel(damaged)).rejects.toMatchObject({ code: 'databaseCorrupt' });
    expect((await place.fermata.runtime.why(damaged)).blocked).toMatchObject({ code: 'databaseCorrupt' });
    expect((await place.fermata.runtime.read(damaged)).status).toBe('waiting');
    await place.approve(sound, 'pay');
    expect((await place.ended(sound)).status).toBe('completed');

    await place.close();
    edit(place.file, (database) => database.prepare('update actor set state = @state where key = @key').run(before));
    await place.open();
    await place.approve(damaged, 'pay');
    expect((await place.ended(damaged)).status).toBe('completed');
  });

  it('a damaged run is listed as such, beside the others, and can be read by nobody', async () => {
    const place = await openEmbedded({ functions: { work: worker().work } });
    const [damaged, sound] = [await place.run(gated), await place.run(gated)];
    await place.close();
    edit(place.file, (database) =>
      database
        .prepare(`update run_state set counts = '{"total":' from run where run.key = run_state.run and run.id = ?`)
        .run(damaged),
    );
    await place.open();
    const runs = await place.fermata.runtime.list({ limit: 10 });
    expect(runs.map(({ runId, reason }) => [runId, reason?.code])).toEqual([
      [sound, undefined],
      [damaged, 'databaseCorrupt'],
    ]);
    await expect(place.fermata.runtime.read(damaged)).rejects.toMatchObject({ code: 'databaseCorrupt' });
  });

  it('a file that somebody else has open is refused, and he goes on', async () => {
    const place = await openEmbedded({ functions: { work: worker().work } });
    const run = await place.run(gated);
    await expect(compose({ store: sqliteStore(place.file) })).rejects.toMatchObject({
      code: 'databaseInUse',
      message: expect.stringContaining(place.file) as string,
    });
    await place.approve(run, 'pay');
    expect((await place.ended(run)).status).toBe('completed');
  });

  it('a file of a newer version is refused and left as it is', async () => {
    const place = await openEmbedded();
    await place.close();
    edit(place.file, (database) => database.pragma('user_version = 999'));
    const bytes = readFileSync(place.file);
    await expect(place.open()).rejects.toMatchObject({
      code: 'databaseNewer',
      message: expect.stringContaining('999') as string,
    });
    expect(readFileSync(place.file).equals(bytes)).toBe(true);
  });
});
