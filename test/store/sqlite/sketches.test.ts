/** The sketches of vectors: which vectors are read for a search, and that none is lost of which something is to be found. */
import { describe, expect, it } from 'vitest';
import { chance, DIMENSIONS, direction, dot, like } from '../../../bench/cache/vectors.ts';
import { mostDiffering, sketchOf, wordsOf } from '../../../src/store/sqlite/vectors/sketch.ts';
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

  it.each([
    ['of all dimensions', DIMENSIONS, DIMENSIONS],
    ['of a few dimensions', DIMENSIONS, 4],
    ['of short vectors', 384, 384],
    ['of short vectors of few dimensions', 256, 4],
    ['of very short vectors', 3, 3],
  ])('never differs in more bits than one that is asked for: %s', (_, dimensions, set) => {
    const next = chance(5);
    const bits = 32 * wordsOf(dimensions);
    for (let pair = 0; pair < 200; pair++) {
      const one = scattered(next, dimensions, set);
      const share = (next() % 1_000) / 1_000;
      const other = scattered(next, dimensions, set).map((value, at) => share * value + (one[at] ?? 0));
      const cosine = dot(one, other) / Math.sqrt(dot(one, one) * dot(other, other));
      expect(differing(sketchOf(one), sketchOf(other))).toBeLessThanOrEqual(mostDiffering(bits, cosine));
    }
    expect(mostDiffering(DIMENSIONS, 0.9)).toBe(308);
    expect(mostDiffering(DIMENSIONS, -1)).toBe(DIMENSIONS);
  });
});

describe('the sketches of a space', () => {
  it('have none of what is nowhere near, so that nothing is read for it', async () => {
    const next = chance(4);
    const sketches = new Sketches(wordsOf(DIMENSIONS));
    for (let key = 1; key <= 20_000; key++) sketches.add(key, Uint32Array.from({ length: 48 }, next));
    const question = sketchOf(direction(next));
    expect(await sketches.nearest(question, { count: 96, atLeast: 0.65 }, pause)).toEqual([]);
    expect(await sketches.nearest(question, { count: 96, atLeast: -1 }, pause)).toHaveLength(96);
  });

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
      const near = await sketches.nearest(sketchOf(values), { count: 96, atLeast: 0.85 }, pause);
      expect(near.map(({ key }) => key)).toContain(nearest + 1);
    }
  });

  it('forget what is removed, close the holes, and go on', async () => {
    const next = chance(3);
    const sketches = new Sketches(2);
    const add = (key: number): void => sketches.add(key, Uint32Array.of(next(), next()));
    const keysOf = async (): Promise<number[]> =>
      (await sketches.nearest(Uint32Array.of(0, 0), { count: 10_000, atLeast: -1 }, pause))
        .map(({ key }) => key)
        .toSorted((one, other) => one - other);
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
    const found = await sketches.nearest(Uint32Array.of(7, 0), { count: 1, atLeast: -1 }, async () => {
      pauses++;
      sketches.remove(Array.from({ length: 20_000 }, (_, at) => at + 100));
      for (let key = 60_000 * pauses; key < 60_000 * pauses + 100; key++) sketches.add(key, Uint32Array.of(~0, ~0));
    });
    expect(pauses).toBe(2);
    expect(found).toEqual([{ key: 7, distance: 0 }]);
  });
});

function differing(one: Uint32Array, other: Uint32Array): number {
  return one.reduce(
    (sum, word, at) => sum + ((word ^ (other[at] ?? 0)) >>> 0).toString(2).replaceAll('0', '').length,
    0,
  );
}

/** A vector that is set in some of its dimensions only. */
function scattered(next: () => number, dimensions: number, set: number): Float32Array {
  const values = new Float32Array(dimensions);
  for (let at = 0; at < set; at++) values[set === dimensions ? at : next() % dimensions] = (next() % 2_001) / 1_000 - 1;
  return values;
}

const STORED: readonly number[] = [2912589749, 858498411, 781320638];
