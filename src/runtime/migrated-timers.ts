/** The delayed events of a run on its way from one version to another. They keep their date and their token, or are armed anew. */
import { isDeepStrictEqual } from 'node:util';
import type { ActorRow } from '../store/actors.ts';
import type { TimerRow } from '../store/timers.ts';
import type { Migration, StoredRun } from './migration.ts';
import { pureResult, storingFault, type Break } from './migration-break.ts';
import type * as xstate from './xstate.ts';

/** A delayed event that is pending: of an `after`, a delayed `raise` or a delayed `sendTo`. */
export interface PendingTimer {
  /** Address of the actor that armed it: `/` is the root. */
  readonly actor: string;
  /** Address of the actor that gets the event. */
  readonly to: string;
  /** Under which it can be cancelled; of an `after` the type of its event. Empty: it cannot. */
  readonly id: string;
  /** Of an `after`: `{ type: 'xstate.after.DELAY.STATE' }`. */
  readonly event: xstate.Event;
  /** Milliseconds since 1970. */
  readonly due: number;
}

/** What becomes of them. */
export interface MigratedTimers {
  /** All that are pending afterwards. */
  readonly pending: readonly PendingTimer[];
  readonly gone: readonly TimerRow[];
  readonly armed: readonly PendingTimer[];
}

/** Asks a migration what shall be pending. */
export function migratedTimers(
  run: StoredRun,
  { timers: migrate }: Migration,
  now: number,
): MigratedTimers & { readonly breaks: readonly Break[] } {
  const rows = run.timers.map((row) => ({ row, timer: pendingTimer(run, row) }));
  const before = rows.map(({ timer }) => timer);
  if (migrate === undefined) return { pending: before, gone: [], armed: [], breaks: [] };
  const copies = [before, run.timers.map((row) => pendingTimer(run, row))];
  const result = pureResult('timers', () => migrate(copies.shift() ?? [], now));
  if ('fault' in result) {
    const breaks = [{ ...result.fault, actor: '/', message: `timers: ${result.fault.message}` }];
    return { pending: before, gone: [], armed: [], breaks };
  }
  const breaks = faults(result.value, new Map(run.rows.map(({ address, status }) => [address, status])));
  if (breaks.length > 0) return { pending: before, gone: [], armed: [], breaks };
  const untouched = [...rows];
  const armed = result.value.filter((timer) => {
    const at = untouched.findIndex((known) => isDeepStrictEqual(known.timer, timer));
    if (at >= 0) untouched.splice(at, 1);
    return at < 0;
  });
  return { pending: result.value, gone: untouched.map(({ row }) => row), armed, breaks };
}

function pendingTimer(run: StoredRun, row: TimerRow): PendingTimer {
  const { to, event } = run.decode(row.timerJson) as { to: xstate.Address; event: xstate.Event };
  const owner = run.rows.find(({ address }) => address === row.source);
  const id = owner === undefined ? '' : (run.read(owner).timers?.[row.token] ?? '');
  return { actor: row.source, to: to.address, id, event, due: row.due };
}

function faults(given: unknown, statuses: ReadonlyMap<string, ActorRow['status']>): Break[] {
  const broken = (message: string, actor = '/'): Break => ({ code: 'timerWithoutPlace', actor, message });
  if (!Array.isArray(given)) return [broken('timers: the function has to give a list')];
  return (given as readonly Partial<PendingTimer>[]).flatMap((timer) => {
    const { actor, to, id, event, due } = timer ?? {};
    if (
      typeof actor !== 'string' ||
      typeof to !== 'string' ||
      typeof id !== 'string' ||
      typeof event?.type !== 'string'
    )
      return [broken('timers: each has to be { actor, to, id, event: { type }, due }')];
    if (statuses.get(actor) !== 'active' || !statuses.has(to))
      return [broken(`timers: "${event.type}" is of "${actor}" for "${to}"; expected actors that the run has`, actor)];
    if (typeof due !== 'number' || !Number.isFinite(due))
      return [broken(`timers: "${event.type}" is due at ${String(due)}; expected milliseconds since 1970`, actor)];
    const message = storingFault(event, `event "${event.type}"`);
    return message === undefined ? [] : [{ code: 'notStorable', actor, message }];
  });
}
