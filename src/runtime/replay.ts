/**
 * Time travel: the actors of a run by taking their events again, one journal entry after the other. No effect starts,
 * no custom action runs; the journal keeps the prepared events, so no rows are needed (R2).
 */
import { FermataError } from '../errors.ts';
import type { JournalEntry } from '../store/journal.ts';
import { DurableActor, revive, type ActorIdentity, type Refer } from './actor.ts';
import type { Catalog } from './catalog.ts';
import { MIGRATE, type MigrationEvent } from './migrating.ts';
import { restoreActors } from './persisted.ts';
import { ROOT, understands } from './run-memory.ts';
import { Senders } from './senders.ts';
import { attempt } from './turn.ts';
import * as xstate from './xstate.ts';

/** An effect as a child of the actor that asked for it. */
export interface AskedEffect {
  readonly address: string;
  readonly id: string;
  readonly src: string;
  readonly input: unknown;
}

/** A turn that was taken again. */
export interface Turn {
  /** Journal number. */
  readonly seq: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly address: string;
  readonly id: string;
  readonly machine: xstate.Machine;
  /** True for the first turn of an actor. */
  readonly began: boolean;
  readonly event: xstate.Event;
  /** Address of the actor or effect that sent the event; undefined where it came from outside. */
  readonly source: string | undefined;
  /** As it is after the turn; `status` is `stopped` where the actor was stopped. */
  readonly snapshot: xstate.Snapshot;
  /** Effects that the turn asked for. */
  readonly asked: readonly AskedEffect[];
  /** The effect whose outcome the event is. */
  readonly answered: AskedEffect | undefined;
}

/**
 * A run that is taken again.
 *
 * @example
 * const replay = new Replay(run, catalog)
 * for (const entry of entries) replay.take(entry, decodeEvent(entry.dataJson, replay.refer))
 * replay.actors.get('/')?.snapshot.value
 */
export class Replay {
  readonly #run: string;
  readonly #catalog: Catalog;
  readonly #actors = new Map<string, DurableActor>();
  readonly #effects = new Map<string, AskedEffect>();
  readonly #systemIds = new Map<string, string>();
  readonly #senders = new Senders();

  constructor(run: string, catalog: Catalog) {
    this.#run = run;
    this.#catalog = catalog;
  }

  /** The actors as of the last entry, by address. */
  get actors(): ReadonlyMap<string, DurableActor> {
    return this.#actors;
  }

  /** Forgets an actor that has ended: it takes no more events. */
  forget(address: string): void {
    this.#actors.delete(address);
  }

  /** References to actors of the run: they can be told apart, not sent to. */
  readonly refer: Refer = ({ address, birth }) => {
    const slash = address.lastIndexOf('/');
    const parent = parentOf(address);
    const id = address === ROOT ? this.#run : decodeURIComponent(address.slice(slash + 1));
    return new xstate.ActorReference(
      {
        address,
        birth,
        id,
        src: '',
        parent: parent === undefined ? undefined : this.refer({ address: parent, birth: -1 }),
      },
      () => {},
    );
  };

