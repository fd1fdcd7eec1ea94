/** Runs: what is written of each, and where they are looked up. */
import type { MaybePromise } from './maybe-promise.ts';
import type { MessageRow } from './messages.ts';

/** Names a run, within its tenant. */
export interface RunKey {
  readonly tenant: string;
  readonly run: string;
}

/** Status of a run, as the API shows it. */
export type RunStatus = 'pending' | 'running' | 'waiting' | 'paused' | 'completed' | 'failed' | 'cancelled';

/** The run that began another one. */
export interface RunParent {
  readonly run: string;
  /** Its task that did. */
  readonly task: string;
  /** Attempt of the task, from 1: each has a run of its own. */
  readonly attempt: number;
  /** How many runs are above: 1 where nobody began the parent. */
  readonly depth: number;
  /** The parent waits for it: it is told how this run ends. */
  readonly awaited: boolean;
}

/** What a run is created with; never changes, but for the machine's version (`RunChanges.machine`). */
export interface RunOrigin extends RunKey {
  /** Registered machine of the root actor: `name@version`. */
  readonly machine: string;
  /** The workflow of which this run is an execution; absent for a user's own machine. */
  readonly workflowId?: string | undefined;
  readonly workflowName?: string | undefined;
  readonly workflowVersion?: number | undefined;
  /** Absent where no other run began it. */
  readonly parent?: RunParent | undefined;
  readonly tags: readonly string[];
  /** Seed of everything random in the run. */
  readonly seed: string;
  readonly createdAt: number;
  readonly inputJson: string | null;
  /** The request that asked for it, so that the same request twice makes one run. */
  readonly idempotency?: { readonly key: string; readonly bodyHash: string } | undefined;
  /** Of a fork: where it comes from, and what it takes over. */
  readonly forkJson?: string | undefined;
  /**
   * The runs that a fork reads from, nearest first: none of them is deleted before it has ended. Given where it begins,
   * and not read back.
   */
  readonly forkedFrom?: readonly string[] | undefined;
}

/** What changes about a run: written whole, once a group. */
export interface RunState {
  readonly status: RunStatus;
  /** Last journal number used. */
  readonly seq: number;
  /** How many of the entries are facts. */
  readonly facts: number;
  /** Time of the last entry; the next one is never before it. */
  readonly lastAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** 0..100, never falls. */
  readonly progress: number;
  /** Small counters kept by projections, such as `total` and `completed`. */
  readonly counts: Readonly<Record<string, number>>;
  /** Why it is in this status: `{code, message}` of a failure or a cancellation. */
  readonly reasonJson: string | null;
  readonly outputJson: string | null;
  /** systemId → actor address. */
  readonly systemIds: Readonly<Record<string, string>>;
  /** Undelivered messages and unexecuted actions, where a group closed in the middle of a cascade. */
  readonly agendaJson: string | null;
}

/** A whole run row. */
export interface RunRow extends RunOrigin, RunState {}

/** What filters a list of runs. All given parts must match. */
export interface RunFilter {
  readonly workflowId?: string | undefined;
  /** Id of the run that began them. */
  readonly parent?: string | undefined;
  readonly status?: RunStatus | undefined;
  /** True: only those that have not ended. */
  readonly open?: boolean | undefined;
  /** All of them. */
  readonly tags?: readonly string[] | undefined;
  /** Part of the id or of the workflow's or machine's name. */
  readonly q?: string | undefined;
  /** Ids: no others. */
  readonly among?: readonly string[] | undefined;
  /** Machines as `name@version`: beside what `among` names, also the open runs of these. */
  readonly orOpenOf?: readonly string[] | undefined;
  /** Machines as `name@version`: no runs of them. */
  readonly without?: readonly string[] | undefined;
  /** Part of the id, at its beginning. */
  readonly idPrefix?: string | undefined;
  /** Forks of this run. */
  readonly forkedFrom?: string | undefined;
  readonly limit: number;
  /** Run id after which (in descending order of creation) to go on. */
  readonly after?: string | undefined;
}

/** Where counting open runs goes on. */
export interface OpenRunsPlace {
  readonly status: RunStatus;
  readonly key: number;
}

/** The runs. */
export interface RunStore {
  run(key: RunKey): MaybePromise<(RunRow & { readonly revision: number }) | undefined>;
  runs(tenant: string, filter: RunFilter): Promise<readonly RunRow[]>;
  /** Ids of the runs that a run began, waits for, and that have not ended, in the order of their creation. */
  awaitedRuns(key: RunKey): MaybePromise<readonly string[]>;
  /** The run that was started under this idempotency key. */
  startedUnder(
    tenant: string,
    idempotencyKey: string,
  ): MaybePromise<{ readonly run: string; readonly bodyHash: string } | undefined>;
  /**
   * How many runs of each machine are among the next open ones of all tenants, at most `limit`; nothing but their machine is
   * read. `after` is where the next step goes on, and undefined after the last one.
   */
  openRuns(page: {
    readonly limit: number;
    readonly after?: OpenRunsPlace | undefined;
  }): Promise<{ readonly byMachine: ReadonlyMap<string, number>; readonly after?: OpenRunsPlace | undefined }>;
  /** Runs whose agenda was cut by the cap of a group. */
  cutRuns(): Promise<readonly RunKey[]>;
  /**
   * Deletes an ended run with all its rows; values that others share stay. False where it does not exist. Throws
   * `FermataError` `runNotEnded` where it could still write, unless the caller knows that it does not (`unended`), and
   * `runHasForks` where a fork that has not ended reads from it. Messages are sent where it is deleted, in the same transaction.
   */
  deleteRun(
    key: RunKey,
    options?: { readonly unended?: boolean; readonly messagesSent?: readonly MessageRow[] },
  ): Promise<boolean>;
}
