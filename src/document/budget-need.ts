/** What a call needs of a budget, between the fact that states it and the row that keeps it. */
import { dollarsOf, fromDollars } from '../cost/money.ts';
import type { CallNeed, LesserNeeds } from '../cost/reservation.ts';
import type { BudgetWaitRow } from '../store/budgets.ts';

/** As a fact says it. */
export interface StatedNeed {
  readonly needDollars: number;
  readonly leastDollars: number;
  /** Of a call that may choose among several models: `LesserNeeds`. */
  readonly lesser?: { readonly needsDollars: readonly number[]; readonly keptDollars: number };
}

/** States it. */
export function statedNeed({ need, least, lesser }: CallNeed): StatedNeed {
  const dollars = { needDollars: dollarsOf(need), leastDollars: dollarsOf(least) };
  if (lesser === undefined) return dollars;
  const { needs, kept } = lesser;
  return { ...dollars, lesser: { needsDollars: needs.map(dollarsOf), keptDollars: dollarsOf(kept) } };
}

/** As a row keeps it. */
export function rowOfNeed({
  needDollars,
  leastDollars,
  lesser,
}: StatedNeed): Pick<BudgetWaitRow, 'need' | 'least' | 'lesserJson'> {
  const needs = lesser?.needsDollars.map(fromDollars);
  const kept = fromDollars(lesser?.keptDollars ?? 0);
  const lesserJson = needs === undefined ? null : JSON.stringify({ needs, kept });
  return { need: fromDollars(needDollars), least: fromDollars(leastDollars), lesserJson };
}

/** Reads it of a row. */
export function lesserIn(lesserJson: string | null): Pick<CallNeed, 'lesser'> {
  return lesserJson === null ? {} : { lesser: JSON.parse(lesserJson) as LesserNeeds };
}
