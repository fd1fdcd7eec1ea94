/**
 * What the runtime asks of a database, in the runtime's own verbs. Types only: every implementation (SQLite here)
 * passes `test/store/store.contract.ts`.
 *
 * Invariants every implementation keeps:
 *  S1. `commit` is atomic: all of a group or nothing of it.
 *  S2. Reads see committed state only.
 *  S3. A failure that certainly changed nothing throws `StoreError` with `outcome: 'unchanged'`; one that may have
 *      committed throws `outcome: 'unknown'`. Nothing else is thrown by `commit`.
 *  S4. Every row has a tenant and every read is scoped by it.
 *
 * A long file, because it is one interface: what a database is asked for is read in one piece.
 *
 * Texts named `…Json` are produced by `src/runtime/codec.ts` and opaque here. Times are milliseconds since 1970.
 */

/** A value, or a promise of it. A store that can answer at once should: a turn then need not wait. */
export type MaybePromise<T> = T | Promise<T>;

/** Names a run, within its tenant. */
export interface RunKey {
  readonly tenant: string;
  readonly run: string;
}

/** Status of a run, as the API shows it. */
export type RunStatus = 'pending' | 'running' | 'waiting' | 'paused' | 'completed' | 'failed' | 'cancelled';

/** Status of a task, as the API shows it. */
export type TaskStatus =
  | 'pending'
  | 'awaitingApproval'
  | 'running'
  | 'retrying'
  | 'inDoubt'
  | 'completed'
  | 'failed'
  | 'timedOut'
  | 'skipped'
  | 'rejected'
  | 'cancelled';

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

/** One durable actor of a run. */
export interface ActorRow {
  readonly address: string;
  /** Journal number of the turn that spawned it: tells incarnations at one address apart. */
  readonly birth: number;
  readonly status: 'active' | 'done' | 'error' | 'stopped';
  /** State value, context, history, children, timers: everything but the logic. */
  readonly stateJson: string;
}

/** A wake-up with a due time. */
export interface TimerRow extends RunKey {
  /** Unique in the run, made at its arming, checked when it fires. */
  readonly token: string;
  readonly due: number;
  /** Address of the actor that armed it. */
  readonly source: string;
  readonly timerJson: string;
}

/** Contact with the world that was asked for and has no outcome yet. */
export interface EffectRow extends RunKey {
  readonly token: string;
  /** Address of the actor that asked. */
  readonly actor: string;
  /** Name of the registered effect. */
  readonly src: string;
  /** True once "about to call" was committed (only for policies that need it). */
  readonly marked: boolean;
  readonly effectJson: string;
}

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

/** A message from one run to another: a row of the sender's commit, gone with the receiver's. */
export interface MessageRow {
  /** Ascending; the order of delivery. */
  readonly id: number;
  readonly tenant: string;
  readonly fromRun: string;
  readonly toRun: string;
  readonly eventJson: string;
  /** Hashes of all big values that the event is made of, also those inside of others: they stay until it is taken. */
  readonly blobs: readonly string[];
}

/** A task of a run, as projections keep it. A task without a row is `pending` with all its dependencies open. */
export interface TaskRow {
  readonly name: string;
  /** Place in the document. */
  readonly position: number;
  readonly status: TaskStatus;
  /** Dependencies that are not settled. */
  readonly waiting: number;
  /** Wants a slot: fresh with all dependencies settled, or approved, or its back-off is over. */
  readonly ready: boolean;
  /** It has an actor that has not ended. */
  readonly live: boolean;
  readonly attempts: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** Journal number of the fact that carries its result. */
  readonly resultSeq: number | null;
  /** Error, usage, model, request id …: shown, never searched. */
  readonly detailJson: string | null;
}

/** A question put to a person. */
export interface ApprovalRow {
  readonly task: string;
  readonly status: 'pending' | 'approved' | 'rejected' | 'expired' | 'cancelled';
  readonly prompt: string;
  readonly requestedAt: number;
  readonly expiresAt: number | null;
  readonly decidedAt: number | null;
  /** `{approved, reason, by}`. */
  readonly decisionJson: string | null;
}

/** How a run has grown at a task: who added it, and what it added. A task that neither was added nor added any has none. */
export interface GrowthRow {
  readonly task: string;
  /** The task that added it; null for a task of the document. */
  readonly parent: string | null;
  /** Additions between it and the document: 0 for a task of the document. */
  readonly depth: number;
  /** Journal number of the fact that carries its definition; null for a task of the document. */
  readonly specSeq: number | null;
  /** Tasks that it added, that have not ended, and for whose end it is waited. */
  readonly open: number;
  /** How long its lists are, the group of its items: what stays as long as it is, however much the run grows. */
  readonly detailJson: string | null;
}

