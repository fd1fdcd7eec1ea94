/** R8: random machines do what they do in plain XState, in one process and killed between every two turns. */
import { checkRandom } from '../runtime/conformance/random-check.ts';
import type { Trial } from './trial.ts';

const MACHINES = 25;
/** Fewer: every turn costs a process of its own. */
const MACHINES_KILLED = 5;

/** Compares random machines with plain XState; the smallest that differs is printed. */
export const trial: Trial = {
  name: 'conformance',
  missing: () => undefined,
  async run(seed) {
    const whole = await checkRandom(seed, MACHINES, [{ name: 'in one process' }]);
    const killed = await checkRandom(seed, MACHINES_KILLED, [{ name: 'killed between every two turns', killed: true }]);
    return { machines: whole.machines, turns: whole.turns, kills: killed.turns };
  },
};
