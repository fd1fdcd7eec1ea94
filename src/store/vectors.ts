/** A question that is like another one. */
export interface SimilarQuestion {
  /** Hash of all that its answer depends on. */
  readonly hash: string;
  /** Cosine of the two vectors, computed from them as they are kept. At most 1. */
  readonly similarity: number;
}

/**
 * Vectors of questions, of length 1, and which of them are alike. Those of one space are comparable: they come from one
 * model, have one dimension, and belong to questions that differ in nothing but the prompt. A vector is gone with its question.
 */
export interface VectorIndex {
  /** Keeps the vector of a question that is known, in place of an earlier one; false where nobody has asked it. */
  addVector(
    tenant: string,
    vector: { readonly hash: string; readonly space: string; readonly values: Float32Array },
  ): Promise<boolean>;
  /** The vector of a question. */
  vectorOf(
    tenant: string,
    hash: string,
  ): Promise<{ readonly space: string; readonly values: Float32Array } | undefined>;
  /** Forgets vectors of questions. */
  removeVectors(tenant: string, hashes: readonly string[]): Promise<void>;
  /** Those of a space that are most like `values`, the nearest first: at most `limit`, none below `atLeast`. */
  nearest(
    tenant: string,
    query: {
      readonly space: string;
      readonly values: Float32Array;
      readonly atLeast: number;
      readonly limit: number;
    },
  ): Promise<readonly SimilarQuestion[]>;
}
