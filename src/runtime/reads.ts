/**
 * What can be asked of runs, now and as it comes. Nothing here moves a run, and all that is answered is committed.
 *
 * The half of the embedded API that `Runtime` extends by what moves runs: `runtime.read(…)` and `runtime.send(…)` are one
 * thing to whoever embeds it. It knows the store and the feed, and of the work of this process only what it asks for below.
 */
import type { EventLoop } from '../clock.ts';
import { FermataError, type ErrorCode } from '../errors.ts';
import type { ApprovalRow, PendingApproval } from '../store/approvals.ts';
import type { BudgetWaitRow } from '../store/budgets.ts';
import type { Counts } from '../store/counts.ts';
import type { GrowthRow } from '../store/growth.ts';
import type { JournalEntry } from '../store/journal.ts';
import type { RunFilter, RunKey, RunParent, RunRow } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import type { RowPage, TaskRow } from '../store/tasks.ts';
import type { Catalog } from './catalog.ts';
import type { RefCodec } from './codec.ts';
import type { FactFeed, FactListener, StreamedText } from './facts.ts';
import type { Inspecting, SnapshotView } from './inspecting.ts';
import type { EventAcceptance } from './outside.ts';
import type { Turn } from './replay.ts';
import { ROOT } from './run-memory.ts';
import { runNotFound, runView, stateValue, type RunView } from './run-view.ts';
import { sharedValue, type SharedValue } from './shared-value.ts';
import { decodeStored } from './stored-values.ts';
import { countOf } from './stuck-runs.ts';
import { streamAll, streamRun, type StreamItem, type StreamOptions } from './stream.ts';
import { turnsOf } from './turns.ts';
import { waitUntil } from './waiting.ts';

/** What reading needs. */
export interface ReadsSurroundings {
  readonly catalog: Catalog;
  readonly store: Store;
  readonly tenant: string;
  readonly loop: Pick<EventLoop, 'soon'>;
  readonly feed: FactFeed;
  readonly inspecting: Inspecting;
  /** Aborted when the runtime closes: whoever waits or listens then stops. */
  readonly open: AbortSignal;
  /** Why a run, or a call of it, cannot go on in this process. */
  blocked(run: string): Error | undefined;
  /** Ids of the runs that `blocked` has a reason for. */
  blockedRuns(): readonly string[];
  /** True where a run takes nothing more in this process. */
  takesNothing(run: string): boolean;
  /** Machines that this database has had and that are not registered here. */
  unregistered(): ReadonlySet<string>;
  /** The text so far of what a run streams; without a run, of all that do. */
  streamed(run?: string): readonly StreamedText[];
}

/** Reads runs. */
export class Reads {
  readonly catalog: Catalog;
  readonly tenant: string;
  readonly #surroundings: ReadsSurroundings;
  readonly #store: Store;
  readonly #decode = (text: string, refs?: RefCodec): Promise<unknown> => decodeStored(this.#store, text, refs);

  constructor(surroundings: ReadsSurroundings) {
    this.catalog = surroundings.catalog;
    this.tenant = surroundings.tenant;
    this.#surroundings = surroundings;
    this.#store = surroundings.store;
  }

  // ── runs ──

