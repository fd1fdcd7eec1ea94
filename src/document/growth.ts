/** How a run has grown at one of its tasks, as its `growth` row keeps it. */
import type { RunRows } from '../runtime/rows.ts';
import type { GrowthRow } from '../store/growth.ts';
import type { RowChange } from '../store/rows.ts';

/** The items of a map: tasks of one shape, which have rows from their beginning on. */
export interface Group {
  /** The items as they came: those of a map at once, those of a tree level by level. */
  readonly parts: readonly GroupPart[];
  readonly total: number;
  /** The next item to begin. */
  readonly next: number;
  /** Items that have begun and not ended. */
  readonly active: number;
  readonly settled: number;
  /** The one that ended last: when it is heard of, all have been. */
  readonly last?: string;
  /** How many may be active. */
  readonly concurrency: number;
}

/** Items that came together. */
export interface GroupPart {
  /** Journal number of the fact that carries them. */
  readonly seq: number;
  /** Number of the first one. */
  readonly from: number;
  /** Its place among the tasks of the run. */
  readonly position: number;
}

/** The part that an item came with. */
export function partOf({ parts }: Group, index: number): GroupPart {
  return parts.findLast(({ from }) => from <= index) ?? NO_PART;
}

const NO_PART: GroupPart = { seq: 0, from: 0, position: 0 };

/** Place of an item among the tasks of the run. */
export function itemPosition(group: Group, index: number): number {
  const { from, position } = partOf(group, index);
  return position + index - from;
}

/** Proposed tasks of one that works in rounds, where it has fewer of them at once than its run would. */
export interface Lane {
  /** How many have got their turn and have not ended. */
  readonly active: number;
  /** Place in the list `turn` of the next one whose turn will come, though it waits for nothing else. */
  readonly next: number;
  /** How long that list is. */
  readonly end: number;
}

/** What a row says. */
export interface Growth extends Omit<GrowthRow, 'detailJson'> {
  /** How many tasks it added one by one: the list `child`. */
  readonly children: number;
  /** How many added tasks wait for it, or did: the list `dependent`. */
  readonly dependents: number;
  readonly group: Group | undefined;
  readonly lane: Lane | undefined;
  /** An added task needs it that does not wait for it: it is over, or has added that task. */
  readonly needed: boolean;
  /** One of those that it added needs it. */
  readonly neededByOwn: boolean;
  /** In a fork: one of those that it added, and that is waited for, was not taken over. */
  readonly anew: boolean;
  /** Of those that it added and that are waited for, the one that was over last. */
  readonly last: string | undefined;
}

/** The growth at a task; nothing, where there is no row. */
export function growthOf(rows: Pick<RunRows, 'get'>, task: string): Growth {
  return growthIn(rows.get('growth', task), task);
}

/** What rows say: each fact about an item of a map asks a dozen times what the one of its map does. */
const read = new WeakMap<GrowthRow, Growth>();

/** What a row says about a task; nothing, where there is none. */
export function growthIn(row: GrowthRow | undefined, task: string): Growth {
  if (row === undefined) return growthOfRow({ task, parent: null, depth: 0, specSeq: null, open: 0, detailJson: null });
  const known = read.get(row) ?? growthOfRow(row);
  read.set(row, known);
  return known;
}

function growthOfRow({ detailJson, ...columns }: GrowthRow): Growth {
  const detail = (detailJson === null ? {} : JSON.parse(detailJson)) as Partial<Growth>;
  const { children = 0, dependents = 0, group, lane, needed = false, neededByOwn = false, anew = false, last } = detail;
  return { ...columns, children, dependents, group, lane, needed, neededByOwn, anew, last };
}

/** The items of a map, as its row has them. */
export function groupOf({ detailJson }: GrowthRow): Group | undefined {
  return detailJson === null ? undefined : (JSON.parse(detailJson) as Partial<Growth>).group;
}

/** The row of a growth. */
export function growthChange(growth: Growth): RowChange {
  const { children, dependents, group, lane, needed, neededByOwn, anew, last, ...columns } = growth;
  const detail = {
    ...(children === 0 ? {} : { children }),
    ...(dependents === 0 ? {} : { dependents }),
    ...(group === undefined ? {} : { group }),
    ...(lane === undefined ? {} : { lane }),
    ...(needed ? { needed } : {}),
    ...(neededByOwn ? { neededByOwn } : {}),
    ...(anew ? { anew } : {}),
    ...(last === undefined ? {} : { last }),
  };
  const detailJson = Object.keys(detail).length === 0 ? null : JSON.stringify(detail);
  const row = { ...columns, detailJson };
  read.set(row, growth);
  return { table: 'growth', key: columns.task, row };
}

/** How many more items may begin now. Those that were cancelled before they began have ended, wherever they stand. */
export function capacity({ total, active, settled, concurrency }: Group): number {
  return Math.max(0, Math.min(total - active - settled, concurrency - active));
}

const ITEM = /^(.+)\[(0|[1-9]\d*)\]$/su;

/** The name of an item of a map. */
export function itemName(map: string, index: number): string {
  return `${map}[${index}]`;
}

/** The maps that a name would be an item of: the nearest, the map that one is an item of, and so on. */
export function mapsAround(name: string): readonly string[] {
  const map = itemOf(name)?.map;
  return map === undefined ? [] : [map, ...mapsAround(map)];
}

/** Whose item a name would be, and which. */
export function itemOf(name: string): { readonly map: string; readonly index: number } | undefined {
  const [, map, index] = ITEM.exec(name) ?? [];
  return map === undefined ? undefined : { map, index: Number(index) };
}
