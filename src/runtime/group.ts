/**
 * Groups of turns: decide, commit, act.
 *
 * Owns:  which runs decide now, when the group closes, and everything that happens after its commit.
 * G1. Nothing leaves before the commit: no effect, no fact, no reply (R1).
 * G2. A commit that changed nothing: requests from outside get 503 and are gone; everything else is put back and tried
 *     again; what was decided in memory is dropped and read back (R4).
 * G3. A commit whose outcome is unknown: nothing starts, nothing is released, the process must stop (R4).
 * G4. A run that cannot go on (its machine is missing, its row is damaged) waits; the others go on (R7).
 *
 * A long file: what may happen between a decision and its commit, and after it, has to be seen at once to be believed.
 */
import { FermataError, type ErrorCode } from '../errors.ts';
import type { RunChanges } from '../store/commit.ts';
import type { MaybePromise } from '../store/maybe-promise.ts';
import type { MessageRow } from '../store/messages.ts';
import type { RunKey, RunOrigin, RunParent } from '../store/runs.ts';
import { StoreError, type Store } from '../store/store.ts';
import { pause, type Clock, type EventLoop, type TimerHandle } from '../clock.ts';
import { closeGroup, type Numbers } from './commit-group.ts';
import type { Draft, Unnumbered } from './draft.ts';
import type { Fact, FactFeed } from './facts.ts';
import { FailingCommits, type CommitTrouble } from './failing-commits.ts';
import { Inbox } from './inbox.ts';
import { replyOf, type Input } from './input.ts';
import { RunQueue } from './queue.ts';
import { Retries } from './retries.ts';
import { Run, type Advance } from './run.ts';
import type { RunServices } from './run-memory.ts';
import { runNotFound } from './run-view.ts';
import { settle, Suspended } from './suspend.ts';
import type { Suspects } from './suspects.ts';
import type { CustomAction } from './xstate.ts';

/**
 * Turns of one run in one group. Others wait for all of them, their commit and what follows it: with 500 of a run of a thousand
 * tasks at once, more than 50 ms; with 200 half as long, and a step costs no more.
 */
const MAX_TURNS = 200;
/** Milliseconds a group may decide before it closes. */
const MAX_MS = 15;
/** Milliseconds of one run in one group: cut in the middle, what is left of its cascade has to be written. */
const MAX_RUN_MS = 100;
/** Milliseconds after which a commit that failed is tried again: at once would spin on a full disk. */
const RETRY_MS = 250;
/** Milliseconds that closing may take for what has come in. */
const MAX_CLOSING_MS = 5_000;
/** Entries over all runs, and characters, so that a commit stays short. */
const MAX_ENTRIES = 5_000;
const MAX_CHARS = 8_000_000;
/** Times that closing tries again to write. */
const MAX_TRIES = 5;
const LASTING: ReadonlySet<string> = new Set<ErrorCode>(['machineMissing', 'databaseCorrupt']);

/** A point of the commit path at which tests end the process. */
export type CrashPoint = 'decided' | 'committed' | 'published' | 'acted';

/** What a group needs of its surroundings. */
export interface GroupSurroundings extends Omit<RunServices, 'beginning'> {
  readonly clock: Clock;
  readonly loop: EventLoop;
  readonly store: Store;
  readonly feed: FactFeed;
  readonly suspects: Suspects;
  /** After the commit: start, abort, arm. */
  act(run: RunKey & Pick<RunOrigin, 'tags'>, draft: Draft): void;
  /** Runs that got a message in this commit. */
  messagesSent(): void;
  /** The outcome of a commit is unknown: stop the process. */
  fatal(error: Error): void;
  /** Called at each named point; a test may kill the process there. */
  crashPoint?(point: CrashPoint): void;
  /** Turns of one run in one group; default 200. */
  readonly maxTurns?: number;
}

/** Decides and commits. */
export class Groups {
  readonly #surroundings: GroupSurroundings;
  /** The same, and what of this group itself its runs have to know. */
  readonly #services: RunServices;
  readonly #resident = new Map<string, Run>();
  readonly #queue = new RunQueue();
  readonly #pending = new Map<string, Inbox>();
  readonly #retries: Retries;
  /** Runs that wait for something that is missing, with the reason. */
  readonly #blocked = new Map<string, Error>();
  /** Runs that begin in this group, by the one that waits for them. */
  readonly #beginning = new Map<string, string[]>();
  readonly #failing: FailingCommits;
  /** Something is left of a commit that failed. */
  #triesAgain = false;
  #position: number;
  #lastMessage: number;
  #scheduled = false;
  #draining: Promise<void> | undefined;
  #halted: Error | undefined;
  #doubted = false;
  /** Set once the process is stopping: requests get this, and `close` alone drains the queue. */
  #closing: Error | undefined;
  /** After a failed commit. */
  #backingOff: TimerHandle | undefined;

