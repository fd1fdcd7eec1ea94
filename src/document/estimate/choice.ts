/**
 * What calls come to that choose among several models: to expect, what they do with the one that would be chosen; the
 * least and the most over all that may be.
 */
import { NO_FAILURES, preferred, type Candidate } from '../../cost/choice.ts';
import { stated, type StatedChoice } from '../../cost/choice-reason.ts';
import type { Calls } from '../../cost/estimate/calls.ts';
import type { Figure } from '../../cost/estimate/figure.ts';
import type { Range } from '../../cost/estimate/range.ts';
import { rankedModels, type AskedModels, type Tiers } from '../models.ts';
import type { Price } from '../prices.ts';

/** What choices are made with. */
export interface ChoosingOfEstimate {
  readonly tiers: Tiers;
  readonly price: Price;
  /** A run with a budget asks no model without a price. */
  readonly hasBudget: boolean;
  /** True where it is asked for what the run costs at the least: what a budget leaves no more for goes to the cheapest. */
  readonly atCheapest: boolean;
}

/** What one model would come to. */
type OfModel = { readonly calls: Calls };

/** The one that would be chosen. */
export type Chosen<Found extends OfModel> = Found & {
  readonly provider: string;
  readonly model: string;
  /** Absent where there is nothing to choose. */
  readonly choice?: StatedChoice;
};

/** @param of what it comes to with one of the models */
export function overModels<Asked extends AskedModels, Found extends OfModel>(
  asked: Asked,
  { tiers, price, hasBudget, atCheapest }: ChoosingOfEstimate,
  of: (asked: Asked) => Found,
): Chosen<Found> {
  const { provider, model, models } = asked;
  const optimize = atCheapest && asked.optimize !== undefined ? 'minimizeCost' : asked.optimize;
  if (models === undefined) return { ...of(asked), provider, model };
  const all = rankedModels(asked, tiers);
  const priced = all.filter((one) => price(one) !== undefined);
  const ranked = hasBudget && priced.length > 0 ? priced : all;
  const found = ranked.map((one) => of({ ...asked, provider: one.provider, model: one.model, models: undefined }));
  const candidates = ranked.map((one, at): Candidate => {
    const { calls } = found[at] as Found;
    const once = calls.nanos.expected / Math.max(1, calls.calls.range.expected);
    const window = price.windowOf?.(one);
    const tokens =
      (calls.inputTokens.range.expected + calls.outputTokens.range.expected) / Math.max(1, calls.calls.range.expected);
    return {
      ...one,
      ...(price(one) === undefined ? {} : { expectedNanos: Math.round(once) }),
      ...(window !== undefined && tokens > window ? { tooLongFor: window } : {}),
    };
  });
  const at = preferred(candidates, optimize, NO_FAILURES)[0] ?? 0;
  const chosen = found[at] as Found;
  const one = ranked[at] as Candidate;
  return {
    ...chosen,
    provider: one.provider,
    model: one.model,
    calls: between(
      chosen.calls,
      found.map(({ calls }) => calls),
    ),
    choice: stated({ candidates, optimize, at }),
  };
}

/** Which model is asked in the end, failures and budgets decide. */
function between(chosen: Calls, all: readonly Calls[]): Calls {
  const range = (one: Range, of: (calls: Calls) => Range): Range => ({
    ...one,
    lowest: Math.min(...all.map((calls) => of(calls).lowest)),
    highest: Math.max(...all.map((calls) => of(calls).highest)),
  });
  const figure = (one: Figure, of: (calls: Calls) => Figure): Figure => ({
    ...one,
    range: range(one.range, (calls) => of(calls).range),
  });
  return {
    calls: figure(chosen.calls, ({ calls }) => calls),
    inputTokens: figure(chosen.inputTokens, ({ inputTokens }) => inputTokens),
    outputTokens: figure(chosen.outputTokens, ({ outputTokens }) => outputTokens),
    nanos: range(chosen.nanos, ({ nanos }) => nanos),
    unpriced: range(chosen.unpriced, ({ unpriced }) => unpriced),
    unboundedBecause: all.find(({ unboundedBecause }) => unboundedBecause !== undefined)?.unboundedBecause,
  };
}
