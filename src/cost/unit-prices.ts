/** What the tokens of one model cost, and what a number of them costs together. Pure. */
import type { NanoDollars } from './money.ts';

/**
 * Rates in whole nano-dollars for a thousand tokens; $0.15 for a million are 150,000. A rate that a provider does not
 * name is the one of what the tokens are a part of: cached ones cost what others do, reasoning what the answer does.
 */
export interface Rates {
  readonly input: number;
  /** Tokens of the prompt that the provider had in its cache. */
  readonly cachedInput: number;
  /** Tokens of the prompt that it puts into its cache. */
  readonly cacheWrite: number;
  readonly output: number;
  /** Tokens of the answer that are thought and not said. */
  readonly reasoning: number;
}

/** What the tokens of one model cost. */
export interface UnitPrices extends Rates {
  /** Other rates for all tokens of a call whose prompt has more than `aboveInputTokens`; in ascending order. */
  readonly tiers?: readonly (Rates & { readonly aboveInputTokens: number })[];
}

/** Tokens of a call, by what they cost. */
export interface BillableUsage {
  /** Of the prompt: cached and written ones included. */
  readonly inputTokens: number;
  readonly cachedInputTokens?: number;
  readonly cacheWriteTokens?: number;
  /** Of the answer: reasoning included. */
  readonly outputTokens: number;
  readonly reasoningTokens?: number;
}

const TOKENS_PER_RATE = 1_000n;

/**
 * What a call costs: each kind of token at its rate, in one exact sum, rounded up once. A bill that is rounded down
 * would, over a million calls, be less than what the provider takes.
 *
 * Parts that exceed their whole (a provider that reports more cached tokens than the prompt had) count as the whole.
 *
 * @example
 * // 1,000 × $0.15 + 100 × $0.60 for a million: 210,000 nano-dollars
 * billOf({ inputTokens: 1_000, outputTokens: 100 }, prices)
 */
export function billOf(usage: BillableUsage, prices: UnitPrices): NanoDollars {
  const { inputTokens, outputTokens } = usage;
  const rates = ratesAt(prices, inputTokens);
  const written = Math.min(inputTokens, usage.cacheWriteTokens ?? 0);
  const cached = Math.min(inputTokens - written, usage.cachedInputTokens ?? 0);
  const thought = Math.min(outputTokens, usage.reasoningTokens ?? 0);
  return sum([
    [inputTokens - written - cached, rates.input],
    [cached, rates.cachedInput],
    [written, rates.cacheWrite],
    [outputTokens - thought, rates.output],
    [thought, rates.reasoning],
  ]);
}

/**
 * The most that a call can cost whose prompt has at most `inputTokens` and whose answer at most `outputTokens`: nothing
 * is cached, everything is of the dearest kind and tier that it can reach. What is reserved before the call.
 *
 * @example
 * mostOf({ inputTokens: 1_000, outputTokens: 4_096 }, prices)
 */
export function mostOf({ inputTokens, outputTokens }: BillableUsage, prices: UnitPrices): NanoDollars {
  const { input, output } = dearestRates(prices, inputTokens);
  return sum([
    [inputTokens, input],
    [outputTokens, output],
  ]);
}

/**
 * The least that a call can cost whose prompt has at least `inputTokens` and whose answer at least `outputTokens`:
 * everything is of the cheapest kind and tier.
 */
export function leastOf({ inputTokens, outputTokens }: BillableUsage, prices: UnitPrices): NanoDollars {
  const tiers = [prices, ...(prices.tiers ?? [])];
  return sum([
    [inputTokens, Math.min(...tiers.flatMap(({ input, cachedInput, cacheWrite }) => [input, cachedInput, cacheWrite]))],
    [outputTokens, Math.min(...tiers.flatMap(({ output, reasoning }) => [output, reasoning]))],
  ]);
}

/**
 * The most tokens of an answer that `nanos` pay for, besides a prompt of at most `inputTokens`: the inverse of `mostOf`.
 * Negative where not even the prompt is paid for; Infinity where the answer costs nothing.
 */
export function outputTokensFor(nanos: NanoDollars, inputTokens: number, prices: UnitPrices): number {
  const { input, output } = dearestRates(prices, inputTokens);
  const left = BigInt(nanos) * TOKENS_PER_RATE - BigInt(inputTokens) * BigInt(input);
  if (left < 0n) return -1;
  return output === 0 ? Infinity : Number(left / BigInt(output));
}

/** True where no call can cost anything, whatever it uses. */
export function isFree(prices: UnitPrices): boolean {
  return [prices, ...(prices.tiers ?? [])].every(({ input, cachedInput, cacheWrite, output, reasoning }) =>
    [input, cachedInput, cacheWrite, output, reasoning].every((rate) => rate === 0),
  );
}

function dearestRates(prices: UnitPrices, inputTokens: number): { readonly input: number; readonly output: number } {
  const reached = [prices, ...(prices.tiers ?? []).filter(({ aboveInputTokens }) => inputTokens > aboveInputTokens)];
  return {
    input: Math.max(...reached.flatMap(({ input, cachedInput, cacheWrite }) => [input, cachedInput, cacheWrite])),
    output: Math.max(...reached.flatMap(({ output, reasoning }) => [output, reasoning])),
  };
}

function ratesAt(prices: UnitPrices, inputTokens: number): Rates {
  return prices.tiers?.findLast(({ aboveInputTokens }) => inputTokens > aboveInputTokens) ?? prices;
}

/** In big integers: a long prompt times a dear rate is beyond what a double holds exactly. */
function sum(parts: readonly (readonly [tokens: number, rate: number])[]): NanoDollars {
  const thousandfold = parts.reduce((total, [tokens, rate]) => total + BigInt(tokens) * BigInt(rate), 0n);
  return Number((thousandfold + TOKENS_PER_RATE - 1n) / TOKENS_PER_RATE);
}
