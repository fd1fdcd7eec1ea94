/**
 * One durable actor while it is in memory, and the form in which it is stored.
 *
 * A1. Its row holds everything needed to go on: snapshot, children, timers, who its parent is. Nothing else in memory matters.
 * A2. Every child and every timer has the token of its arming; what answers under another token is not for it (R6).
 */
import { FermataError } from '../errors.ts';
import type { ActorRow } from '../store/actors.ts';
import type { Catalog, Logic } from './catalog.ts';
import { assertStorable, decode, encode, type BlobSink, type RefCodec } from './codec.ts';
import * as xstate from './xstate.ts';

/** A child as its parent knows it: another actor, or an effect under way or over. */
export type Child =
  | {
      readonly kind: 'actor';
      readonly birth: number;
      readonly src: string;
      readonly systemId?: string | undefined;
      /** Of its spawning; only where an event was armed for it before it had begun. */
      readonly token?: string;
    }
  | {
      readonly kind: 'effect';
      readonly token: string;
      readonly src: string;
      readonly systemId?: string | undefined;
      readonly settled?: 'done' | 'error' | 'stopped' | undefined;
    };

/** Whom a delayed event is for. */
export interface LaterReceiver extends xstate.Address {
  /** Token of its spawning, where it was armed before that child of the sender had begun and had a birth. */
  readonly spawn?: string;
}

/** Who an actor is; never changes during its life. */
export interface ActorIdentity extends xstate.Address {
  /** The id its parent knows it by: the end of its address; of a root, its run's. */
  readonly id: string;
  readonly logic: Logic;
  readonly parent: xstate.Address | undefined;
  /** Linked by rows, not an entry of the parent's `children` (R3). */
  readonly detached: boolean;
  readonly systemId: string | undefined;
}

/** How an actor gets references to others of its run. */
export type Refer = (to: xstate.Address) => xstate.ActorReference;

/** What the row of an actor holds, decoded. */
export interface StoredActor extends xstate.StoredSnapshot {
  readonly logic: string;
  readonly parent?: xstate.Address;
  readonly detached?: true;
  readonly systemId?: string;
  readonly children?: Readonly<Record<string, Child>>;
  /** token → id under which it can be cancelled. */
  readonly timers?: Readonly<Record<string, string>>;
  /** Of a root: journal number of the migration that brought it to its machine's version. */
  readonly migrated?: number;
}

/** Most actors hold no big value. */
export const NO_BLOBS: ReadonlySet<string> = new Set();

/** An actor in memory. */
export class DurableActor {
  readonly identity: ActorIdentity;
  readonly self: xstate.ActorReference;
  snapshot: xstate.Snapshot;
  readonly children = new Map<string, Child>();
  readonly timers = new Map<string, string>();
  /** Hashes of the big values that its row refers to. */
  blobs: ReadonlySet<string> = NO_BLOBS;
  /** Journal number of the migration that brought the run to this version of its machine; only of a root. */
  migrated: number | undefined;
  /** Changed since its row was written. */
  dirty = true;
  /** Set where it was stopped from outside, which XState's snapshots of a parent do not show. */
  stopped = false;

  constructor(identity: ActorIdentity, self: xstate.ActorReference, snapshot: xstate.Snapshot) {
    this.identity = identity;
    this.self = self;
    this.snapshot = snapshot;
  }

  get status(): ActorRow['status'] {
    return this.stopped ? 'stopped' : (this.snapshot.status as ActorRow['status']);
  }

  /** True while an effect of it is under way. */
  get acting(): boolean {
    for (const child of this.children.values()) if (child.kind === 'effect' && child.settled === undefined) return true;
    return false;
  }

  /** The token of the timer last armed under `sendId`. */
  timerToken(sendId: string): string | undefined {
    let found: string | undefined;
    for (const [token, id] of this.timers) if (id === sendId) found = token;
    return found;
  }

  /** What its row holds. */
  toStored(): StoredActor {
    const { identity } = this;
    return {
      logic: identity.logic.path,
      ...(identity.parent === undefined
        ? {}
        : { parent: { address: identity.parent.address, birth: identity.parent.birth } }),
      ...(identity.detached ? { detached: true } : {}),
      ...(identity.systemId === undefined ? {} : { systemId: identity.systemId }),
      ...xstate.toStored(this.snapshot),
      ...(this.children.size === 0 ? {} : { children: Object.fromEntries(this.children) }),
      ...(this.timers.size === 0 ? {} : { timers: Object.fromEntries(this.timers) }),
      ...(this.migrated === undefined ? {} : { migrated: this.migrated }),
    };
  }

