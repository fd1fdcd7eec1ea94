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
 * What can be asked of runs is in `reads.ts`; here is what moves them: open, take in, recover, act, close. A long file,
 * because the parts of the system know each other nowhere else: each is given what it needs of the others here.
 */
import { randomUUID } from 'node:crypto';
import { systemClock, systemLoop, type Clock, type EventLoop } from '../clock.ts';
import { FermataError } from '../errors.ts';
import type { LastStop } from '../store/deciding-mark.ts';
import type { RunKey, RunOrigin, RunStatus } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import { Catalog } from './catalog.ts';
import { assertStorable } from './codec.ts';
import { deleteRun } from './deletion.ts';
import type { Draft } from './draft.ts';
import type { AroundEffect, WithheldCall } from './effect.ts';
import { Effects } from './effects.ts';
import { FactFeed } from './facts.ts';
import type { CommitTrouble } from './failing-commits.ts';
import { Groups, type CrashPoint, type GroupSurroundings } from './group.ts';
import { Inspecting } from './inspecting.ts';
import { Inspection, type Inspect } from './inspection.ts';
import type { Input, Receipt, Reply } from './input.ts';
import { MessageDelivery } from './messages.ts';
import { Migrations } from './migrations.ts';
import { whyUnavailable } from './open-effects.ts';
import type { Projection } from './projection.ts';
import { Reads } from './reads.ts';
import { readOpenEffects, recover } from './recovery.ts';
import type { MachineRegistration } from './registration.ts';
import { ROOT } from './run-memory.ts';
import { runNotFound, type RunView } from './run-view.ts';
import { apart, Starts, type StartOptions, type Started } from './starts.ts';
import { sayStuckRuns, unregisteredMachines } from './stuck-runs.ts';
import { Suspects } from './suspects.ts';
import { TimerWheel } from './timers.ts';
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
  /** Calls that are not made in this process; they wait for one that makes them, and `why` says so. Default: none. */
  readonly withheld?: WithheldCall;
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

/** Opens the store, recovers what an earlier process left, and begins to work. Throws `invalidConfig` where none is given. */
export function createRuntime(options: RuntimeOptions): Promise<Runtime> {
  return Runtime.open(options);
}

/** The embedded API: what moves runs, beside what can be asked of them. Everything it answers is committed. */
export class Runtime extends Reads {
  readonly clock: Clock;
  /** Moves runs to another version of their machine. */
  readonly migrations: Migrations;
  readonly #store: Store;
  readonly #groups: Groups;
  readonly #effects: Effects;
  readonly #suspects: Suspects;
  readonly #timers: TimerWheel;
  readonly #inspecting: Inspecting;
  readonly #starts: Starts;
  readonly #addressed: NonNullable<RuntimeOptions['addressed']>;
  readonly #withheld: WithheldCall | undefined;
  readonly #log: NonNullable<RuntimeOptions['log']>;
  readonly #loop: EventLoop;
  readonly #messages: MessageDelivery;
  /** False where this process only looks and takes commands. */
  readonly #works: boolean;
  /** Aborted when the runtime closes: whoever waits or listens then stops. */
  readonly #open: AbortController;
  /** Machines that this database has had and that are not registered here. */
  #unregistered: ReadonlySet<string> = new Set();
  #closing: Promise<void> | undefined;

