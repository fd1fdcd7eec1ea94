/**
 * The one file that touches what XState does not promise (R12); `test/runtime/xstate.test.ts` pins each of them.
 *
 * Owns: driving a machine without a live actor. A machine decides through a scope that only records, so a turn gives a
 * new snapshot and the actions it wants done, as data; nothing is executed here.
 * X1. Actors are known by name: inline logic, `spawn()` in `assign`, callbacks and observables are refused (R7).
 * X2. Children in a snapshot are references only; asking one for its snapshot during a turn is refused (R2).
 *
 * It is long because it is one: parts of it in other files would be more files that an upgrade of XState can break
 * without a test beside them. Its sections can be read one by one: what logic can be durable, deciding, snapshots.
 */
import { isDeepStrictEqual } from 'node:util';
import {
  assign,
  cancel,
  emit,
  enqueueActions,
  raise,
  sendParent,
  sendTo,
  spawnChild,
  stopChild,
  type AnyActor,
  type AnyActorLogic,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type EventObject,
} from 'xstate';
import { evaluateGuard } from 'xstate/guards';
import { FermataError } from '../errors.ts';

/** The most microsteps one event may take (R9). */
const MAX_MICROSTEPS = 1_000;

export type Machine = AnyStateMachine;
export type Snapshot = AnyMachineSnapshot;
export type Event = EventObject & Readonly<Record<string, unknown>>;

/** Where an actor lives within its run, and which incarnation it is. */
export interface Address {
  readonly address: string;
  readonly birth: number;
}

/** To whom something is sent. */
export interface Receiver extends Address {
  /** A child that the same turn spawns: it may not have begun. */
  readonly unborn?: true;
}

/** An action that a turn wants done, as data. */
export type Action =
  | {
      readonly kind: 'spawn';
      readonly id: string;
      readonly src: string;
      readonly input: unknown;
      readonly systemId: string | undefined;
      readonly detached: boolean;
    }
  | {
      readonly kind: 'stop';
      readonly id: string;
      readonly detached: boolean;
      /** Set where the machine has ended: XState then still shows the children that it stops. */
      readonly kept?: boolean;
    }
  | {
      readonly kind: 'send';
      readonly to: Receiver | undefined;
      readonly event: Event;
      readonly delay: number | undefined;
      readonly sendId: string | undefined;
      /** Sent to a child that the same turn spawns, before it is spawned: it lies in the mailbox with which that one begins. */
      readonly early?: true;
    }
  | { readonly kind: 'sendDetached'; readonly to: string | { readonly run: string }; readonly event: Event }
  | { readonly kind: 'cancel'; readonly sendId: string }
  | { readonly kind: 'fact'; readonly type: string; readonly data: Readonly<Record<string, unknown>> };

/** A custom action or `log`: done after the commit, at most once, never in recovery (R7). */
export interface CustomAction {
  /** Address of the actor whose action it is. */
  readonly actor: string;
  readonly type: string;
  readonly execute: () => unknown;
}

/** What the recording scope must know about the actor that decides. */
export interface Deciding {
  /** Reference to the actor itself; its `_parent` is the parent's. */
  readonly self: ActorReference;
  /** systemId → reference, of the whole run. */
  systemGet(systemId: string): ActorReference | undefined;
  systemAll(): Readonly<Record<string, ActorReference>>;
  /** Called without its owner. */
  readonly log: (...values: unknown[]) => void;
}

/** What a turn decided. */
export interface Decision {
  readonly snapshot: Snapshot;
  readonly actions: readonly Action[];
  readonly custom: readonly CustomAction[];
}

/**
 * Stands for an actor wherever XState expects an `ActorRef`: in `snapshot.children`, `self`, `event.sender`, context.
 * It can be sent to after the commit (by a custom action); it cannot be looked into.
 */
export class ActorReference implements Address {
  readonly address: string;
  readonly birth: number;
  readonly id: string;
  readonly sessionId: string;
  readonly src: string;
  readonly _parent: ActorReference | undefined;
  readonly ref: this;
  readonly _processingStatus = 1;
  system: object = {};
  readonly #send: (to: Address, event: Event) => void;

  constructor(
    at: Address & { readonly id: string; readonly src: string; readonly parent?: ActorReference | undefined },
    send: (to: Address, event: Event) => void,
  ) {
    this.address = at.address;
    this.birth = at.birth;
    this.id = at.id;
    this.sessionId = at.address;
    this.src = at.src;
    this._parent = at.parent;
    this.ref = this;
    this.#send = send;
  }