  /** Its row. Big values go to `blobs`. */
  toRow(blobs: BlobSink): ActorRow {
    const { address, birth } = this.identity;
    const stateJson = encode(this.toStored(), `actor "${address}"`, blobs, WRITE_REFS);
    return { address, birth, status: this.status, stateJson };
  }
}

/** Throws `notSerializable` naming the first value of the snapshot that cannot be stored. */
export function assertSnapshotStorable(snapshot: xstate.Snapshot): void {
  assertStorable(snapshot.context, 'context', WRITE_REFS);
  if (snapshot.output !== undefined) assertStorable(snapshot.output, 'output', WRITE_REFS);
}

/** References as `{address, birth}`. */
export const WRITE_REFS: RefCodec = {
  write: (value) => {
    if (value instanceof xstate.ActorReference) return { address: value.address, birth: value.birth };
    return undefined;
  },
  read: (address, birth) => ({ address, birth }),
};

/** Reads references back. */
export function readRefs(refer: Refer): RefCodec {
  return { ...WRITE_REFS, read: (address, birth) => refer({ address, birth }) };
}

/** An actor from its row. Throws `machineMissing`, or `databaseCorrupt` where the row makes no sense. */
export function fromRow(row: ActorRow, catalog: Catalog, refer: Refer, blob: (hash: string) => string): DurableActor {
  const blobs = new Set<string>();
  const stored = readStored(row, refer, (hash) => {
    blobs.add(hash);
    return blob(hash);
  });
  const actor = revive(row, stored, catalog, refer);
  actor.blobs = blobs;
  actor.dirty = false;
  return actor;
}

/**
 * An actor from what its row holds. It counts as not yet written. Throws `machineMissing` where its machine is not
 * registered, or does not have the state.
 */
export function revive(
  row: xstate.Address & Pick<ActorRow, 'status'>,
  stored: StoredActor,
  catalog: Catalog,
  refer: Refer,
): DurableActor {
  const logic = catalog.logic(stored.logic);
  const self = refer(row);
  const identity: ActorIdentity = {
    address: row.address,
    birth: row.birth,
    id: self.id,
    logic,
    parent: stored.parent,
    detached: stored.detached === true,
    systemId: stored.systemId,
  };
  let snapshot: xstate.Snapshot;
  try {
    snapshot = xstate.fromStored(logic.machine, stored);
  } catch (thrown) {
    throw new FermataError(
      'machineMissing',
      `Actor "${row.address}" cannot go on: its state ${JSON.stringify(stored.value)} does not exist in machine "${logic.path}" (${String(thrown)}).`,
      { cause: thrown },
    );
  }
  const actor = new DurableActor(identity, self, snapshot);
  for (const [id, child] of Object.entries(stored.children ?? {})) actor.children.set(id, child);
  for (const [token, sendId] of Object.entries(stored.timers ?? {})) actor.timers.set(token, sendId);
  for (const [id, child] of actor.children) {
    xstate.setChild(
      snapshot,
      id,
      refer({ address: xstate.childAddress(row.address, id), birth: child.kind === 'actor' ? child.birth : -1 }),
    );
  }
  actor.stopped = row.status === 'stopped';
  actor.migrated = stored.migrated;
  return actor;
}

/** What a row holds: a new copy of it at each call. Throws `databaseCorrupt` where it makes no sense. */
export function readStored(row: ActorRow, refer: Refer, blob: (hash: string) => string): StoredActor {
  let stored: unknown;
  try {
    stored = decode(row.stateJson, blob, readRefs(refer));
  } catch (thrown) {
    if (!(thrown instanceof SyntaxError)) throw thrown;
    throw new FermataError(
      'databaseCorrupt',
      `The row of actor "${row.address}" is not readable: ${thrown.message}. Restore the database from a backup, or delete the run.`,
      { cause: thrown },
    );
  }
  if (
    stored === null ||
    typeof stored !== 'object' ||
    typeof (stored as StoredActor).logic !== 'string' ||
    !('value' in stored)
  ) {
    throw new FermataError(
      'databaseCorrupt',
      `The row of actor "${row.address}" is not the state of an actor. Restore the database from a backup, or delete the run.`,
    );
  }
  return stored as StoredActor;
}
