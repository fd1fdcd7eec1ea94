/**
 * From one version of a machine to another: what a user registers, and what a run would become by it. Nothing here reads
 * or writes; `migrating.ts` does it to a run, `migrations.ts` to all of them.
 *
 * N1. A migration decides on stored snapshots alone, so that it is rehearsed on exactly what it will be done to.
 * N2. It moves a run and does not make it act: no actor begins or ends, no effect starts or stops, nothing is sent. What
 *     is under way keeps its token, so that its outcome finds its place.
 */
import type { ActorRow } from '../store/actors.ts';
import type { TimerRow } from '../store/timers.ts';
import { revive, type DurableActor, type Refer, type StoredActor } from './actor.ts';
import type { Catalog, MigrationStep } from './catalog.ts';
import { MovedTree, type MovedActor } from './migrated-tree.ts';
import type { Break } from './migration-break.ts';
import { misfits } from './migration-fit.ts';
import { migratedTimers, type MigratedTimers, type PendingTimer } from './migrated-timers.ts';
import type { PersistedSnapshot } from './persisted.ts';
import { ROOT } from './run-memory.ts';

/** A pure function between snapshots in XState's own persisted form. */
export type MigrateSnapshot = (persisted: PersistedSnapshot) => PersistedSnapshot;

/**
 * How runs of an older version become runs of the one it is registered with. All functions are pure: what they give
 * depends on what they get alone.
 *
 * @example
 * machines: {
 *   'order@1': orderV1,
 *   'order@2': {
 *     machine: orderV2,
 *     migrate: { from: 'order@1', snapshot: (old) => ({ ...old, context: { ...Object(old.context), currency: 'EUR' } }) },
 *   },
 * }
 */
export interface Migration {
  /** The version that runs are at: `order@1`. It needs not be registered any more. */
  readonly from: string;
  /**
   * The run's root with its children, as `getPersistedSnapshot()` gives it. Children stay who they are: their snapshots
   * and the `src` of child machines may change, their ids may not. References in context keep `xstate$$type`.
   */
  readonly snapshot: MigrateSnapshot;
  /** The same for actors outside of that tree (`fermata.spawn`), by their `src`; default: they stay as they are. */
  readonly detached?: Readonly<Record<string, MigrateSnapshot>>;
  /**
   * Delayed events that are pending, and those that shall be; default: the same. One that is given back unchanged is
   * not touched; another one is armed anew. `now` and `due` are milliseconds since 1970.
   */
  readonly timers?: (pending: readonly PendingTimer[], now: number) => readonly PendingTimer[];
}

/** A run as it is stored, for a migration to look at. */
export interface StoredRun {
  readonly run: string;
  readonly rows: readonly ActorRow[];
  readonly timers: readonly TimerRow[];
  /** True where a group was cut in the middle of its cascade. */
  readonly cut: boolean;
  /** A new copy of what a row holds, at each call. */
  read(row: ActorRow): StoredActor;
  /** A stored text. */
  decode(text: string): unknown;
  /** The input of an effect under way. */
  effectInput(token: string): unknown;
  readonly refer: Refer;
}

/** What a run becomes. */
export interface Moved {
  readonly actors: readonly MovedActor[];
  readonly timers: MigratedTimers;
}

/** What a run becomes, or everything that would break. */
export type Outcome = { readonly moved: Moved } | { readonly breaks: readonly Break[] };

/** Tries a migration on one run. */
export function outcomeOf(run: StoredRun, step: MigrationStep, catalog: Catalog, now: number): Outcome {
  if (run.cut) return { breaks: [CUT] };
  const tree = new MovedTree(run, step, catalog);
  tree.move(ROOT, step.to, step.migration.snapshot);
  for (const { address, src } of tree.outside()) {
    const path = [step.to, ...src].join('>');
    tree.move(address, path, step.migration.detached?.[src.join('>')] ?? ((persisted) => persisted));
  }
  const timers = migratedTimers(run, step.migration, now);
  const breaks = [...tree.breaks, ...timers.breaks];
  if (breaks.length > 0) return { breaks };
  const before = new Map(run.rows.map((row) => [row.address, reviveQuietly(row, run.read(row), catalog, run.refer)]));
  const unfit = misfits(tree.actors, before, timers, (actor) => revive(actor, actor.stored, catalog, run.refer));
  return unfit.length > 0 ? { breaks: unfit } : { moved: { actors: tree.actors, timers } };
}

const CUT: Break = {
  code: 'midCascade',
  actor: ROOT,
  message:
    'the run was cut off in the middle of a cascade of turns: start it once at its present version, and let it come to rest',
};

/** The actor at its present version; undefined where that is not registered any more. */
function reviveQuietly(row: ActorRow, stored: StoredActor, catalog: Catalog, refer: Refer): DurableActor | undefined {
  try {
    return revive(row, stored, catalog, refer);
  } catch {
    return undefined;
  }
}
