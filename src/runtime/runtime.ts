/**
 * The durable actor system.
 *
 * The nouns, once:
 *   workflow, document  a definition; its document is data that the built-in workflow machine interprets
 *   run                 one execution of a workflow or of any registered machine: its actors, its journal, its bill; the unit of order
 *   task                one step of a document
 *   actor               one durable machine instance of a run, at an address; one row
 *   turn                one event taken by one actor: the only way anything changes
 *   journal             what happened to a run, append-only: the events that actors took, and the facts they stated
 *   fact                what a turn says has happened: committed, numbered
 *   delta               a piece of streaming text: lossy, never journaled
 *   effect              contact with the world, started only after the commit that asks for it; its outcome is an event
 *   timer               a wake-up with a due time; a row
 *   projection          a pure function from a fact to row changes, in the same commit
 *   passivation         what has nothing to do leaves memory; an event or a due timer brings it back
 *
 * The life of an event: `send` here → `group.ts` queues it → `run.ts` takes it → `xstate.ts` decides → `group.ts` commits
 * through the store → `effects.ts` acts → the outcome re-enters at `group.ts` → `facts.ts` tells who listens.
 *
 * A long file, because it is the whole embedded API in one place: half of it is what its methods promise.
 */
import { randomUUID } from 'node:crypto';
import { systemClock, systemLoop, type Clock, type EventLoop } from '../clock.ts';
import { FermataError } from '../errors.ts';
import type { ApprovalRow, PendingApproval } from '../store/approvals.ts';
import type { BudgetWaitRow } from '../store/budgets.ts';
import type { LastStop } from '../store/deciding-mark.ts';
import type { GrowthRow } from '../store/growth.ts';
import type { JournalEntry } from '../store/journal.ts';
import type { RunFilter, RunKey, RunParent, RunRow, RunState, RunStatus } from '../store/runs.ts';
import type { SharedRow } from '../store/shared-values.ts';
import type { Store } from '../store/store.ts';
import type { RowPage, TaskRow } from '../store/tasks.ts';
import { Catalog, type MachineRegistration } from './catalog.ts';
import { assertStorable, type RefCodec } from './codec.ts';
import { deleteRun, type DeletionSurroundings } from './deletion.ts';
import type { Draft } from './draft.ts';
import type { AroundEffect } from './effect.ts';
import { Effects } from './effects.ts';
import { FactFeed, type FactListener } from './facts.ts';
import { Groups, type CrashPoint, type GroupSurroundings } from './group.ts';
import { Inspecting, type SnapshotView } from './inspecting.ts';
import { Inspection, type Inspect } from './inspection.ts';
import type { Input, Receipt, Reply } from './input.ts';
import { MessageDelivery } from './messages.ts';
import { Migrations } from './migrations.ts';
import type { EventAcceptance } from './outside.ts';
import type { Projection } from './projection.ts';
import { readOpenEffects, recover } from './recovery.ts';
import { ROOT } from './run-memory.ts';
import { runNotFound, runView, stateValue, type RunView } from './run-view.ts';
import { apart, Starts, type StartOptions, type Started } from './starts.ts';
import type { Turn } from './replay.ts';
import { decodeStored } from './stored-values.ts';
import { streamAll, streamRun, type StreamItem, type StreamOptions } from './stream.ts';
import { Suspects } from './suspects.ts';
import { TimerWheel } from './timers.ts';
import { turnsOf } from './turns.ts';
import type { Event, Machine } from './xstate.ts';

/** What begins where a run is spoken to that is there by its name. */
export interface Addressed extends Pick<StartOptions, 'input' | 'tags'> {
  /** Name, or `name@version`. */
  readonly machine: string;
}

