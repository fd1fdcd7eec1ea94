/** Events from outside, for machines whose rows say more about what is legal than their states do. */
import type { Snapshot, Event } from './xstate.ts';
import type { RunRows } from './rows.ts';

/** What asks whether an event may come. */
export interface Arriving {
  readonly event: Event;
  /** The root's snapshot before the event. */
  readonly snapshot: Snapshot;
  readonly rows: RunRows;
}

/** Whether a type of event is legal now. */
export interface EventAcceptance {
  readonly type: string;
  readonly accepted: boolean;
  /** Why it is, or is not: whole sentences. */
  readonly reason: string;
}

/** How the root of a run hears events from outside. Pure and synchronous, like prepared data (R2). */
export interface OutsideEvents {
  /**
   * What the root takes in place of an event from outside. It carries the event as it was sent under `event`, so that the
   * same id again can be known as the same event. Throws `FermataError` where the event is not legal now; nothing has
   * changed then.
   */
  receive(arriving: Arriving): Event & { readonly event: Event };
  /** The types that there are to speak of, legal ones first. */
  acceptance(looking: Omit<Arriving, 'event'>): readonly EventAcceptance[];
}