/**
 * An entry of a list that grows at a task: tasks that it added, added tasks that depend on it, those of a round that wait
 * for their turn. Its key is `TASK/LIST/AT`: names of tasks have no slash. Written once, and never changed.
 */
export interface GrowthListRow {
  readonly task: string;
  readonly list: 'child' | 'dependent' | 'turn';
  /** Place in the list: from 0, without gaps. */
  readonly at: number;
  /** The task that stands there. */
  readonly name: string;
  /** Of one that depends: it cannot run without. */
  readonly hard: boolean;
}

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

/**
 * Who waits, or has waited, for money of a budget. Its key is `TASK/CALL`: names of tasks have no slash. Of a shared
 * budget these are runs: `task` is the run's id, and `call` is empty.
 */
export interface BudgetWaitRow {
  readonly task: string;
  /** Which of the task's calls it is. */
  readonly call: string;
  /** The most that it can cost, in nano-dollars. */
  readonly need: number;
  /** The most that it can cost at its shortest. */
  readonly least: number;
  /** What it can cost with other models, where it may choose among several; null: it may not. */
  readonly lesserJson: string | null;
  /** It still waits. */
  readonly open: boolean;
  /** What a run holds of a shared budget, in nano-dollars; 0 of a call, whose budget holds sums only. */
  readonly held: number;
}

/** A place among the calls that wait for money: those that need the least come first. */
export type BudgetPlace = Pick<BudgetWaitRow, 'least' | 'task' | 'call'>;

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

/**
 * What a task says of the cache of answers: it found none and asks a model, it got an answer that serves others, it took
 * one. Its key is the journal number of the fact.
 */
export type AnswerChange =
  | {
      readonly kind: 'asked';
      /** Hash of all that the answer depends on. */
      readonly hash: string;
      readonly promptHash: string;
      /** How the prompt begins. */
      readonly prompt: string;
      /** Address of the task that asks: as long as its call is open, others wait. */
      readonly actor: string;
      readonly workflow: string;
      /** Similar questions are looked for first: whether it is a miss is not known yet. */
      readonly compares?: true;
      readonly at: number;
    }
  | {
      readonly kind: 'answered';
      readonly hash: string;
      readonly valueJson: string;
      readonly model: string;
      readonly finishReason: string;
      readonly costNanos: number | null;
      readonly at: number;
      readonly expiresAt: number;
    }
  | {
      readonly kind: 'served';
      readonly hash: string;
      readonly workflow: string;
      /** It was waited for while another task asked. */
      readonly shared: boolean;
      readonly savedNanos: number | null;
      /** Whose answer it is, where it was found by similarity just now. */
      readonly like?: { readonly hash: string; readonly similarity: number; readonly verified: boolean };
      readonly at: number;
    };

/** An answer that is kept. */
export interface AnswerRow {
  readonly valueJson: string;
  readonly model: string;
  readonly finishReason: string;
  readonly costNanos: number | null;
  /** The question whose answer it is; absent: the very same. */
  readonly like?: {
    readonly hash: string;
    readonly similarity: number;
    /** How it begins. */
    readonly prompt: string;
    /** A model has judged that it serves. */
    readonly verified: boolean;
  };
  /** When it came, in epoch milliseconds. */
  readonly answeredAt: number;
}

/** Who asks a model now: its call is under way, in doubt, or waits for money. */
export interface AnswerClaim {
  readonly run: string;
  readonly actor: string;
  readonly waitsForMoney: boolean;
}

/** What the cache did for the runs of a workflow. */
export interface ServedRow {
  readonly workflow: string;
  readonly misses: number;
  readonly hits: number;
  /** Those among them that waited for another task. */
  readonly shared: number;
  readonly savedNanos: number;
}

/** Which answers. All given parts must match. */
export interface AnswerFilter {
  readonly workflow?: string | undefined;
  /** Of the run whose answer it is. */
  readonly tag?: string | undefined;
  readonly promptHash?: string | undefined;
}

/** How much is kept. */
export interface AnswersSize {
  /** Questions, also those whose answer is still to come. */
  readonly entries: number;
  /** Characters of answers and of the prompts that are shown with them, and the bytes of vectors. */
  readonly bytes: number;
}

