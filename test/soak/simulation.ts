/** Lives of simulated worlds: a trial is one seed, and takes a twentieth of a second. */
import { live } from '../simulation/life.ts';
import type { Trial } from './trial.ts';

export const trial: Trial = {
  name: 'simulation',
  missing: () => undefined,
  run: async (seed) => (await live(seed)).counts,
};
