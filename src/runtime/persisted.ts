/**
 * XState's own persisted form, out and in: what `actor.getPersistedSnapshot()` gives and `createActor(machine, { snapshot })` takes.
 * It cannot carry pending timers; they are listed beside it.
 */
import { FermataError } from '../errors.ts';
import { DurableActor, type ActorIdentity, type Refer } from './actor.ts';
import type { Catalog, Logic } from './catalog.ts';
import type { WantedEffect } from './perform.ts';
import * as xstate from './xstate.ts';

/** A snapshot in XState's persisted form. */
export interface PersistedSnapshot {
  readonly status: string;
  readonly value?: unknown;
  readonly context?: unknown;
  readonly historyValue?: unknown;
  readonly output?: unknown;
  readonly error?: unknown;
  readonly input?: unknown;
  readonly children?: Readonly<Record<string, PersistedChild>>;
}

/** A child in that form. */
export interface PersistedChild {
  readonly snapshot: PersistedSnapshot;
  readonly src: unknown;
  readonly systemId?: string | undefined;
  readonly syncSnapshot?: boolean;
}

/** How the persisted form of a child is found: another actor's, or an effect's input. */
export interface ChildLookup {
  actor(address: string): DurableActor | undefined;
  effectInput(token: string): unknown;
}

/** The persisted form of an actor with all its children. */
export function toPersisted(actor: DurableActor, lookup: ChildLookup): PersistedSnapshot {
  const { status, value, context, historyValue, output, error } = xstate.toStored(actor.snapshot);
  const children: Record<string, PersistedChild> = {};
  for (const [id, child] of actor.children) {
    const about = {
      src: child.src,
      ...(child.systemId === undefined ? {} : { systemId: child.systemId }),
      syncSnapshot: false,
    };
    if (child.kind === 'effect') {
      const over = child.settled !== undefined;
      children[id] = {
        snapshot: over ? { status: child.settled } : { status: 'active', input: lookup.effectInput(child.token) },
        ...about,
      };
      continue;
    }
    const found = lookup.actor(xstate.childAddress(actor.identity.address, id));
    if (found !== undefined) children[id] = { snapshot: toPersisted(found, lookup), ...about };
  }
  return {
    status: actor.stopped ? 'stopped' : status,
    value,
    context: withPlainReferences(context),
    historyValue: historyValue ?? {},
    children,
    ...(output === undefined ? {} : { output }),
    ...(error === undefined ? {} : { error }),
  };
}

/** References to actors as XState writes them. */
function withPlainReferences(value: unknown): unknown {
  if (value instanceof xstate.ActorReference) return value.toJSON();
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(withPlainReferences);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withPlainReferences(part)]));
}

/** An effect that a restored snapshot shows as under way. */
export interface RestoredEffect extends WantedEffect {
  readonly actor: DurableActor;
}

/** What a persisted snapshot is restored with. */
export interface Restoring {
  readonly logic: Logic;
  readonly catalog: Catalog;
  readonly refer: Refer;
  /** Journal number of the entry that restores. */
  readonly seq: number;
  /** Id of the root. */
  readonly id: string;
}

/** The actors of a persisted snapshot, parents first. Throws `invalidRequest` naming what does not fit. */
export function restoreActors(
  persisted: unknown,
  restoring: Restoring,
): { readonly actors: readonly DurableActor[]; readonly effects: readonly RestoredEffect[] } {
  const actors: DurableActor[] = [];
  const effects: RestoredEffect[] = [];
  const restore = (snapshot: PersistedSnapshot, identity: ActorIdentity): void => {
    const { children = {}, ...stored } = snapshot;
    const references = Object.fromEntries(
      Object.entries(children).map(([id]) => [
        id,
        restoring.refer({ address: xstate.childAddress(identity.address, id), birth: -1 }),
      ]),
    );
    let revived: xstate.Snapshot;
    try {
      const context = withReferences(stored.context ?? {}, references);
      revived = xstate.fromStored(identity.logic.machine, { ...stored, context } as xstate.StoredSnapshot);
    } catch (thrown) {
      throw invalid(
        `the snapshot of "${identity.address}" does not fit machine "${identity.logic.path}": ${thrown instanceof Error ? thrown.message : String(thrown)}`,
      );
    }
    const actor = new DurableActor(identity, restoring.refer(identity), revived);
    actor.stopped = stored.status === 'stopped';
    actors.push(actor);
    for (const [id, child] of Object.entries(children)) {
      restoreChild(actor, id, child);
      const reference = references[id];
      if (reference !== undefined) xstate.setChild(revived, id, reference);
    }
  };
  const restoreChild = (parent: DurableActor, id: string, child: PersistedChild): void => {
    const { logic } = parent.identity;
    if (typeof child?.src !== 'string' || child.snapshot === null || typeof child.snapshot !== 'object') {
      throw invalid(
        `child "${id}" of "${parent.identity.address}" has no named src or no snapshot; only children that were referred to by name can be restored`,
      );
    }
    const known = restoring.catalog.child(logic, child.src);
    if (known === undefined)
      throw invalid(
        `child "${id}" of "${parent.identity.address}" runs "${child.src}", which machine "${logic.path}" does not have`,
      );
    if ('effect' in known) {
      const token = `${restoring.seq}.${effects.length}`;
      const { status } = child.snapshot;
      const settled = status === 'active' ? undefined : status === 'done' || status === 'stopped' ? status : 'error';
      const { src, systemId } = child;
      parent.children.set(id, { kind: 'effect', token, src, systemId, settled });
      if (settled === undefined) effects.push({ actor: parent, id, src, token, systemId, input: child.snapshot.input });
      return;
    }
    const address = xstate.childAddress(parent.identity.address, id);
    parent.children.set(id, { kind: 'actor', birth: restoring.seq, src: child.src, systemId: child.systemId });
    restore(child.snapshot, {
      address,
      birth: restoring.seq,
      id,
      logic: known.logic,
      parent: { address: parent.identity.address, birth: parent.identity.birth },
      detached: false,
      systemId: child.systemId,
    });
  };
  if (persisted === null || typeof persisted !== 'object' || !('value' in persisted) || !('status' in persisted)) {
    throw invalid("expected what XState's getPersistedSnapshot() returns: an object with status, value and context");
  }
  restore(persisted as PersistedSnapshot, {
    address: '/',
    birth: 1,
    id: restoring.id,
    logic: restoring.logic,
    parent: undefined,
    detached: false,
    systemId: undefined,
  });
  return { actors, effects };
}

/** XState's written references as ours; a copy, since what was handed in is not ours to change. */
function withReferences(value: unknown, references: Readonly<Record<string, xstate.ActorReference>>): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((part) => withReferences(part, references));
  const record = value as Record<string, unknown>;
  if (record['xstate$$type'] === 1) return references[String(record['id'])];
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(record).map(([key, part]) => [key, withReferences(part, references)]));
}

function invalid(message: string): FermataError {
  return new FermataError('invalidRequest', `The snapshot cannot be restored: ${message}.`);
}
