/**
 * `createRuntime({ inspect })`: what plain XState tells the inspection observer of a live system, told of durable runs.
 *
 * I1. Nothing is told before the commit that it belongs to (R1); what a failed commit dropped is not told at all.
 * I2. The order is XState's: an event when it is sent, a snapshot when all that its turn did is over.
 * I3. A session id is the run's id and the actor's address, so an actor is the same one in every process. In a process
 *     that goes on with a run, an actor is announced when it first moves.
 * Microsteps, actions and transitions are not told: they are inside a turn.
 */
import type { AnyActorLogic, InspectionEvent, Observer, Snapshot } from 'xstate';
import type { RunKey } from '../store/runs.ts';
import type { DurableActor } from './actor.ts';
import type { Catalog } from './catalog.ts';
import * as xstate from './xstate.ts';

/** An inspection observer, as `createActor(machine, { inspect })` takes it. */
export type Inspect = Observer<InspectionEvent> | ((event: InspectionEvent) => void);

/** Stands for an actor in inspection events. Its snapshot is the one told last. */
class InspectedActor {
  readonly id: string;
  /** The run's id and the actor's address: `01J…/plan`. */
  readonly sessionId: string;
  readonly src: string | undefined;
  /** The machine, or the name under which an effect is registered. */
  readonly logic: AnyActorLogic | { readonly id: string } | undefined;
  readonly _parent: InspectedActor | undefined;
  snapshot: Snapshot<unknown> = { status: 'active', output: undefined, error: undefined };
  readonly #send: (event: xstate.Event) => void;

  constructor(
    about: Pick<InspectedActor, 'id' | 'sessionId' | 'src' | 'logic' | '_parent'>,
    send: (event: xstate.Event) => void,
  ) {
    this.id = about.id;
    this.sessionId = about.sessionId;
    this.src = about.src;
    this.logic = about.logic;
    this._parent = about._parent;
    this.#send = send;
  }

  getSnapshot(): Snapshot<unknown> {
    return this.snapshot;
  }

  send(event: xstate.Event): void {
    this.#send(event);
  }

  toJSON(): object {
    return { xstate$$type: 1, id: this.sessionId };
  }
}

type Actors = Map<string, InspectedActor>;

/** What the inspection of all runs needs. */
export interface InspectionSurroundings {
  readonly inspect: Inspect;
  readonly catalog: Catalog;
  sendLive(key: RunKey, to: string, event: xstate.Event): void;
  /** The observer threw; the runs are not harmed. */
  failed(thrown: unknown): void;
}

/** Tells an observer of all runs of a runtime. */
export class Inspection {
  readonly #surroundings: InspectionSurroundings;
  readonly #runs = new Map<string, Actors>();

  constructor(surroundings: InspectionSurroundings) {
    this.#surroundings = surroundings;
  }

  /** Inspects one run; `record` keeps an event until its commit. */
  of(key: RunKey, record: (event: InspectionEvent) => void): RunInspection {
    const actors: Actors = this.#runs.get(key.run) ?? new Map();
    this.#runs.set(key.run, actors);
    const { catalog, sendLive } = this.#surroundings;
    return new RunInspection({ run: key.run, actors, catalog, record, send: (to, event) => sendLive(key, to, event) });
  }

  /** Forgets a run: it has ended, or what was decided of it was dropped. */
  forget(run: string): void {
    this.#runs.delete(run);
  }

  /** Tells what was committed. */
  publish(run: string, events: readonly InspectionEvent[]): void {
    const { inspect, failed } = this.#surroundings;
    for (const event of events) {
      const actor = event.actorRef as unknown as InspectedActor;
      if (event.type === '@xstate.snapshot') actor.snapshot = event.snapshot;
      try {
        if (typeof inspect === 'function') inspect(event);
        else inspect.next?.(event);
      } catch (thrown) {
        failed(thrown);
      }
      if (actor.snapshot.status === 'active') continue;
      if (actor._parent === undefined) this.forget(run);
      else if (this.#runs.get(run)?.get(actor.sessionId) === actor) this.#runs.get(run)?.delete(actor.sessionId);
    }
  }
}

interface RunInspectionOptions {
  readonly run: string;
  /** Actors announced so far, by session id. */
  readonly actors: Actors;
  readonly catalog: Catalog;
  record(event: InspectionEvent): void;
  send(to: string, event: xstate.Event): void;
}

/** Turns that are not over, by address. */
interface Unsettled {
  readonly actor: InspectedActor;
  readonly event: xstate.Event;
  snapshot(): unknown;
}

/** Writes down what one run's turns mean to an inspector. */
export class RunInspection {
  readonly #options: RunInspectionOptions;
  readonly #unsettled = new Map<string, Unsettled>();

  constructor(options: RunInspectionOptions) {
    this.#options = options;
  }

  /** An actor's first turn: it has decided, and its actions come next. */
  began(actor: DurableActor, input: unknown, actions: readonly xstate.Action[]): void {
    const { address, parent } = actor.identity;
    const inspected = this.#of(actor);
    this.#announceChildren(actor, inspected, actions);
    const event = { type: 'xstate.init', input };
    this.#event(parent === undefined ? undefined : inspected._parent, inspected, event);
    this.#unsettled.set(address, { actor: inspected, event, snapshot: () => actor.snapshot });
  }

