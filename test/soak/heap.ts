/**
 * A server with a small heap and too much to do. It may die of it; what it had acknowledged is there afterwards, and a
 * server with more memory brings all of it to its end.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { chanceOf } from '../crash/chance.ts';
import { serverOfProcess } from '../crash/program.ts';
import { Scene } from '../crash/scene.ts';
import { Load } from './load/load.ts';
import type { Trial } from './trial.ts';

const SMALLEST_MB = 24;
const ERRANDS = 60;
const KILOBYTES = 800;
const LONGEST_MS = 10_000;

export const trial: Trial = {
  name: 'heap',
  missing: () => undefined,
  async run(seed) {
    const chance = chanceOf('heap', seed);
    await using scene = await Scene.set(await serverOfProcess(), { firstTokenMs: 5 });
    const megabytes = SMALLEST_MB + chance(16);
    const small = scene.serve({}, { node: [`--max-old-space-size=${megabytes}`], quiet: true });
    await small.url;
    const load = new Load({ url: scene.url, chance, kilobytes: KILOBYTES });
    load.begin(ERRANDS);
    const until = performance.now() + LONGEST_MS;
    while (!small.isDead && !load.isDone && performance.now() < until) await pause(20);
    const died = small.isDead;
    await small.kill();
    load.acknowledged.expectIn(await scene.died(small, await small.ended));
    const large = scene.serve();
    await load.done();
    const { acknowledged, repeats } = load.expectEnd(await scene.close(large), scene.calls());
    return { 'died of it': died ? 1 : 0, 'did it all the same': died ? 0 : 1, acknowledged, repeats };
  },
};
