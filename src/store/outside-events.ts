/** Events from outside: who waits for them, and what came before anybody did. */
import type { MaybePromise } from './maybe-promise.ts';
import type { RunKey } from './runs.ts';

/** A task that waits, or has waited, for an event from outside. Its key is the task's name. */
export interface WaitRow {
  readonly task: string;
  /** Type of the event. */
  readonly type: string;
  /** Place of the task in the document. */
  readonly position: number;
  /** It still waits. */
  readonly open: boolean;
}

/** An event from outside that came before a task waited for it. Its key is its number. */
export interface KeptEventRow {
  /** Journal number of the fact that carries it. */
  readonly seq: number;
  readonly type: string;
  /** The task that took it; null while it is kept. */
  readonly takenBy: string | null;
}

/** Who waits for a type of event from outside, and what was kept of it. Its key is the type. */
export interface EventTypeRow {
  readonly type: string;
  /** Tasks that have not begun to wait for it and may yet. */
  readonly toCome: number;
  /** Tasks that wait for it now. */
  readonly waiting: number;
  /** Events that came early and were not taken yet. */
  readonly kept: number;
}

/** A place in the order of the tasks of a run. */
export type WaitPlace = Pick<WaitRow, 'task' | 'position'>;

/** Events from outside, and who waits for them. */
export interface OutsideEventStore {
  /** Types of outside events of which something is known, in the order of their names. */
  eventTypes(key: RunKey, limit: number): MaybePromise<readonly string[]>;
  /** Tasks that wait for an outside event of a type, in document order; go on after the last one of the page before. */
  openWaits(
    key: RunKey,
    type: string,
    page: { readonly limit: number; readonly after?: WaitPlace | undefined },
  ): MaybePromise<readonly WaitRow[]>;
  /** Events of a type that were kept and not taken yet, in the order in which they came; go on after a number. */
  keptEvents(
    key: RunKey,
    type: string,
    page: { readonly limit: number; readonly after?: number | undefined },
  ): MaybePromise<readonly KeptEventRow[]>;
}
