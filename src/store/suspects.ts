import type { DecidingMark } from './deciding-mark.ts';
import type { RunKey } from './runs.ts';

/** What may have brought the process down, and how often it did. */
export interface SuspectRow extends DecidingMark {
  /** Deaths of the process that it was part of. */
  readonly count: number;
  /** Time of the start that counted the last of them. */
  readonly at: number;
  /** Since when it runs with no other suspect beside it; null where it does not. */
  readonly aloneSince: number | null;
  /** Since when its run takes nothing more; null where it still does. */
  readonly quarantinedAt: number | null;
}

/** What may have brought the process down. */
export interface SuspectStore {
  /** All that is suspected, of all tenants. */
  suspects(): Promise<readonly SuspectRow[]>;
  /** Writes the rows whole, in one transaction. */
  putSuspects(rows: readonly SuspectRow[]): Promise<void>;
  /** Forgets all that is suspected of a run. */
  dropSuspects(key: RunKey): Promise<void>;
}