  /**
   * Takes the next entry, with its decoded event. Gives one turn, none for a fact or an ignored event, and one for each
   * actor where a persisted snapshot was restored. Throws `machineMissing`, `databaseCorrupt`.
   */
  take(entry: JournalEntry, event: xstate.Event): readonly Turn[] {
    if (entry.kind !== 'event') return [];
    if (entry.type === 'fermata.restore') return this.#restore(entry, event);
    if (entry.type === MIGRATE) return this.#migrate(entry, event);
    if (entry.type === 'xstate.init') return [this.#begin(entry, event)];
    const actor = this.#actors.get(entry.actor);
    if (actor === undefined)
      throw new FermataError(
        'databaseCorrupt',
        `Journal entry ${entry.seq} of run ${this.#run} is for actor "${entry.actor}", which was never begun.`,
      );
    const stops =
      entry.type === 'xstate.stop' ||
      // A machine that does not know how to be cancelled was stopped instead.
      (entry.type === 'fermata.cancel' && entry.actor === ROOT && !understands(actor, event));
    return [stops ? this.#stop(entry, actor, event) : this.#decide(entry, actor, event)];
  }

  #begin(entry: JournalEntry, event: xstate.Event): Turn {
    const logic = this.#catalog.logic(String(event['logic']));
    const self = this.refer({ address: entry.actor, birth: entry.seq });
    const identity: ActorIdentity = {
      address: entry.actor,
      birth: entry.seq,
      id: self.id,
      logic,
      parent: undefined,
      detached: false,
      systemId: undefined,
    };
    const known = this.#actors.get(parentOf(entry.actor) ?? '')?.children.get(identity.id);
    // Not before: those that began in the same turn earlier did not find it.
    if (known?.systemId !== undefined) this.#systemIds.set(known.systemId, entry.actor);
    const decision = attempt(
      { catalog: this.#catalog, logic },
      () => xstate.decideInitial(logic.machine, event['input'], this.#deciding(self)),
      (error) => xstate.stillborn(logic.machine, error),
    );
    const actor = new DurableActor(identity, self, decision.snapshot);
    this.#actors.set(entry.actor, actor);
    const asked = this.#follow(actor, decision.actions, entry.seq);
    this.#settle(actor);
    return this.#turn(entry, actor, event, { began: true, source: parentOf(entry.actor), asked });
  }

  #restore(entry: JournalEntry, event: xstate.Event): readonly Turn[] {
    const logic = this.#catalog.logic(String(event['logic']));
    const { actors, effects } = restoreActors(event['snapshot'], {
      logic,
      catalog: this.#catalog,
      refer: this.refer,
      seq: entry.seq,
      id: this.#run,
    });
    return actors.map((actor) => {
      const { address, systemId } = actor.identity;
      this.#actors.set(address, actor);
      if (systemId !== undefined) this.#systemIds.set(systemId, address);
      const asked = effects
        .filter((effect) => effect.actor === actor)
        .map(({ id, src, input }) => this.#ask(address, id, src, input));
      return this.#turn(
        entry,
        actor,
        { type: 'xstate.init', input: undefined },
        { began: true, source: parentOf(address), asked },
      );
    });
  }

  /** The entry has all actors as they are from it on: nothing before it is needed to go on. */
  #migrate(entry: JournalEntry, event: xstate.Event): readonly Turn[] {
    const { actors } = event as unknown as MigrationEvent;
    this.#actors.clear();
    this.#systemIds.clear();
    for (const [address, { birth, status, stored }] of Object.entries(actors)) {
      const actor = revive({ address, birth, status }, stored, this.#catalog, this.refer);
      this.#actors.set(address, actor);
      if (actor.status !== 'active') continue;
      if (stored.systemId !== undefined) this.#systemIds.set(stored.systemId, address);
      for (const [id, child] of actor.children)
        if (child.kind === 'effect' && child.settled === undefined && child.systemId !== undefined)
          this.#systemIds.set(child.systemId, xstate.childAddress(address, id));
    }
    const { from, to } = event;
    return [...this.#actors.values()]
      .filter(({ status }) => status === 'active')
      .map((actor) => this.#turn(entry, actor, { type: MIGRATE, from, to }, { began: false, source: undefined }));
  }

  #decide(entry: JournalEntry, actor: DurableActor, event: xstate.Event): Turn {
    const { address, logic } = actor.identity;
    const source = this.#senders.of(address, event);
    const decision = attempt(
      { catalog: this.#catalog, logic },
      () => xstate.decideNext(logic.machine, actor.snapshot, event, this.#deciding(actor.self)),
      (error) => xstate.failedSnapshot(actor.snapshot, error),
    );
    actor.snapshot = decision.snapshot;
    const answered = this.#answer(actor, event);
    const asked = this.#follow(actor, decision.actions, entry.seq);
    this.#settle(actor);
    return this.#turn(entry, actor, event, { began: false, source, asked, answered });
  }

  #stop(entry: JournalEntry, actor: DurableActor, event: xstate.Event): Turn {
    actor.stopped = true;
    this.#settle(actor);
    return this.#turn(entry, actor, event, { began: false, source: undefined });
  }

  #turn(
    entry: JournalEntry,
    actor: DurableActor,
    event: xstate.Event,
    rest: Pick<Turn, 'began' | 'source'> & {
      readonly asked?: readonly AskedEffect[];
      readonly answered?: AskedEffect | undefined;
    },
  ): Turn {
    const { address, id, logic } = actor.identity;
    const snapshot = actor.stopped ? ({ ...actor.snapshot, status: 'stopped' } as xstate.Snapshot) : actor.snapshot;
    return {
      seq: entry.seq,
      at: entry.at,
      address,
      id,
      machine: logic.machine,
      event,
      snapshot,
      asked: [],
      answered: undefined,
      ...rest,
    };
  }

  #answer(actor: DurableActor, event: xstate.Event): AskedEffect | undefined {
    const id = xstate.endedActor(event);
    const child = id === undefined ? undefined : actor.children.get(id);
    if (id === undefined || child?.kind !== 'effect') return undefined;
    actor.children.set(id, { ...child, settled: event.type.startsWith('xstate.done.') ? 'done' : 'error' });
    const address = xstate.childAddress(actor.identity.address, id);
    const effect = this.#effects.get(address);
    this.#effects.delete(address);
    return effect;
  }

  /** What the turn's actions make of the actor itself; nothing leaves it. */
  #follow(actor: DurableActor, actions: readonly xstate.Action[], seq: number): readonly AskedEffect[] {
    const asked: AskedEffect[] = [];
    const { address, logic } = actor.identity;
    for (const [index, action] of actions.entries()) {
      this.#senders.note(address, action);
      if (action.kind === 'spawn') {
        const child = this.#catalog.child(logic, action.src);
        if (child === undefined) continue;
        const at = xstate.childAddress(address, action.id);
        if (action.systemId !== undefined && 'effect' in child) this.#systemIds.set(action.systemId, at);
        if (action.detached) continue;
        actor.children.set(
          action.id,
          'effect' in child
            ? { kind: 'effect', token: `${seq}.${index}`, src: action.src, systemId: action.systemId }
            : { kind: 'actor', birth: -1, src: action.src, systemId: action.systemId },
        );
        xstate.setChild(actor.snapshot, action.id, this.refer({ address: at, birth: -1 }));
        if ('effect' in child) asked.push(this.#ask(address, action.id, action.src, action.input));
      } else if (action.kind === 'stop' && !action.detached) {
        if (action.kept !== true) actor.children.delete(action.id);
        this.#release(xstate.childAddress(address, action.id));
      }
    }
    return asked;
  }

  #ask(parent: string, id: string, src: string, input: unknown): AskedEffect {
    const effect = { address: xstate.childAddress(parent, id), id, src, input };
    this.#effects.set(effect.address, effect);
    return effect;
  }

  /** An actor that has ended waits for nothing any more, and is known under no systemId. */
  #settle(actor: DurableActor): void {
    if (actor.status === 'active') return;
    for (const [id, child] of actor.children) {
      if (child.kind !== 'effect' || child.settled !== undefined) continue;
      actor.children.set(id, { ...child, settled: 'stopped' });
      this.#effects.delete(xstate.childAddress(actor.identity.address, id));
    }
    if (actor.stopped) actor.children.clear();
    this.#release(actor.identity.address);
  }

  #release(address: string): void {
    this.#effects.delete(address);
    for (const [systemId, at] of this.#systemIds) if (at === address) this.#systemIds.delete(systemId);
  }

  #deciding(self: xstate.ActorReference): xstate.Deciding {
    const refer = (address: string): xstate.ActorReference =>
      this.refer({ address, birth: this.#actors.get(address)?.identity.birth ?? -1 });
    return {
      self,
      systemGet: (systemId) => {
        const address = this.#systemIds.get(systemId);
        return address === undefined ? undefined : refer(address);
      },
      systemAll: () =>
        Object.fromEntries([...this.#systemIds].map(([systemId, address]) => [systemId, refer(address)])),
      log() {},
    };
  }
}

function parentOf(address: string): string | undefined {
  return address === ROOT ? undefined : address.slice(0, address.lastIndexOf('/')) || '/';
}
