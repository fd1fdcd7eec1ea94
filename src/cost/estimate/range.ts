/** Numbers that are not known before a run: the least, what to expect, and the most that they can be. Pure. */

/** Not negative; `highest` is infinite where nothing bounds it. */
export interface Range {
  readonly lowest: number;
  readonly expected: number;
  readonly highest: number;
}

/** Nothing at all. */
export const ZERO: Range = { lowest: 0, expected: 0, highest: 0 };

/** A number that is known. */
export function exactly(value: number): Range {
  return { lowest: value, expected: value, highest: value };
}

/** Both together. */
export function plus(one: Range, other: Range): Range {
  return {
    lowest: one.lowest + other.lowest,
    expected: one.expected + other.expected,
    highest: one.highest + other.highest,
  };
}

/** One as often as the other says. */
export function times(one: Range, count: Range): Range {
  return {
    lowest: product(one.lowest, count.lowest),
    expected: product(one.expected, count.expected),
    highest: product(one.highest, count.highest),
  };
}

/** What may not happen at all, and is to be expected with a chance from 0 to 1. */
export function perhaps(range: Range, chance: number): Range {
  return { lowest: 0, expected: product(range.expected, chance), highest: range.highest };
}

/** Infinity times nothing would be no number. */
function product(one: number, other: number): number {
  return one === 0 || other === 0 ? 0 : one * other;
}
