/**
 * Graceful restarts under load: SIGTERM, status 0 within ten seconds, the next server, and no request that failed for a
 * client which asks again. Readers of streams go on without a gap.
 */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { chanceOf } from '../crash/chance.ts';
import { serverOfProcess } from '../crash/program.ts';
import { Scene } from '../crash/scene.ts';
import { Load } from './load/load.ts';
import type { Trial } from './trial.ts';

const RESTARTS = 10;
const LONGEST_STOP_MS = 10_000;

export const trial: Trial = {
  name: 'restarts',
  weight: 2,
  missing: () => undefined,
  async run(seed) {
    const chance = chanceOf('restarts', seed);
    await using scene = await Scene.set(await serverOfProcess(), { firstTokenMs: 20, tokensPerSecond: 300 });
    const load = new Load({ url: scene.url, chance });
    let server = scene.serve();
    load.begin(8);
    let longest = 0;
    for (let restart = 0; restart < RESTARTS; restart++) {
      await server.url;
      await load.progress(chance(20));
      await pause(chance(50));
      const began = performance.now();
      server.signal('SIGTERM');
      await scene.died(server, 0);
      longest = Math.max(longest, performance.now() - began);
      assert.ok(longest <= LONGEST_STOP_MS, `expected a stop to take ten seconds at most, it took ${longest} ms`);
      load.acknowledged.expectIn(scene.kills.at(-1) ?? assert.fail('a stop leaves its evidence'));
      load.expectNoFailure();
      server = scene.serve();
      load.begin(1 + chance(3));
    }
    await load.done();
    const { acknowledged, repeats } = load.expectEnd(await scene.close(server), scene.calls());
    const refused = [...load.refusals.values()].reduce((all, count) => all + count, 0);
    return {
      restarts: RESTARTS,
      errands: load.size,
      acknowledged,
      'answers 503': refused,
      'calls cut off and repeated': repeats,
      'ms of the longest stop': Math.round(longest),
    };
  },
};
