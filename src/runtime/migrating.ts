/**
 * One run goes on with another version of its machine, and back: in one turn, which is one entry of its journal. The
 * entry holds every actor as it is from then on, so that replay needs neither the function nor the old machine (R2), and
 * as it was before, so that it can be taken back.
 */
import { FermataError } from '../errors.ts';
import type { EffectRow } from '../store/effects.ts';
import type { TimerRow } from '../store/timers.ts';
import { readStored, revive, WRITE_REFS, type DurableActor } from './actor.ts';
import type { MigrationStep } from './catalog.ts';
import { encode } from './codec.ts';
import type { Receipt } from './input.ts';
import type { MovedActor } from './migrated-tree.ts';
import { outcomeOf, type StoredRun } from './migration.ts';
import type { Break } from './migration-break.ts';
import { ROOT, type RunMemory } from './run-memory.ts';
import type * as xstate from './xstate.ts';

/** Type of the journal entry. */
export const MIGRATE = 'fermata.migrate';

/** An actor in that entry, at its address. */
type Recorded = Omit<MovedActor, 'address'>;

/** What that entry carries. */
export interface MigrationEvent {
  readonly type: typeof MIGRATE;
  /** `order@1`. */
  readonly from: string;
  /** `order@2`. */
  readonly to: string;
  /** Set where an earlier migration was taken back. */
  readonly undo?: true;
  readonly actors: Readonly<Record<string, Recorded>>;
  /** What it takes to go back. */
  readonly before?: {
    readonly actors: Readonly<Record<string, Recorded>>;
    readonly timersGone: readonly Omit<TimerRow, 'tenant' | 'run'>[];
    readonly timersArmed: readonly string[];
  };
}

/** Moves the run. Throws `migrationRefused` with everything that would break; nothing has changed then. */
export function migrate(memory: RunMemory, step: MigrationStep): Receipt {
  assertMovable(memory, step.from);
  const { run, held } = storedRun(memory);
  const outcome = outcomeOf(run, step, memory.services.catalog, memory.clockNow);
  if ('breaks' in outcome) throw refusal(memory.key.run, step, outcome.breaks);
  const { actors, timers } = outcome.moved;
  const seq = memory.head.seq + 1;
  const armed = timers.armed.map((timer, index) => ({ ...timer, token: `${seq}.${index}` }));
  const gone = new Set(timers.gone.map(({ token }) => token));
  const births = new Map(actors.map(({ address, birth }) => [address, birth]));
  const moved = actors.map((actor): MovedActor => {
    const kept = Object.entries(actor.stored.timers ?? {}).filter(([token]) => !gone.has(token));
    const added = armed.flatMap((timer) => (timer.actor === actor.address ? [[timer.token, timer.id]] : []));
    const { timers: _, ...stored } = actor.stored;
    const pending = Object.fromEntries([...kept, ...added]) as Readonly<Record<string, string>>;
    const root = actor.address === ROOT ? { migrated: seq } : {};
    return {
      ...actor,
      stored: { ...stored, ...(Object.keys(pending).length === 0 ? {} : { timers: pending }), ...root },
    };
  });
  enter(memory, held, {
    type: MIGRATE,
    from: step.from,
    to: step.to,
    actors: recorded(moved),
    before: {
      actors: recorded(run.rows.map((row) => ({ ...row, stored: run.read(row) }))),
      timersGone: timers.gone.map(({ token, due, source, timerJson }) => ({ token, due, source, timerJson })),
      timersArmed: armed.map(({ token }) => token),
    },
  });
  for (const token of gone) memory.draft.dropTimer(token);
  for (const { token, actor, to, event, due } of armed) {
    const target: xstate.Address = { address: to, birth: births.get(to) ?? -1 };
    const timerJson = encode({ to: target, event }, 'timer', memory, WRITE_REFS);
    memory.draft.armTimer({ ...memory.key, token, due, source: actor, timerJson });
  }
  return memory.receipt(seq);
}

