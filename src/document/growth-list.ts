/**
 * Lists that grow at a task: one row for each entry, and how long a list is in the task's `growth` row, so that an entry
 * costs the same whether it is the first or the thousandth (R3).
 */
import { FermataError } from '../errors.ts';
import type { GrowthListRow } from '../store/growth.ts';
import type { RowChange } from '../store/rows.ts';

/** Which list of a task. */
export type ListName = GrowthListRow['list'];

/** Key of an entry. */
export function listKey({ task, list, at }: Pick<GrowthListRow, 'task' | 'list' | 'at'>): string {
  return `${task}/${list}/${at}`;
}

/** An entry that comes last. */
export function listed(row: GrowthListRow): RowChange {
  return { table: 'growthList', key: listKey(row), row };
}

/** Entries of a list from one place up to another, as they are read by their keys. Throws `databaseCorrupt` where one is missing. */
export function entriesOf(
  read: (key: string) => GrowthListRow | undefined,
  { task, list }: Pick<GrowthListRow, 'task' | 'list'>,
  end: number,
  from = 0,
): GrowthListRow[] {
  return Array.from({ length: Math.max(0, end - from) }, (_, index) => {
    const key = listKey({ task, list, at: from + index });
    const row = read(key);
    if (row !== undefined) return row;
    throw new FermataError(
      'databaseCorrupt',
      `The list ${JSON.stringify(list)} of task ${JSON.stringify(task)} has ${end} entries by its row, and entry ${from + index} is not there.`,
    );
  });
}
