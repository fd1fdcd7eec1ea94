/** Pages of long lists of rows, as they stand at a turn: what is stored, with what has been decided since. */
import type { BudgetPlace } from '../store/budgets.ts';
import type { WaitPlace } from '../store/outside-events.ts';

/** Rows of one page. */
export const PAGE = 100;

/** A part of a list. */
export interface Page<Item, Place> {
  readonly items: readonly Item[];
  /** Where the next page begins; undefined on the last one. */
  readonly next: Place | undefined;
}

/** Asks for the page after a place; undefined: for the first one. */
export function pageAfter<Place>(after: Place | undefined): { readonly limit: number; readonly after?: Place } {
  return { limit: PAGE, ...(after === undefined ? {} : { after }) };
}

/** A list, and where a page of it begins. */
export interface List<Row, Place> {
  /** Whether a row is in it. */
  belongs(row: Row): boolean;
  keyOf(row: Row): string;
  /** Its order. */
  compare(one: Place, other: Place): number;
  /** The place after which the page begins; undefined: the beginning. */
  readonly after: Place | undefined;
}

/** The stored page without those rows that have changed, but with what they have become, where that belongs to it. */
export function pageOf<Row extends Place, Place>(
  stored: readonly Row[],
  changed: readonly Row[],
  { belongs, keyOf, compare, after }: List<Row, Place>,
): Page<Row, Place> {
  const next = stored.length < PAGE ? undefined : stored.at(-1);
  const isHere = (row: Row): boolean =>
    belongs(row) && (after === undefined || compare(row, after) > 0) && (next === undefined || compare(row, next) <= 0);
  const gone = new Set(changed.map(keyOf));
  const items = [...stored.filter((row) => !gone.has(keyOf(row))), ...changed.filter(isHere)];
  return { items: items.toSorted(compare), next };
}

/** Document order. */
export function comparePlaces(one: WaitPlace, other: WaitPlace): number {
  return one.position - other.position || compareTexts(one.task, other.task);
}

/** Those first that need the least. */
export function compareNeeds(one: BudgetPlace, other: BudgetPlace): number {
  return one.least - other.least || compareTexts(one.task, other.task) || compareTexts(one.call, other.call);
}

/** By code units, as SQLite compares: a page must begin where the one before ended. */
export function compareTexts(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
