/** R8: random machines do what they do in plain XState, in one process and killed between every two turns. */
import { checkRandom } from '../runtime/conformance/random-check.ts';
import type { Trial } from './trial.ts';

const MACHINES = 25;
const WAYS = [{ name: 'in one process' }, { name: 'killed between every two turns', killed: true }] as const;

/** Compares random machines with plain XState; the smallest that differs is printed. */
export const trial: Trial = {
  name: 'conformance',
  missing: () => undefined,
  run: (seed) => checkRandom(seed, MACHINES, WAYS),
};