  send(event: Event): void {
    this.#send(this, event);
  }

  getSnapshot(): never {
    throw new FermataError(
      'snapshotOfReference',
      `A turn asked for the snapshot of actor "${this.address}". A turn knows only its own actor: let that actor send what is needed in an event.`,
    );
  }

  toJSON(): object {
    return { xstate$$type: 1, id: this.id };
  }
}

// ── which logic can be durable ──────────────────────────────────────────────────────────────────────────────────────

/** True for `createMachine` and `setup().createMachine` results. */
export function isMachine(logic: unknown): logic is Machine {
  return typeof logic === 'object' && logic !== null && '__xstatenode' in logic;
}

/** What `fromPromise` was given, or undefined for any other logic. */
export function promiseCreator(logic: unknown): ((args: PromiseArguments) => PromiseLike<unknown>) | undefined {
  if (typeof logic !== 'object' || logic === null || !('config' in logic) || isMachine(logic)) return undefined;
  const { config, transition } = logic as {
    config: unknown;
    transition?: (...parts: unknown[]) => { status?: string } | undefined;
  };
  if (typeof config !== 'function' || transition === undefined) return undefined;
  // Only promise logic ends on this event; callback, observable and transition logic pass it on or ignore it.
  let next: { status?: string } | undefined;
  try {
    next = transition({ status: 'active' }, { type: 'xstate.promise.resolve', data: 0 }, {});
  } catch {
    return undefined;
  }
  return next?.status === 'done' && String(transition).includes('RESOLVE')
    ? (config as (args: PromiseArguments) => PromiseLike<unknown>)
    : undefined;
}

/** What `fromPromise` hands to its creator. */
export interface PromiseArguments {
  readonly input: unknown;
  readonly self: ActorReference;
  readonly system: object;
  readonly signal: AbortSignal;
  readonly emit: (event: Event) => void;
}

/** The logic that `machine` knows as `src`; undefined where it knows none. */
export function childLogic(machine: Machine, src: string): AnyActorLogic | undefined {
  return (machine.implementations.actors as Record<string, AnyActorLogic | undefined>)[src];
}

/** Names of the actors that `machine` declares. */
export function declaredActors(machine: Machine): readonly string[] {
  return Object.keys(machine.implementations.actors);
}

/** What is wrong with a machine that an XState before 5.31 has made: it has no options of its own, without which no turn can be decided. */
export function faultOfAge(machine: Machine): string | undefined {
  return 'options' in machine
    ? undefined
    : 'expected a machine of XState 5.31 or newer, came one of an older XState: install xstate 5.33.3';
}

const NO_SNAPSHOTS = 'snapshots of a child are not sent to its parent; let the child send an event';

/** Every fault that would keep `machine` from being durable, each with its path in the machine's configuration. */
export function faultsOf(machine: Machine, known: (src: string) => boolean): { path: string; message: string }[] {
  const older = faultOfAge(machine);
  if (older !== undefined) return [{ path: 'machine', message: older }];
  const faults: { path: string; message: string }[] = [];
  const src = (value: unknown, path: string): void => {
    if (typeof value !== 'string') {
      faults.push({
        path,
        message: 'the actor logic stands inline; give it a name in setup({ actors }) and refer to it by that name',
      });
    } else if (!known(value) && childLogic(machine, value) === undefined) {
      faults.push({
        path,
        message: `no actor "${value}" is declared in setup({ actors }) or registered with the runtime`,
      });
    }
  };
  for (const node of stateNodes(machine)) {
    const invokes: unknown[] = node.config.invoke === undefined ? [] : [node.config.invoke].flat();
    invokes.forEach((invoke, index) => {
      const { src: source, onSnapshot } = invoke as { src: unknown; onSnapshot?: unknown };
      src(source, `${node.id}.invoke[${index}].src`);
      if (onSnapshot !== undefined) {
        faults.push({
          path: `${node.id}.invoke[${index}].onSnapshot`,
          message: NO_SNAPSHOTS,
        });
      }
    });
    for (const [path, action] of actionsOf(node)) {
      const builtin = action as { type?: unknown; src?: unknown; syncSnapshot?: unknown };
      if (typeof action !== 'function' || builtin.type !== 'xstate.spawnChild') continue;
      src(builtin.src, path);
      if (builtin.syncSnapshot === true) faults.push({ path: `${path}.syncSnapshot`, message: NO_SNAPSHOTS });
    }
  }
  return faults;
}

