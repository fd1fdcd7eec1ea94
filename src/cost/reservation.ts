/** What is reserved for a call before it begins, and what a budget can grant. Pure. */
import { fitting } from './choice.ts';
import { dollarsOf, type NanoDollars } from './money.ts';
import { mostOf, outputTokensFor, type UnitPrices } from './unit-prices.ts';

/** What a budget is at. */
export interface BudgetSums {
  readonly limit: NanoDollars;
  /** What calls have cost that have ended. */
  readonly settled: NanoDollars;
  /** The most that those can cost that are under way. */
  readonly reserved: NanoDollars;
}

/** The most that a call can cost: as it is, and at its shortest. */
export interface CallNeed {
  readonly need: NanoDollars;
  /** Not above `need`. */
  readonly least: NanoDollars;
  /** Of a call that may choose among several models. */
  readonly lesser?: LesserNeeds;
}

/** What a call can do with that may choose its model, where there is too little for the one that it would take. */
export interface LesserNeeds {
  /** The most that it can cost with each of the others, all below its own need: whom it would rather take first. */
  readonly needs: readonly NanoDollars[];
  /** What should be left for the tasks to come. */
  readonly kept: NanoDollars;
}

/** What bounds the cost of a call. */
export interface CallBounds {
  /** The most that its prompt can have. */
  readonly inputTokens: number;
  /** The most that its answer may have, reasoning included. */
  readonly maxOutputTokens: number;
  /** An answer that is bounded to fewer is of no use. */
  readonly minOutputTokens: number;
  /** An answer that breaks its schema is asked for once more. */
  readonly repairs: boolean;
}

/** What a call may spend that was granted money: it asks for no more, and mends its answer only with what is left. */
export interface Allowed extends Pick<CallBounds, 'inputTokens' | 'minOutputTokens'> {
  /** For all of its requests together. */
  readonly nanos: NanoDollars;
  readonly prices: UnitPrices;
}

/** Tokens with which a model is told what is wrong with its answer: an estimate, since a repair may only spend what is left. */
const COMPLAINT = 500;

/** What is neither spent nor reserved. Negative where a provider has taken more than it was allowed. */
export function leftOf({ limit, settled, reserved }: BudgetSums): NanoDollars {
  return limit - settled - reserved;
}

/**
 * How much a call gets: what it needs, or what is left where nothing is under way that could leave more; undefined where
 * it waits.
 *
 * @example
 * grantOf({ need: 8, least: 3 }, { limit: 10, settled: 5, reserved: 0 }) // 5
 * grantOf({ need: 8, least: 3 }, { limit: 10, settled: 4, reserved: 1 }) // undefined
 */
export function grantOf({ need, least }: CallNeed, sums: BudgetSums): NanoDollars | undefined {
  const left = leftOf(sums);
  if (need <= left) return need;
  return sums.reserved === 0 && least <= left ? left : undefined;
}

/** What a call would have of what is left: the first that leaves enough for the tasks to come, else the least. */
export function wantedOf({ need, lesser }: CallNeed, left: NanoDollars): NanoDollars {
  if (lesser === undefined) return need;
  const all = [need, ...lesser.needs];
  return all[fitting(all, left, lesser.kept)] ?? need;
}

/** What a call is for which there is so much: as it is, with a lesser model, or with a shorter answer. */
export function needWithin(call: CallNeed, nanos: NanoDollars): CallNeed {
  const { need, least, lesser } = call;
  if (need <= nanos) return call;
  const found = lesser?.needs.find((one) => one <= nanos);
  if (found === undefined) return { need: nanos, least: Math.min(least, nanos) };
  return { need: found, least: Math.min(least, found), ...lesserBelow(lesser, found) };
}

function lesserBelow(lesser: LesserNeeds | undefined, need: NanoDollars): Pick<CallNeed, 'lesser'> {
  const needs = lesser?.needs.filter((one) => one < need) ?? [];
  return lesser === undefined || needs.length === 0 ? {} : { lesser: { ...lesser, needs } };
}

/** The most that a call can cost. A repair is reserved for where there is money for it; without, the call still makes sense. */
export function needOf(
  { inputTokens, maxOutputTokens, minOutputTokens, repairs }: CallBounds,
  prices: UnitPrices,
): CallNeed {
  const once = mostOf({ inputTokens, outputTokens: maxOutputTokens }, prices);
  const repair = { inputTokens: inputTokens + maxOutputTokens + COMPLAINT, outputTokens: maxOutputTokens };
  return {
    need: once + (repairs ? mostOf(repair, prices) : 0),
    least: mostOf({ inputTokens, outputTokens: Math.min(minOutputTokens, maxOutputTokens) }, prices),
  };
}

/**
 * The most tokens that an answer may have for `nanos`, besides a prompt of at most `inputTokens`; never more than
 * `maxOutputTokens`, and undefined where not even `minOutputTokens` are paid for.
 */
export function boundedOutput(
  nanos: NanoDollars,
  { inputTokens, maxOutputTokens, minOutputTokens }: Omit<CallBounds, 'repairs'>,
  prices: UnitPrices,
): number | undefined {
  const paid = Math.min(maxOutputTokens, outputTokensFor(nanos, inputTokens, prices));
  return paid < Math.min(minOutputTokens, maxOutputTokens) ? undefined : paid;
}

/** Money for people: dollars, and as many places as say what it is. */
export function inDollars(nanos: NanoDollars): string {
  return `$${dollarsOf(nanos)
    .toFixed(9)
    .replace(/0{1,7}$/, '')}`;
}
