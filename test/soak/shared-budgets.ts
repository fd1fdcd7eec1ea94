/** Runs that share budgets, killed at random commits and points of the commit path: never over, nothing lost. */
import { chanceOf } from '../crash/chance.ts';
import { serverOfProcess } from '../crash/program.ts';
import { Scene } from '../crash/scene.ts';
import { killSharing } from '../crash/sharing-money.ts';
import type { Trial } from './trial.ts';

const KILLS = 5;
const POINTS = ['decided', 'committed'] as const;

export const trial: Trial = {
  name: 'shared-budgets',
  weight: 2,
  missing: () => undefined,
  async run(seed) {
    const chance = chanceOf('shared-budgets', seed);
    await using scene = await Scene.set(await serverOfProcess(), { firstTokenMs: 5 });
    const kills = Array.from({ length: KILLS }, () => ({
      point: POINTS[chance(POINTS.length)] ?? 'committed',
      nth: 1 + chance(14),
      calls: 1 + chance(30) / 2,
    }));
    const ends = await killSharing(scene, kills);
    return {
      kills: KILLS,
      'calls in flight': ends.reduce((sum, { doubts }) => sum + doubts, 0),
      'runs over budget': ends.reduce((sum, { over }) => sum + over, 0),
    };
  },
};