function stateNodes(machine: Machine): Iterable<Machine['root']> {
  return (machine as unknown as { idMap: Map<string, Machine['root']> }).idMap.values();
}

function* actionsOf(node: Machine['root']): Generator<[string, unknown]> {
  for (const key of ['entry', 'exit'] as const)
    for (const [i, action] of node[key].entries()) yield [`${node.id}.${key}[${i}]`, action];
  for (const [event, transitions] of node.transitions) {
    for (const [t, transition] of transitions.entries()) {
      for (const [i, action] of transition.actions.entries())
        yield [`${node.id}.on["${event}"][${t}].actions[${i}]`, action];
    }
  }
}

/** What XState itself puts on its actions: not the user's, and another text in each release and each bundle. */
const OF_XSTATE = new Set(['resolve', 'retryResolve', 'execute']);

/** Machines do not change, and a process may open many databases with the same ones. */
const definitionTexts = new WeakMap<Machine, string>();

/** A text that changes when the behaviour of `machine` may have changed: its structure, with the source of the functions in it. */
export function definitionText(machine: Machine): string {
  const known = definitionTexts.get(machine);
  if (known !== undefined) return known;
  const text = writeDefinition(machine);
  definitionTexts.set(machine, text);
  return text;
}

function writeDefinition(machine: Machine): string {
  const seen = new Set<object>();
  const walk = (value: unknown): unknown => {
    if (typeof value === 'function') {
      const own = Object.entries(value)
        .filter(([key]) => !OF_XSTATE.has(key))
        // `and`, `or`, `not` and `stateIn` differ by this function of XState's; its name says which it is.
        .map(([key, part]) => [key, key === 'check' && typeof part === 'function' ? part.name : walk(part)]);
      return own.length > 0 ? Object.fromEntries(own) : String(value).replace(/\s+/g, ' ');
    }
    if (value === null || typeof value !== 'object') return value;
    if (isMachine(value)) return { machine: walk(value.config) };
    if (seen.has(value)) return '(seen)';
    seen.add(value);
    return Array.isArray(value)
      ? value.map(walk)
      : Object.fromEntries(Object.entries(value).map(([key, part]) => [key, walk(part)]));
  };
  const children = declaredActors(machine).map((name) => {
    const logic = childLogic(machine, name);
    return [name, isMachine(logic) ? definitionText(logic) : 'effect'];
  });
  const { actions, guards, delays } = machine.implementations;
  return JSON.stringify([walk(machine.config), children, walk(actions), walk(guards), walk(delays)]);
}

// ── deciding ────────────────────────────────────────────────────────────────────────────────────────────────────────

const INERT = {
  transition: (state: unknown) => state,
  getInitialSnapshot: () => ({ status: 'active' }),
  getPersistedSnapshot: (state: unknown) => state,
  restoreSnapshot: (state: unknown) => state,
} as unknown as AnyActorLogic;

const bareMachines = new WeakMap<Machine, Machine>();

/** `machine` with children that do nothing, so that deciding never runs a child, and with an end to `always` loops. */
function bare(machine: Machine): Machine {
  const known = bareMachines.get(machine);
  if (known !== undefined) return known;
  const inert = new Proxy({}, { get: () => INERT, ownKeys: () => [], has: () => true }) as Record<
    string,
    AnyActorLogic
  >;
  const copy = machine.provide({});
  copy.implementations.actors = inert;
  copy.options = {
    ...copy.options,
    // XState's own count begins one later at the start of a machine; ours must speak first, because it names the actor.
    maxIterations: Math.min(machine.options.maxIterations ?? Infinity, MAX_MICROSTEPS + 1),
  };
  const { actions } = copy.implementations as { actions: Record<string, unknown> };
  copy.implementations.actions = Object.fromEntries(
    Object.entries(actions).map(([name, action]) => [name, collectingLightly(action)]),
  ) as typeof copy.implementations.actions;
  for (const node of stateNodes(copy)) {
    forgetful(node as unknown as Choosing);
    replaceActions(node, collectingLightly);
  }
  bareMachines.set(machine, copy);
  return copy;
}

