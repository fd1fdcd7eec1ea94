/**
 * Money: whole nano-dollars (billionths of a US dollar), so that sums are exact. Dollars are what people write and read.
 *
 * Doubles of dollars are not added anywhere: 0.1 + 0.2 dollars is more than 0.3, and a budget of 0.3 would be exceeded
 * by what fits it.
 */
import { FermataError } from '../errors.ts';

/** A whole number of billionths of a US dollar, at most 2^53 − 1 (nine million dollars). */
export type NanoDollars = number;

const NANOS_PER_DOLLAR = 1_000_000_000;
/** The largest amount that is taken: beyond it, sums of amounts would no longer be exact. */
export const MOST_DOLLARS = 1_000_000;

/**
 * Dollars as nano-dollars, rounded to the nearest; `what` names the amount in the error.
 *
 * Throws `invalidDocument` where it is no number, negative, above a million, or so small that nothing is left of it.
 *
 * @example
 * nanosOf(0.15, 'budget.maxCostDollars') // 150_000_000
 */
export function nanosOf(dollars: number, what: string): NanoDollars {
  const nanos = Math.round(dollars * NANOS_PER_DOLLAR);
  const tooSmall = dollars > 0 && nanos === 0;
  if (!Number.isFinite(dollars) || dollars < 0 || dollars > MOST_DOLLARS || tooSmall)
    throw new FermataError(
      'invalidDocument',
      `Expected ${what} as US dollars from 0 to ${MOST_DOLLARS.toLocaleString('en')}, in steps of 0.000000001, came ${dollars}.`,
    );
  return nanos;
}

/** What `dollarsOf` has made dollars of. */
export function fromDollars(dollars: number): NanoDollars {
  return Math.round(dollars * NANOS_PER_DOLLAR);
}

/**
 * Nano-dollars as dollars, for people and for JSON; not to be added.
 *
 * @example
 * dollarsOf(150_000_000) // 0.15
 */
export function dollarsOf(nanos: NanoDollars): number {
  return nanos / NANOS_PER_DOLLAR;
}
