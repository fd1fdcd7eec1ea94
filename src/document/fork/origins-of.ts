/** The forks among runs: what each takes over, read once while it is in memory. */
import type { RunRows } from '../../runtime/rows.ts';
import type { OtherRuns } from './origin-runs.ts';
import { Origins } from './origins.ts';
import type { ForkRecord } from './record.ts';

/** What a run takes over from others; undefined where it is no fork. May suspend (`rows.read`). */
export type OriginsOf = (rows: RunRows) => Origins | undefined;

/** No run is a fork. */
export const NO_FORKS: OriginsOf = () => undefined;

/** Looks into the record of each run. */
export function originsIn(others: OtherRuns): OriginsOf {
  const known = new WeakMap<RunRows, Origins>();
  return (rows) => {
    const { forkJson } = rows.origin;
    if (forkJson === undefined) return undefined;
    const before = known.get(rows);
    if (before !== undefined) return before;
    const origins = new Origins(rows, rows.decode(forkJson) as ForkRecord, others);
    known.set(rows, origins);
    return origins;
  };
}