  constructor(surroundings: GroupSurroundings, start: Numbers) {
    this.#surroundings = surroundings;
    this.#services = { ...surroundings, beginning: ({ run }) => this.#beginning.get(run) ?? [] };
    this.#retries = new Retries(surroundings.clock);
    this.#failing = new FailingCommits(surroundings.loop, (message, fields) => surroundings.log(message, fields));
    this.#position = start.position;
    this.#lastMessage = start.messageId;
  }

  /** Number of runs in memory. */
  get resident(): number {
    return this.#resident.size;
  }

  /**
   * Commits that fail and are being tried again. Undefined where nothing is left to be tried (requests are not): whether
   * the next commit would succeed is known by nobody then.
   */
  get failing(): CommitTrouble | undefined {
    return this.#triesAgain ? this.#failing.now : undefined;
  }

  /** Why a run waits although nothing of its own keeps it. */
  blocked(run: string): Error | undefined {
    return this.#blocked.get(run);
  }

  /** Ids of the runs that `blocked` has a reason for. */
  blockedRuns(): readonly string[] {
    return [...this.#blocked.keys()];
  }

  /** Lets a run take nothing more but its end, until `unblock`. */
  block(run: string, error: Error): void {
    this.#blocked.set(run, error);
    this.#surroundings.log('a run cannot go on', { runId: run, error: error.message });
  }

  /** What the run did not take meanwhile is rows, and has to be entered again. */
  unblock(run: string): void {
    this.#blocked.delete(run);
  }

  /**
   * Gives messages their numbers. A number is used where its commit fails, too: another one may have been begun
   * meanwhile, and two messages under one number would be one.
   */
  numbered(messages: readonly Unnumbered[]): readonly MessageRow[] {
    return messages.map((message) => ({ ...message, id: ++this.#lastMessage }));
  }

  /** Gives a run something to take, soon. */
  enter(key: RunKey, input: Input): void {
    const reply = replyOf(input);
    // What a blocked run does not take now is a row, and is found again at the next start.
    const refusal =
      this.#halted ??
      (endsAnyway(input) ? undefined : this.#blocked.get(key.run)) ??
      (reply === undefined ? undefined : this.#closing);
    if (refusal !== undefined) {
      reply?.reject(refusal);
      return;
    }
    this.#inputsOf(key).add(input);
    this.#queue.add(key, reply !== undefined);
    this.#schedule();
  }

  /** Waits until everything that was entered is decided and committed. */
  async idle(): Promise<void> {
    while (this.#halted === undefined && (this.#scheduled || this.#draining !== undefined || this.#queue.size > 0)) {
      await (this.#draining ?? pause(this.#surroundings.loop));
    }
  }

  /** Takes no more requests; what has come in is decided and committed first: an answer thrown away is a call paid twice. */
  async close(error: Error): Promise<void> {
    this.#closing = error;
    const { loop } = this.#surroundings;
    const until = loop.elapsed() + MAX_CLOSING_MS;
    await this.#draining;
    this.#dropMarks();
    for (let tries = 0; this.#queue.size > 0 && this.#halted === undefined && loop.elapsed() < until;) {
      if (this.#backingOff !== undefined) {
        if (++tries > MAX_TRIES) break;
        this.#backingOff.clear();
        this.#backingOff = undefined;
        // By the machine's own time: nobody moves a clock that is being stopped.
        await new Promise<void>((resolve) => loop.later(resolve, RETRY_MS / 5));
      }
      await this.#drain().catch((thrown: unknown) =>
        this.#surroundings.log('a group failed unexpectedly', { error: thrown }),
      );
    }
    this.#halted ??= error;
    this.#backingOff?.clear();
    this.#retries.close();
    this.#refuseAll(error);
  }

  /** Nothing is called any more: what is marked now would be in doubt at the next start. */
  #dropMarks(): void {
    for (const inputs of [...this.#pending.values(), ...[...this.#resident.values()].map(({ inbox }) => inbox)])
      inputs.keep(({ kind }) => kind !== 'mark');
  }

  /** Whoever still waits for an answer gets this one. */
  #refuseAll(error: Error): void {
    for (const inputs of this.#pending.values()) for (const input of inputs.all()) replyOf(input)?.reject(error);
    for (const run of this.#resident.values())
      for (const input of [...run.draft.inputs, ...run.inbox.all()]) replyOf(input)?.reject(error);
    this.#pending.clear();
    this.#queue.clear();
  }

  /** Forgets a run that was deleted. */
  forget(run: string): void {
    this.#resident.delete(run);
    this.#blocked.delete(run);
  }

  #inputsOf(key: RunKey): Inbox {
    const resident = this.#resident.get(key.run);
    if (resident !== undefined) return resident.inbox;
    const pending = this.#pending.get(key.run) ?? new Inbox();
    this.#pending.set(key.run, pending);
    return pending;
  }

  #schedule(): void {
    if (
      this.#scheduled ||
      this.#backingOff !== undefined ||
      this.#halted !== undefined ||
      this.#closing !== undefined ||
      this.#draining !== undefined ||
      this.#queue.size === 0
    )
      return;
    this.#scheduled = true;
    // One turn of the event loop later, so that what ends together is committed together.
    this.#surroundings.loop.soon(() => {
      this.#scheduled = false;
      if (this.#closing !== undefined) return;
      this.#draining = this.#drain()
        .catch((thrown: unknown) => this.#surroundings.log('a group failed unexpectedly', { error: thrown }))
        .finally(() => {
          this.#draining = undefined;
          if (this.#queue.size > 0) this.#schedule();
        });
    });
  }

  async #drain(): Promise<void> {
    // A set: what comes in while another run is loaded brings a run back into the queue.
    const group = new Set<Run>();
    const cut: RunKey[] = [];
    this.#beginning.clear();
    const { loop } = this.#surroundings;
    const until = loop.elapsed() + MAX_MS;
    let entries = 0;
    let chars = 0;
    for (const key of this.#queue.inTurn()) {
      const run = await this.#decide(key, cut);
      if (run !== undefined) {
        group.add(run);
        entries += run.draft.entries.length;
        chars += run.draft.chars;
      }
      if (loop.elapsed() > until || entries > MAX_ENTRIES || chars > MAX_CHARS) break;
    }
    for (const key of cut) this.#queue.add(key);
    if (group.size > 0) await this.#commit([...group]);
    else this.#surroundings.suspects.deciding(undefined);
    // No commit has failed just now, and what one left behind has been taken: the next one is a new beginning.
    if (this.#queue.size === 0 && this.#backingOff === undefined) this.#triesAgain = false;
  }

  /** Lets one run decide; undefined where it contributes nothing. */
  async #decide(key: RunKey, cut: RunKey[]): Promise<Run | undefined> {
    let run: Run | undefined;
    // Read back after a failed commit, it would go on with what it was cut in.
    if (this.#blocked.has(key.run) && !this.#isToEnd(key.run)) return undefined;
    try {
      const parent = this.#beginner(key);
      const may = parent === undefined ? 'yes' : await this.#mayBegin(key, parent);
      if (may === 'later') cut.push(key);
      if (may instanceof Error) this.#refuse(key, may);
      if (may !== 'yes') return undefined;
      const loaded = this.#load(key);
      run = loaded instanceof Promise ? await loaded : loaded;
      if (run === undefined) {
        this.#refuse(key, runNotFound(key.run));
        return undefined;
      }
      const pending = this.#pending.get(key.run);
      if (pending !== undefined) {
        this.#pending.delete(key.run);
        for (const input of pending.all()) run.inbox.add(input);
      }
      if ((await this.#advance(run)) === 'cut') cut.push(key);
      this.#retries.succeeded(key.run);
      if (run.draft.empty && run.draft.inputs.length === 0) {
        if (run.idle) this.#resident.delete(key.run);
        return undefined;
      }
      return run;
    } catch (thrown) {
      this.#cannotDecide(key, run, asError(thrown));
      return undefined;
    }
  }

  /** True where what was given to a run ends it, whatever keeps it from going on. */
  #isToEnd(run: string): boolean {
    const inputs = [this.#pending.get(run), this.#resident.get(run)?.inbox];
    return inputs.some((inbox) => inbox?.all().some(endsAnyway));
  }

  /** What will be no better later blocks the run; after anything else, a read that failed, it is tried again. */
  #cannotDecide(key: RunKey, run: Run | undefined, error: Error): void {
    if (error instanceof FermataError && LASTING.has(error.code)) {
      this.#block(key, run, error);
      return;
    }
    this.#surroundings.log('a run could not be decided, and is tried again', { runId: key.run, error: error.message });
    const message = `Run ${key.run} could not be read or decided (${error.message}). Nothing was changed; try again.`;
    this.#putBack(key, run, new FermataError('storeUnavailable', message, { cause: error }));
    this.#retries.failed(key.run, () => {
      this.#queue.add(key);
      this.#schedule();
    });
  }

  #advance(run: Run): MaybePromise<Advance> {
    const { maxTurns = MAX_TURNS } = this.#surroundings;
    return settle(() => {
      try {
        return run.advance({ turns: maxTurns, chars: MAX_CHARS, ms: MAX_RUN_MS });
      } catch (thrown) {
        // While a row is being loaded nothing is decided: a kill then is nobody's doing.
        if (thrown instanceof Suspended) this.#surroundings.suspects.deciding(undefined);
        throw thrown;
      }
    });
  }

  #load(key: RunKey): MaybePromise<Run | undefined> {
    const resident = this.#resident.get(key.run);
    if (resident !== undefined) return resident;
    const first = this.#pending.get(key.run)?.first;
    if (first?.kind === 'start') return this.#begin(first);
    const loaded = Run.load(key, this.#services);
    return loaded instanceof Promise ? loaded.then((run) => run && this.#keep(run)) : loaded && this.#keep(loaded);
  }

  #begin({ origin, blobs }: Extract<Input, { kind: 'start' }>): Run {
    const { parent } = origin;
    if (parent?.awaited === true) {
      const beginning = this.#beginning.get(parent.run) ?? [];
      this.#beginning.set(parent.run, beginning);
      beginning.push(origin.run);
    }
    return this.#keep(Run.begin(origin, blobs, this.#services));
  }

  /**
   * Whether a run may begin now for the one that begins it. That may have ended since it asked, without a word to the call
   * that asks: nobody would hear of what the new one pays for, and nobody stop it.
   */
  async #mayBegin({ tenant }: RunKey, { run, task }: RunParent): Promise<'yes' | 'later' | FermataError> {
    const row = await this.#surroundings.store.run({ tenant, run });
    if (row === undefined) return runNotFound(run);
    // Its end is of this group, and may still fail with it.
    if (row.endedAt === null) return this.#resident.get(run)?.ended === true ? 'later' : 'yes';
    return new FermataError(
      'runEnded',
      `Run ${run} has ended (${row.status}), and begins no other run for its task "${task}" any more.`,
      { data: { runStatus: row.status } },
    );
  }

  /** The run that begins this one, where this one is to begin. */
  #beginner(key: RunKey): RunParent | undefined {
    const first = this.#pending.get(key.run)?.first;
    return first?.kind === 'start' ? first.origin.parent : undefined;
  }

  #keep(run: Run): Run {
    this.#resident.set(run.key.run, run);
    return run;
  }

  async #commit(group: readonly Run[]): Promise<void> {
    const { store, suspects, crashPoint } = this.#surroundings;
    const closed = closeGroup(
      group,
      this.#position,
      (messages) => this.numbered(messages),
      (run, thrown) => this.#block(run.key, run, asError(thrown)),
    );
    const { commit } = closed;
    const { suspectsGone = [] } = commit;
    const isWritten = commit.runs.length > 0 || suspectsGone.length > 0;
    suspects.deciding(undefined);
    crashPoint?.('decided');
    try {
      if (isWritten) await store.commit(commit);
    } catch (thrown) {
      this.#commitFailed(closed.runs, thrown);
      return;
    }
    this.#position = closed.position;
    suspects.forget(suspectsGone);
    crashPoint?.('committed');
    const written = new Map(commit.runs.map((changes) => [changes.run, changes]));
    const drafts = closed.runs.map((run): [Run, Draft, RunChanges | undefined] => [
      run,
      run.committed(),
      written.get(run.key.run),
    ]);
    for (const [run, draft, changes] of drafts) {
      this.#publish(run, draft, changes);
      this.#answer(draft);
    }
    crashPoint?.('published');
    for (const [run, draft] of drafts) {
      this.#surroundings.act(run.origin, draft);
      // What kills the process here belongs to no effect that has just begun.
      if (draft.custom.length > 0) suspects.deciding(undefined);
      for (const action of draft.custom) this.#perform(run, action);
      if (run.idle) this.#resident.delete(run.key.run);
    }
    if (commit.messagesSent.length > 0) this.#surroundings.messagesSent();
    // Last: a log that throws must not be taken for a commit that failed.
    if (isWritten) this.#failing.succeeded();
    crashPoint?.('acted');
  }

  #publish({ key, origin }: Run, draft: Draft, changes: RunChanges | undefined): void {
    if (changes === undefined) return;
    this.#surroundings.inspection?.publish(key.run, draft.inspected);
    this.#surroundings.feed.publishCommit(key);
    if (draft.facts.length === 0) return;
    const first = changes.entries[0];
    const facts: Fact[] = draft.facts.map((fact) => ({
      ...key,
      ...fact,
      position: (first?.position ?? 0) + fact.entry - (first?.seq ?? 0),
    }));
    this.#surroundings.feed.publish(facts, origin);
  }