/** Takes the run's last migration back. Throws `migrationRefused` where something has come since. */
export function undoMigration(memory: RunMemory, seq: number): Receipt {
  const { run, held } = storedRun(memory);
  const root = run.rows.find(({ address }) => address === ROOT);
  const at = root === undefined ? undefined : run.read(root).migrated;
  const entry =
    at === undefined
      ? undefined
      : memory.rows.read(`migration/${at}`, () => memory.services.store.entry(memory.key, at));
  const event = entry === undefined ? undefined : (memory.decode(entry.dataJson) as MigrationEvent);
  if (event?.before === undefined || memory.head.seq !== seq || memory.ended) {
    throw new FermataError(
      'migrationRefused',
      `Run ${memory.key.run} cannot be put back: ${event?.before === undefined ? 'it has not been migrated' : 'it has moved since it was looked at'}.`,
    );
  }
  assertMovable(memory, event.to);
  const { actors, timersGone, timersArmed } = event.before;
  enter(memory, held, { type: MIGRATE, from: event.to, to: event.from, undo: true, actors });
  for (const token of timersArmed) memory.draft.dropTimer(token);
  for (const timer of timersGone) memory.draft.armTimer({ ...memory.key, ...timer });
  return memory.receipt();
}

/** Everything that would break, as an error. */
function refusal(
  run: string,
  { from, to }: Pick<MigrationStep, 'from' | 'to'>,
  breaks: readonly Break[],
): FermataError {
  const list = breaks.map(({ actor, code, message }) => `${actor} ${code}: ${message}`).join('; ');
  return new FermataError('migrationRefused', `Run ${run} cannot go from ${from} to ${to}: ${list}.`, {
    data: { breaks },
  });
}

function assertMovable(memory: RunMemory, from: string): void {
  if (memory.ended)
    throw new FermataError('runEnded', `Run ${memory.key.run} has ended (${memory.head.status}) and stays as it is.`);
  if (memory.origin.machine === from) return;
  throw new FermataError(
    'migrationRefused',
    `Run ${memory.key.run} is one of ${memory.origin.machine}; expected ${from}. Somebody has moved it already.`,
  );
}

/** The one change: a journal entry, and the actors as it says. */
function enter(memory: RunMemory, held: (address: string) => ReadonlySet<string>, event: MigrationEvent): void {
  const { catalog } = memory.services;
  const revived = Object.entries(event.actors).map(([address, { birth, status, stored }]): DurableActor => {
    const actor = revive({ address, birth, status }, stored, catalog, (to) => memory.refer(to));
    actor.blobs = held(address);
    return actor;
  });
  memory.entry('event', ROOT, MIGRATE, event);
  for (const actor of revived) memory.actors.set(actor.identity.address, actor);
  memory.origin = { ...memory.origin, machine: event.to };
  memory.rows.origin = memory.origin;
  memory.draft.machine = event.to;
  memory.draft.turns++;
}

function recorded(actors: readonly MovedActor[]): Readonly<Record<string, Recorded>> {
  return Object.fromEntries(actors.map(({ address, birth, status, stored }) => [address, { birth, status, stored }]));
}

/** The run as this group has it, and the big values that each actor's committed row holds. */
function storedRun(memory: RunMemory): {
  readonly run: StoredRun;
  readonly held: (address: string) => ReadonlySet<string>;
} {
  const { store } = memory.services;
  const { draft, key } = memory;
  const texts = new Map<string, string>();
  const rows = new Map(memory.rows.read('actors', () => store.actors(key)).map((row) => [row.address, row]));
  for (const actor of memory.actors.values())
    rows.set(actor.identity.address, actor.toRow({ add: (hash, text) => void texts.set(hash, text) }));
  const timers = memory.rows
    .read('timers', () => store.timersOf(key))
    .filter(({ token }) => !draft.timersGone.has(token));
  const effects = new Map<string, EffectRow>(
    memory.rows.read('effects', () => store.effectsOf(key)).map((row) => [row.token, row]),
  );
  for (const { row } of draft.effectsAsked.values()) effects.set(row.token, row);
  const held = new Map<string, Set<string>>();
  const run: StoredRun = {
    run: key.run,
    rows: [...rows.values()],
    timers: [...timers, ...draft.timersArmed.values()],
    cut: !memory.cascade.resting,
    refer: (to) => memory.refer(to),
    decode: (text) => memory.decode(text),
    effectInput: (token) => {
      const row = effects.get(token);
      return row === undefined ? undefined : (memory.decode(row.effectJson) as { input?: unknown }).input;
    },
    read: (row) =>
      readStored(row, run.refer, (hash) => {
        const blobs = held.get(row.address) ?? new Set();
        held.set(row.address, blobs.add(hash));
        return texts.get(hash) ?? memory.rows.blob(hash);
      }),
  };
  return { run, held: (address) => memory.actors.get(address)?.blobs ?? held.get(address) ?? new Set() };
}
