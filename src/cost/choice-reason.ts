/** Why a model was chosen, in a word and in a sentence: facts, results and estimates say it. Pure. */
import { BALANCED_FACTOR, NO_FAILURES, preferred, type Candidate, type Failures, type Optimize } from './choice.ts';
import { dollarsOf, type NanoDollars } from './money.ts';
import { inDollars } from './reservation.ts';

/** Why, in a word. */
export const CHOICE_REASONS = ['first', 'cheapest', 'balanced', 'best', 'fallback', 'budget', 'length'] as const;
/** One of them. */
export type ChoiceReason = (typeof CHOICE_REASONS)[number];

/** What decided about the money of a choice. */
export interface MoneyOfChoice {
  /** Of the budget, when the call asked. */
  readonly left: NanoDollars;
  /** Of that for the tasks to come. */
  readonly kept: NanoDollars;
  /** It is what the call was granted. */
  readonly granted?: true;
}

/** What was decided, and by what. */
export interface Choosing {
  readonly candidates: readonly Candidate[];
  readonly optimize?: Optimize | undefined;
  readonly failures?: Failures;
  readonly money?: MoneyOfChoice | undefined;
  /** Place of the one that was chosen. */
  readonly at: number;
}

/** A choice as facts and results carry it. */
export interface StatedChoice {
  readonly provider: string;
  readonly model: string;
  /** Absent where its author ranks only. */
  readonly optimize?: Optimize;
  readonly reason: ChoiceReason;
  /** The same as a sentence without its subject: `expected to cost the least: $0.0004`. */
  readonly because: string;
  /** Absent where nobody knows. */
  readonly expectedCostDollars?: number;
  /** All of them, in the order of the list. */
  readonly candidates: readonly StatedCandidate[];
}

/** One that might have been chosen. */
export interface StatedCandidate {
  readonly provider: string;
  readonly model: string;
  readonly expectedCostDollars?: number;
  /** Why it was none; absent: it was one. */
  readonly leftOut?: 'failed' | 'tooLong';
}

/** Says it. */
export function stated(choosing: Choosing): StatedChoice {
  const { candidates, optimize, failures = NO_FAILURES, at } = choosing;
  const chosen = candidates[at] ?? { provider: '', model: '', rank: 0 };
  const [reason, because] = reasonOf(choosing);
  return {
    provider: chosen.provider,
    model: chosen.model,
    ...(optimize === undefined ? {} : { optimize }),
    reason,
    because,
    ...expected(chosen),
    candidates: candidates.map((one, place) => ({
      provider: one.provider,
      model: one.model,
      ...expected(one),
      ...leftOut(one, place, failures, at),
    })),
  };
}

function reasonOf({ candidates, optimize, failures = NO_FAILURES, money, at }: Choosing): [ChoiceReason, string] {
  const [wanted = at] = preferred(candidates, optimize, failures);
  const before = preferred(candidates, optimize, NO_FAILURES)[0];
  const rule = ruleOf(candidates, optimize, failures, wanted);
  if (wanted !== at) {
    const { left = 0, kept = 0, granted = false } = money ?? {};
    if (granted)
      return ['budget', `${nameOf(candidates, wanted)} could cost more than was granted: ${inDollars(left)}`];
    const rest = kept === 0 ? '' : `, of which ${inDollars(kept)} are kept for tasks that have not ended`;
    return [
      'budget',
      `${nameOf(candidates, wanted)} could cost more than there is: ${inDollars(Math.max(0, left))} are left of the budget${rest}`,
    ];
  }
  if (candidates.every(({ tooLongFor }) => tooLongFor !== undefined))
    return ['length', 'the prompt is too long for all of them, and it takes the most'];
  if (before !== undefined && before !== at)
    return ['fallback', `${nameOf(candidates, before)} has failed; ${rule[1]}`];
  return rule;
}

function ruleOf(
  candidates: readonly Candidate[],
  optimize: Optimize | undefined,
  failures: Failures,
  at: number,
): [ChoiceReason, string] {
  const open = preferred(candidates, 'minimizeCost', failures);
  const cheapest = candidates[open[0] ?? 0]?.expectedNanos;
  const of = open.length === candidates.length ? `of ${open.length}` : `of the ${open.length} that are left`;
  if (open.length === 1)
    return [optimize === undefined ? 'first' : reasonByRule(optimize), 'it is the only one that is left'];
  if (optimize === undefined) return ['first', `it is the first ${of}`];
  const reason = reasonByRule(optimize);
  if (optimize !== 'maximizeQuality' && cheapest === undefined)
    return [reason, `nobody knows what any of them costs, and it is the best ${of}`];
  const cost = candidates[at]?.expectedNanos;
  switch (optimize) {
    case 'minimizeCost':
      return [reason, `it is expected to cost the least ${of}: ${inDollars(cost ?? 0)}`];
    case 'balanced':
      return [
        reason,
        `it is the best of those expected to cost at most ${BALANCED_FACTOR} times the cheapest (${inDollars(cheapest ?? 0)})`,
      ];
    case 'maximizeQuality':
      return [reason, `it is the best ${of}`];
  }
}

function reasonByRule(optimize: Optimize): ChoiceReason {
  return optimize === 'minimizeCost' ? 'cheapest' : optimize === 'balanced' ? 'balanced' : 'best';
}

function nameOf(candidates: readonly Candidate[], at: number): string {
  return candidates[at]?.model ?? '';
}

function expected({ expectedNanos }: Candidate): { readonly expectedCostDollars?: number } {
  return expectedNanos === undefined ? {} : { expectedCostDollars: dollarsOf(expectedNanos) };
}

function leftOut(
  { tooLongFor }: Candidate,
  place: number,
  { lately, forGood }: Failures,
  at: number,
): Pick<StatedCandidate, 'leftOut'> {
  if (place === at) return {};
  if (tooLongFor !== undefined) return { leftOut: 'tooLong' };
  return lately.includes(place) || forGood.includes(place) ? { leftOut: 'failed' } : {};
}