/** What a runtime is made of. */
export interface RuntimeOptions {
  readonly store: Store;
  /** `name@version` → a machine, alone or with what the runtime should know beyond it. */
  readonly machines: Readonly<Record<string, Machine | MachineRegistration>>;
  /** Effects by the name that machines invoke them by: `effect({ run })`, or `fromPromise(…)`; they win over the machine's own. */
  readonly actors?: Readonly<Record<string, unknown>>;
  readonly clock?: Clock;
  /** What drives the work; default: the event loop of this process. */
  readonly loop?: EventLoop;
  readonly projections?: readonly Projection[];
  /** Tags of every run that is started here, besides its own. */
  readonly tags?: readonly string[];
  /** Whose rows these are; default `default`. */
  readonly tenant?: string;
  readonly newRunId?: () => string;
  /**
   * Runs that are there as soon as another run speaks to them: by the id that is spoken to, what begins then; undefined
   * for ids of other runs. Default: none.
   */
  readonly addressed?: (run: string) => Addressed | undefined;
  /** Structured log lines; default: none. */
  readonly log?: (message: string, fields: Readonly<Record<string, unknown>>) => void;
  /** Called when the process must stop, because it is unknown whether a commit succeeded. Default: exit with status 70. */
  readonly onFatal?: (error: Error) => void;
  /** Stands around every call of an effect; default: the call is made. */
  readonly around?: AroundEffect;
  /** Effects in flight at once; default 1,000. */
  readonly maxInFlight?: number;
  /**
   * An XState inspection observer, as `createActor` takes it: told of actors, events and snapshots of all runs, after the
   * commit. Default: nobody.
   */
  readonly inspect?: Inspect;
  /**
   * Answers and takes commands, but does no work: nothing is recovered, no effect starts, no timer fires, no message
   * between runs is delivered. To look into a stopped server's database.
   */
  readonly passive?: boolean;
  /** Called before anything is recovered: who subscribes here misses nothing that happens in this process. */
  readonly opened?: (runtime: Runtime) => void;
  /** Called at each named point of the commit path; tests end the process there. */
  readonly crashPoint?: (point: CrashPoint) => void;
  /** Turns of one run in one group; default 200. Tests set 1, so that a process can end between any two turns. */
  readonly maxTurnsOfGroup?: number;
}

/** Opens the store, recovers what an earlier process left, and begins to work. */
export function createRuntime(options: RuntimeOptions): Promise<Runtime> {
  return Runtime.open(options);
}

/** A value that the tasks of a run share. */
export interface SharedValue {
  readonly key: string;
  /** 1 for the first value under the key, and one more with each write. */
  readonly revision: number;
  readonly value: unknown;
  /** The task that wrote it. */
  readonly by: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Of a fork that began with it: the run where it was written, and the number of the fact in that. */
  readonly reused?: { readonly runId: string; readonly seq: number };
}

/** The embedded API. Everything it answers is committed. */
export class Runtime {
  readonly catalog: Catalog;
  readonly tenant: string;
  readonly clock: Clock;
  /** Moves runs to another version of their machine. */
  readonly migrations: Migrations;
  readonly #store: Store;
  readonly #feed: FactFeed;
  readonly #groups: Groups;
  readonly #effects: Effects;
  readonly #suspects: Suspects;
  readonly #timers: TimerWheel;
  readonly #inspecting: Inspecting;
  readonly #starts: Starts;
  readonly #deletions: DeletionSurroundings;
  readonly #loop: EventLoop;
  readonly #addressed: NonNullable<RuntimeOptions['addressed']>;
  readonly #messages: MessageDelivery;
  /** False where this process only looks and takes commands. */
  readonly #works: boolean;
  /** Aborted when the runtime closes: whoever waits or listens then stops. */
  readonly #open = new AbortController();
  readonly #decode = (text: string, refs?: RefCodec): Promise<unknown> => decodeStored(this.#store, text, refs);
  #closing: Promise<void> | undefined;

  /** As `createRuntime` does. */
  static async open(options: RuntimeOptions): Promise<Runtime> {
    const catalog = new Catalog(options.machines, options.actors ?? {});
    let doubt: (error: Error) => void = () => {};
    const start = await options.store.open((error) => doubt(error));
    try {
      for (const name of catalog.names()) {
        // Who only looks, or rehearses, must not bind anybody to a definition that is still being written.
        const known = options.passive === true ? [] : [catalog.hashOf(name)];
        const before = await options.store.machineHash(name, ...known);
        if (before !== undefined && before !== catalog.hashOf(name)) {
          throw new FermataError(
            'machineChanged',
            `The definition of "${name}" is not the one this database knows. Runs in flight would go on as something else: register the new definition under a new version, and keep the old one until its runs have ended.`,
            { data: { machine: name } },
          );
        }
      }
    } catch (thrown) {
      await options.store.close();
      throw thrown;
    }
    const runtime = new Runtime(options, catalog, start);
    doubt = (error) => runtime.#groups.doubt(error);
    options.opened?.(runtime);
    await runtime.#recover(start.lastStop);
    return runtime;
  }

