/** Looking at runs without moving them: snapshots in XState's own form, now or as of an entry, and why a run waits. */
import { pause, type EventLoop } from '../clock.ts';
import { FermataError } from '../errors.ts';
import type { ActorRow } from '../store/actors.ts';
import type { JournalEntry } from '../store/journal.ts';
import type { RunKey, RunRow } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import type { TimerRow } from '../store/timers.ts';
import { fromRow, readRefs, type DurableActor } from './actor.ts';
import type { Catalog, Logic } from './catalog.ts';
import type { RefCodec } from './codec.ts';
import { inert } from './inert.ts';
import { MIGRATE } from './migrating.ts';
import { restoreActors, toPersisted, type PersistedSnapshot } from './persisted.ts';
import type { EventAcceptance } from './outside.ts';
import { Replay } from './replay.ts';
import { RunRows } from './rows.ts';
import { ROOT } from './run-memory.ts';
import { runNotFound } from './run-view.ts';
import { bigValues, decodeStored } from './stored-values.ts';
import { settle } from './suspend.ts';
import { TURNS_AT_ONCE } from './turns.ts';
import * as xstate from './xstate.ts';

/** A snapshot in XState's persisted form, and what that form cannot carry. */
export interface SnapshotView {
  readonly snapshot: PersistedSnapshot;
  readonly actor: string;
  /** Journal number it is as of. */
  readonly at: number;
  /** Delayed events that are pending and that no persisted snapshot carries. */
  readonly pendingTimers: readonly { readonly due: string | null; readonly event: string }[];
}

/** Why an actor rests. */
export interface WaitingActor {
  readonly actor: string;
  readonly state: unknown;
  /** From `meta.waitsFor` of its state. */
  readonly waitsFor: readonly string[];
  /** When the next of its timers is due. */
  readonly until: string | null;
  /** Effects under way. `inLine`: it has not begun, because the process died twice while it ran, and another such one runs alone now. */
  readonly effects: readonly { readonly id: string; readonly src: string; readonly inLine: boolean }[];
  /** Event types it accepts. */
  readonly accepts: readonly string[];
}

/** Entries read at once. */
const PAGE = 1_000;

/** What looking needs. */
export interface InspectingSurroundings {
  readonly catalog: Catalog;
  readonly store: Store;
  readonly loop: Pick<EventLoop, 'soon'>;
  blocked(run: string): Error | undefined;
  /** Timers of a run that are only in memory. */
  callTimers(run: string): readonly TimerRow[];
  /** True where an effect waits until a suspect has run alone. */
  isInLine(run: string, token: string): boolean;
}

/** Looks at runs. */
export class Inspecting {
  readonly #surroundings: InspectingSurroundings;

  constructor(surroundings: InspectingSurroundings) {
    this.#surroundings = surroundings;
  }