  /** As `createRuntime` does. */
  static async open(options: RuntimeOptions): Promise<Runtime> {
    // In JavaScript no compiler says it, and the error would speak of the first thing that is asked of nothing.
    if (typeof (options.store as Partial<Store> | undefined)?.open !== 'function')
      throw new FermataError(
        'invalidConfig',
        "Expected a store among the options, came none: createRuntime({ store: sqliteStore('fermata.db'), … }), or the same with compose.",
      );
    const catalog = new Catalog(options.machines, options.actors ?? {});
    let doubt: (error: Error) => void = () => {};
    const start = await options.store.open((error) => doubt(error));
    try {
      // Who only looks, or rehearses, must not bind anybody to a definition that is still being written.
      await catalog.assertUnchanged(options.store, options.passive !== true);
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
    const { store, loop = systemLoop, tenant = 'default', log = () => {}, inspect } = options;
    const feed = new FactFeed((thrown) => log('a listener threw', { error: String(thrown) }));
    const open = new AbortController();
    const blocked = (run: string): Error | undefined => this.#groups.blocked(run);
    // Whoever looks at a run, alone or in a list, is told the same.
    const blockedOrHeld = (run: string): Error | undefined => blocked(run) ?? this.#effects.held(run);
    const inspecting = new Inspecting({
      catalog,
      store,
      loop,
      blocked: blockedOrHeld,
      callTimers: (run) => this.#timers.callsOf(run),
      isInLine: (run, token) => this.#suspects.isInLine(run, token),
    });
    super({
      catalog,
      store,
      tenant,
      loop,
      feed,
      inspecting,
      open: open.signal,
      blocked: blockedOrHeld,
      blockedRuns: () => [...new Set([...this.#groups.blockedRuns(), ...this.#effects.heldRuns()])],
      takesNothing: (run) => blocked(run) !== undefined,
      unregistered: () => this.#unregistered,
      streamed: (run) => this.#effects.streamed(run),
    });
    this.clock = options.clock ?? systemClock;
    this.#store = store;
    this.#open = open;
    this.#inspecting = inspecting;
    this.#works = options.passive !== true;
    this.#addressed = options.addressed ?? (() => undefined);
    this.#withheld = options.withheld;
    this.#log = log;
    this.#loop = loop;
    this.#suspects = new Suspects({ store, clock: this.clock, passive: !this.#works, log });
    this.#effects = new Effects({
      catalog,
      suspects: this.#suspects,
      enter: (key, input) => this.#groups.enter(key, input),
      delta: (delta) => feed.publishDelta(delta),
      around: options.around,
      log,
      maxInFlight: this.#works ? (options.maxInFlight ?? 1_000) : 0,
    });
    this.#timers = new TimerWheel({
      clock: this.clock,
      loop,
      store,
      fire: (row) => this.#groups.enter(row, { kind: 'timer', row }),
      failed: (thrown) => log('timers could not be read', { error: String(thrown) }),
    });
    this.#messages = new MessageDelivery({
      clock: this.clock,
      store,
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
    this.#groups = new Groups(
      {
        catalog,
        store,
        clock: this.clock,
        begunAt: start.position,
        suspects: this.#suspects,
        loop,
        feed,
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
        withheld: options.withheld,
        act: (run, draft) => this.#act(run, draft),
        messagesSent: () => this.#works && void this.#messages.look(),
        fatal: (error) => this.#halt(error, options.onFatal ?? exitUnknown),
        ...(options.crashPoint === undefined ? {} : { crashPoint: options.crashPoint }),
        ...(options.maxTurnsOfGroup === undefined ? {} : { maxTurns: options.maxTurnsOfGroup }),
      },
      start,
    );
    this.#starts = new Starts({
      store,
      clock: this.clock,
      suspects: this.#suspects,
      tenant,
      tags: options.tags ?? [],
      newRunId: options.newRunId ?? randomUUID,
      begin: (key, input) => this.#ask(key, input),
    });
    this.migrations = new Migrations({
      catalog,
      store,
      clock: this.clock,
      tenant,
      blocked,
      ask: (key, input) => this.#ask(key, input),
    });
  }

  /** Puts back to work what an earlier process left (a passive one only looks). */
  async #recover(lastStop: LastStop): Promise<void> {
    this.#unregistered = await unregisteredMachines(this.#store, this.catalog);
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
    // Not waited for: the work has begun.
    void sayStuckRuns({
      store: this.#store,
      loop: this.#loop,
      unregistered: this.#unregistered,
      quarantined: this.#suspects.quarantined().length,
      signal: this.#open.signal,
      log: this.#log,
    });
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

  /**
   * Lets a quarantined run try again, as if the process had never died of it. Throws `notFound`, and `wrongState` where
   * it is not quarantined.
   */
  async release(runId: string): Promise<void> {
    const { status } = await this.read(runId);
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

  /**
   * Deletes a run with its journal: one that has ended, or that cannot go on and so cannot be cancelled either (its row is
   * damaged, its machine is gone). Runs that it waits for are told to cancel in the same commit. Throws `notFound`,
   * `runNotEnded`, `runHasForks`, and `wrongState` where another run would wait for it for ever.
   */
  async delete(runId: string): Promise<void> {
    const key = this.#key(runId);
    const wasThere = await deleteRun(
      {
        store: this.#store,
        blocked: (run) => this.#groups.blocked(run),
        numbered: (messages) => this.#groups.numbered(messages),
      },
      key,
    );
    if (!wasThere) throw runNotFound(runId);
    this.#groups.forget(runId);
    this.#suspects.forgetRun(runId);
    if (this.#works) void this.#messages.look();
  }

  /** True when the database can be read and written, and no commit is waiting that failed. */
  async healthy(): Promise<boolean> {
    return this.failingCommits === undefined && (await this.#store.healthy());
  }

  /**
   * Commits that fail (a full disk, a lock) and are being tried again. Something small may still be written meanwhile.
   *
   * @example
   * const { error, forMs } = runtime.failingCommits ?? {}
   */
  get failingCommits(): CommitTrouble | undefined {
    return this.#groups.failing;
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

  /** Nothing starts any more; what is under way is cut off, and in doubt at the next start. */
  #halt(error: Error, stopProcess: (error: Error) => void): void {
    this.#timers.close();
    this.#messages.close();
    this.#effects.close();
    this.#suspects.close();
    stopProcess(error);
  }

  #act(key: RunKey & Pick<RunOrigin, 'tags'>, draft: Draft): void {
    for (const input of draft.inputs) {
      if (input.kind === 'timer') this.#timers.release(input.row);
      else if (input.kind === 'message') this.#messages.release(input.row);
    }
    for (const start of draft.effectsAsked.values()) {
      const error = whyUnavailable({ catalog: this.catalog, withheld: this.#withheld }, key, start);
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

export type { RunStatus, RunView, StartOptions, Started };
