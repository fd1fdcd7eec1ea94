/** The sketches of vectors: which vectors are read for a search, and that none is lost of which something is to be found. */
import { describe, expect, it } from 'vitest';
import { chance, DIMENSIONS, direction, dot, like } from '../../../bench/cache/vectors.ts';
import { sketchOf, wordsOf } from '../../../src/store/sqlite/vectors/sketch.ts';
import { Sketches } from '../../../src/store/sqlite/vectors/sketches.ts';

const pause = async (): Promise<void> => {};

describe('a sketch', () => {
  it('is the same for ever: sketches are stored', () => {
    const values = Float32Array.from({ length: 96 }, (_, at) => Math.sin(at));
    expect([...sketchOf(values)]).toEqual(STORED);
    expect([...sketchOf(Float32Array.of(1, 0, 0))]).toHaveLength(1);
  });

  it('differs from another one in as many bits as their vectors have of an angle', () => {
    const next = chance(1);
    const one = direction(next);
    for (const cosine of [0.99, 0.9, 0.5, 0]) {
      const bits = differing(sketchOf(one), sketchOf(like(one, cosine, next)));
      expect(bits / DIMENSIONS).toBeCloseTo(Math.acos(cosine) / Math.PI, 1);
    }
  });
});

describe('the sketches of a space', () => {
  it('have the nearest among the few that are read, also of vectors that are all alike', async () => {
    const next = chance(2);
    const centre = direction(next);
    const all = Array.from({ length: 3_000 }, () => like(centre, 0.85, next));
    const sketches = new Sketches(wordsOf(DIMENSIONS));
    for (const [at, values] of all.entries()) sketches.add(at + 1, sketchOf(values));
    for (let search = 0; search < 20; search++) {
      const at = next() % all.length;
      const values = like(all[at] ?? centre, 0.9, next);
      const nearest = all.reduce(
        (best, other, place) => (dot(other, values) > dot(all[best] ?? centre, values) ? place : best),
        0,
      );
      expect(await sketches.nearest(sketchOf(values), 96, pause)).toContain(nearest + 1);
    }
  });

  it('forget what is removed, close the holes, and go on', async () => {
    const next = chance(3);
    const sketches = new Sketches(2);
    const add = (key: number): void => sketches.add(key, Uint32Array.of(next(), next()));
    const keysOf = async (): Promise<number[]> =>
      [...(await sketches.nearest(Uint32Array.of(0, 0), 10_000, pause))].toSorted((one, other) => one - other);
    const present = new Set<number>();
    for (let key = 1; key <= 2_000; key++) {
      add(key);
      present.add(key);
      if (key % 3 !== 0) continue;
      const gone = [key - 1, key - 2, 5_000, (next() % key) + 1];
      sketches.remove(gone);
      for (const one of gone) present.delete(one);
    }
    expect(sketches.size).toBe(present.size);
    expect(sketches.newest).toBe(2_000);
    expect(await keysOf()).toEqual([...present].toSorted((one, other) => one - other));
    expect(sketches.bytes).toBeLessThan(2_000 * 16);
    sketches.remove([...present]);
    expect(await keysOf()).toEqual([]);
  });

  it('may be removed and added while somebody goes through them', async () => {
    const sketches = new Sketches(2);
    for (let key = 1; key <= 50_000; key++) sketches.add(key, Uint32Array.of(key, 0));
    let pauses = 0;
    const found = await sketches.nearest(Uint32Array.of(7, 0), 1, async () => {
      pauses++;
      sketches.remove(Array.from({ length: 20_000 }, (_, at) => at + 100));
      for (let key = 60_000 * pauses; key < 60_000 * pauses + 100; key++) sketches.add(key, Uint32Array.of(~0, ~0));
    });
    expect(pauses).toBe(2);
    expect(found).toEqual([7]);
  });
});

function differing(one: Uint32Array, other: Uint32Array): number {
  return one.reduce(
    (sum, word, at) => sum + ((word ^ (other[at] ?? 0)) >>> 0).toString(2).replaceAll('0', '').length,
    0,
  );
}

const STORED: readonly number[] = [2912589749, 858498411, 781320638];
