/** Vectors as a cache meets them: questions about few subjects, near duplicates, and others that are just not alike enough. */

/** Of the vectors that `text-embedding-3-small` makes. */
export const DIMENSIONS = 1_536;

/** Numbers of 32 bits that look like chance (xorshift), the same for the same seed. */
export function chance(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** A direction by chance: each dimension as far from 0 as the others, which is as good as any and made in no time. */
export function direction(next: () => number): Float32Array {
  const values = new Float32Array(DIMENSIONS);
  const size = 1 / Math.sqrt(DIMENSIONS);
  for (let at = 0; at < DIMENSIONS; at += 32) {
    const bits = next();
    for (let bit = 0; bit < 32; bit++) values[at + bit] = (bits >>> bit) & 1 ? size : -size;
  }
  return values;
}

/** A vector of length 1 whose cosine to `other` is `cosine`. */
export function like(other: Float32Array, cosine: number, next: () => number): Float32Array {
  const values = direction(next);
  const along = dot(values, other);
  for (let at = 0; at < DIMENSIONS; at++) values[at] = (values[at] as number) - along * (other[at] as number);
  const across = Math.sqrt(1 - cosine * cosine) / Math.sqrt(dot(values, values));
  for (let at = 0; at < DIMENSIONS; at++) values[at] = cosine * (other[at] as number) + across * (values[at] as number);
  return values;
}

/** The sum of the products. */
export function dot(one: Float32Array, other: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < one.length; at++) sum += (one[at] as number) * (other[at] as number);
  return sum;
}