/** A state, where it chooses its transition. */
interface Choosing {
  next(snapshot: Snapshot, event: EventObject): unknown;
}

/** Types of events of which a state remembers at once what they may do. */
const MOST_REMEMBERED = 1_000;

/**
 * XState remembers for good, in each state, what an event of each type that ever came may do, and names of tasks are types
 * (`xstate.done.actor.NAME`): a process of months would keep all that there ever were. It remembers by the object that is
 * asked, so a stand-in for the state is asked, and another one when that knows many.
 */
function forgetful(node: Choosing): void {
  const { next } = node;
  let standIn = Object.create(node) as Choosing;
  const known = new Set<string>();
  node.next = (snapshot, event) => {
    if (known.size >= MOST_REMEMBERED && !known.has(event.type)) {
      standIn = Object.create(node) as Choosing;
      known.clear();
    }
    known.add(event.type);
    return next.call(standIn, snapshot, event);
  };
}

/** Puts others in place of the actions of a state. It is one of a copied machine: the lists are the state's own. */
function replaceActions(node: Machine['root'], by: <A>(action: A) => A): void {
  node.entry = node.entry.map(by);
  node.exit = node.exit.map(by);
  const transitions = [...node.transitions.values(), node.always ?? [], node.initial].flat();
  for (const transition of transitions) transition.actions = transition.actions.map(by);
}

/** What `enqueueActions` makes: XState calls `resolve` when it comes to the action. */
interface EnqueueAction {
  readonly collect: (given: object, params: unknown) => void;
  readonly resolve: unknown;
}

const THEIRS = (enqueueActions(() => {}) as unknown as EnqueueAction).resolve;

/**
 * `enqueueActions` that leaves nothing behind. XState's writes eight functions straight into properties
 * (`enqueue.assign = () => …`), and V8 keeps such a function, with the snapshot and the event that it can see, until the next
 * full collection (decision 028). The same functions, made before they are put there, die young. An action of another
 * copy of XState stays as it is.
 */
function collectingLightly<A>(action: A): A {
  const own = action as unknown as EnqueueAction;
  if (typeof action !== 'function' || own.resolve !== THEIRS) return action;
  return Object.assign(() => {}, own, { resolve: collectLightly }) as unknown as A;
}

function collectLightly(
  { self, system }: Scope,
  snapshot: Snapshot,
  { context, event }: { readonly context: unknown; readonly event: Event },
  params: unknown,
  { collect }: EnqueueAction,
): [Snapshot, undefined, unknown[]] {
  const actions: unknown[] = [];
  const enqueued =
    (create: unknown) =>
    (...given: unknown[]): void =>
      void actions.push((create as (...given: unknown[]) => unknown)(...given));
  const enqueue = Object.assign((action: unknown): void => void actions.push(action), {
    assign: enqueued(assign),
    cancel: enqueued(cancel),
    raise: enqueued(raise),
    sendTo: enqueued(sendTo),
    sendParent: enqueued(sendParent),
    spawnChild: enqueued(spawnChild),
    stopChild: enqueued(stopChild),
    emit: enqueued(emit),
  });
  const check = (guard: Parameters<typeof evaluateGuard>[0]): boolean =>
    evaluateGuard(guard, snapshot.context, event, snapshot);
  collect({ context, event, enqueue, check, self, system }, params);
  return [snapshot, undefined, actions];
}

/**
 * The first turn of an actor: what `createActor(machine, { input })` would begin with. Its actions are in the order in which
 * they were decided: whether a child has begun before one of them is not known here (`sentAfterSpawned`).
 */
export function decideInitial(machine: Machine, input: unknown, deciding: Deciding): Decision {
  return record(deciding, (scope) => bare(machine).getInitialSnapshot(scope, input as never));
}

/** One further turn. Throws what a guard, an expression or a loop throws. */
export function decideNext(machine: Machine, snapshot: Snapshot, event: Event, deciding: Deciding): Decision {
  const decision = record(deciding, (scope) => bare(machine).transition(snapshot, event, scope));
  return { ...decision, actions: sentAfterSpawned(decision.actions, deciding.self.address) };
}

type Scope = Parameters<Machine['transition']>[2];
interface Recorded {
  readonly type: string;
  readonly params: Record<string, unknown> | undefined;
  readonly info: unknown;
  readonly exec: ((info: unknown, params: unknown) => void) | undefined;
}

