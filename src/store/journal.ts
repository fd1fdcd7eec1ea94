import type { MaybePromise } from './maybe-promise.ts';
import type { RunKey } from './runs.ts';

/** One line of a run's history. */
export interface JournalEntry {
  /** Number in the run's journal, without gaps. */
  readonly seq: number;
  /** Number among the run's facts, without gaps; null for everything else. */
  readonly factSeq: number | null;
  /** Order over all runs, by commit. */
  readonly position: number;
  readonly at: number;
  /** `event`: an actor took it. `fact`: a turn stated it. `ignored`: it came under an old token. */
  readonly kind: 'event' | 'fact' | 'ignored';
  /** Address of the actor. */
  readonly actor: string;
  readonly type: string;
  readonly dataJson: string;
}

/** A journal entry with the run it belongs to. */
export interface FeedEntry extends JournalEntry, RunKey {}

/** What happened to runs. */
export interface JournalStore {
  entry(key: RunKey, seq: number): MaybePromise<JournalEntry | undefined>;
  /** Journal number of a run's fact, by its number among the facts; undefined where there is none. */
  entryOfFact(key: RunKey, factSeq: number): MaybePromise<number | undefined>;
  journal(
    key: RunKey,
    page: {
      readonly after: number;
      readonly limit: number;
      readonly kind?: JournalEntry['kind'];
      readonly actor?: string;
    },
  ): Promise<readonly JournalEntry[]>;
  /** Facts of all runs of a tenant, in commit order. */
  feed(tenant: string, after: number, limit: number): Promise<readonly FeedEntry[]>;
}