/** The cache of answers. It is a tenant's, and not a run's: what a deleted run has found out still serves. */
/** An answer that is kept, without its value. */
export interface ListedAnswer {
  readonly key: number;
  /** How it begins. */
  readonly prompt: string;
  /** Whose run asked last, and the tags of that. */
  readonly workflow: string;
  readonly tags: readonly string[];
  readonly model: string;
  /** What its call cost; null: not known. */
  readonly costNanos: number | null;
  readonly answeredAt: number;
  readonly expiresAt: number;
  readonly lastUsedAt: number;
  /** How often it has served since it was kept. */
  readonly hitCount: number;
  /** Characters of it and of what is kept of its prompt. */
  readonly bytes: number;
}

export interface AnswerStore {
  /** The answer that serves at a time, how its prompt begins, and who asks for one. */
  answer(
    tenant: string,
    hash: string,
    at: number,
  ): Promise<{
    readonly answer?: AnswerRow | undefined;
    readonly claim?: AnswerClaim | undefined;
    readonly prompt?: string | undefined;
  }>;
  /** How much is kept. */
  answers(tenant: string): Promise<AnswersSize>;
  /** What it did, by workflow in the order of their names. */
  served(tenant: string): Promise<readonly ServedRow[]>;
  /** Answers that serve at a time, those first whose question is newest: at most `limit`, of a workflow or of all. */
  listAnswers(
    tenant: string,
    page: {
      readonly at: number;
      readonly workflow?: string | undefined;
      /** `key` of the last one of the page before. */
      readonly after?: number | undefined;
      readonly limit: number;
    },
  ): Promise<readonly ListedAnswer[]>;
  /**
   * Forgets answers, at most `limit`, and says behind which ones it goes on; undefined: it is through. Who asks just then
   * still does, and what that gives is kept.
   */
  forgetAnswers(
    tenant: string,
    filter: AnswerFilter,
    page: { readonly after?: number | undefined; readonly limit: number },
  ): Promise<{ readonly forgotten: number; readonly after?: number | undefined }>;
  /**
   * Deletes what has expired, and the least recently used beyond the bounds: at most `limit`; how many it has deleted.
   * Questions that are just being asked stay.
   */
  trimAnswers(
    tenant: string,
    bounds: { readonly at: number; readonly maxEntries: number; readonly maxBytes: number; readonly limit: number },
  ): Promise<number>;
}

/** A question that is like another one. */
export interface SimilarQuestion {
  /** Hash of all that its answer depends on. */
  readonly hash: string;
  /** Cosine of the two vectors, computed from them as they are kept. At most 1. */
  readonly similarity: number;
}

/**
 * Vectors of questions, of length 1, and which of them are alike. Those of one space are comparable: they come from one
 * model, have one dimension, and belong to questions that differ in nothing but the prompt. A vector is gone with its question.
 */
export interface VectorIndex {
  /** Keeps the vector of a question that is known, in place of an earlier one; false where nobody has asked it. */
  addVector(
    tenant: string,
    vector: { readonly hash: string; readonly space: string; readonly values: Float32Array },
  ): Promise<boolean>;
  /** The vector of a question. */
  vectorOf(
    tenant: string,
    hash: string,
  ): Promise<{ readonly space: string; readonly values: Float32Array } | undefined>;
  /** Forgets vectors of questions. */
  removeVectors(tenant: string, hashes: readonly string[]): Promise<void>;
  /** Those of a space that are most like `values`, the nearest first: at most `limit`, none below `atLeast`. */
  nearest(
    tenant: string,
    query: {
      readonly space: string;
      readonly values: Float32Array;
      readonly atLeast: number;
      readonly limit: number;
    },
  ): Promise<readonly SimilarQuestion[]>;
}

/** Tables that projections write, and what a row of each looks like. The key of a row is its task's name, or what the row says. */
export interface ProjectedRows {
  task: TaskRow;
  approval: ApprovalRow;
  growth: GrowthRow;
  growthList: GrowthListRow;
  wait: WaitRow;
  keptEvent: KeptEventRow;
  eventType: EventTypeRow;
  shared: SharedRow;
  sharedWrite: SharedWriteRow;
  watch: WatchRow;
  budgetWait: BudgetWaitRow;
  ledger: LedgerRow;
  answer: AnswerChange;
}
export type ProjectedTable = keyof ProjectedRows;

/** One change of a projected row: the whole row, by key. */
export type RowChange = {
  [T in ProjectedTable]: { readonly table: T; readonly key: string; readonly row: ProjectedRows[T] };
}[ProjectedTable];

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

/** Who refers to a big value: an actor's row, by its address, or anything else of the run, which is never rewritten (''). */
export interface BlobUse {
  readonly hash: string;
  readonly holder: string;
}