/** What XState decides in: what a machine wants done is written down, and nothing is done. */
class RecordingScope {
  readonly self: ActorReference;
  readonly id: string;
  readonly sessionId: string;
  readonly system: TurnSystem;
  readonly logger: Deciding['log'];
  readonly recorded: Recorded[] = [];

  constructor(deciding: Deciding) {
    const { self, log } = deciding;
    this.self = self;
    this.id = self.id;
    this.sessionId = self.sessionId;
    this.system = new TurnSystem(deciding);
    this.logger = log;
  }

  get actionExecutor(): typeof writeDown {
    return writeDown;
  }
  /**
   * In each microstep XState puts a function of its own here, which keeps a list of the actions for inspectors and then calls
   * the one before. V8 would keep it until the next full collection, and with it the actions and all of the turn (decision
   * 028), so it is left out.
   */
  set actionExecutor(_listing: unknown) {}

  // XState defers only from what we never execute, and from `spawn()` in an assignment.
  defer(): never {
    throw new FermataError(
      'spawnInAssign',
      `Actor "${this.self.address}" calls spawn() inside assign, which leaves no action to store. Use the spawnChild action.`,
    );
  }
  emit(): void {}
  stopChild(): void {}
}

function writeDown(this: RecordingScope, action: Recorded): void {
  if (action.type === 'xstate.stopChild' && action.params !== undefined)
    this.system.release(action.params as unknown as { id: string });
  this.recorded.push(action);
}

function record(deciding: Deciding, decide: (scope: Scope) => Snapshot): Decision {
  const scope = new RecordingScope(deciding);
  deciding.self.system = scope.system;
  const snapshot = decide(scope as unknown as Scope);
  const actions: Action[] = [];
  const custom: CustomAction[] = [];
  const stillborn = spawnedAndStopped(scope.recorded);
  for (const action of scope.recorded)
    if (!stillborn.has(childOf(action)) && !stillborn.has(receiverOf(action)))
      translate(action, snapshot, deciding, actions, custom);
  return { snapshot, actions, custom };
}

/** Children that a machine leaves behind when it ends stay in its snapshot: those that it shows, and not one before them. */
function isKept(snapshot: Snapshot, child: object, id: string): boolean {
  return snapshot.status !== 'active' && (snapshot.children as Readonly<Record<string, object>>)[id] === child;
}

/** What is sent to a child that the same turn spawns later is taken once the child has begun, as in XState. */
export function sentAfterSpawned(actions: readonly Action[], self: string): readonly Action[] {
  let ordered = actions;
  for (const spawn of actions) {
    if (spawn.kind !== 'spawn' || spawn.detached) continue;
    const address = childAddress(self, spawn.id);
    const at = ordered.indexOf(spawn);
    const before = ordered.slice(0, at);
    const waiting = before.filter(
      (action): action is SendAction =>
        action.kind === 'send' &&
        action.delay === undefined &&
        action.to?.address === address &&
        action.to.unborn === true &&
        action.early === undefined,
    );
    if (waiting.length === 0) continue;
    const early = waiting.map((action): Action => ({ ...action, early: true }));
    ordered = [
      ...before.filter((action) => !(waiting as readonly Action[]).includes(action)),
      spawn,
      ...early,
      ...ordered.slice(at + 1),
    ];
  }
  return ordered;
}

type SendAction = Extract<Action, { kind: 'send' }>;

/** Children that were spawned and stopped within one turn: XState never starts them. */
function spawnedAndStopped(recorded: readonly Recorded[]): ReadonlySet<unknown> {
  const spawned = new Set<unknown>();
  const both = new Set<unknown>();
  for (const action of recorded) {
    const child = childOf(action);
    if (child === undefined) continue;
    if (action.type === 'xstate.spawnChild') spawned.add(child);
    else if (spawned.has(child)) both.add(child);
  }
  return both;
}

function childOf(action: Recorded): unknown {
  if (action.type === 'xstate.spawnChild') return action.params?.['actorRef'];
  return action.type === 'xstate.stopChild' ? action.params : undefined;
}

/** Whom it was sent to, as XState's own object: a child of this very turn, and not the one that takes its id later in it. */
function receiverOf(action: Recorded): unknown {
  return action.type === 'xstate.sendTo' ? action.params?.['to'] : undefined;
}

