/** The vectors of a store in memory: each is compared, so that what it says is what every other index should say. */
import type { VectorIndex } from '../../store/vectors.ts';
import type { MemoryDatabase } from './database.ts';

/** The index over the questions that are known. */
export function vectorsOf(use: () => MemoryDatabase): VectorIndex {
  const nameOf = (tenant: string, hash: string): string => `${tenant}\0${hash}`;
  return {
    addVector: async (tenant, { hash, space, values }) => {
      const { answers } = use();
      const record = answers.get(nameOf(tenant, hash));
      if (record === undefined) return false;
      answers.set(nameOf(tenant, hash), { ...record, vector: { space, values: Float32Array.from(values) } });
      return true;
    },
    vectorOf: async (tenant, hash) => use().answers.get(nameOf(tenant, hash))?.vector,
    removeVectors: async (tenant, hashes) => {
      const { answers } = use();
      for (const hash of hashes) {
        const { vector: _, ...rest } = answers.get(nameOf(tenant, hash)) ?? {};
        if ('hash' in rest) answers.set(nameOf(tenant, hash), rest);
      }
    },
    nearest: async (tenant, { space, values, atLeast, limit }) =>
      [...use().answers.values()]
        .flatMap(({ tenant: owner, hash, vector }) =>
          owner === tenant && vector?.space === space ? [{ hash, similarity: cosine(vector.values, values) }] : [],
        )
        .filter(({ similarity }) => similarity >= atLeast)
        .toSorted((one, other) => other.similarity - one.similarity)
        .slice(0, limit),
  };
}

function cosine(one: Float32Array, other: Float32Array): number {
  if (one.length !== other.length) return Number.NaN;
  return Math.min(
    1,
    one.reduce((sum, value, at) => sum + value * (other[at] ?? 0), 0),
  );
}
