/**
 * Whom a death of the process is blamed on. Pure: what was known before, what the process left, what is known now.
 *
 * B1. What stood in the deciding mark, and every effect that ran in the process, was part of it.
 * B2. But who waits in line behind a suspect that runs alone was not.
 * B3. Three deaths are enough where it is clear whose the last one was: the marked one's, else that of the suspect which
 *     has been alone for the shortest time. A death with somebody else's mark counts, but decides nothing.
 */
import type { DecidingMark, LastStop } from '../store/deciding-mark.ts';
import type { SuspectRow } from '../store/suspects.ts';

/** From so many deaths on a suspect runs alone. */
export const DEATHS_TOGETHER = 2;
/** Deaths after which a run is quarantined. */
const DEATHS = 3;
/**
 * Deaths after which one is quarantined that ran alone while the mark named something else each time: the two before,
 * and three alone. Without a limit, one that fills the memory and lets others fall over it would never be found.
 */
const DEATHS_BESIDE_OTHERS = DEATHS_TOGETHER + 3;

/** What a start finds. */
export interface Findings {
  readonly known: readonly SuspectRow[];
  readonly lastStop: LastStop;
  /** Effects of the process that it left without an outcome. */
  readonly effects: readonly DecidingMark[];
  readonly now: number;
}

/** The rows that change at a start. After an orderly stop nobody is blamed. */
export function blame({ known, lastStop, effects, now }: Findings): readonly SuspectRow[] {
  const changed = new Map<string, SuspectRow>();
  // Whoever was alone is so no longer.
  for (const row of known) if (row.aloneSince !== null) changed.set(nameOf(row), { ...row, aloneSince: null });
  if (lastStop.orderly) return [...changed.values()];
  const { deciding } = lastStop;
  const before = new Map(known.map((row) => [nameOf(row), row]));
  // A quarantined run is not tried again, so that nothing of it was part of this.
  const quarantined = new Set(known.filter(isQuarantined).map(ownerOf));
  const newest = known.reduce((last, { aloneSince }) => Math.max(last, aloneSince ?? 0), 0);
  const marked = deciding && nameOf(deciding);
  const present = new Map(
    [...effects, ...(deciding === undefined ? [] : [deciding])].map((mark) => [nameOf(mark), mark]),
  );
  for (const [name, mark] of present) {
    const row = before.get(name);
    if (quarantined.has(ownerOf(mark)) || (name !== marked && waitedInLine(row))) continue;
    const clear = marked === undefined ? row?.aloneSince === newest : name === marked;
    const count = (row?.count ?? 0) + 1;
    const quarantinedAt = count >= (clear ? DEATHS : DEATHS_BESIDE_OTHERS) ? now : null;
    changed.set(name, { ...mark, count, at: now, aloneSince: null, quarantinedAt });
  }
  return [...changed.values()];
}

/** True where its run takes nothing more. */
export function isQuarantined(row: SuspectRow | undefined): row is SuspectRow {
  return row !== undefined && row.quarantinedAt !== null;
}

function waitedInLine(row: SuspectRow | undefined): boolean {
  return row !== undefined && row.count >= DEATHS_TOGETHER && row.aloneSince === null;
}

/** A start has no run: it is its own owner. */
function ownerOf(mark: Pick<DecidingMark, 'run' | 'key'>): string {
  return mark.run === '' ? nameOf(mark) : mark.run;
}

function nameOf({ run, key }: Pick<DecidingMark, 'run' | 'key'>): string {
  return `${run} ${key}`;
}
