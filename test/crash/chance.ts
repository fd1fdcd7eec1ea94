/** Choices that depend on a seed only. */
import { fraction } from '../../machines/backoff.ts';

/** Gives a whole number in [0, below), another one at each call. */
export type Chance = (below: number) => number;

/**
 * A series of choices.
 *
 * @example const chance = chanceOf('kills', 7); await pause(chance(300))
 */
export function chanceOf(what: string, seed: number): Chance {
  let calls = 0;
  return (below) => Math.floor(fraction(`${what}/${seed}/${++calls}`) * below);
}
