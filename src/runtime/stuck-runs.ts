/**
 * Open runs that cannot go on in this process. Of those in quarantine the ids are known; those whose machine is not
 * registered are only counted, beside the work that has begun: with a million open runs a start takes no longer. Of calls
 * that cannot be made here the log says each when it is found; the list of blocked runs has all three.
 */
import { pause, type EventLoop } from '../clock.ts';
import type { Store } from '../store/store.ts';
import type { Catalog } from './catalog.ts';

/** Runs that are counted in one step: some hundred microseconds. */
const STEP = 1_000;

/** What looking for them needs. */
export interface StuckRunsSurroundings {
  readonly store: Pick<Store, 'openRuns'>;
  readonly loop: Pick<EventLoop, 'soon'>;
  /** Machines that are not registered, and that there may be runs of. */
  readonly unregistered: ReadonlySet<string>;
  /** How many runs are in quarantine. */
  readonly quarantined: number;
  /** Nobody wants to know any more. */
  readonly signal: AbortSignal;
  readonly log: (message: string, fields: Readonly<Record<string, unknown>>) => void;
}

/** Machines that this database has had and that are not registered here. */
export async function unregisteredMachines(
  store: Pick<Store, 'machines'>,
  catalog: Pick<Catalog, 'registration'>,
): Promise<ReadonlySet<string>> {
  return new Set((await store.machines()).filter((name) => catalog.registration(name) === undefined));
}

/** Says once how many they are, of which machines, and where to look. Where there are none, nothing. */
export async function sayStuckRuns(surroundings: StuckRunsSurroundings): Promise<void> {
  const { unregistered, quarantined, signal, log } = surroundings;
  try {
    const missing = unregistered.size === 0 ? new Map<string, number>() : await countOf(surroundings);
    const kinds = [...missing].map(([machine, count]) => `${count} of ${machine}, which is not registered here`);
    if (quarantined > 0) kinds.push(`${quarantined} in quarantine`);
    if (kinds.length === 0 || signal.aborted) return;
    log('open runs cannot go on', {
      quarantined,
      machineMissing: Object.fromEntries(missing),
      error: `${kinds.join('; ')}. GET /api/v1/runs?blocked=true (fermata runs --blocked) lists them, GET /api/v1/runs/{id}/why (fermata why RUN) says what each needs.`,
    });
  } catch (thrown) {
    if (!signal.aborted) log('open runs that cannot go on could not be counted', { error: String(thrown) });
  }
}

/** Open runs of machines that are not registered, in the order of their names. */
export async function countOf({
  store,
  loop,
  unregistered,
  signal,
}: Pick<StuckRunsSurroundings, 'store' | 'loop' | 'unregistered' | 'signal'>): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  let after: Awaited<ReturnType<Store['openRuns']>>['after'];
  do {
    const step = await store.openRuns({ limit: STEP, after });
    for (const [machine, count] of step.byMachine)
      if (unregistered.has(machine)) counts.set(machine, (counts.get(machine) ?? 0) + count);
    ({ after } = step);
    await pause(loop);
  } while (after !== undefined && !signal.aborted);
  return new Map([...counts].toSorted(([one], [other]) => (one < other ? -1 : 1)));
}
