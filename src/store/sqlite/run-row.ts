/** A run as the store's interface shows it, from its two rows. */
import { getTableColumns } from 'drizzle-orm';
import { FermataError } from '../../errors.ts';
import type { RunParent, RunRow } from '../runs.ts';
import { run, runState } from './schema.ts';

const { run: _key, ...stateColumns } = getTableColumns(runState);

/** What to select from `run` joined with `run_state`. */
export const runColumns = { ...getTableColumns(run), ...stateColumns };

/** In the column of a run's seed: it is the run's id, as that of nearly every run is. */
export const OWN_ID = '';

type Selected = typeof run.$inferSelect & Omit<typeof runState.$inferSelect, 'run'>;

/**
 * @throws FermataError `databaseCorrupt` where a column that the store itself encodes is no JSON
 */
export function toRunRow(selected: Selected): RunRow & { readonly revision: number } {
  const {
    key: _,
    tagsJson,
    countsJson,
    systemIdsJson,
    idempotencyKey,
    bodyHash,
    parentRun,
    parentJson,
    ...row
  } = selected;
  return {
    ...row,
    seed: row.seed === OWN_ID ? row.run : row.seed,
    workflowId: row.workflowId ?? undefined,
    workflowName: row.workflowName ?? undefined,
    workflowVersion: row.workflowVersion ?? undefined,
    ...(parentRun === null ? {} : { parent: parentOf(parentRun, parentJson, row.run) }),
    tags: parseColumn<readonly string[]>(tagsJson, 'run.tags', row.run),
    counts: parseColumn<Readonly<Record<string, number>>>(countsJson, 'run_state.counts', row.run),
    systemIds: parseColumn<Readonly<Record<string, string>>>(systemIdsJson, 'run_state.system_ids', row.run),
    forkJson: row.forkJson ?? undefined,
    idempotency: idempotencyKey === null || bodyHash === null ? undefined : { key: idempotencyKey, bodyHash },
  };
}

/** The columns that say who began a run. */
export function parentColumns(
  parent: RunParent | undefined,
): Pick<typeof run.$inferSelect, 'parentRun' | 'parentJson'> {
  if (parent === undefined) return { parentRun: null, parentJson: null };
  const { run: parentRun, ...rest } = parent;
  return { parentRun, parentJson: JSON.stringify(rest) };
}

/** Who began a run, from the columns that say so. */
export function parentOf(parentRun: string, parentJson: string | null, id: string): RunParent {
  return { run: parentRun, ...parseColumn<Omit<RunParent, 'run'>>(parentJson ?? '', 'run.parent', id) };
}

/** The same for a list: a damaged row says so in its reason, and does not hide the others. */
export function toListedRow(selected: Selected): RunRow {
  try {
    return toRunRow(selected);
  } catch (thrown) {
    if (!(thrown instanceof FermataError)) throw thrown;
    const reasonJson = JSON.stringify({ code: thrown.code, message: thrown.message });
    const unread = { tagsJson: '[]', countsJson: '{}', systemIdsJson: '{}', parentRun: null, parentJson: null };
    return toRunRow({ ...selected, ...unread, reasonJson });
  }
}

/** Parses a text that this store wrote. */
export function parseColumn<T>(text: string, column: string, id: string): T {
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new FermataError(
      'databaseCorrupt',
      `Column ${column} of "${id}" should hold JSON but begins with ${JSON.stringify(text.slice(0, 40))}. Restore the ` +
        'database from a backup, or delete what the row belongs to.',
      { cause },
    );
  }
}
