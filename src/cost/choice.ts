/**
 * Which of several models a call is made with. Pure: what it decides by was read where the call was made ready (R2), so
 * that whoever replays a journal comes to the same model.
 *
 * C1. Nobody is asked whose context the prompt is too long for, while there is another.
 * C2. A model that has failed in this task is asked again only when all of them have; one that has failed for good, never.
 * C3. A price that nobody knows is never the cheapest one.
 */
import type { NanoDollars } from './money.ts';

/** What an author wants of the choice. */
export const OPTIMIZE = ['minimizeCost', 'balanced', 'maximizeQuality'] as const;
/** One of them. */
export type Optimize = (typeof OPTIMIZE)[number];

/** A model that a call may be made with. */
export interface Candidate {
  readonly provider: string;
  readonly model: string;
  /** Its place in the author's list, the best first, from 0; models of one tier share theirs. */
  readonly rank: number;
  /** What this call is expected to cost with it; absent where nobody knows. */
  readonly expectedNanos?: NanoDollars;
  /** Tokens that it takes, where that is known and the prompt has more. */
  readonly tooLongFor?: number;
}

/** Who has failed in this task, by place in the list of candidates. */
export interface Failures {
  /** Since all of them were last open to be asked. */
  readonly lately: readonly number[];
  /** Asking them again would be of no use. */
  readonly forGood: readonly number[];
}

/** Nobody has. */
export const NO_FAILURES: Failures = { lately: [], forGood: [] };

/**
 * How much dearer than the cheapest one a better model may be for `balanced`. Five, since that is what providers take for
 * one step up: gpt-5-nano, gpt-5-mini and gpt-5 cost 1 : 5 : 25, gpt-4.1-mini and gpt-4.1 1 : 5 (genai-prices 0.1.8). So `balanced` goes one step up where there is one, and never two.
 */
export const BALANCED_FACTOR = 5;

/**
 * The candidates that may be asked, by place, whom to ask first at the beginning. Never empty where there is one that has
 * not failed for good.
 *
 * - without `optimize`: in the order of the list
 * - `minimizeCost`: the cheapest first
 * - `maximizeQuality`: the best first; of equal ones the cheapest
 * - `balanced`: first those within five times the cheapest, the best first; then the others, the cheapest first
 *
 * @example
 * preferred(candidates, 'balanced', NO_FAILURES)[0] // place of the one to be asked
 */
export function preferred(
  candidates: readonly Candidate[],
  optimize: Optimize | undefined,
  failures: Failures,
): readonly number[] {
  const places = open(candidates, failures);
  const rank = (at: number): number => candidates[at]?.rank ?? 0;
  const cost = (at: number): number => candidates[at]?.expectedNanos ?? Infinity;
  const byRank = (one: number, other: number): number => rank(one) - rank(other) || byCostOnly(one, other);
  const byCost = (one: number, other: number): number => byCostOnly(one, other) || rank(one) - rank(other);
  // Infinity less itself is no number.
  const byCostOnly = (one: number, other: number): number => (cost(one) === cost(other) ? 0 : cost(one) - cost(other));
  switch (optimize) {
    case undefined:
      return places;
    case 'minimizeCost':
      return places.toSorted(byCost);
    case 'maximizeQuality':
      return places.toSorted(byRank);
    case 'balanced': {
      const most = BALANCED_FACTOR * Math.min(...places.map(cost));
      const within = places.filter((at) => cost(at) <= most);
      return [...within.toSorted(byRank), ...places.filter((at) => cost(at) > most).toSorted(byCost)];
    }
  }
}

/** Those that may be asked now, in the order of the list. */
function open(candidates: readonly Candidate[], { lately, forGood }: Failures): readonly number[] {
  const alive = candidates.map((_, at) => at).filter((at) => !forGood.includes(at));
  const long = alive.filter((at) => candidates[at]?.tooLongFor === undefined);
  if (long.length === 0) return longest(candidates, alive);
  const untried = long.filter((at) => !lately.includes(at));
  return untried.length === 0 ? long : untried;
}

/** The prompt is too long for all of them: the provider of the one with the most room is to say so. */
function longest(candidates: readonly Candidate[], places: readonly number[]): readonly number[] {
  const room = (at: number): number => candidates[at]?.tooLongFor ?? Infinity;
  return places.toSorted((one, other) => room(other) - room(one)).slice(0, 1);
}

/**
 * The first option that leaves enough for those who come later, else the one that needs the least: that waits for money
 * like any call.
 *
 * @param needs the most that each can cost, whom to ask first at the beginning; at least one
 * @param left what of the budget is neither spent nor reserved
 * @param kept what is kept of that for the tasks to come
 * @example
 * fitting([300, 20], 100, 10) // 1
 */
export function fitting(needs: readonly NanoDollars[], left: NanoDollars, kept: NanoDollars): number {
  const at = needs.findIndex((need) => need <= left - kept);
  return at === -1 ? needs.indexOf(Math.min(...needs)) : at;
}
