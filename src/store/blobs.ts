import type { MaybePromise } from './maybe-promise.ts';

/** Who refers to a big value: an actor's row, by its address, or anything else of the run, which is never rewritten (''). */
export interface BlobUse {
  readonly hash: string;
  readonly holder: string;
}

/** Big values, each stored once under the hash of its text. */
export interface BlobStore {
  blob(hash: string): MaybePromise<string | undefined>;
}
