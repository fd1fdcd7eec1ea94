/**
 * A process that stands still, for moments and once for a minute (SIGSTOP, SIGCONT), as a laptop's lid or a busy host
 * makes it. Nobody can take its file meanwhile; afterwards nothing is lost, and no call is made twice.
 */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { FermataError } from '../../src/errors.ts';
import { sqliteStore } from '../../src/store/sqlite/index.ts';
import { chanceOf } from '../crash/chance.ts';
import { serverOfProcess } from '../crash/program.ts';
import { Scene } from '../crash/scene.ts';
import { Load } from './load/load.ts';
import type { Trial } from './trial.ts';

const MINUTE_MS = 60_000;
const SHORT_PAUSES = 5;
const LONGEST_REFUSAL_MS = 1_000;

export const trial: Trial = {
  name: 'pause',
  // A minute in which nothing happens is long enough once in a soak of ten.
  weight: 0.3,
  missing: () => undefined,
  async run(seed) {
    const chance = chanceOf('pause', seed);
    await using scene = await Scene.set(await serverOfProcess(), { firstTokenMs: 20, tokensPerSecond: 300 });
    const load = new Load({ url: scene.url, chance });
    const server = scene.serve();
    const long = chance(SHORT_PAUSES + 1);
    for (let n = 0; n <= SHORT_PAUSES; n++) {
      load.begin(6);
      await load.progress(5 + chance(30));
      server.signal('SIGSTOP');
      await expectTaken(scene.file);
      await pause(n === long ? MINUTE_MS : chance(2_000));
      await expectTaken(scene.file);
      server.signal('SIGCONT');
    }
    await load.done();
    const { acknowledged, repeats } = load.expectEnd(await scene.close(server), scene.calls());
    assert.equal(repeats, 0, 'calls made twice');
    return { pauses: SHORT_PAUSES + 1, errands: load.size, acknowledged };
  },
};

async function expectTaken(file: string): Promise<void> {
  const began = performance.now();
  const refusal = await sqliteStore(file)
    .open()
    .catch((thrown: unknown) => thrown);
  const took = performance.now() - began;
  assert.ok(
    refusal instanceof FermataError,
    `expected the file of a paused process to be taken, came ${String(refusal)}`,
  );
  assert.equal(refusal.code, 'databaseInUse');
  assert.ok(took < LONGEST_REFUSAL_MS, `expected a refusal within a second, it took ${took} ms`);
}