const NO_CLOCK = { setTimeout() {}, clearTimeout() {} };
const NO_SCHEDULER = { schedule() {}, cancel() {}, cancelAll() {} };

/** The part of an actor system that a turn sees: the run's systemIds, and nobody else. */
class TurnSystem {
  readonly #deciding: Deciding;
  #mine: Map<string, object> | undefined;
  #freed: Set<string> | undefined;
  #booked = 0;
  #microsteps = 0;
  readonly _clock = NO_CLOCK;
  readonly scheduler = NO_SCHEDULER;
  readonly _logger: Deciding['log'];

  constructor(deciding: Deciding) {
    this.#deciding = deciding;
    this._logger = deciding.log;
  }
  _bookId(): string {
    return `${this.#deciding.self.address}#${this.#booked++}`;
  }
  _register(sessionId: string): string {
    return sessionId;
  }
  _unregister(): void {}
  _relay(): void {}
  _sendInspectionEvent(event: { readonly type: string }): void {
    if (event.type === '@xstate.microstep' && ++this.#microsteps > MAX_MICROSTEPS) {
      throw new FermataError(
        'endlessLoop',
        `Actor "${this.#deciding.self.address}" took more than ${MAX_MICROSTEPS} microsteps for one event: its always or raise transitions go in a circle.`,
      );
    }
  }
  _set(systemId: string, actor: object): void {
    const taken =
      this.#mine?.get(systemId) ??
      (this.#freed?.has(systemId) === true ? undefined : this.#deciding.systemGet(systemId));
    if (taken !== undefined && taken !== actor) {
      throw new FermataError(
        'invalidMachine',
        `Two actors of one run want the systemId "${systemId}". Stop the first, or give the second another systemId.`,
      );
    }
    (this.#mine ??= new Map()).set(systemId, actor);
  }
  /** A child is stopped in this turn: what it and its children were known as is free again. */
  release(child: { readonly id: string }): void {
    const under = `${childAddress(this.#deciding.self.address, child.id)}`;
    for (const [systemId, actor] of Object.entries(this.#deciding.systemAll())) {
      if (actor.address === under || actor.address.startsWith(`${under}/`)) (this.#freed ??= new Set()).add(systemId);
    }
    for (const [systemId, actor] of this.#mine ?? [])
      if ((actor as AnyActor).id === child.id) this.#mine?.delete(systemId);
  }
  get(systemId: string): unknown {
    return this.#mine?.get(systemId) ?? this.#deciding.systemGet(systemId);
  }
  getAll(): object {
    return { ...this.#deciding.systemAll(), ...Object.fromEntries(this.#mine ?? []) };
  }
  inspect(): { unsubscribe(): void } {
    return { unsubscribe() {} };
  }
  getSnapshot(): object {
    return { _scheduledEvents: {} };
  }
  start(): void {}
}

/** The address of a child: ids are escaped, so that no id can reach outside its parent. */
export function childAddress(parent: string, id: string): string {
  const safe = id.replace(/[%/]/g, encodeURIComponent);
  return parent === '/' ? `/${safe}` : `${parent}/${safe}`;
}

function translate(
  action: Recorded,
  snapshot: Snapshot,
  deciding: Deciding,
  actions: Action[],
  custom: CustomAction[],
): void {
  const params = action.params ?? {};
  switch (action.type) {
    case 'xstate.spawnChild': {
      const child = params['actorRef'] as AnyActor | undefined;
      const src = params['src'];
      if (typeof src !== 'string' || child === undefined) {
        throw new FermataError(
          'inlineActor',
          `Actor "${deciding.self.address}" spawns logic that has no name. Declare it in setup({ actors }) and spawn it by that name.`,
        );
      }
      if ((child as unknown as { _syncSnapshot?: boolean })._syncSnapshot === true) {
        throw new FermataError(
          'invalidMachine',
          `Actor "${deciding.self.address}" spawns "${child.id}" with syncSnapshot: ${NO_SNAPSHOTS}.`,
        );
      }
      actions.push({
        kind: 'spawn',
        id: child.id,
        src,
        input: params['input'],
        systemId: params['systemId'] as string | undefined,
        detached: false,
      });
      return;
    }
    case 'xstate.stopChild': {
      if (action.params === undefined) return;
      const id = String(params['id']);
      actions.push({ kind: 'stop', id, detached: false, ...(isKept(snapshot, params, id) ? { kept: true } : {}) });
      return;
    }
    case 'xstate.raise':
      if (typeof params['delay'] === 'number') {
        actions.push({
          kind: 'send',
          to: deciding.self,
          event: params['event'] as Event,
          delay: params['delay'],
          sendId: params['id'] as string | undefined,
        });
      }
      return;
    case 'xstate.sendTo': {
      const event = params['event'] as Event;
      const sent =
        event.type === 'xstate.error'
          ? { type: `xstate.error.actor.${deciding.self.id}`, error: event['data'], actorId: deciding.self.id }
          : event;
      actions.push({
        kind: 'send',
        to: target(params['to'], deciding),
        event: sent,
        delay: params['delay'] as number | undefined,
        sendId: params['id'] as string | undefined,
      });
      return;
    }
    case 'xstate.cancel':
      actions.push({ kind: 'cancel', sendId: String(params['sendId']) });
      return;
    case 'xstate.emit':
      actions.push({ kind: 'fact', type: 'emitted', data: { event: params['event'] } });
      return;
    case 'fermata.spawn':
      actions.push({
        kind: 'spawn',
        id: String(params['id']),
        src: String(params['src']),
        input: params['input'],
        systemId: undefined,
        detached: true,
      });
      return;
    case 'fermata.stop':
      actions.push({ kind: 'stop', id: String(params['id']), detached: true });
      return;
    case 'fermata.send':
      actions.push({
        kind: 'sendDetached',
        to: params['to'] as string | { run: string },
        event: params['event'] as Event,
      });
      return;
    case 'fermata.fact': {
      const { type, ...data } = params;
      actions.push({ kind: 'fact', type: String(type), data });
      return;
    }
    default:
      if (action.exec !== undefined)
        custom.push({
          actor: deciding.self.address,
          type: action.type,
          execute: () => action.exec?.(action.info, action.params),
        });
  }
}

function target(to: unknown, deciding: Deciding): Receiver | undefined {
  if (to instanceof ActorReference) return to;
  const actor = to as AnyActor | undefined;
  // A child spawned in this very turn is still XState's own object; its address follows from its id.
  return actor === undefined
    ? undefined
    : { address: childAddress(deciding.self.address, actor.id), birth: -1, unborn: true };
}

// ── snapshots ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** The part of a snapshot that is stored: what `getPersistedSnapshot` has, without children. */
export interface StoredSnapshot {
  readonly status: Snapshot['status'];
  readonly value: unknown;
  readonly context: unknown;
  readonly historyValue?: Readonly<Record<string, readonly { readonly id: string }[]>>;
  readonly output?: unknown;
  readonly error?: unknown;
}

/** What of `snapshot` must be stored. */
export function toStored(snapshot: Snapshot): StoredSnapshot {
  const history = Object.entries(snapshot.historyValue ?? {}).map(([key, nodes]) => [
    key,
    (nodes as { id: string }[]).map(({ id }) => ({ id })),
  ]);
  return {
    status: snapshot.status,
    value: snapshot.value,
    context: snapshot.context,
    ...(history.length > 0 ? { historyValue: Object.fromEntries(history) as Record<string, { id: string }[]> } : {}),
    ...(snapshot.output === undefined ? {} : { output: snapshot.output }),
    ...(snapshot.error === undefined ? {} : { error: snapshot.error }),
  };
}

/** A snapshot that `machine` can go on from. Throws where the stored value names a state that the machine does not have. */
export function fromStored(machine: Machine, stored: StoredSnapshot): Snapshot {
  return bare(machine).restoreSnapshot(
    { ...stored, historyValue: stored.historyValue ?? {}, children: {} } as never,
    {} as never,
  );
}

/** A snapshot as XState leaves it when a turn throws. */
export function failedSnapshot(snapshot: Snapshot, error: unknown): Snapshot {
  return { ...snapshot, status: 'error', error } as Snapshot;
}

/** An actor that could not even begin. */
export function stillborn(machine: Machine, error: unknown): Snapshot {
  const blank = bare(machine).resolveState({ value: machine.root.initial?.target[0]?.key ?? {}, context: {} } as never);
  return { ...blank, status: 'error', error } as Snapshot;
}

/** Puts a reference in place of XState's own child object. */
export function setChild(snapshot: Snapshot, id: string, child: ActorReference): void {
  (snapshot.children as Record<string, unknown>)[id] = child;
}

/** Event types that the snapshot's states name (wildcards included), without XState's own. */
export function ownEventTypes(snapshot: Snapshot): string[] {
  const types = new Set<string>();
  for (const node of snapshot._nodes as Machine['root'][])
    for (const type of node.ownEvents) if (!String(type).startsWith('xstate.')) types.add(String(type));
  return [...types].sort();
}

/** True where `ownEventTypes` has `type`: asked of every call that a crash has cut off, and the list of all takes five times as long. */
export function namesEvent(snapshot: Snapshot, type: string): boolean {
  return (snapshot._nodes as Machine['root'][]).some(({ transitions }) =>
    transitions
      .get(type)
      ?.some(({ target, actions, reenter }) => target !== undefined || actions.length > 0 || reenter),
  );
}

/** The `after` transitions that would be pending in this snapshot: what XState's persisted form cannot carry. */
export function pendingDelays(snapshot: Snapshot): { state: string; event: string; delay: string | number }[] {
  return (snapshot._nodes as Machine['root'][]).flatMap((node) =>
    node.after.map((transition) => ({
      state: node.id,
      event: String(transition.eventType),
      delay: transition.delay as string | number,
    })),
  );
}

/** What the active states invoke, by the id under which it is a child. */
export function invocations(snapshot: Snapshot): { state: string; id: string; src: string }[] {
  return (snapshot._nodes as Machine['root'][]).flatMap((node) =>
    node.invoke.map(({ id, src }) => ({ state: node.id, id, src: src as string })),
  );
}

/**
 * Why a stored state value is none that `machine` can be in; undefined where it is one. XState itself restores a value
 * that stops half way down: the first state inside is then active without having been entered.
 */
export function valueFault(machine: Machine, value: unknown): string | undefined {
  let whole: unknown;
  try {
    whole = bare(machine).resolveState({ value, context: {} } as never).value;
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
  return isDeepStrictEqual(whole, value) ? undefined : `the whole value would be ${JSON.stringify(whole)}`;
}

/** Ids in a stored history of states that `machine` does not have; XState itself forgets those without a word. */
export function unknownHistory(machine: Machine, history: StoredSnapshot['historyValue']): string[] {
  const known = (machine as unknown as { idMap: Map<string, unknown> }).idMap;
  const named = Object.entries(history ?? {}).flatMap(([id, nodes]) => [id, ...nodes.map((node) => node.id)]);
  return named.filter((id) => !known.has(id));
}

/** True where some state of `machine` takes events of this type. */
export function knowsEvent(machine: Machine, type: string): boolean {
  const takes = (known: string): boolean =>
    known === type || known === '*' || (known.endsWith('.*') && type.startsWith(known.slice(0, -1)));
  // Not `ownEvents`: a state that names an event and does nothing knows it all the same.
  for (const node of stateNodes(machine)) if ([...node.transitions.keys()].some(takes)) return true;
  return false;
}

/** `meta` of the active states, outermost first. */
export function metaOf(snapshot: Snapshot): unknown[] {
  return (snapshot._nodes as Machine['root'][])
    .map((node) => node.meta as unknown)
    .filter((meta) => meta !== undefined);
}

/** The id of the child whose end (`xstate.done.actor.ID`, `xstate.error.actor.ID`) `event` tells; undefined for any other event. */
export function endedActor(event: Event): string | undefined {
  return /^xstate\.(?:done|error)\.actor\.([^]*)$/.exec(event.type)?.[1];
}

/**
 * The configuration that `createMachine` was given, as plain data for diagrams and inspectors: functions as
 * `{ type: NAME }`, as `@statelyai/inspect` writes them.
 */
export function configOf(machine: Machine): Readonly<Record<string, unknown>> {
  const text = JSON.stringify(machine.config, (_key, value: unknown) =>
    typeof value === 'function' ? { type: (value as { type?: string }).type ?? value.name } : value,
  );
  return JSON.parse(text) as Readonly<Record<string, unknown>>;
}

/** A snapshot as data: what its own `toJSON` gives, with history as ids and children as references. */
export function snapshotAsData(
  snapshot: Snapshot,
): StoredSnapshot & { readonly tags: readonly string[]; readonly children: object } {
  return { ...toStored(snapshot), tags: [...snapshot.tags], children: snapshot.children as object };
}
