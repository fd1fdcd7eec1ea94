/**
 * A run going on: it takes what comes in, cascades, comes to rest, and closes its part of the group.
 *
 * Owns:  the order of everything that happens in the run (R8). A run that cannot go on is dropped whole and read back.
 */
import type { ActorRow } from '../store/actors.ts';
import type { BlobUse } from '../store/blobs.ts';
import type { DecidingMark } from '../store/deciding-mark.ts';
import type { MaybePromise } from '../store/maybe-promise.ts';
import type { RowChange } from '../store/rows.ts';
import type { RunKey, RunOrigin, RunRow, RunState, RunStatus } from '../store/runs.ts';
import { NO_BLOBS, WRITE_REFS } from './actor.ts';
import type { StoredCascade } from './cascade.ts';
import { encode } from './codec.ts';
import { markOfCascade, markOfInput } from './deciding.ts';
import type { Draft } from './draft.ts';
import { end, familyOf, stop } from './ending.ts';
import { Inbox } from './inbox.ts';
import type { Input } from './input.ts';
import { takeInput } from './inputs.ts';
import { tellProgress } from './parent.ts';
import { perform } from './perform.ts';
import { ROOT, RunMemory, type RunServices } from './run-memory.ts';
import { settle } from './suspend.ts';
import { take } from './turn.ts';
import { childAddress } from './xstate.ts';

/** Who holds the big values of a cascade that was cut: no actor, whose addresses begin with a slash. */
const AGENDA = 'agenda';

/** How a call of `advance` ended. */
export type Advance = 'resting' | 'cut';

/** What a run may spend in one group: turns, characters to write, milliseconds. */
export interface Budget {
  readonly turns: number;
  readonly chars: number;
  readonly ms: number;
}

/** What a group writes of a run besides its draft. */
export interface ClosedRun {
  readonly state: RunState;
  readonly entriesFrom: number | undefined;
  readonly actors: readonly ActorRow[];
  readonly rows: readonly RowChange[];
  readonly blobs: ReadonlyMap<string, string>;
  readonly blobsUsed: readonly BlobUse[];
  readonly blobsGone: readonly BlobUse[];
}

/** A run in memory, going on. */
export class Run {
  readonly inbox = new Inbox();
  readonly #memory: RunMemory;
  #revision: number;
  /** Hashes of the big values that the row holds of a cascade which was cut. */
  #ofAgenda: ReadonlySet<string> = NO_BLOBS;
  /** What this group decides of the run, each with the mark that stands meanwhile; the last one is being decided. */
  #decided: DecidingMark[] = [];

  private constructor(memory: RunMemory, revision: number) {
    this.#memory = memory;
    this.#revision = revision;
  }

  /** A run that has just been asked for. */
  static begin(origin: RunOrigin, blobs: ReadonlyMap<string, string>, services: RunServices): Run {
    const memory = new RunMemory(origin, undefined, 0, services);
    for (const [hash, text] of blobs) memory.add(hash, text);
    memory.draft.origin = origin;
    return new Run(memory, 0);
  }

  /** A run from its rows; undefined where there is none. */
  static load(key: RunKey, services: RunServices): MaybePromise<Run | undefined> {
    const row = services.store.run(key);
    const effects = services.store.effectsOf(key);
    if (!(row instanceof Promise) && !(effects instanceof Promise))
      return row && Run.#from(row, effects.length, services);
    return Promise.all([row, effects]).then(([loaded, open]) => loaded && Run.#from(loaded, open.length, services));
  }

  static #from(row: RunRow & { readonly revision: number }, acting: number, services: RunServices): MaybePromise<Run> {
    const run = new Run(new RunMemory(row, row, acting, services), row.revision);
    const { agendaJson } = row;
    // Big values of it may have to be waited for.
    return agendaJson === null ? run : settle(() => run.#goesOnWith(agendaJson));
  }

  #goesOnWith(agendaJson: string): this {
    const memory = this.#memory;
    const held = new Set<string>();
    memory.cascade.restore(memory.decode(agendaJson, (hash) => held.add(hash)) as StoredCascade);
    memory.rows.forgetReads();
    memory.draft.goesOn = true;
    this.#ofAgenda = held;
    return this;
  }

  get key(): RunKey {
    return this.#memory.key;
  }

  get origin(): RunOrigin {
    return this.#memory.origin;
  }

  get draft(): Draft {
    return this.#memory.draft;
  }

  get revision(): number {
    return this.#revision;
  }

  /** True where it has ended, as far as it is decided. */
  get ended(): boolean {
    return this.#memory.ended;
  }

