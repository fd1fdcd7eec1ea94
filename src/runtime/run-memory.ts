/**
 * One run while it is in memory: its actors, its journal's end, its part of the group that is being decided.
 *
 * M1. Nobody else writes the run's rows while it is here; it is dropped whole and read back when a commit fails (R4).
 * M2. Time never goes back within a run, whatever the clock does (R2).
 */
import type { Clock, EventLoop } from '../clock.ts';
import type { ActorRow } from '../store/actors.ts';
import type { RunKey, RunOrigin, RunState, RunStatus } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import { fromRow, readRefs, WRITE_REFS, type DurableActor } from './actor.ts';
import { Cascade } from './cascade.ts';
import type { Catalog } from './catalog.ts';
import { decode, encode, type BlobSink } from './codec.ts';
import { Draft, type DraftFact } from './draft.ts';
import type { WithheldCall } from './effect.ts';
import type { Receipt } from './input.ts';
import type { Inspection, RunInspection } from './inspection.ts';
import type { Projection } from './projection.ts';
import { RunRows } from './rows.ts';
import type { Suspects } from './suspects.ts';
import * as xstate from './xstate.ts';

/** What a run needs of its surroundings. */
export interface RunServices {
  readonly catalog: Catalog;
  readonly store: Pick<
    Store,
    | 'run'
    | 'actor'
    | 'actors'
    | 'row'
    | 'readyTasks'
    | 'liveTasks'
    | 'tasksNamed'
    | 'eventTypes'
    | 'openWaits'
    | 'keptEvents'
    | 'openWatches'
    | 'openBudgetWaits'
    | 'budgetHolders'
    | 'entry'
    | 'blob'
    | 'awaitedRuns'
    | 'messageTaken'
    | 'effectsOf'
    | 'timersOf'
  >;
  /** Runs that begin in this very group, and that this one waits for: no row says so yet. */
  beginning(key: RunKey): readonly string[];
  readonly clock: Clock;
  /** Where the journal ended when this process began: no two that have stored anything share it. */
  readonly begunAt: number;
  /** Is told what is being decided, in case the process dies of it. */
  readonly suspects: Pick<Suspects, 'deciding' | 'has' | 'settled'>;
  readonly loop: Pick<EventLoop, 'elapsed'>;
  readonly projections: ReadonlyMap<string, readonly Projection[]>;
  /** Set where somebody inspects. */
  readonly inspection?: Inspection | undefined;
  /** Default: no call. */
  readonly withheld?: WithheldCall | undefined;
  /** Sends to a live actor from a custom action, after the commit. */
  sendLive(key: RunKey, to: string, event: xstate.Event): void;
  log(message: string, fields: Readonly<Record<string, unknown>>): void;
}

/** Address of the actor that a run is about. */
export const ROOT = '/';

interface Head {
  status: RunStatus;
  seq: number;
  facts: number;
  lastAt: number;
  startedAt: number | null;
  endedAt: number | null;
  progress: number;
  counts: Record<string, number>;
  reasonJson: string | null;
  outputJson: string | null;
  systemIds: Record<string, string>;
}

/** Everything of a run that is in memory. */
export class RunMemory implements BlobSink {
  readonly key: RunKey;
  origin: RunOrigin;
  readonly rows: RunRows;
  readonly services: RunServices;
  readonly head: Head;
  readonly cascade = new Cascade();
  readonly actors = new Map<string, DurableActor>();
  readonly references = new Map<string, xstate.ActorReference>();
  readonly inspection: RunInspection | undefined;
  readonly #refs = readRefs((to) => this.refer(to));
  #draft: Draft | undefined;
  /** Big values that this group sets aside, by hash. */
  #blobs: Map<string, string> | undefined;
  /** Effects asked for that have no outcome. */
  acting: number;
  /** Turns since something came from outside, was counted, or an effect or a timer was asked for (R9). */
  idleTurns = 0;
  /** What the run that waits for this one knows of its progress, and since when. What it knew before is forgotten with the memory. */
  toldProgress: { readonly progress: number; readonly at: number };
  readonly #sendLive = (to: xstate.Address, event: xstate.Event): void =>
    this.services.sendLive(this.key, to.address, event);
  /** What the clock said when the turns being taken began. */
  clockNow = 0;
  /** Time of the turns being taken: the clock's, but never before the last entry. */
  now = 0;