  private constructor(
    options: RuntimeOptions,
    catalog: Catalog,
    start: { readonly position: number; readonly messageId: number },
  ) {
    this.catalog = catalog;
    this.tenant = options.tenant ?? 'default';
    this.clock = options.clock ?? systemClock;
    this.#store = options.store;
    this.#works = options.passive !== true;
    this.#addressed = options.addressed ?? (() => undefined);
    const loop = (this.#loop = options.loop ?? systemLoop);
    const log = options.log ?? (() => {});
    this.#feed = new FactFeed((thrown) => log('a listener threw', { error: String(thrown) }));
    this.#suspects = new Suspects({ store: options.store, clock: this.clock, passive: !this.#works, log });
    this.#effects = new Effects({
      catalog,
      suspects: this.#suspects,
      enter: (key, input) => this.#groups.enter(key, input),
      delta: (delta) => this.#feed.publishDelta(delta),
      around: options.around,
      log,
      maxInFlight: this.#works ? (options.maxInFlight ?? 1_000) : 0,
    });
    this.#timers = new TimerWheel({
      clock: this.clock,
      loop,
      store: options.store,
      fire: (row) => this.#groups.enter(row, { kind: 'timer', row }),
      failed: (thrown) => log('timers could not be read', { error: String(thrown) }),
    });
    this.#messages = new MessageDelivery({
      clock: this.clock,
      store: options.store,
      deliver: (key, row) => this.#groups.enter(key, { kind: 'message', row }),
      begin: async ({ run }) => {
        const addressed = this.#addressed(run);
        if (addressed === undefined) return false;
        const { machine, ...options } = addressed;
        await this.#starts.startAs(run, this.catalog.resolve(machine) ?? machine, options);
        return true;
      },
      isBlocked: (run) => this.#groups.blocked(run) !== undefined,
      log,
    });
    const sendLive: GroupSurroundings['sendLive'] = (key, to, event) =>
      void this.#ask(key, { kind: 'event', to, event, checked: false, messageId: undefined }).catch((error: unknown) =>
        log('an event sent by an action was lost', { error: String(error) }),
      );
    const { inspect } = options;
    this.#groups = new Groups(
      {
        catalog,
        store: options.store,
        clock: this.clock,
        begunAt: start.position,
        suspects: this.#suspects,
        loop,
        feed: this.#feed,
        projections: byFact(options.projections ?? []),
        sendLive,
        ...(inspect === undefined
          ? {}
          : {
              inspection: new Inspection({
                inspect,
                catalog,
                sendLive,
                failed: (thrown) => log('the inspection observer threw', { error: String(thrown) }),
              }),
            }),
        log,
        act: (key, draft) => this.#act(key, draft),
        messagesSent: () => this.#works && void this.#messages.look(),
        fatal: (error) => this.#halt(error, options.onFatal ?? exitUnknown),
        ...(options.crashPoint === undefined ? {} : { crashPoint: options.crashPoint }),
        ...(options.maxTurnsOfGroup === undefined ? {} : { maxTurns: options.maxTurnsOfGroup }),
      },
      start,
    );
    this.#starts = new Starts({
      store: options.store,
      clock: this.clock,
      suspects: this.#suspects,
      tenant: this.tenant,
      tags: options.tags ?? [],
      newRunId: options.newRunId ?? randomUUID,
      begin: (key, input) => this.#ask(key, input),
    });
    this.#deletions = {
      store: options.store,
      blocked: (run) => this.#groups.blocked(run),
      numbered: (messages) => this.#groups.numbered(messages),
    };
    this.migrations = new Migrations({
      catalog,
      store: options.store,
      clock: this.clock,
      tenant: this.tenant,
      blocked: (run) => this.#groups.blocked(run),
      ask: (key, input) => this.#ask(key, input),
    });
    this.#inspecting = new Inspecting({
      catalog,
      store: options.store,
      loop,
      blocked: (run) => this.#groups.blocked(run) ?? this.#effects.held(run),
      callTimers: (run) => this.#timers.callsOf(run),
      isInLine: (run, token) => this.#suspects.isInLine(run, token),
    });
  }

  /** Puts back to work what an earlier process left (a passive one only looks). */
  async #recover(lastStop: LastStop): Promise<void> {
    await this.#suspects.read();
    const effects = this.#works ? await readOpenEffects(this.#store) : [];
    if (this.#works)
      await this.#suspects.count(
        lastStop,
        effects.filter(({ src }) => !this.catalog.isRemote(src)),
      );
    for (const { run, error } of this.#suspects.quarantined()) this.#groups.block(run, error);
    if (!this.#works) return;
    // What the last stop left is counted: from here on the mark is this process's own.
    this.#suspects.deciding(undefined);
    await recover(this.#store, effects, (key, input) => this.#groups.enter(key, input));
    await this.#messages.look();
    await this.#timers.look();
  }

  /**
   * Starts a run of a registered machine (`order` means its newest version). Answers once the start is committed.
   * Throws `machineMissing`, `idempotencyConflict`, `notSerializable`, `storeUnavailable`.
   *
   * @example
   * const { runId } = await runtime.start('order', { input: { item: 'tea' } })
   */
  async start(machine: string, options: StartOptions = {}): Promise<Started> {
    const name = this.catalog.resolve(machine);
    if (name === undefined) {
      const registered = this.catalog.names();
      throw new FermataError(
        'machineMissing',
        `No machine "${machine}" is registered; these are: ${registered.join(', ') || 'none'}.`,
        { data: { machine, registered } },
      );
    }
    assertStorable(options.snapshot, 'snapshot');
    if (options.snapshot !== undefined) this.#inspecting.assertRestorable(options.snapshot, this.catalog.logic(name));
    return this.#starts.start(name, options);
  }

  /**
   * The run that was started under an idempotency key; undefined where none was. What was started stays started, so this
   * is asked before anything about a request is checked. Throws `idempotencyConflict`.
   */
  async startedBefore(idempotency: StartOptions['idempotency']): Promise<Started | undefined> {
    return idempotency === undefined ? undefined : this.#starts.before(idempotency);
  }

  /**
   * Sends an event from outside to the root of a run. With `id` it is taken once, however often it is sent.
   * Throws `notFound`, `runEnded`, `eventNotAccepted` (with the legal types), `invalidRequest` for reserved types,
   * `idempotencyConflict` where another event came under the same id.
   */
  async send(runId: string, event: Event, options: { readonly id?: string } = {}): Promise<Receipt> {
    if (typeof event?.type !== 'string' || event.type === '')
      throw new FermataError('invalidRequest', 'An event needs a type: { "type": "paid", … }.');
    if (/^(xstate|fermata)\./.test(event.type)) {
      throw new FermataError(
        'invalidRequest',
        `Event types that begin with "xstate." or "fermata." are the system's own; "${event.type}" cannot be sent from outside.`,
      );
    }
    return this.control(runId, ROOT, event, options.id === undefined ? {} : { id: apart(options.id) });
  }

  /** True where a run has taken the message of this id, which is one of the house's own (`fermata.…`). */
  async hasTaken(runId: string, id: string): Promise<boolean> {
    return (await this.#store.messageTaken(this.#key(runId), id)) !== undefined;
  }

  /**
   * Sends an event of the system's own to an actor of a run: what the API's commands (approve, cancel a task …) are made of.
   * Where there are documents they are at hand as they are meant: `fermata.api.approve(runId, task, decision)`.
   */
  async control(runId: string, actor: string, event: Event, options: { readonly id?: string } = {}): Promise<Receipt> {
    assertStorable(event, `event "${event.type}"`);
    return this.#ask(this.#key(runId), { kind: 'event', to: actor, event, checked: true, messageId: options.id });
  }

  /** Tells the root of a run what no user can: an event of the house, taken or dropped as the state of its machine has it. */
  async tell(runId: string, event: Event): Promise<void> {
    await this.#ask(this.#key(runId), { kind: 'event', to: ROOT, event, checked: false, messageId: undefined });
  }

  /**
   * Cancels a run: gracefully where its machine handles `fermata.cancel`, else by stopping it. A quarantined run is
   * stopped without its machine being asked. Throws `notFound`, `runEnded`, and `wrongState` for a part of the house.
   */
  async cancel(runId: string, reason?: string): Promise<Receipt> {
    if (this.#addressed(runId) !== undefined)
      throw new FermataError(
        'wrongState',
        `Run ${runId} is a part of the house that other runs speak to. It cannot be cancelled.`,
        { data: { runStatus: 'waiting' } },
      );
    const decideNothing = this.isQuarantined(runId);
    const receipt = await this.#ask(this.#key(runId), { kind: 'cancel', reason, decideNothing });
    if (decideNothing) this.#groups.unblock(runId);
    return receipt;
  }

  /** True where the run takes nothing here, because the process has died of it too often; `why` says of what. */
  isQuarantined(runId: string): boolean {
    return this.#suspects.quarantineOf(runId) !== undefined;
  }

  /** True where the run takes nothing more in this process: it is quarantined, or its machine is missing. */
  isBlocked(runId: string): boolean {
    return this.#groups.blocked(runId) !== undefined;
  }

  /**
   * Lets a quarantined run try again, as if the process had never died of it. Throws `notFound`, and `wrongState` where
   * it is not quarantined.
   */
  async release(runId: string): Promise<void> {
    const { status } = await this.#row(runId);
    if (!this.isQuarantined(runId))
      throw new FermataError(
        'wrongState',
        `Run ${runId} is ${status} and not quarantined: there is nothing to release.`,
        {
          data: { runStatus: status },
        },
      );
    const key = this.#key(runId);
    // Read first: where that fails, the run is still to be released. Afterwards nobody would begin its calls again.
    const effects = await this.#store.effectsOf(key);
    await this.#suspects.release(key);
    this.#groups.unblock(runId);
    if (!this.#works) return;
    this.#groups.enter(key, { kind: 'goOn' });
    for (const row of effects) this.#groups.enter(key, { kind: 'inDoubt', row });
    this.#messages.handAgain(runId);
    await this.#messages.look();
    this.#timers.handAgain(runId);
    await this.#timers.look();
  }

  /** A run as it is committed. Throws `notFound`. */
  async read(runId: string): Promise<RunView> {
    const view = await this.#view(await this.#row(runId), true);
    if (view.workflow !== undefined) return view;
    return { ...view, state: await stateValue(await this.#store.actor(this.#key(runId), ROOT), this.#decode) };
  }

  /** The run that began another one; undefined where none did. Throws `notFound`. */
  async parentOf(runId: string): Promise<RunParent | undefined> {
    return (await this.#row(runId)).parent;
  }

  /** Runs, newest first; parts of the house only with `inner`. With `blocked` only those that cannot go on in this process, as `why` tells. */
  async list({
    blocked = false,
    inner = false,
    ...filter
  }: Omit<RunFilter, 'without'> & { readonly blocked?: boolean; readonly inner?: boolean }): Promise<
    readonly RunView[]
  > {
    const among = blocked ? { among: this.#groups.blockedRuns() } : {};
    const without = inner ? {} : { without: this.catalog.inner() };
    const rows = await this.#store.runs(this.tenant, { ...filter, ...among, ...without });
    return Promise.all(rows.map((row) => this.#view(row)));
  }

  /** Ids of the runs that were forked from a run, newest first: nothing of them is read beside their rows. */
  async forksOf(runId: string, limit: number): Promise<readonly string[]> {
    return (await this.#store.runs(this.tenant, { forkedFrom: runId, limit })).map(({ run }) => run);
  }

  async #view(row: RunRow, isWhole = false): Promise<RunView> {
    return { ...(await runView(row, this.#decode, isWhole)), blocked: this.#groups.blocked(row.run) };
  }

  /** An actor in XState's own persisted form, now or as of a journal entry. */
  snapshot(runId: string, options: { readonly actor?: string; readonly at?: number } = {}): Promise<SnapshotView> {
    return this.#inspecting.snapshot(this.#key(runId), options.actor ?? ROOT, options.at);
  }

  /** What each live actor waits for, until when, and what would move it. */
  why(runId: string): ReturnType<Inspecting['why']> {
    return this.#inspecting.why(this.#key(runId));
  }

  /**
   * The delayed transitions that a persisted snapshot would have pending, were it not restored: XState's form does not
   * carry them, and they do not fire. Throws `machineMissing`, and `invalidRequest` where the snapshot does not fit.
   */
  notRestored(
    machine: string,
    snapshot: unknown,
  ): readonly { readonly state: string; readonly event: string; readonly delay: string | number }[] {
    return this.#inspecting.unarmedDelays(snapshot, this.catalog.logic(this.catalog.resolve(machine) ?? machine));
  }

  /** Event types that the root of a run accepts from outside now. */
  async acceptedEvents(runId: string): Promise<readonly string[]> {
    return (await this.outsideEvents(runId)).filter(({ accepted }) => accepted).map(({ type }) => type);
  }

  /** Types of events from outside that a run knows, whether it takes them now, and why. */
  outsideEvents(runId: string): Promise<readonly EventAcceptance[]> {
    return this.#inspecting.outsideEvents(this.#key(runId));
  }

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

  /** What one actor of a run holds as it is committed; undefined where there is none. */
  contextOf(runId: string, actor: string): Promise<unknown> {
    return this.#inspecting.contextOf(this.#key(runId), actor);
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
    return row === undefined ? undefined : this.#sharedValue(runId, row);
  }

  /** Shared values of a run in the order of their keys, a page of them. */
  async sharedValues(
    runId: string,
    page: { readonly limit: number; readonly after?: string | undefined },
  ): Promise<readonly SharedValue[]> {
    const rows = await this.#store.sharedValues(this.#key(runId), page);
    return Promise.all(rows.map((row) => this.#sharedValue(runId, row)));
  }

  async #sharedValue(runId: string, { key, revision, seq }: SharedRow): Promise<SharedValue> {
    const entry = await this.#store.entry(this.#key(runId), seq);
    if (entry === undefined)
      throw new FermataError(
        'databaseCorrupt',
        `Run ${runId} has no journal entry ${seq}, which a shared value names.`,
      );
    const { value, by, reused } = (await this.#decode(entry.dataJson)) as Pick<SharedValue, 'value' | 'by' | 'reused'>;
    return { key, revision, value, by, at: entry.at, ...(reused === undefined ? {} : { reused }) };
  }

  /** One task's approval; undefined where it asked for none. */
  async approval(runId: string, name: string): Promise<ApprovalRow | undefined> {
    return this.#store.row(this.#key(runId), 'approval', name);
  }

  /** Approvals of all runs, oldest first. */
  approvals(page: RowPage & { readonly status?: ApprovalRow['status'] }): Promise<readonly PendingApproval[]> {
    return this.#store.approvals(this.tenant, page);
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

  /** Calls `listener` with each fact of a run (or, without an id, of all) from now on. Returns how to stop. */
  subscribe(runId: string | undefined, listener: FactListener | FactListener['fact']): () => void {
    return this.#feed.listen(runId, typeof listener === 'function' ? { fact: listener } : listener);
  }

  /** Facts of one run (or of all) from any point on, and then as they come; ends with the run. */
  stream(runId: string | undefined, given: Omit<StreamOptions, 'ended'> = {}): AsyncGenerator<StreamItem, void> {
    const options = { ...given, signal: this.#whileOpen(given.signal) };
    const source = {
      store: this.#store,
      feed: this.#feed,
      streamed: (run?: string) => this.#effects.streamed(run),
      decode: this.#decode,
    };
    if (runId === undefined) return streamAll(this.tenant, source, options);
    return streamRun(this.#key(runId), source, {
      ...options,
      ended: async () => (await this.#row(runId)).endedAt !== null,
    });
  }

  /**
   * A run's turns from its beginning on, taken again from its journal, and then as they come; ends with the run.
   * Throws `notFound`, `machineMissing`.
   *
   * @example
   * for await (const { address, event, snapshot } of runtime.turns(runId)) console.log(address, event.type, snapshot.value)
   */
  turns(runId: string, given: { readonly signal?: AbortSignal } = {}): AsyncGenerator<Turn, void> {
    const options = { signal: this.#whileOpen(given.signal) };
    return turnsOf(
      this.#key(runId),
      {
        catalog: this.catalog,
        store: this.#store,
        feed: this.#feed,
        loop: this.#loop,
        decode: this.#decode,
        ended: async () => (await this.#row(runId)).endedAt !== null,
      },
      options,
    );
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
    const signal = this.#whileOpen(options.signal);
    let changed = (): void => {};
    const wake = (): void => changed();
    const stop = this.subscribe(runId, { fact: () => {}, committed: wake });
    signal.addEventListener('abort', wake);
    try {
      for (;;) {
        const change = new Promise<void>((resolve) => (changed = resolve));
        signal.throwIfAborted();
        const run = await this.read(runId);
        if (until(run)) return run;
        if (run.endedAt !== null)
          throw new FermataError(
            'runEnded',
            `Run ${runId} has ended (${run.status}): what was waited for was not seen, and cannot come any more.`,
            { data: { runStatus: run.status } },
          );
        await change;
      }
    } catch (thrown) {
      // What was being read when the runtime closed says so in words of the store.
      signal.throwIfAborted();
      throw thrown;
    } finally {
      stop();
      signal.removeEventListener('abort', wake);
    }
  }

  /**
   * Deletes a run with its journal: one that has ended, or that cannot go on and so cannot be cancelled either (its row is
   * damaged, its machine is gone). Runs that it waits for are told to cancel in the same commit. Throws `notFound`,
   * `runNotEnded`, `runHasForks`, and `wrongState` where another run would wait for it for ever.
   */
  async delete(runId: string): Promise<void> {
    const key = this.#key(runId);
    if (!(await deleteRun(this.#deletions, key))) throw runNotFound(runId);
    this.#groups.forget(runId);
    this.#suspects.forgetRun(runId);
    if (this.#works) void this.#messages.look();
  }

  /** True when the database can be read and written. */
  healthy(): Promise<boolean> {
    return this.#store.healthy();
  }

  /** What is in memory: for metrics and tests. */
  get load(): { readonly residentRuns: number; readonly effectsInFlight: number } {
    return { residentRuns: this.#groups.resident, effectsInFlight: this.#effects.size };
  }

  /** Waits until everything that has come in is committed (not: until effects end). */
  idle(): Promise<void> {
    return this.#groups.idle();
  }

  /** Finishes the commit under way, aborts effects (the next start repeats them), and closes the store. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      const error = new FermataError(
        'shuttingDown',
        'The process is stopping and takes no more requests. Ask again when it is back.',
        { retryAfterMs: 1_000 },
      );
      this.#timers.close();
      this.#messages.close();
      this.#effects.close();
      this.#suspects.close();
      await this.#groups.close(error);
      this.#open.abort(error);
      await this.#store.close();
    })();
    return this.#closing;
  }

  /** Aborted when the runtime closes, or when the caller has had enough. */
  #whileOpen(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#open.signal : AbortSignal.any([this.#open.signal, signal]);
  }

  /** Nothing starts any more; what is under way is cut off, and in doubt at the next start. */
  #halt(error: Error, stopProcess: (error: Error) => void): void {
    this.#timers.close();
    this.#messages.close();
    this.#effects.close();
    this.#suspects.close();
    stopProcess(error);
  }

  #act(key: RunKey, draft: Draft): void {
    for (const input of draft.inputs) {
      if (input.kind === 'timer') this.#timers.release(input.row);
      else if (input.kind === 'message') this.#messages.release(input.row);
    }
    for (const start of draft.effectsAsked.values()) {
      const error = this.catalog.unavailable(start.logicPath, start.row.src, start.input);
      if (error !== undefined) {
        this.#effects.hold(start, error);
        this.#groups.enter(start.row, { kind: 'unavailable', row: start.row, error });
      } else this.#effects.start(start);
    }
    for (const { start, error } of draft.unavailable.values()) this.#effects.hold(start, error);
    for (const start of draft.starts.values()) this.#effects.start(start);
    for (const { token, event } of draft.effectsTold) this.#effects.tell(key, token, event);
    if (this.#works) {
      for (const row of draft.timersArmed.values()) this.#timers.notice(row.due);
      for (const row of draft.callTimersArmed.values()) this.#timers.armCall(row);
    }
    for (const token of draft.callTimersGone) this.#timers.disarmCall(key, token);
    for (const token of draft.aborts) this.#effects.abort(key, token);
  }

  #ask(key: RunKey, input: AskedInput): Promise<Receipt> {
    return new Promise<Receipt>((resolve, reject) => {
      const reply: Reply = { resolve, reject };
      this.#groups.enter(key, { ...input, reply } as Input);
    });
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

type WithoutReply<T> = T extends { readonly reply: Reply } ? Omit<T, 'reply'> : never;
type AskedInput = WithoutReply<Input>;

function byFact(projections: readonly Projection[]): ReadonlyMap<string, readonly Projection[]> {
  const map = new Map<string, Projection[]>();
  for (const projection of projections) {
    for (const fact of projection.facts) map.set(fact, [...(map.get(fact) ?? []), projection]);
  }
  return map;
}

/** Exit status of a process that does not know whether its last commit succeeded (EX_SOFTWARE of sysexits). */
export const EXIT_OUTCOME_UNKNOWN = 70;

function exitUnknown(): void {
  // Replies that are on their way (503 outcomeUnknown) get a moment to leave.
  systemLoop.later(() => process.exit(EXIT_OUTCOME_UNKNOWN), 200);
}

export type { RunState, RunStatus, RunView, StartOptions, Started };