  /** A run as it is committed. Throws `notFound`. */
  async read(runId: string): Promise<RunView> {
    const view = await this.#view(await this.#row(runId), true);
    // Nothing is damaged where it was deleted meanwhile.
    if (view.reason?.code === 'databaseCorrupt') await this.#row(runId);
    if (view.workflow !== undefined) return view;
    return { ...view, state: await stateValue(await this.#store.actor(this.#key(runId), ROOT), this.#decode) };
  }

  /**
   * Runs, newest first; parts of the house only with `inner`. With `blocked` only those that cannot go on in this process, as
   * `why` tells: in quarantine, of a machine that is not registered, or with a call that cannot be made here.
   */
  async list({
    blocked = false,
    inner = false,
    ...filter
  }: Omit<RunFilter, 'without'> & { readonly blocked?: boolean; readonly inner?: boolean }): Promise<
    readonly RunView[]
  > {
    const stuck = this.#surroundings;
    const among = blocked ? { among: stuck.blockedRuns(), orOpenOf: [...stuck.unregistered()] } : {};
    const without = inner ? {} : { without: this.catalog.inner() };
    const rows = await this.#store.runs(this.tenant, { ...filter, ...among, ...without });
    return Promise.all(rows.map((row) => this.#view(row)));
  }

  async #view(row: RunRow, isWhole = false): Promise<RunView> {
    const missing = row.endedAt === null ? this.catalog.missing(row.machine) : undefined;
    const view = await runView(row, this.#decode, isWhole);
    return { ...view, blocked: this.#surroundings.blocked(row.run) ?? missing };
  }

  /** The run that began another one; undefined where none did. Throws `notFound`. */
  async parentOf(runId: string): Promise<RunParent | undefined> {
    return (await this.#row(runId)).parent;
  }

  /** Ids of the runs that were forked from a run, newest first: nothing of them is read beside their rows. */
  async forksOf(runId: string, limit: number): Promise<readonly string[]> {
    return (await this.#store.runs(this.tenant, { forkedFrom: runId, limit })).map(({ run }) => run);
  }

  /**
   * True where the run takes nothing more in this process: it is quarantined, or its machine is missing. One of which only a call
   * waits takes the rest.
   */
  takesNothing(runId: string): boolean {
    return this.#surroundings.takesNothing(runId);
  }

  /** True where a run has taken the message of this id, which is one of the house's own (`fermata.…`). */
  async hasTaken(runId: string, id: string): Promise<boolean> {
    return (await this.#store.messageTaken(this.#key(runId), id)) !== undefined;
  }

  // ── how many ──

  /** How many runs have which status, and how many approvals wait; with the parts of the house, and of all tenants. */
  counts(): Promise<Counts> {
    return this.#store.counts();
  }

  /**
   * How many open runs cannot go on in this process, or wait for a call that cannot be made in it, by the code that says why.
   * Where a machine is not registered, its runs are counted anew each time, in steps beside other work.
   */
  async stuck(): Promise<ReadonlyMap<ErrorCode, number>> {
    const { open: signal, loop, blocked, ...surroundings } = this.#surroundings;
    const unregistered = surroundings.unregistered();
    const counts = new Map<ErrorCode, number>();
    for (const run of surroundings.blockedRuns()) {
      const error = blocked(run);
      const code = error instanceof FermataError ? error.code : 'internal';
      counts.set(code, (counts.get(code) ?? 0) + 1);
    }
    if (unregistered.size > 0) {
      // Of those only the ones are known that were to move.
      const missing = await countOf({ store: this.#store, loop, unregistered, signal });
      counts.set(
        'machineMissing',
        [...missing.values()].reduce((sum, count) => sum + count, 0),
      );
    }
    return counts;
  }

  // ── actors ──

  /** An actor in XState's own persisted form, now or as of a journal entry. */
  snapshot(runId: string, options: { readonly actor?: string; readonly at?: number } = {}): Promise<SnapshotView> {
    return this.#surroundings.inspecting.snapshot(this.#key(runId), options.actor ?? ROOT, options.at);
  }

  /** What one actor of a run holds as it is committed; undefined where there is none. */
  contextOf(runId: string, actor: string): Promise<unknown> {
    return this.#surroundings.inspecting.contextOf(this.#key(runId), actor);
  }

  /** What each live actor waits for, until when, and what would move it. */
  why(runId: string): ReturnType<Inspecting['why']> {
    return this.#surroundings.inspecting.why(this.#key(runId));
  }

  /** Event types that the root of a run accepts from outside now. */
  async acceptedEvents(runId: string): Promise<readonly string[]> {
    return (await this.outsideEvents(runId)).filter(({ accepted }) => accepted).map(({ type }) => type);
  }

  /** Types of events from outside that a run knows, whether it takes them now, and why. */
  outsideEvents(runId: string): Promise<readonly EventAcceptance[]> {
    return this.#surroundings.inspecting.outsideEvents(this.#key(runId));
  }

  /**
   * The delayed transitions that a persisted snapshot would have pending, were it not restored: XState's form does not
   * carry them, and they do not fire. Throws `machineMissing`, and `invalidRequest` where the snapshot does not fit.
   */
  notRestored(
    machine: string,
    snapshot: unknown,
  ): readonly { readonly state: string; readonly event: string; readonly delay: string | number }[] {
    const logic = this.catalog.logic(this.catalog.resolve(machine) ?? machine);
    return this.#surroundings.inspecting.unarmedDelays(snapshot, logic);
  }

  // ── the journal ──

  /** Entries of a run's journal after a number, decoded. */
  async journal(
    runId: string,
    page: { readonly after?: number; readonly limit?: number; readonly kind?: JournalEntry['kind'] } = {},
  ): Promise<readonly (Omit<JournalEntry, 'dataJson'> & { readonly data: unknown })[]> {
    const { after = 0, limit = 100, kind } = page;
    const entries = await this.#store.journal(this.#key(runId), {
      after,
      limit,
      ...(kind === undefined ? {} : { kind }),
    });
    if (entries.length === 0) await this.#row(runId);
    return Promise.all(
      entries.map(async ({ dataJson, ...entry }) => ({ ...entry, data: await this.#decode(dataJson) })),
    );
  }

  /** What a journal entry of a run carries; undefined where there is none. */
  async entry(runId: string, seq: number): Promise<unknown> {
    const entry = await this.#store.entry(this.#key(runId), seq);
    return entry === undefined ? undefined : this.#decode(entry.dataJson);
  }

  /** The journal number of a run's fact, by its number among the facts; undefined where there is none. */
  async entryOfFact(runId: string, factSeq: number): Promise<number | undefined> {
    return this.#store.entryOfFact(this.#key(runId), factSeq);
  }

  // ── rows ──

  /** Rows of a run's tasks, in document order. */
  tasks(runId: string, page: RowPage): Promise<readonly TaskRow[]> {
    return this.#store.tasks(this.#key(runId), page);
  }

  /** One task's row; undefined where it has none yet. */
  async task(runId: string, name: string): Promise<TaskRow | undefined> {
    return this.#store.row(this.#key(runId), 'task', name);
  }

  /** How a run has grown at one of its tasks; undefined where it has not. */
  async growth(runId: string, name: string): Promise<GrowthRow | undefined> {
    return this.#store.row(this.#key(runId), 'growth', name);
  }

  /** One task's approval; undefined where it asked for none. */
  async approval(runId: string, name: string): Promise<ApprovalRow | undefined> {
    return this.#store.row(this.#key(runId), 'approval', name);
  }

  /** Approvals of all runs, oldest first. */
  approvals(page: RowPage & { readonly status?: ApprovalRow['status'] }): Promise<readonly PendingApproval[]> {
    return this.#store.approvals(this.tenant, page);
  }

  /** What a call of a task needs that waits for money, or has waited; undefined where it never had to. */
  async budgetWait(runId: string, task: string, call: string): Promise<BudgetWaitRow | undefined> {
    return this.#store.row(this.#key(runId), 'budgetWait', `${task}/${call}`);
  }

  /** Runs that hold something of the shared budget that a run keeps, in the order of their ids. */
  async budgetHolders(runId: string, page: { readonly limit: number }): Promise<readonly BudgetWaitRow[]> {
    return this.#store.budgetHolders(this.#key(runId), page);
  }

  /** Runs that wait for money of the shared budget that a run keeps, those first that need the least. */
  async budgetWaiters(runId: string, page: { readonly limit: number }): Promise<readonly BudgetWaitRow[]> {
    return this.#store.openBudgetWaits(this.#key(runId), page);
  }

  /** A shared value of a run as it is committed; undefined where nobody has written it. */
  async sharedValue(runId: string, key: string): Promise<SharedValue | undefined> {
    const row = await this.#store.row(this.#key(runId), 'shared', key);
    return row === undefined ? undefined : sharedValue(this.#key(runId), row, this.#store);
  }

  /** Shared values of a run in the order of their keys, a page of them. */
  async sharedValues(
    runId: string,
    page: { readonly limit: number; readonly after?: string | undefined },
  ): Promise<readonly SharedValue[]> {
    const rows = await this.#store.sharedValues(this.#key(runId), page);
    return Promise.all(rows.map((row) => sharedValue(this.#key(runId), row, this.#store)));
  }

  // ── as it comes ──

  /** Calls `listener` with each fact of a run (or, without an id, of all) from now on. Returns how to stop. */
  subscribe(runId: string | undefined, listener: FactListener | FactListener['fact']): () => void {
    return this.#surroundings.feed.listen(runId, typeof listener === 'function' ? { fact: listener } : listener);
  }

  /** Facts of one run (or of all) from any point on, and then as they come; ends with the run. */
  stream(runId: string | undefined, given: Omit<StreamOptions, 'ended'> = {}): AsyncGenerator<StreamItem, void> {
    const options = { ...given, signal: this.#whileOpen(given.signal) };
    const { feed } = this.#surroundings;
    const source = {
      store: this.#store,
      feed,
      streamed: (run?: string) => this.#surroundings.streamed(run),
      decode: this.#decode,
    };
    if (runId === undefined) return streamAll(this.tenant, source, options);
    return streamRun(this.#key(runId), source, { ...options, ended: () => this.#hasEnded(runId) });
  }

  /**
   * A run's turns from its beginning on, taken again from its journal, and then as they come; ends with the run.
   * Throws `notFound`, `machineMissing`.
   *
   * @example
   * for await (const { address, event, snapshot } of runtime.turns(runId)) console.log(address, event.type, snapshot.value)
   */
  turns(runId: string, given: { readonly signal?: AbortSignal } = {}): AsyncGenerator<Turn, void> {
    const { catalog, store, feed, loop } = this.#surroundings;
    const source = { catalog, store, feed, loop, decode: this.#decode, ended: () => this.#hasEnded(runId) };
    return turnsOf(this.#key(runId), source, { signal: this.#whileOpen(given.signal) });
  }

  /**
   * Waits until a run's committed state satisfies `until` (default: it has ended). Throws `notFound`, `runEnded` where it
   * ends otherwise, `shuttingDown` where the runtime is closed first, and the reason of `signal`.
   *
   * @example
   * const { output } = await runtime.waitFor(runId)
   */
  async waitFor(
    runId: string,
    until: (run: RunView) => boolean = (run) => run.endedAt !== null,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<RunView> {
    return waitUntil(until, {
      signal: this.#whileOpen(options.signal),
      read: () => this.read(runId),
      onCommit: (listener) => this.subscribe(runId, { fact: () => {}, committed: listener }),
    });
  }

  async #hasEnded(runId: string): Promise<boolean> {
    return (await this.#row(runId)).endedAt !== null;
  }

  /** Aborted when the runtime closes, or when the caller has had enough. */
  #whileOpen(signal: AbortSignal | undefined): AbortSignal {
    const { open } = this.#surroundings;
    return signal === undefined ? open : AbortSignal.any([open, signal]);
  }

  async #row(runId: string): Promise<RunRow> {
    const row = await this.#store.run(this.#key(runId));
    if (row === undefined) throw runNotFound(runId);
    return row;
  }

  #key(run: string): RunKey {
    return { tenant: this.tenant, run };
  }
}
