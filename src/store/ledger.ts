/** What models cost: each request, and what they add up to. */
import type { RunKey } from './runs.ts';

/**
 * One request to a model and what it cost: written once, never changed, and kept when its run is deleted. Its key is
 * `SEQ/INDEX`.
 */
export interface LedgerRow {
  /** Journal number of the fact that carries it. */
  readonly seq: number;
  /** Its place on the bill of that fact, from 0. */
  readonly index: number;
  readonly task: string;
  readonly attempt: number;
  /** `call`, or the place among the calls of the task's function. */
  readonly call: string;
  readonly provider: string;
  /** The model that was asked. */
  readonly model: string;
  /** The model that answered, as its provider names it. */
  readonly answered: string;
  /** `unsettled`: nobody knows what it used. `saved`: it was not made, as its answer was kept. */
  readonly kind: 'settled' | 'unsettled' | 'saved';
  /** Tokens, of a settled one; null where the provider spoke of none of that kind. */
  readonly inputTokens: number | null;
  readonly cachedInputTokens: number | null;
  readonly cacheWriteTokens: number | null;
  readonly outputTokens: number | null;
  readonly reasoningTokens: number | null;
  /** By which it was billed; null where nobody knows them. Stored once for all that have the same. */
  readonly pricesJson: string | null;
  /** In billionths of a US dollar; null: not known. Of one that was saved: what the call has cost whose answer was kept. */
  readonly costNanos: number | null;
  readonly at: number;
}

/** A row of the ledger with where it stands in it and the run it belongs to. */
export interface LedgerEntry extends LedgerRow, RunKey {
  /** Ascending, without gaps. */
  readonly key: number;
}

/** What a number of requests to models cost together. */
export interface Spent {
  readonly modelCalls: number;
  /** Those among them whose cost is not known: `costNanos` is without them. */
  readonly unknownCalls: number;
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
  readonly costNanos: bigint;
  /** Requests that were not made, as their answers were kept, and what those had cost, as far as that is known. */
  readonly cacheHits: number;
  readonly savedNanos: bigint;
}

/** What the ledger is added up by, a slice of it at a time. */
export type SpendingGroup = 'workflow' | 'tag' | 'tenant' | 'day' | 'model' | 'provider';

/** A group, and what it cost. */
export interface SpendingRow extends Spent {
  /** `[day in days since 1970]`, `[provider, model]`, `[provider]`, `[workflow's id, its name]`, `[tag]`, `[tenant]`. */
  readonly group: readonly (string | number | null)[];
}

/** What filters the ledger. All given parts must match. */
export interface SpendingFilter {
  /** Milliseconds since 1970: at or after. */
  readonly from?: number | undefined;
  /** Before. */
  readonly to?: number | undefined;
  /** A workflow's id or name. */
  readonly workflow?: string | undefined;
  readonly tag?: string | undefined;
  /** Id of a run. */
  readonly run?: string | undefined;
}

/** Times between which rows of the ledger are looked at. */
export type SpendingTimes = Pick<SpendingFilter, 'from' | 'to'>;

/** A run that has rows in the ledger, or that has begun or was begun by another one. It stays known when it is deleted. */
export interface AccountRow extends RunKey {
  /** Ascending; cursor of the list. */
  readonly key: number;
  readonly workflowId: string | null;
  readonly workflowName: string | null;
  /** The run that began it. */
  readonly parentRun: string | null;
  /** Its task that did. */
  readonly parentTask: string | null;
}

/** What models cost. */
export interface LedgerStore {
  /** The first and the last row that a filter may let through; undefined where there is none. */
  ledgerRange(
    tenant: string,
    filter: SpendingTimes & Pick<SpendingFilter, 'run'>,
  ): Promise<{ readonly first: number; readonly last: number } | undefined>;
  /** A time of which so many rows between two times come before, and the next one not; undefined: there are not so many. */
  ledgerTime(tenant: string, times: SpendingTimes & { readonly skip: number }): Promise<number | undefined>;
  /** What the rows from `first` to `last` cost that the filter lets through, by group; in no order. */
  spending(
    tenant: string,
    slice: SpendingFilter & { readonly by: SpendingGroup; readonly first: number; readonly last: number },
  ): Promise<readonly SpendingRow[]>;
  /** Keys of the accounts that the rows from `first` to `last` are charged to, and of those of the runs above them; in no order. */
  charged(
    tenant: string,
    slice: SpendingTimes & { readonly first: number; readonly last: number },
  ): Promise<readonly number[]>;
  /** Accounts, newest first; go on after a key. `among`: only those. */
  accounts(
    tenant: string,
    page: Omit<SpendingFilter, 'from' | 'to'> & {
      readonly among?: readonly number[] | undefined;
      readonly limit: number;
      readonly after?: number | undefined;
    },
  ): Promise<readonly AccountRow[]>;
  /** What a run cost by itself; undefined where it made no call then. */
  spentBy(key: RunKey, times?: SpendingTimes): Promise<Spent | undefined>;
  /** What tasks of a run cost, in the order of their names by the bytes of UTF-8: all, some, or those after one. */
  spentByTasks(
    key: RunKey,
    page: SpendingTimes & {
      readonly among?: readonly string[];
      readonly limit: number;
      readonly after?: string | undefined;
    },
  ): Promise<readonly (Spent & { readonly task: string })[]>;
  /** Keys of the accounts of runs that a run has begun, ascending; go on after a key. */
  begunBy(
    key: RunKey,
    page: { readonly limit: number; readonly after?: number | undefined },
  ): Promise<readonly number[]>;
  /**
   * What the runs below a run cost, by the task of that run which began them: of all its tasks, or of some; of all runs that
   * it has begun, or of those from one account to another.
   */
  spentBelow(
    key: RunKey,
    filter?: SpendingTimes & {
      readonly among?: readonly string[];
      readonly first?: number | undefined;
      readonly last?: number | undefined;
    },
  ): Promise<readonly (Spent & { readonly task: string })[]>;
  /** The rows of a run in the order of its journal; go on after a key. */
  ledger(
    key: RunKey,
    page: { readonly limit: number; readonly after?: number | undefined },
  ): Promise<readonly LedgerEntry[]>;
}
