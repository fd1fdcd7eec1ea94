/** What a number of calls come to: tokens and money, added up. Pure. */
import { billOf, leastOf, mostOf, type UnitPrices } from '../unit-prices.ts';
import { isGuess, lessSure, plus as plusFigures, type Figure, type Source } from './figure.ts';
import { exactly, perhaps as perhapsRange, plus as plusRanges, times, ZERO, type Range } from './range.ts';

/** Calls together. */
export interface Calls {
  readonly calls: Figure;
  /** Of all of them. */
  readonly inputTokens: Figure;
  readonly outputTokens: Figure;
  /** Nano-dollars of those whose price is known. */
  readonly nanos: Range;
  /** Calls whose price is not known. */
  readonly unpriced: Range;
  /** Why there is no most; undefined where there is. */
  readonly unboundedBecause: string | undefined;
}

const NOTHING_COUNTED: Figure = { range: ZERO, from: 'counted' };

/** None. */
export const NO_CALLS: Calls = {
  calls: NOTHING_COUNTED,
  inputTokens: NOTHING_COUNTED,
  outputTokens: NOTHING_COUNTED,
  nanos: ZERO,
  unpriced: ZERO,
  unboundedBecause: undefined,
};

/** One call: what it sends and gets, at what price; undefined: nobody knows. */
export function callOf(
  inputTokens: Figure,
  outputTokens: Figure,
  prices: UnitPrices | undefined,
  unboundedBecause: string | undefined,
): Calls {
  return {
    calls: { range: exactly(1), from: 'counted' },
    inputTokens,
    outputTokens,
    nanos: prices === undefined ? ZERO : priceOf(inputTokens.range, outputTokens.range, prices),
    unpriced: prices === undefined ? exactly(1) : ZERO,
    unboundedBecause,
  };
}

function priceOf(input: Range, output: Range, prices: UnitPrices): Range {
  const expected = { inputTokens: Math.round(input.expected), outputTokens: Math.round(output.expected) };
  const isBounded = Number.isFinite(input.highest) && Number.isFinite(output.highest);
  return {
    lowest: leastOf({ inputTokens: Math.floor(input.lowest), outputTokens: Math.floor(output.lowest) }, prices),
    expected: billOf(expected, prices),
    highest: isBounded
      ? mostOf({ inputTokens: Math.ceil(input.highest), outputTokens: Math.ceil(output.highest) }, prices)
      : Infinity,
  };
}

/** Both together. */
export function plus(one: Calls, other: Calls): Calls {
  return {
    calls: plusFigures(one.calls, other.calls),
    inputTokens: plusFigures(one.inputTokens, other.inputTokens),
    outputTokens: plusFigures(one.outputTokens, other.outputTokens),
    nanos: plusRanges(one.nanos, other.nanos),
    unpriced: plusRanges(one.unpriced, other.unpriced),
    unboundedBecause: one.unboundedBecause ?? other.unboundedBecause,
  };
}

/** The same again and again. */
export function repeated(calls: Calls, { range, from }: Figure, because?: string): Calls {
  const many = (figure: Figure): Figure => ({ range: times(figure.range, range), from: lessSure(figure.from, from) });
  return {
    calls: many(calls.calls),
    inputTokens: many(calls.inputTokens),
    outputTokens: many(calls.outputTokens),
    nanos: times(calls.nanos, range),
    unpriced: times(calls.unpriced, range),
    unboundedBecause: calls.unboundedBecause ?? (Number.isFinite(range.highest) ? undefined : because),
  };
}

/** What may not happen at all. */
export function perhaps(calls: Calls, chance: number, from: Source): Calls {
  const maybe = (figure: Figure): Figure => ({
    range: perhapsRange(figure.range, chance),
    from: lessSure(figure.from, from),
  });
  return {
    ...calls,
    calls: maybe(calls.calls),
    inputTokens: maybe(calls.inputTokens),
    outputTokens: maybe(calls.outputTokens),
    nanos: perhapsRange(calls.nanos, chance),
    unpriced: perhapsRange(calls.unpriced, chance),
  };
}

/** True where a number of it is a guess. */
export function hasGuess(calls: Calls): boolean {
  return sourcesOf(calls).some(isGuess);
}

/** True where all of it is counted or declared: another run of the same comes to the same. */
export function isSure(calls: Calls): boolean {
  return sourcesOf(calls).every((from) => from === 'counted' || from === 'declared');
}

/** Of nothing at all it does not matter where it comes from. */
function sourcesOf({ calls, inputTokens, outputTokens }: Calls): readonly Source[] {
  return [calls, inputTokens, outputTokens].flatMap(({ range, from }) => (range.highest > 0 ? [from] : []));
}