/** Names what the process is at: where it dies now, it died of this. */
export interface DecidingMark extends RunKey {
  /** Tells it apart from whatever else the run takes; the same when it comes again. The start of a run has `run` ''. */
  readonly key: string;
  /** The same for people, in words that finish the sentence "the process died …". */
  readonly what: string;
}

/** How the process before this one stopped. */
export type LastStop =
  | { readonly orderly: true }
  /** It died, or was killed; `deciding` is the mark that stood then. */
  | { readonly orderly: false; readonly deciding: DecidingMark | undefined };

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

/** A page of projected rows. */
export interface RowPage {
  readonly limit: number;
  /** Task position (or approval order) after which to go on. */
  readonly after?: number | undefined;
}

/** An approval with the run it belongs to. */
export interface PendingApproval extends ApprovalRow, RunKey {
  /** Ascending; cursor of the list. */
  readonly order: number;
}

/** A stored workflow document, one version of it. */
export interface WorkflowRow {
  readonly tenant: string;
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly tags: readonly string[];
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly documentJson: string;
}

/** What filters a list of workflows. */
export interface WorkflowFilter {
  readonly tags?: readonly string[] | undefined;
  readonly q?: string | undefined;
  readonly limit: number;
  /** Id after which to go on. */
  readonly after?: string | undefined;
}

/** The documents. Written outside of turns: a run names the version it executes. */
export interface WorkflowStore {
  /** Returns false where the name is taken in this tenant. */
  createWorkflow(row: WorkflowRow): Promise<boolean>;
  /**
   * Adds a version; false where `version` exists, so that two writers cannot both be version 2. Throws `FermataError`
   * `notFound` where the workflow is not there, `alreadyExists` where the row's new name belongs to another one.
   */
  addWorkflowVersion(row: WorkflowRow): Promise<boolean>;
  /** Stores a version that only runs name: hidden like that of a deleted workflow. Does nothing where its id is known. */
  keepWorkflow(row: WorkflowRow): Promise<void>;
  /** The newest version, or the one named. A deleted workflow is absent unless its version is asked for by a run. */
  workflow(tenant: string, id: string, version?: number): MaybePromise<WorkflowRow | undefined>;
  workflowByName(tenant: string, name: string): Promise<WorkflowRow | undefined>;
  /** Newest first; none where the workflow was deleted. */
  workflowVersions(tenant: string, id: string): Promise<readonly WorkflowRow[]>;
  /** The newest version of each, in the order of their ids. */
  workflows(tenant: string, filter: WorkflowFilter): Promise<readonly WorkflowRow[]>;
  /** Hides the workflow; its versions stay for the runs that execute them. False where it does not exist. */
  deleteWorkflow(tenant: string, id: string, at: number): Promise<boolean>;
}

/** What the runtime asks of a database. */
export interface Store extends WorkflowStore, LedgerStore, AnswerStore, VectorIndex {
  /**
   * Takes the database for this process, brings it up to date and settles what an unclean stop left.
   * Throws `FermataError` `databaseInUse`, `databaseNewer`, `databaseCorrupt` or `storeUnavailable`.
   * What it returns is where numbering goes on (the greatest numbers ever used), and how the process before this one
   * stopped. `doubt` is told once where it is unknown whether a write was kept, whoever asked for it; nothing can be
   * written afterwards.
   */
  open(
    doubt?: (error: StoreError) => void,
  ): Promise<{ readonly position: number; readonly messageId: number; readonly lastStop: LastStop }>;
  /** An orderly stop. */
  close(): Promise<void>;
  /**
   * Says what this process is at now, or that it is at nothing. Kept so that it outlives the process (a store that ends
   * with it need not), and cheap: it is called for every input. The first call ends what `lastStop` told.
   */
  deciding(mark: DecidingMark | undefined): void;
  /** True when the database answers and can be written (readiness). */
  healthy(): Promise<boolean>;
  commit(group: CommitGroup): Promise<void>;

