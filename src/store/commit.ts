/** What a commit writes. */
import type { ActorRow } from './actors.ts';
import type { BlobUse } from './blobs.ts';
import type { EffectRow } from './effects.ts';
import type { JournalEntry } from './journal.ts';
import type { MessageRow } from './messages.ts';
import type { RowChange } from './rows.ts';
import type { RunKey, RunOrigin, RunState } from './runs.ts';
import type { SuspectRow } from './suspects.ts';
import type { TimerRow } from './timers.ts';

/** Everything one run contributes to a group. */
export interface RunChanges extends RunKey {
  /** Set where the run begins in this group. */
  readonly origin?: RunOrigin | undefined;
  /** Set where the run goes on with another version of its machine from this group on: it takes the place of its origin's. */
  readonly machine?: string | undefined;
  readonly state: RunState;
  /**
   * Revision the state was read at, 0 where the run begins; every group that the run is part of adds one. A mismatch
   * means that somebody else wrote the run (`outcome: 'unchanged'`).
   */
  readonly revision: number;
  readonly entries: readonly JournalEntry[];
  /** Entries below this number may be forgotten: of a run that keeps only the newest. */
  readonly entriesFrom?: number | undefined;
  readonly actors: readonly ActorRow[];
  readonly timersArmed: readonly TimerRow[];
  readonly timersGone: readonly string[];
  readonly effectsAsked: readonly EffectRow[];
  readonly effectsMarked: readonly string[];
  readonly effectsGone: readonly string[];
  readonly rows: readonly RowChange[];
  /** Ids of messages from outside that were taken: each is taken once. */
  readonly taken: readonly { readonly id: string; readonly seq: number }[];
  /**
   * The big values that this group's texts of the run refer to, old ones (of a fork's origin, of a taken message)
   * included: a value is kept as long as somebody holds it. One that is stored nowhere fails the group.
   */
  readonly blobs: readonly BlobUse[];
  /** What an actor's row referred to and does not any more. */
  readonly blobsGone: readonly BlobUse[];
}

/** One transaction. */
export interface CommitGroup {
  readonly runs: readonly RunChanges[];
  /** Content-addressed values; writing one twice is harmless. */
  readonly blobs: readonly { readonly hash: string; readonly text: string }[];
  readonly messagesSent: readonly MessageRow[];
  readonly messagesTaken: readonly number[];
  /** Suspects that came to an end without a death; left out: none. */
  readonly suspectsGone?: readonly Pick<SuspectRow, 'tenant' | 'run' | 'key'>[];
}
