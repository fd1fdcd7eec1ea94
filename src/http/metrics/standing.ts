/** What is read when somebody asks: how things stand. What cannot be read now is left out, and the rest is told. */
import type { EventLoop } from '../../clock.ts';
import type { ErrorCode } from '../../errors.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { Instruments } from './instruments.ts';

/** What is read. */
export type Watched = Pick<Runtime, 'clock' | 'counts' | 'failingCommits' | 'healthy' | 'load' | 'stuck'>;

/** Why runs are blocked: there from the beginning, at zero. */
const REASONS = ['quarantined', 'machineMissing', 'databaseCorrupt'] as const satisfies readonly ErrorCode[];

/** Times as long as it takes, runs that are stuck are not looked for again: of a million of a missing machine, half a second. */
const REST = 100;

/** Reads them of a runtime, whenever what is returned is called. */
export function standingMetrics(
  instruments: Instruments,
  loop: Pick<EventLoop, 'elapsed'>,
): (runtime: Watched) => Promise<void> {
  const ready = instruments.gauge('fermata_ready');
  const failing = instruments.gauge('fermata_commits_failing_seconds');
  const runs = instruments.gauge('fermata_runs');
  const blocked = instruments.gauge('fermata_runs_blocked');
  const resident = instruments.gauge('fermata_runs_resident');
  const inFlight = instruments.gauge('fermata_effects_in_flight');
  const pending = instruments.gauge('fermata_approvals_pending');
  const oldest = instruments.gauge('fermata_approvals_oldest_seconds');
  let restsUntil = -Infinity;

  const count = async (runtime: Watched): Promise<void> => {
    const { runs: byStatus, pendingApprovals, oldestPendingAt } = await runtime.counts();
    for (const [status, number] of byStatus) runs.set({ status }, number);
    pending.set(pendingApprovals);
    oldest.set(oldestPendingAt === undefined ? 0 : Math.max(0, runtime.clock.now() - oldestPendingAt) / 1_000);
  };
  const uncounted = (): void => {
    runs.reset();
    pending.remove();
    oldest.remove();
  };
  const findStuck = async (runtime: Watched): Promise<void> => {
    const begun = loop.elapsed();
    if (begun < restsUntil) return;
    const stuck = await runtime.stuck();
    blocked.reset();
    for (const reason of REASONS) blocked.set({ reason }, 0);
    for (const [reason, number] of stuck) blocked.set({ reason }, number);
    const now = loop.elapsed();
    restsUntil = now + (now - begun) * REST;
  };

  return async (runtime) => {
    const { residentRuns, effectsInFlight } = runtime.load;
    resident.set(residentRuns);
    inFlight.set(effectsInFlight);
    await Promise.all([count(runtime).catch(uncounted), findStuck(runtime).catch(() => blocked.reset())]);
    // Last: it may say why the others could not be read.
    ready.set((await runtime.healthy().catch(() => false)) ? 1 : 0);
    failing.set((runtime.failingCommits?.forMs ?? 0) / 1_000);
  };
}
