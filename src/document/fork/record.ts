/** What a fork is: where it leaves another run, what it takes over from it, and what somebody has changed. */

/** Where a fork leaves its origin. */
export type ForkPoint =
  /** This task, and what depends on it, runs anew. */
  | { readonly fromTask: string }
  /** What was committed after this fact runs anew. */
  | { readonly atSeq: number }
  /** What did not complete runs anew; where a task is named, and has completed without some of its items, that one too. */
  | { readonly retry: true; readonly task?: string };

/** What somebody has changed about a task. */
export interface ForkEdit {
  readonly prompt?: string | undefined;
  /** It does not run: this is what it gives. */
  readonly output?: unknown;
}

/** One run that a fork reads from, and what it does not take over from it, nor from the runs behind it. */
export interface ForkLayer {
  readonly run: string;
  /** Its last journal number that counts. */
  readonly upTo: number;
  /** Tasks that run anew. */
  readonly anew: readonly string[];
  /** Maps that begin anew, but some of whose items may be taken over; and tasks that work in rounds, of a part of them. */
  readonly opened: readonly string[];
  /** Maps some of whose items failed begin anew, although they completed. */
  readonly isRetry?: true;
  /** Runs of sub-workflows that had not completed begin anew: what they had found by that point nobody can tell. */
  readonly wholeRuns?: true;
  /** Outputs that were given by hand. */
  readonly outputs: Readonly<Record<string, unknown>>;
}

/** All that a run keeps about its being a fork. */
export interface ForkRecord {
  readonly point: ForkPoint;
  /** As they were asked for. */
  readonly edits: Readonly<Record<string, ForkEdit>>;
  /** Prompts that take the place of the document's, those of earlier forks included. */
  readonly prompts: Readonly<Record<string, string>>;
  /** The origin, then what that one takes over itself, and so on. */
  readonly layers: readonly ForkLayer[];
}

/** Who really paid for an outcome, and which of its facts says so; a task that was skipped has cost nothing. */
export interface Reused {
  readonly runId: string;
  /** Number of the fact. */
  readonly seq?: number;
  readonly attempts?: number;
  readonly usage?: unknown;
  readonly model?: string;
  readonly requestId?: string | null;
  readonly finishReason?: string | null;
}

/** What a row says about where its outcome comes from; undefined where the run has worked it out itself. */
export function reusedOf({ detailJson }: { readonly detailJson: string | null }): Reused | undefined {
  return detailJson === null ? undefined : (JSON.parse(detailJson) as { readonly reused?: Reused }).reused;
}

/** True of a map that completed without some of its items. */
export function hasFailedItems({ detailJson }: { readonly detailJson: string | null }): boolean {
  const { failedItems = 0 } = (detailJson === null ? {} : JSON.parse(detailJson)) as { readonly failedItems?: number };
  return failedItems > 0;
}