  /** True where nothing keeps the run in memory. */
  get idle(): boolean {
    const { cascade, acting, undrafted } = this.#memory;
    return this.inbox.size === 0 && cascade.resting && acting === 0 && undrafted;
  }

  /** Takes turns until nothing is left to take or `budget` is spent. Throws `Suspended`; then call it again. */
  advance(budget: Budget): Advance {
    const memory = this.#memory;
    const { loop } = memory.services;
    const until = loop.elapsed() + budget.ms;
    const { draft } = memory;
    const spent = (): boolean =>
      // Never before the first turn: a run that begins with a big input would be committed without its actor.
      draft.turns > 0 && (draft.turns >= budget.turns || draft.chars >= budget.chars || loop.elapsed() > until);
    // A request that is refused takes no turn, and 100,000 of them would hold the loop all the same.
    const answered = (): boolean => {
      const { size } = draft.answers;
      return size >= budget.turns || (size > 0 && loop.elapsed() > until);
    };
    if (mustStop(this.inbox.first)) memory.cascade.clear();
    // A turn that had to wait for a read goes on at its own time: its deadline and the fact about it are of one date.
    if (!draft.dated && !memory.cascade.resting) memory.readClock();
    if (!memory.cascade.resting) {
      if (this.#decided.length === 0) this.#decided.push(markOfCascade(memory.key, memory.head.seq));
      memory.services.suspects.deciding(this.#decided.at(-1));
    }
    for (;;) {
      // What was loaded is forgotten after a step and not before: a step that had to wait for it is run again.
      if (!memory.cascade.resting) {
        if (spent() && !this.#ending) {
          // Read for a step that is taken after the commit: what the commit writes would not be in it.
          memory.rows.forgetReads();
          return 'cut';
        }
        this.#step();
        memory.rows.forgetReads();
        continue;
      }
      memory.idleTurns = 0;
      const input = this.inbox.first;
      if (input === undefined || spent() || answered()) break;
      const mark = markOfInput(memory.key, input);
      if (!this.#joins(mark)) break;
      memory.services.suspects.deciding(mark);
      memory.readClock();
      const answer = takeInput(memory, input);
      memory.rows.forgetReads();
      this.inbox.dropFirst();
      this.#decided.push(mark);
      memory.draft.inputs.push(input);
      if (answer !== undefined) memory.draft.answers.set(input, answer);
    }
    this.#settleStatus();
    tellProgress(memory);
    memory.rows.forgetReads();
    return this.inbox.size === 0 ? 'resting' : 'cut';
  }

  /** A suspect is decided and written by itself: where the process dies of it, it is clear of what. */
  #joins(mark: DecidingMark): boolean {
    const { suspects } = this.#memory.services;
    const [first] = this.#decided;
    // Where the first one is a suspect, no second one has joined it.
    return first === undefined || !(suspects.has(first) || suspects.has(mark));
  }

  /** What was suspected and came to its end in this group, without a death. */
  get settledSuspects(): ReturnType<RunServices['suspects']['settled']> {
    const { services, key, draft, ended } = this.#memory;
    return services.suspects.settled(key, this.#decided, draft.effectsGone, ended);
  }

  /** What this group writes of the run. */
  close(): ClosedRun {
    const memory = this.#memory;
    memory.services.suspects.deciding(this.#decided.at(-1));
    const actors: ActorRow[] = [];
    if (!memory.cascade.resting) memory.draft.keepCallTimers();
    const blobs = memory.takeBlobs();
    const blobsUsed: BlobUse[] = [...blobs.keys()].map((hash) => ({ hash, holder: '' }));
    const blobsGone: BlobUse[] = [];
    const agendaJson = this.#closeAgenda(blobs, blobsUsed, blobsGone);
    for (const actor of memory.actors.values()) {
      if (!actor.dirty) continue;
      const held = new Map<string, string>();
      actors.push(actor.toRow({ add: (hash, text) => void held.set(hash, text) }));
      actor.dirty = false;
      if (held.size === 0 && actor.blobs.size === 0) continue;
      const holder = actor.identity.address;
      for (const [hash, text] of held) {
        blobs.set(hash, text);
        blobsUsed.push({ hash, holder });
      }
      for (const hash of actor.blobs) if (!held.has(hash)) blobsGone.push({ hash, holder });
      actor.blobs = held.size === 0 ? NO_BLOBS : new Set(held.keys());
    }
    return {
      state: { ...memory.head, agendaJson },
      entriesFrom: this.#entriesFrom(),
      actors,
      rows: memory.rows.takeChanges(),
      blobs,
      blobsUsed,
      blobsGone,
    };
  }

  /** The rest of the cascade, where there is one. It is written with each group until it is over, and only the last is kept. */
  #closeAgenda(blobs: Map<string, string>, used: BlobUse[], gone: BlobUse[]): string | null {
    const { cascade } = this.#memory;
    const before = this.#ofAgenda;
    const held = new Map<string, string>();
    const add = (hash: string, text: string): void => void held.set(hash, text);
    const agendaJson = cascade.resting ? null : encode(cascade.store(), 'agenda', { add }, WRITE_REFS);
    for (const [hash, text] of held) {
      if (before.has(hash)) continue;
      blobs.set(hash, text);
      used.push({ hash, holder: AGENDA });
    }
    for (const hash of before) if (!held.has(hash)) gone.push({ hash, holder: AGENDA });
    this.#ofAgenda = held.size === 0 ? NO_BLOBS : new Set(held.keys());
    return agendaJson;
  }

  /** Of a machine that lives for years: from where on its journal is kept. */
  #entriesFrom(): number | undefined {
    const { head, origin, services } = this.#memory;
    const keeps = services.catalog.registration(origin.machine)?.keepsEntries;
    return keeps !== undefined && head.seq > keeps ? head.seq - keeps : undefined;
  }

  /** After the commit: a new draft, and out of memory with what has nothing to do (R13). */
  committed(): Draft {
    const memory = this.#memory;
    const done = memory.takeDraft();
    this.#decided = [];
    if (!memory.cascade.resting) memory.draft.goesOn = true;
    // Who asked is told the state that is committed, not the one in which the turn began.
    for (const [input, answer] of done.answers) {
      if (!(answer instanceof Error)) done.answers.set(input, { ...answer, state: memory.runState() });
    }
    // A draft that only refuses something was not written.
    if (!done.empty) this.#revision++;
    for (const [address, actor] of memory.actors) {
      const needed = actor.status === 'active' && (address === ROOT || actor.acting || memory.cascade.busy(address));
      if (needed) continue;
      memory.actors.delete(address);
      memory.references.delete(address);
      // Kept, those of its effects would hold on to every task that the run has ever had.
      for (const [id, { kind }] of actor.children)
        if (kind === 'effect') memory.references.delete(childAddress(address, id));
    }
    return done;
  }

  /** Its root has ended and the run has not: cut here, it would be shown running after a fact has said how it ended. */
  get #ending(): boolean {
    const root = this.#memory.actors.get(ROOT);
    return root !== undefined && root.status !== 'active' && !this.#memory.ended;
  }

  /** One step of the cascade. */
  #step(): void {
    const memory = this.#memory;
    const frame = memory.cascade.top;
    if (frame === undefined) return;
    const action = frame.actions[frame.next];
    if (action !== undefined) {
      perform(memory, frame, action);
      frame.next++;
      return;
    }
    const actor = frame.actor === null || frame.over === true ? undefined : memory.find(frame.actor);
    if (actor === undefined || frame.actor === null) {
      memory.cascade.pop();
      if (frame.from !== undefined) memory.inspection?.settled(frame.from);
      return;
    }
    if (actor.status !== 'active') {
      const family = familyOf(memory, actor);
      memory.cascade.pop();
      end(memory, actor, family);
      return;
    }
    memory.inspection?.settled(frame.actor);
    const mail = memory.cascade.peek(frame.actor);
    if (mail === undefined) {
      memory.cascade.pop();
    } else if (mail === 'stop') {
      const family = familyOf(memory, actor);
      memory.cascade.pop();
      stop(memory, actor, family);
    } else {
      const next = take(memory, actor, mail.event);
      memory.cascade.dropFirst(frame.actor);
      memory.cascade.replaceTop(next);
    }
  }

  /** The run's status follows its root; a machine that states no status of its own runs while an effect does. */
  #settleStatus(): void {
    const memory = this.#memory;
    if (memory.ended || memory.undrafted) return;
    const root = memory.actors.get(ROOT);
    const derive = memory.services.catalog.logic(memory.origin.machine).root.status;
    if (derive !== undefined) {
      if (root !== undefined) memory.head.status = derive(root.snapshot);
      return;
    }
    const status: RunStatus = memory.acting > 0 ? 'running' : 'waiting';
    if (status === 'waiting' && memory.head.status !== 'waiting') memory.fact(ROOT, 'run_waiting', {});
    memory.head.status = status;
  }
}

/** A run that brought the process down ends without going on with anything. */
function mustStop(input: Input | undefined): boolean {
  return input?.kind === 'cancel' && input.decideNothing;
}