  /** An event was sent. `from` is an address; undefined where it came from outside. */
  sent(from: string | undefined, to: DurableActor, event: xstate.Event): void {
    this.#event(from === undefined ? undefined : this.#at(from), this.#of(to), event);
  }

  /** An actor has decided on an event, and its actions come next. */
  took(actor: DurableActor, event: xstate.Event, actions: readonly xstate.Action[]): void {
    const inspected = this.#of(actor);
    this.#announceChildren(actor, inspected, actions);
    this.#unsettled.set(actor.identity.address, { actor: inspected, event, snapshot: () => actor.snapshot });
  }

  /** All that an actor's or effect's last event caused is over. */
  settled(address: string): void {
    const turn = this.#unsettled.get(address);
    if (turn === undefined) return;
    this.#unsettled.delete(address);
    this.#snapshot(turn.actor, turn.event, turn.snapshot());
  }

  /** An actor was stopped. */
  stopped(actor: DurableActor): void {
    this.#unsettled.delete(actor.identity.address);
    this.#snapshot(this.#of(actor), { type: 'xstate.stop' }, { ...actor.snapshot, status: 'stopped' });
  }

  /** An effect was asked for. */
  asked(by: DurableActor, id: string, src: string, input: unknown): void {
    const asker = this.#of(by);
    const address = xstate.childAddress(by.identity.address, id);
    const effect = this.#known(address) ?? this.#announce(address, { id, src, logic: { id: src }, _parent: asker });
    const event = { type: 'xstate.init', input };
    this.#event(asker, effect, event);
    this.#snapshot(effect, event, { status: 'active', output: undefined, error: undefined, input });
  }

  /** An effect has ended; its snapshot follows when whoever asked has taken that. */
  answered(address: string, outcome: xstate.Event): void {
    const effect = this.#at(address);
    const done = outcome.type.startsWith('xstate.done.');
    const [output, error] = [outcome['output'], outcome['error']];
    const event = done
      ? { type: 'xstate.promise.resolve', data: output }
      : { type: 'xstate.promise.reject', data: error };
    this.#event(effect, effect, event);
    const snapshot = { status: done ? 'done' : 'error', output, error, input: undefined };
    this.#unsettled.set(address, { actor: effect, event, snapshot: () => snapshot });
  }

  /** Nobody waits for an effect any more. */
  dropped(address: string): void {
    this.#snapshot(
      this.#at(address),
      { type: 'xstate.stop' },
      { status: 'stopped', output: undefined, error: undefined, input: undefined },
    );
  }

  /** As in XState, children exist as soon as their parent has decided, and begin when its actions come to them. */
  #announceChildren(parent: DurableActor, inspected: InspectedActor, actions: readonly xstate.Action[]): void {
    for (const action of actions) {
      if (action.kind !== 'spawn') continue;
      const { id, src } = action;
      const child = this.#options.catalog.child(parent.identity.logic, src);
      if (child === undefined) continue;
      const logic = 'effect' in child ? { id: src } : child.logic.machine;
      this.#announce(xstate.childAddress(parent.identity.address, id), { id, src, logic, _parent: inspected });
    }
  }

  #of({ identity: { address, id, logic } }: DurableActor): InspectedActor {
    return (
      this.#known(address) ??
      this.#announce(address, { id, src: undefined, logic: logic.machine, _parent: this.#parentOf(address) })
    );
  }

  /** The actor at an address, with what is known of it here: an earlier process may have announced it. */
  #at(address: string): InspectedActor {
    const id = decodeURIComponent(address.slice(address.lastIndexOf('/') + 1));
    return (
      this.#known(address) ??
      this.#make(address, { id, src: undefined, logic: undefined, _parent: this.#parentOf(address) })
    );
  }

  #parentOf(address: string): InspectedActor | undefined {
    return address === '/' ? undefined : this.#at(address.slice(0, address.lastIndexOf('/')) || '/');
  }

  #known(address: string): InspectedActor | undefined {
    return this.#options.actors.get(this.#session(address));
  }

  #announce(address: string, about: Pick<InspectedActor, 'id' | 'src' | 'logic' | '_parent'>): InspectedActor {
    const actor = this.#make(address, about);
    this.#options.actors.set(actor.sessionId, actor);
    this.#record({ type: '@xstate.actor', actorRef: actor });
    return actor;
  }

  #make(address: string, about: Pick<InspectedActor, 'id' | 'src' | 'logic' | '_parent'>): InspectedActor {
    return new InspectedActor({ ...about, sessionId: this.#session(address) }, (event) =>
      this.#options.send(address, event),
    );
  }

  #event(source: InspectedActor | undefined, actor: InspectedActor, event: xstate.Event): void {
    this.#record({ type: '@xstate.event', sourceRef: source, actorRef: actor, event });
  }

  #snapshot(actor: InspectedActor, event: xstate.Event, snapshot: unknown): void {
    this.#record({ type: '@xstate.snapshot', actorRef: actor, event, snapshot });
  }

  #record(event: {
    readonly type: InspectionEvent['type'];
    readonly actorRef: InspectedActor;
    readonly [part: string]: unknown;
  }): void {
    this.#options.record({ ...event, rootId: this.#session('/') } as unknown as InspectionEvent);
  }

  #session(address: string): string {
    return `${this.#options.run}${address}`;
  }
}