  #answer(draft: Draft): void {
    for (const [input, answer] of draft.answers) {
      if (answer instanceof Error) replyOf(input)?.reject(answer);
      else replyOf(input)?.resolve(answer);
    }
  }

  /** A custom action may be an async function: what it throws later is stated like what it throws at once. */
  #perform({ key }: Run, { actor, type, execute }: CustomAction): void {
    const failed = (thrown: unknown): void =>
      this.enter(key, {
        kind: 'fact',
        actor,
        type: 'action_failed',
        data: { action: type, message: asError(thrown).message },
      });
    try {
      const done: unknown = execute();
      if (done instanceof Promise) done.catch(failed);
    } catch (thrown) {
      failed(thrown);
    }
  }

  #commitFailed(group: readonly Run[], thrown: unknown): void {
    if (thrown instanceof StoreError && thrown.outcome === 'unchanged') {
      const error = new FermataError(
        'storeUnavailable',
        `The database could not be written: ${thrown.message} Nothing was changed; try again.`,
        { cause: thrown },
      );
      for (const run of group) {
        this.#putBack(run.key, run, error);
        this.#queue.add(run.key);
      }
      this.#failing.failed(thrown.message);
      this.#triesAgain = true;
      this.#backOff();
      return;
    }
    this.doubt(asError(thrown));
  }

  /** It is unknown whether a write was kept: nothing starts, nothing is released, the process must stop (G3). Said twice, heard once. */
  doubt(cause: Error): void {
    if (this.#doubted) return;
    this.#doubted = true;
    const error = new FermataError(
      'outcomeUnknown',
      `It is unknown whether the commit succeeded (${cause.message}). The process stops and finds out at its next start; ask again then, with the same Idempotency-Key.`,
      { cause },
    );
    this.#halted = error;
    this.#refuseAll(error);
    this.#surroundings.fatal(error);
  }

  #backOff(): void {
    this.#backingOff ??= this.#surroundings.clock.setTimer(() => {
      this.#backingOff = undefined;
      this.#schedule();
    }, RETRY_MS);
  }

  /** Drops what was decided in memory; what came from inside is taken again from what the store has. */
  #putBack(key: RunKey, run: Run | undefined, error: Error): void {
    this.#resident.delete(key.run);
    this.#surroundings.inspection?.forget(key.run);
    const waiting = this.#pending.get(key.run)?.all() ?? [];
    const kept = new Inbox();
    for (const input of run === undefined ? waiting : [...run.draft.inputs, ...run.inbox.all()]) {
      const reply = replyOf(input);
      if (reply === undefined) kept.add(input);
      else reply.reject(error);
    }
    if (this.#blocked.has(key.run)) return this.#refuse(key, error);
    // An agenda cut by an earlier group is in the row; it goes on when the run is read back.
    kept.add({ kind: 'goOn' });
    if (run !== undefined) for (const input of waiting) kept.add(input);
    this.#pending.set(key.run, kept);
  }

  #refuse(key: RunKey, error: Error): void {
    const inputs = this.#pending.get(key.run)?.all() ?? [];
    this.#pending.delete(key.run);
    for (const input of inputs) replyOf(input)?.reject(error);
  }

  /** The run cannot go on here. What came from outside is told so; the rest waits for the next start. */
  #block(key: RunKey, run: Run | undefined, error: Error): void {
    this.block(key.run, error);
    this.#resident.delete(key.run);
    this.#surroundings.inspection?.forget(key.run);
    this.#surroundings.suspects.leave(key.run);
    for (const input of [...(run?.draft.inputs ?? []), ...(run?.inbox.all() ?? [])]) replyOf(input)?.reject(error);
    this.#refuse(key, error);
  }
}

/** A blocked run takes nothing, but for an end that decides nothing. */
function endsAnyway(input: Input): boolean {
  return input.kind === 'cancel' && input.decideNothing;
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
