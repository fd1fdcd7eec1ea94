/** What is taken for the cost of requests of which nobody knows what they used. Pure. */
import type { NanoDollars } from '../../src/cost/money.ts';
import type { BilledCall } from './bill.ts';

/** What requests cost that were granted so much: those that nobody knows the cost of, all that the others leave of it. */
export function assumed(bill: readonly BilledCall[], granted: NanoDollars | undefined): readonly BilledCall[] {
  if (granted === undefined) return bill;
  let rest = Math.max(0, granted - costOf(bill));
  return bill.map((one) => {
    if (one.costNanos !== null) return one;
    const costNanos = rest;
    rest = 0;
    return { ...one, costNanos, assumed: true };
  });
}

/** What they cost together, as far as that is known. */
export function costOf(bill: readonly BilledCall[]): NanoDollars {
  return bill.reduce((sum, { costNanos }) => sum + (costNanos ?? 0), 0);
}