  // reads that a turn may need: answered at once where possible
  run(key: RunKey): MaybePromise<(RunRow & { readonly revision: number }) | undefined>;
  actor(key: RunKey, address: string): MaybePromise<ActorRow | undefined>;
  row<T extends ProjectedTable>(key: RunKey, table: T, rowKey: string): MaybePromise<ProjectedRows[T] | undefined>;
  /** Names of tasks that want a slot, in document order. */
  readyTasks(key: RunKey, limit: number): MaybePromise<readonly { readonly name: string; readonly position: number }[]>;
  /** Names of tasks whose actor has not ended. */
  liveTasks(key: RunKey): MaybePromise<readonly string[]>;
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
  /** Tasks that watch a shared value, in document order; go on after the last one of the page before. */
  openWatches(
    key: RunKey,
    sharedKey: string,
    page: { readonly limit: number; readonly after?: WaitPlace | undefined },
  ): MaybePromise<readonly WatchRow[]>;
  /** Calls that wait for money, those first that need the least; go on after the last one of the page before. */
  openBudgetWaits(
    key: RunKey,
    page: { readonly limit: number; readonly after?: BudgetPlace },
  ): MaybePromise<readonly BudgetWaitRow[]>;
  /** Runs that hold something of a shared budget, in the order of their ids; go on after the last one of the page before. */
  budgetHolders(
    key: RunKey,
    page: { readonly limit: number; readonly after?: string | undefined },
  ): MaybePromise<readonly BudgetWaitRow[]>;
  /** Ids of the shared budgets (they are runs) of which a run holds something, or which it has asked. */
  budgetsAskedBy(key: RunKey): MaybePromise<readonly string[]>;
  entry(key: RunKey, seq: number): MaybePromise<JournalEntry | undefined>;
  /** Journal number of a run's fact, by its number among the facts; undefined where there is none. */
  entryOfFact(key: RunKey, factSeq: number): MaybePromise<number | undefined>;
  blob(hash: string): MaybePromise<string | undefined>;
  /** Ids of the runs that a run began, waits for, and that have not ended, in the order of their creation. */
  awaitedRuns(key: RunKey): MaybePromise<readonly string[]>;
  messageTaken(key: RunKey, id: string): MaybePromise<number | undefined>;
  /** The run that was started under this idempotency key. */
  startedUnder(
    tenant: string,
    idempotencyKey: string,
  ): MaybePromise<{ readonly run: string; readonly bodyHash: string } | undefined>;

  // recovery and time
  /** Timers due at or before `until`, soonest first; go on after the last one of the page before. */
  dueTimers(until: number, limit: number, after?: TimerRow): Promise<readonly TimerRow[]>;
  /** When the first timer is due that is due after `until`. */
  nextDue(until: number): Promise<number | undefined>;
  /** Effects without an outcome, ordered; go on after the last one of the page before. */
  openEffects(after: (RunKey & { readonly token: string }) | undefined, limit: number): Promise<readonly EffectRow[]>;
  effectsOf(key: RunKey): MaybePromise<readonly EffectRow[]>;
  /** Runs whose agenda was cut by the cap of a group. */
  cutRuns(): Promise<readonly RunKey[]>;
  messages(limit: number): Promise<readonly MessageRow[]>;

  /** All that is suspected, of all tenants. */
  suspects(): Promise<readonly SuspectRow[]>;
  /** Writes the rows whole, in one transaction. */
  putSuspects(rows: readonly SuspectRow[]): Promise<void>;
  /** Forgets all that is suspected of a run. */
  dropSuspects(key: RunKey): Promise<void>;

  // reads for people
  runs(tenant: string, filter: RunFilter): Promise<readonly RunRow[]>;
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
  actors(key: RunKey): Promise<readonly ActorRow[]>;
  timersOf(key: RunKey): Promise<readonly TimerRow[]>;
  tasks(key: RunKey, page: RowPage): Promise<readonly TaskRow[]>;
  /** Shared values of a run in the order of their keys, by the bytes of UTF-8; go on after a key. */
  sharedValues(
    key: RunKey,
    page: { readonly limit: number; readonly after?: string | undefined },
  ): Promise<readonly SharedRow[]>;
  approvals(
    tenant: string,
    page: RowPage & { readonly status?: ApprovalRow['status'] },
  ): Promise<readonly PendingApproval[]>;
  /**
   * Deletes an ended run with all its rows; values that others share stay. False where it does not exist. Throws
   * `FermataError` `runNotEnded` where it could still write, unless the caller knows that it does not (`unended`), and
   * `runHasForks` where a fork that has not ended reads from it. Messages are sent where it is deleted, in the same transaction.
   */
  deleteRun(
    key: RunKey,
    options?: { readonly unended?: boolean; readonly messagesSent?: readonly MessageRow[] },
  ): Promise<boolean>;

  /** Hash of the definition registered under `name@version`; where it is new, registers the one given, if one is, and returns undefined. */
  machineHash(machine: string, hash?: string): Promise<string | undefined>;
}

/** Thrown by `commit`. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  /** `unchanged`: nothing was written. `unknown`: it may have been (an I/O error during COMMIT). */
  readonly outcome: 'unchanged' | 'unknown';

  constructor(outcome: 'unchanged' | 'unknown', message: string, cause?: unknown) {
    super(message, { cause });
    this.outcome = outcome;
  }
}
