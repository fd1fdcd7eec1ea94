import type { MaybePromise } from './maybe-promise.ts';
import type { RunKey } from './runs.ts';

/** A message from one run to another: a row of the sender's commit, gone with the receiver's. */
export interface MessageRow {
  /** Ascending; the order of delivery. */
  readonly id: number;
  readonly tenant: string;
  readonly fromRun: string;
  readonly toRun: string;
  readonly eventJson: string;
  /** Hashes of all big values that the event is made of, also those inside of others: they stay until it is taken. */
  readonly blobs: readonly string[];
}

/** Messages to runs: between them, and from outside. */
export interface MessageStore {
  /** Those with an id over `after`, in order. */
  messages(limit: number, after?: number): Promise<readonly MessageRow[]>;
  messageTaken(key: RunKey, id: string): MaybePromise<number | undefined>;
}
