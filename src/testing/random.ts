/** Chance from a seed: the same numbers on every machine. */

/** A source of numbers, each drawn once. */
export interface Random {
  /** In [0, 1). */
  next(): number;
  /** True with this probability. */
  chance(probability: number): boolean;
  /** A whole number from `least` to `most`. */
  between(least: number, most: number): number;
  /** One of them. */
  pick<T>(from: readonly [T, ...T[]]): T;
  /** A source of its own: what is drawn there moves nothing here. */
  fork(name: string): Random;
}

/**
 * Numbers of a seed (FNV-1a of its text, then Tommy Ettinger's mulberry32).
 *
 * @example
 * randomOf(7).between(1, 6) === randomOf(7).between(1, 6)
 */
export function randomOf(seed: number | string): Random {
  let state = 0x811c9dc5;
  for (const character of String(seed)) state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 0x01000193);
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1));
  return {
    next,
    chance: (probability) => probability > 0 && next() < probability,
    between,
    pick: (from) => from[between(0, from.length - 1)] ?? from[0],
    fork: (name) => randomOf(`${seed}/${name}`),
  };
}
