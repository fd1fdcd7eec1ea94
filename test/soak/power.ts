/**
 * R4: power cuts. Every write and sync of a server under load is recorded; then its files are rebuilt as they may stand
 * on the disk after a cut at any moment, and opened. Whatever a client knew by then is there, and the file is whole.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { chanceOf, type Chance } from '../crash/chance.ts';
import { copyDatabase, filesOf } from '../crash/database-files.ts';
import { readEvidence } from '../crash/evidence.ts';
import { serverOfProcess, type Program } from '../crash/program.ts';
import { Scene } from '../crash/scene.ts';
import type { Acknowledged } from './load/acknowledged.ts';
import { Load } from './load/load.ts';
import { clientOf, untilSo } from './load/patience.ts';
import { Disk } from './trace/power-cut.ts';
import { readTrace, recording, straceMissing, type TracedCall } from './trace/strace.ts';
import type { Trial } from './trial.ts';

const CUTS = 60;
/** With as many kilobytes each the log is moved to the file once or twice. */
const ERRANDS = 50;
const KILOBYTES = 150;

export const trial: Trial = {
  name: 'power',
  weight: 2,
  missing: straceMissing,
  async run(seed) {
    const program = await serverOfProcess();
    const chance = chanceOf('power', seed);
    await using scene = await Scene.set(program, { firstTokenMs: 5 });
    const { before, calls, acknowledged } = await record(scene, chance);
    const syncs = calls.filter(({ name }) => name.endsWith('sync'));
    expectSynced(acknowledged, syncs);

    const folder = scene.path('after-the-cut');
    const disk = new Disk(before);
    const moments = momentsOf(calls, acknowledged, chance);
    let next = 0;
    let due = 0;
    for (const moment of moments) {
      for (; next < moment; next++) disk.take(calls[next] as TracedCall);
      due += await expectAfter(disk.cut(chance), calls[moment]?.at ?? Infinity, acknowledged, folder);
    }
    await expectLife(program, folder);
    return {
      cuts: moments.length,
      writes: calls.length - syncs.length,
      syncs: syncs.length,
      'to the file': calls.filter(({ path }) => path === scene.file).length,
      'acknowledged and found': due,
    };
  },
};

/** A load from its begin to its end on a database that was there before. */
async function record(scene: Scene, chance: Chance) {
  const first = scene.serve();
  await first.url;
  first.signal('SIGTERM');
  assert.equal(await first.ended, 0, 'how a server ends that is asked to');
  const before = new Map(
    filesOf(scene.file).map((path) => [path, existsSync(path) ? readFileSync(path) : Buffer.alloc(0)]),
  );
  const output = scene.path('trace');
  const server = scene.serve({}, { under: recording(scene.file, output) });
  await server.url;
  const load = new Load({ url: scene.url, chance, kilobytes: KILOBYTES });
  load.begin(ERRANDS);
  await load.done();
  await server.kill();
  const { calls } = await readTrace(output, server);
  return { before, calls, acknowledged: load.acknowledged };
}

/** Expects a sync of the log between each request and its answer. */
function expectSynced({ all }: Acknowledged, syncs: readonly TracedCall[]): void {
  for (const one of all) {
    if (one.kind === 'fact') continue;
    const between = syncs.filter(({ at, path }) => path.endsWith('-wal') && at >= one.asked && at <= one.at);
    assert.ok(between.length > 0, `expected a sync before the answer: ${JSON.stringify(one)}`);
  }
}

/** Numbers of calls before which the power goes, ascending: some just after a client got an answer, some anywhere. */
function momentsOf(calls: readonly TracedCall[], { all }: Acknowledged, chance: Chance): readonly number[] {
  const moments = Array.from({ length: CUTS }, (_, n) => {
    const answer = all[chance(all.length)];
    const after = calls.findIndex(({ at }) => at > (answer?.at ?? 0));
    return n % 2 === 0 && after > 0 ? after : chance(calls.length + 1);
  });
  return moments.toSorted((a, b) => a - b);
}

/** Opens what a cut left, and expects it to be whole and to have everything due. Returns how much that was. */
async function expectAfter(
  files: ReadonlyMap<string, Buffer>,
  until: number,
  acknowledged: Acknowledged,
  folder: string,
): Promise<number> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const [path, bytes] of files) writeFileSync(join(folder, basename(path)), bytes);
  const file = join(folder, 'fermata.db');
  const due = acknowledged.expectIn(await readEvidence(file), until);
  // Of a copy: SQLite alone would move the log into the file behind the back of the sums of its pages.
  const copy = join(folder, 'checked.db');
  copyDatabase(file, copy);
  const database = new BetterSqlite3(copy);
  try {
    assert.equal(database.pragma('integrity_check', { simple: true }), 'ok');
  } finally {
    database.close();
  }
  return due;
}

/** Expects that a server on the file gets every run on that nobody outside has to move. */
async function expectLife(program: Program, folder: string): Promise<void> {
  await using scene = await Scene.set(program, { folder });
  scene.serve();
  const client = clientOf(scene.url);
  await untilSo('every run to end or to wait', async () => {
    const { items } = await client.runs({ limit: '1000' });
    return items.every(({ status }) => status === 'waiting' || status === 'completed');
  });
}
