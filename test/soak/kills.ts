/**
 * Servers killed at random moments under mixed load, each on a file of its own. Nothing acknowledged is lost, every
 * errand comes to its end, and a call is repeated only where it was in flight, under its key, and stated (J1 to J4).
 */
import { setTimeout as pause } from 'node:timers/promises';
import { chanceOf, type Chance } from '../crash/chance.ts';
import { serverOfProcess, type Program } from '../crash/program.ts';
import { Scene } from '../crash/scene.ts';
import { Load } from './load/load.ts';
import type { Trial } from './trial.ts';

const KILLS = 10;
/** Beside each other: most of a kill is waiting. */
const SCENES = 2;

export const trial: Trial = {
  name: 'kills',
  weight: 5,
  missing: () => undefined,
  async run(seed) {
    const program = await serverOfProcess();
    const scenes = Array.from({ length: SCENES }, (_, n) => killAll(program, chanceOf(`kills ${n}`, seed)));
    const ends = await Promise.all(scenes);
    const sum = (count: (end: (typeof ends)[number]) => number): number =>
      ends.reduce((all, end) => all + count(end), 0);
    return {
      kills: KILLS * SCENES,
      errands: sum(({ errands }) => errands),
      acknowledged: sum(({ acknowledged }) => acknowledged),
      'calls in flight': sum(({ inFlight }) => inFlight),
      'repeated calls': sum(({ repeats }) => repeats),
    };
  },
};

async function killAll(program: Program, chance: Chance) {
  await using scene = await Scene.set(program, { firstTokenMs: 20, tokensPerSecond: 300 });
  const load = new Load({ url: scene.url, chance });
  let server = scene.serve();
  load.begin(8);
  for (let kill = 0; kill < KILLS; kill++) {
    // Three of four moments lie in the work, the fourth anywhere in a start.
    const isInWork = chance(4) > 0;
    if (isInWork) await load.progress(chance(12));
    await pause(chance(isInWork ? 50 : 300));
    await server.kill();
    load.acknowledged.expectIn(await scene.died(server));
    load.expectNoFailure();
    server = scene.serve();
    load.begin(1 + chance(3));
  }
  await load.done();
  const end = await scene.close(server);
  const inFlight = scene.kills.reduce((all, { open }) => all + open.length, 0);
  return { errands: load.size, inFlight, ...load.expectEnd(end, scene.calls()) };
}
