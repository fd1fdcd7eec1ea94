/** How many there are, for whoever watches: asked every few seconds, however many there are. */
import type { RunStatus } from './runs.ts';

/** What is counted, over all tenants. */
export interface Counts {
  /** Every status, also where no run has it. */
  readonly runs: ReadonlyMap<RunStatus, number>;
  /** Approvals that nobody has decided on. */
  readonly pendingApprovals: number;
  /** When the first of them was asked for; undefined where there is none. */
  readonly oldestPendingAt: number | undefined;
}

/** The counts. */
export interface CountStore {
  /**
   * As they are committed. The first time they are counted, in steps that others get their turn between; from then on every
   * commit keeps them, and to ask costs the same for a million runs as for one.
   */
  counts(): Promise<Counts>;
}