  /** Throws `invalidRequest` where a persisted snapshot does not fit a machine. */
  assertRestorable(snapshot: unknown, logic: Logic): void {
    restoreActors(snapshot, { logic, catalog: this.#surroundings.catalog, refer: inert, seq: 1, id: 'run' });
  }

  /** The `after` transitions that a restored snapshot does not arm. */
  unarmedDelays(snapshot: unknown, logic: Logic): readonly { state: string; event: string; delay: string | number }[] {
    const { actors } = restoreActors(snapshot, {
      logic,
      catalog: this.#surroundings.catalog,
      refer: inert,
      seq: 1,
      id: 'run',
    });
    return actors.flatMap((actor) => xstate.pendingDelays(actor.snapshot));
  }

  async snapshot(key: RunKey, address: string, at: number | undefined): Promise<SnapshotView> {
    const { store } = this.#surroundings;
    const run = await this.#run(key);
    const actors = at === undefined ? await this.#actors(key) : await this.#asOf(key, at);
    const path = address.startsWith('/') ? address : `/${address}`;
    const actor = actors.get(path);
    if (actor === undefined) {
      throw new FermataError(
        'notFound',
        `Run ${key.run} has no actor "${path}"${at === undefined ? '' : ` as of entry ${at}`}. It has: ${[...actors.keys()].join(', ') || 'none'}.`,
      );
    }
    const inputs = new Map<string, unknown>();
    for (const { token, effectJson } of await store.effectsOf(key)) {
      inputs.set(token, ((await this.#decode(effectJson)) as { input?: unknown }).input);
    }
    const snapshot = toPersisted(actor, {
      actor: (child) => actors.get(child),
      effectInput: (token) => inputs.get(token),
    });
    const pendingTimers =
      at === undefined
        ? await this.#pendingTimers(key, path)
        : xstate.pendingDelays(actor.snapshot).map(({ event }) => ({ due: null, event }));
    return { snapshot, actor: path, at: at ?? run.seq, pendingTimers };
  }

  /** What one actor holds as it is committed; undefined where there is none. */
  async contextOf(key: RunKey, address: string): Promise<unknown> {
    const row = await this.#surroundings.store.actor(key, address);
    return row === undefined ? undefined : (await this.#actor(row)).snapshot.context;
  }

  /** Every live actor with what it waits for. Throws `notFound`. */
  async why(key: RunKey): Promise<{
    readonly status: string;
    readonly blocked: Error | undefined;
    readonly actors: readonly WaitingActor[];
  }> {
    const { store, blocked, isInLine, loop } = this.#surroundings;
    const run = await this.#run(key);
    // By actor: 10,000 tasks that wait have 10,000 of them.
    const timers = Map.groupBy(await this.#timers(key), ({ source }) => source);
    const waiting: WaitingActor[] = [];
    let missing = blocked(key.run);
    for (const [index, row] of (await store.actors(key)).entries()) {
      if (index % TURNS_AT_ONCE === TURNS_AT_ONCE - 1) await pause(loop);
      if (row.status !== 'active' || run.endedAt !== null) continue;
      try {
        const actor = await this.#actor(row);
        const due = (timers.get(row.address) ?? []).map((timer) => timer.due);
        waiting.push({
          actor: row.address,
          state: actor.snapshot.value,
          waitsFor: xstate.metaOf(actor.snapshot).flatMap((meta) => (isWaiting(meta) ? [meta.waitsFor] : [])),
          until: due.length === 0 ? null : new Date(Math.min(...due)).toISOString(),
          effects: [...actor.children].flatMap(([id, child]) =>
            child.kind === 'effect' && child.settled === undefined
              ? [{ id, src: child.src, inLine: isInLine(key.run, child.token) }]
              : [],
          ),
          accepts: xstate.ownEventTypes(actor.snapshot),
        });
      } catch (thrown) {
        if (!(thrown instanceof FermataError)) throw thrown;
        missing ??= thrown;
      }
    }
    return { status: run.status, blocked: missing, actors: waiting };
  }

  /** Types of events from outside, whether the root of a run takes them now, and why. */
  async outsideEvents(key: RunKey): Promise<readonly EventAcceptance[]> {
    const { store, catalog } = this.#surroundings;
    const [run, row] = [await store.run(key), await store.actor(key, ROOT)];
    if (run === undefined || row === undefined) return [];
    const { snapshot } = await this.#actor(row);
    const { outside } = catalog.logic(run.machine).root;
    if (outside === undefined) {
      if (row.status !== 'active') return [];
      const types = xstate.ownEventTypes(snapshot).filter((type) => !type.startsWith('fermata.'));
      return types.map((type) => ({
        type,
        accepted: true,
        reason: 'The state of the machine has a transition for it.',
      }));
    }
    const rows = new RunRows(run, store, () => undefined, false);
    return settle(() => outside.acceptance({ snapshot, rows }));
  }

  /** Timers of an actor and of all below it. */
  async #pendingTimers(key: RunKey, path: string): Promise<SnapshotView['pendingTimers']> {
    const timers = (await this.#timers(key)).filter(
      ({ source }) => source === path || source.startsWith(path === ROOT ? ROOT : `${path}/`),
    );
    return Promise.all(
      timers.map(async ({ due, timerJson }) => ({
        due: new Date(due).toISOString(),
        event: ((await this.#decode(timerJson)) as { event: { type: string } }).event.type,
      })),
    );
  }

  async #timers(key: RunKey): Promise<readonly TimerRow[]> {
    const { store, callTimers } = this.#surroundings;
    return [...(await store.timersOf(key)), ...callTimers(key.run)];
  }

  async #actors(key: RunKey): Promise<ReadonlyMap<string, DurableActor>> {
    const rows = await this.#surroundings.store.actors(key);
    const actors = await Promise.all(
      rows.map(async (row): Promise<[string, DurableActor]> => [row.address, await this.#actor(row)]),
    );
    return new Map(actors);
  }

  async #asOf(key: RunKey, at: number): Promise<ReadonlyMap<string, DurableActor>> {
    const { store, catalog, loop } = this.#surroundings;
    const entries: JournalEntry[] = [];
    for (let after = 0; ;) {
      const page = await store.journal(key, { after, limit: PAGE, kind: 'event' });
      for (const entry of page) if (entry.seq <= at) entries.push(entry);
      after = page.at(-1)?.seq ?? at;
      if (page.length < PAGE || after >= at) break;
      await pause(loop);
    }
    if (entries.length === 0) throw new FermataError('notFound', `Run ${key.run} has no entry ${at} yet or any more.`);
    const replay = new Replay(key.run, catalog);
    const refs = readRefs(replay.refer);
    // A migration's entry has all that went before it, also what a machine decided that is not registered any more.
    const from = entries.findLastIndex(({ type }) => type === MIGRATE);
    for (const [index, entry] of entries.slice(Math.max(0, from)).entries()) {
      // There may be a million.
      if (index % TURNS_AT_ONCE === TURNS_AT_ONCE - 1) await pause(loop);
      replay.take(entry, (await this.#decode(entry.dataJson, refs)) as xstate.Event);
    }
    return replay.actors;
  }

  async #actor(row: ActorRow): Promise<DurableActor> {
    const { store, catalog } = this.#surroundings;
    const blob = bigValues(store);
    return settle(() => fromRow(row, catalog, inert, blob));
  }

  #decode(text: string, refs?: RefCodec): Promise<unknown> {
    return decodeStored(this.#surroundings.store, text, refs);
  }

  async #run(key: RunKey): Promise<RunRow> {
    const run = await this.#surroundings.store.run(key);
    if (run === undefined) throw runNotFound(key.run);
    return run;
  }
}

function isWaiting(meta: unknown): meta is { readonly waitsFor: string } {
  return typeof meta === 'object' && meta !== null && 'waitsFor' in meta && typeof meta.waitsFor === 'string';
}
