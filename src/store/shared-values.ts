/** Values that the tasks of a run share, and who watches them. */
import type { MaybePromise } from './maybe-promise.ts';
import type { WaitPlace } from './outside-events.ts';
import type { RunKey } from './runs.ts';

/** A value that the tasks of a run share. Its key is its own. */
export interface SharedRow {
  readonly key: string;
  /** 1 for the first value under the key, and one more with each write. */
  readonly revision: number;
  /** Journal number of the fact that carries the value. */
  readonly seq: number;
}

/** A write of a function's call, so that a repeat of that call does not do it again. Its key is `write`. */
export interface SharedWriteRow extends SharedRow {
  /** The same whenever the call is repeated. */
  readonly write: string;
}

/** A task that stops when a value of the run's changes so. Its key is `TASK/KEY`: names of tasks have no slash. */
export interface WatchRow {
  readonly task: string;
  /** Of the value. */
  readonly key: string;
  /** Place of the task in the document. */
  readonly position: number;
  /** It has begun and not ended. */
  readonly open: boolean;
}

/** Values that the tasks of a run share. */
export interface SharedValueStore {
  /** Tasks that watch a shared value, in document order; go on after the last one of the page before. */
  openWatches(
    key: RunKey,
    sharedKey: string,
    page: { readonly limit: number; readonly after?: WaitPlace | undefined },
  ): MaybePromise<readonly WatchRow[]>;
  /** Shared values of a run in the order of their keys, by the bytes of UTF-8; go on after a key. */
  sharedValues(
    key: RunKey,
    page: { readonly limit: number; readonly after?: string | undefined },
  ): Promise<readonly SharedRow[]>;
}
