/**
 * Databases that earlier versions wrote are opened by this one: every actor is as it was recorded, every journal folds
 * to the same, and every run comes to the end that it would have come to then. A set that fails here is runs of users
 * that would go on as something else. The one that the version of `package.json` wrote is written again where a machine has
 * changed that nobody has runs of yet (docs/decisions/006).
 */
import { statSync } from 'node:fs';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { execute } from '../../src/document/execute.ts';
import { actorHashes, endedRuns, keptIn, restingRuns } from './record.ts';
import { copyOf, expectedOf, fileOf, sets } from './sets.ts';
import { finish } from './story.ts';
import { openWorld, type World, type WorldOptions } from './world.ts';

async function withWorld<T>(file: string, options: WorldOptions, use: (world: World) => Promise<T>): Promise<T> {
  const world = await openWorld(file, options);
  try {
    return await use(world);
  } finally {
    await world.close();
  }
}

/** Every journal, taken again from its beginning to its last entry. */
async function folded(world: World): Promise<Readonly<Record<string, unknown>>> {
  const runs = await world.fermata.runtime.list({ limit: 1_000, inner: true });
  const hashes = runs.map(async ({ runId, seq }) => [runId, await actorHashes(world, runId, seq)] as const);
  return Object.fromEntries(await Promise.all(hashes));
}

/** What to do where it fails is not the same for all. */
function titleOf(set: string): string {
  if (expectedOf(set).writtenBy !== manifest.version) return set;
  return `${set} (of no release yet: if a machine was changed on purpose, node test/golden/write.ts ${set})`;
}

describe('golden databases', () => {
  it('are there, and small', () => {
    expect(sets).toContain('2026-11-a');
    for (const set of sets) expect(statSync(fileOf(set)).size, set).toBeLessThan(400_000);
  });

  it('have rows in every table that there is, the newest one: a change of the schema finds something to change', () => {
    const file = copyOf(sets.toSorted().at(-1) ?? '');
    const driver = new BetterSqlite3(file, { readonly: true });
    const tables = driver
      .prepare<[], string>("select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'")
      .pluck()
      .all();
    const empty = tables.filter((table) => driver.prepare(`select 1 from "${table}" limit 1`).get() === undefined);
    driver.close();
    // Its rows are of processes that died in the middle of a call, three times.
    expect(empty).toEqual(['suspect']);
  });

  describe.each(sets.map((set) => [titleOf(set), set] as const))('%s', (_, set) => {
    const { now, runs, resting, ended, kept } = expectedOf(set);

    it('R2: is as it was written, and every journal folds to the same', async () => {
      await withWorld(copyOf(set), { now, answering: false, passive: true }, async (world) => {
        expect(await restingRuns(world)).toEqual(resting);
        const actors = Object.fromEntries(Object.entries(resting).map(([runId, run]) => [runId, run.actors]));
        expect(await folded(world)).toEqual(actors);
        if (kept !== undefined) expect(await keptIn(world)).toEqual(kept.resting);
      });
    });

    it('has no row that belongs to nobody, once it has this schema', async () => {
      const file = copyOf(set);
      await withWorld(file, { now, answering: false, passive: true }, async () => {});
      const driver = new BetterSqlite3(file, { readonly: true });
      const found = [driver.pragma('foreign_key_check'), driver.pragma('integrity_check')];
      driver.close();
      expect(found).toEqual([[], [{ integrity_check: 'ok' }]]);
    });

    it('goes on where it was left, and comes to its recorded end', async () => {
      const file = copyOf(set);
      const world = await finish(file, runs, now);
      try {
        expect(await endedRuns(world, resting)).toEqual(ended);
        if (kept !== undefined) expect(await keptIn(world)).toEqual(kept.ended);
        const open = (await world.fermata.runtime.list({ limit: 1_000 })).filter(({ endedAt }) => endedAt === null);
        expect(open.map(({ runId, machine }) => `${runId} ${machine}`)).toEqual([]);
        const last = await restingRuns(world);
        expect(await folded(world)).toEqual(
          Object.fromEntries(Object.entries(last).map(([runId, { actors }]) => [runId, actors])),
        );
      } finally {
        await world.close();
      }
    });

    it('R6: remembers what was asked for under a key, and what was sent under an id', async () => {
      await withWorld(copyOf(set), { now, answering: false, passive: true }, async ({ fermata }) => {
        const { runtime, workflows } = fermata;
        const workflow = await workflows.byName('keyed');
        expect(workflow).toBeDefined();
        if (workflow === undefined) return;
        const definition = await workflows.definition(workflow.id, workflow.version);
        const idempotency = { key: 'the key', bodyHash: 'the body' };
        const again = await execute(runtime, workflow, definition, { input: {}, idempotency });
        expect(again).toMatchObject({ runId: runs['keyed'], repeated: true });
        const sent = await runtime.send(runs['order open'] ?? '', { type: 'CLOSE' }, { id: 'order open CLOSE' });
        expect(sent).toMatchObject({ repeated: true });
      });
    });

    it('would be noticed if a stored event or state were another one', async () => {
      const file = copyOf(set);
      const driver = new BetterSqlite3(file);
      const owner = 'run = (select key from run where id = ?)';
      driver
        .prepare(`update actor set state = replace(state, '"cancelled"', '"completed"') where ${owner}`)
        .run(runs['cancelled']);
      // What an event says was in a column of its own once.
      const column = driver
        .prepare<[], string>(`select name from pragma_table_info('journal') where name in ('data', 'entries')`)
        .pluck()
        .get();
      driver
        .prepare(`update journal set ${column} = replace(${column}, 'NOTE', 'RUSH') where ${owner}`)
        .run(runs['order open']);
      driver.close();
      await withWorld(file, { now, answering: false, passive: true }, async (world) => {
        const found = await restingRuns(world);
        const changed = Object.keys(resting).filter((runId) => found[runId]?.journal !== resting[runId]?.journal);
        expect(changed).toEqual([runs['order open']]);
        expect(await actorHashes(world, runs['cancelled'] ?? '')).not.toEqual(resting[runs['cancelled'] ?? '']?.actors);
      });
    });
  });
});