  constructor(origin: RunOrigin, state: RunState | undefined, acting: number, services: RunServices) {
    this.key = { tenant: origin.tenant, run: origin.run };
    this.origin = origin;
    this.services = services;
    this.acting = acting;
    this.rows = new RunRows(origin, services.store, (hash) => this.#blobs?.get(hash), state === undefined);
    this.inspection = services.inspection?.of(this.key, (event) => this.draft.inspected.push(event));
    this.toldProgress = { progress: state?.progress ?? 0, at: state?.lastAt ?? origin.createdAt };
    this.head = {
      status: state?.status ?? 'pending',
      seq: state?.seq ?? 0,
      facts: state?.facts ?? 0,
      lastAt: state?.lastAt ?? origin.createdAt,
      startedAt: state?.startedAt ?? null,
      endedAt: state?.endedAt ?? null,
      progress: state?.progress ?? 0,
      counts: { ...state?.counts },
      reasonJson: state?.reasonJson ?? null,
      outputJson: state?.outputJson ?? null,
      systemIds: { ...state?.systemIds },
    };
    this.rows.counts = this.head.counts;
  }

  /** What this group writes of the run, and does after its commit. Made when it is needed: ten thousand runs that wait for their calls have none. */
  get draft(): Draft {
    return (this.#draft ??= new Draft());
  }

  /** True where this group has nothing of the run. */
  get undrafted(): boolean {
    return this.#draft?.empty ?? true;
  }

  /** The commit is done: what comes next is of another group. */
  takeDraft(): Draft {
    const { draft } = this;
    this.#draft = undefined;
    return draft;
  }

  /** Dates the turns that begin now. */
  readClock(): void {
    this.clockNow = this.services.clock.now();
    this.now = Math.max(this.clockNow, this.head.lastAt);
    this.draft.dated = true;
  }

  get ended(): boolean {
    return this.head.endedAt !== null;
  }

  add(hash: string, text: string): void {
    (this.#blobs ??= new Map()).set(hash, text);
    this.draft.chars += text.length;
  }

  /** The big values that this group has set aside so far, which are then no longer here. */
  takeBlobs(): Map<string, string> {
    const blobs = this.#blobs ?? new Map<string, string>();
    this.#blobs = undefined;
    return blobs;
  }

  /** The state as it stands, decided or committed. */
  runState(): RunState {
    return { ...this.head, agendaJson: null };
  }

  /** What whoever asked is told: the turn that took it, and how the run stands. */
  receipt(seq = this.head.seq): Receipt {
    return { seq, state: this.runState(), repeated: false };
  }

  /** A stored value of this run, with references to its actors. `big` is told the hashes of its big values. */
  decode(text: string, big?: (hash: string) => void): unknown {
    const blob = (hash: string): string => {
      big?.(hash);
      return this.rows.blob(hash);
    };
    return decode(text, blob, this.#refs);
  }

  // ── the journal ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Writes that an actor took an event, or that something came too late. Returns its number. */
  entry(kind: 'event' | 'ignored', actor: string, type: string, data: unknown): number {
    const dataJson = encode(data, `event "${type}"`, this, WRITE_REFS);
    return this.#append(kind, actor, type, dataJson);
  }

  #append(kind: 'event' | 'fact' | 'ignored', actor: string, type: string, dataJson: string): number {
    const seq = ++this.head.seq;
    const factSeq = kind === 'fact' ? ++this.head.facts : null;
    this.head.lastAt = this.now;
    this.draft.chars += dataJson.length;
    this.draft.entries.push({ seq, factSeq, at: this.now, kind, actor, type, dataJson });
    return seq;
  }

  /** States a fact: journal, projections, progress, all in this commit. */
  fact(actor: string, type: string, data: Readonly<Record<string, unknown>>): void {
    const fact: DraftFact = { seq: this.head.facts + 1, entry: this.head.seq + 1, at: this.now, actor, type, data };
    const projected = (this.services.projections.get(type) ?? []).map((projection) =>
      projection.project(fact, this.rows),
    );
    for (const { rows = [], counts = {} } of projected) {
      for (const change of rows) this.rows.put(change);
      for (const [name, by] of Object.entries(counts)) {
        this.head.counts[name] = (this.head.counts[name] ?? 0) + by;
        // What is counted gets on: the tasks of a document may all be skipped in one go, and there may be 100,000.
        this.idleTurns = 0;
      }
    }
    const progress = this.services.catalog.registration(this.origin.machine)?.progress;
    const stamped =
      progress === undefined
        ? data
        : { ...data, progress: (this.head.progress = Math.max(this.head.progress, progress(this.head.counts))) };
    const dataJson = encode(stamped, `fact "${type}"`, this, WRITE_REFS);
    this.#append('fact', actor, type, dataJson);
    if ('event' in data || projected.some(({ keeps }) => keeps === true)) this.rows.remember(fact.entry, dataJson);
    this.draft.facts.push({ ...fact, data: stamped });
  }

  // ── actors ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The actor at an address, loaded where need be; undefined where there never was one. */
  find(address: string): DurableActor | undefined {
    const resident = this.actors.get(address);
    if (resident !== undefined) return resident;
    const row = this.#row(address);
    if (row === undefined) return undefined;
    const actor = fromRow(
      row,
      this.services.catalog,
      (to) => this.refer(to),
      (blob) => this.rows.blob(blob),
    );
    this.actors.set(address, actor);
    return actor;
  }

  /** Hashes of the big values that the row at an address holds: whoever takes its place lets go of them. */
  held(address: string): ReadonlySet<string> {
    const resident = this.actors.get(address);
    if (resident !== undefined) return resident.blobs;
    const held = new Set<string>();
    const row = this.#row(address);
    // Not as an actor: its machine may not be registered any more.
    if (row !== undefined) decode(row.stateJson, (hash) => (held.add(hash), this.rows.blob(hash)), WRITE_REFS);
    return held;
  }

  #row(address: string): ActorRow | undefined {
    if (this.#draft?.origin !== undefined) return undefined;
    return this.rows.read(`actor/${address}`, () => this.services.store.actor(this.key, address));
  }

  /** A reference to an actor of this run. */
  refer(
    to: xstate.Address & { readonly id?: string; readonly parent?: xstate.Address | undefined },
  ): xstate.ActorReference {
    const known = this.references.get(to.address);
    if (known !== undefined && (known.birth === to.birth || to.birth === -1)) return known;
    const slash = to.address.lastIndexOf('/');
    const parentAddress = to.address === ROOT ? undefined : to.address.slice(0, slash) || ROOT;
    const reference = new xstate.ActorReference(
      {
        address: to.address,
        birth: to.birth,
        id: to.id ?? (to.address === ROOT ? this.key.run : decodeURIComponent(to.address.slice(slash + 1))),
        src: '',
        parent:
          parentAddress === undefined
            ? undefined
            : this.refer({
                address: parentAddress,
                birth: to.parent?.birth ?? this.actors.get(parentAddress)?.identity.birth ?? -1,
              }),
      },
      this.#sendLive,
    );
    this.references.set(to.address, reference);
    return reference;
  }

  /** What the recording scope of a turn must know. */
  deciding(self: xstate.ActorReference): xstate.Deciding {
    // In its first turn, whoever lived at its address before is still there.
    const refer = (address: string): xstate.ActorReference =>
      address === self.address ? self : this.refer({ address, birth: this.actors.get(address)?.identity.birth ?? -1 });
    return {
      self,
      systemGet: (systemId) => {
        // `constructor` and the like are no names of ours.
        const address = Object.hasOwn(this.head.systemIds, systemId) ? this.head.systemIds[systemId] : undefined;
        return address === undefined ? undefined : refer(address);
      },
      systemAll: () =>
        Object.fromEntries(
          Object.entries(this.head.systemIds).map(([systemId, address]) => [systemId, refer(address)]),
        ),
      // `log` is an action like a custom one: this is called after the commit.
      log: (...values) => this.services.log(values.map(String).join(' '), { runId: this.key.run, actor: self.address }),
    };
  }
}

/** True where the actor's state accepts the event now. */
export function accepts(actor: DurableActor, event: xstate.Event): boolean {
  try {
    return actor.snapshot.can(event as never);
  } catch {
    // A guard that throws is the machine's own error: the event is taken and shows it.
    return true;
  }
}

/** True where the machine names this very event: a wildcard is not meant for what the runtime says. */
export function understands(actor: DurableActor, event: xstate.Event): boolean {
  return xstate.namesEvent(actor.snapshot, event.type) && accepts(actor, event);
}
