/**
 * A real disk that is full (a small tmpfs), and one that has become read-only. Reads go on, writes get 503, nothing
 * acknowledged is lost, and work goes on when there is space; a start on a read-only disk says what is wrong.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compose } from '../../src/compose.ts';
import { FermataError } from '../../src/errors.ts';
import { sqliteStore } from '../../src/store/sqlite/index.ts';
import { chanceOf } from '../crash/chance.ts';
import { serverOfProcess } from '../crash/program.ts';
import { Scene } from '../crash/scene.ts';
import { until } from '../crash/until.ts';
import { Load } from './load/load.ts';
import { clientOf, untilSo } from './load/patience.ts';
import type { Trial } from './trial.ts';

const SIZE_KIB = 32 * 1_024;
const FREE_KIB = 2_048;
const LONGEST_RECOVERY_MS = 5_000;

export const trial: Trial = {
  name: 'disk',
  missing() {
    if (process.platform !== 'linux') return 'needs Linux, for a tmpfs of a few megabytes';
    return process.getuid?.() === 0 ? undefined : 'needs root, who may mount a tmpfs';
  },
  async run(seed) {
    const chance = chanceOf('disk', seed);
    using disk = new SmallDisk();
    await using scene = await Scene.set(await serverOfProcess(), { folder: disk.folder, firstTokenMs: 5 });
    // What somebody else has on the disk, and will remove.
    const ballast = join(disk.folder, 'ballast');
    writeFileSync(ballast, Buffer.alloc((SIZE_KIB - FREE_KIB - chance(FREE_KIB)) * 1_024));
    const server = scene.serve();
    await server.url;
    const load = new Load({ url: scene.url, chance, kilobytes: 200 });
    load.begin(48);
    await until('the disk to be full', () => load.refusals.size > 0);
    assert.deepEqual([...load.refusals.keys()], ['storeUnavailable'], 'how writes are refused');
    const client = clientOf(scene.url);
    const { items } = await client.runs({ limit: '1000' });
    assert.ok(items.length > 0, 'reads go on while the disk is full');
    rmSync(ballast);
    const began = performance.now();
    const known = load.acknowledged.all.length;
    await untilSo('work to go on', () => Promise.resolve(load.acknowledged.all.length > known));
    const recovery = performance.now() - began;
    assert.ok(recovery < LONGEST_RECOVERY_MS, `expected work within 5 s of space, it took ${recovery} ms`);
    await load.done();
    await server.kill();
    const { acknowledged } = load.expectEnd(await scene.close(server), scene.calls());

    // As after an orderly stop: there is no room for the lock either.
    rmSync(`${scene.file}.lock-journal`, { force: true });
    spawnSync('dd', ['if=/dev/zero', `of=${ballast}`]);
    await expectRefused(scene.file, /Free some space on its disk/);
    rmSync(ballast);
    disk.remount('ro');
    await expectRefused(scene.file, /this process/);
    disk.remount('rw');
    const last = scene.serve();
    assert.ok(await last.url, 'it starts where it may write again');
    load.acknowledged.expectIn(await scene.close(last));
    return { 'full disks': 1, 'read-only disks': 1, refused: load.refusals.get('storeUnavailable') ?? 0, acknowledged };
  },
};

async function expectRefused(file: string, remedy: RegExp): Promise<void> {
  const refusal = await compose({ store: sqliteStore(file) }).catch((thrown: unknown) => thrown);
  assert.ok(refusal instanceof FermataError, `expected a start to be refused: ${String(refusal)}`);
  assert.equal(refusal.code, 'storeUnavailable', refusal.message);
  assert.match(refusal.message, remedy);
}

/** A disk of its own, in memory. */
class SmallDisk implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'fermata-disk-'));

  constructor() {
    mount('-t', 'tmpfs', '-o', `size=${SIZE_KIB}k`, 'tmpfs', this.folder);
  }

  remount(how: 'ro' | 'rw'): void {
    mount('-o', `remount,${how},size=${SIZE_KIB}k`, this.folder);
  }

  [Symbol.dispose](): void {
    spawnSync('umount', ['--lazy', this.folder]);
    rmdirSync(this.folder);
  }
}

function mount(...args: readonly string[]): void {
  const { status, stderr } = spawnSync('mount', args, { encoding: 'utf8' });
  assert.equal(status, 0, `mount ${args.join(' ')}: ${stderr}`);
}
