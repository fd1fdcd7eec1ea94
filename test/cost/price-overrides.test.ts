import { describe, expect, it } from 'vitest';
import { genaiPrices } from '../../src/cost/genai-prices.ts';
import { dollarsOf, nanosOf } from '../../src/cost/money.ts';
import { stacked } from '../../src/cost/price-book.ts';
import { overrides, priceOverridesSchema, type PriceOverrides } from '../../src/cost/price-overrides.ts';

const AT = Date.UTC(2026, 10, 21);
const base = genaiPrices();
const mini = { provider: 'openai', model: 'gpt-4o-mini', at: AT };

function priced(prices: PriceOverrides, asked: { provider: string; model: string } = mini) {
  return stacked([overrides(priceOverridesSchema.parse(prices), base), base]).pricesOf({ ...asked, at: AT });
}

describe('prices of the user', () => {
  it('stand before those that come with it', () => {
    expect(priced({ openai: { 'gpt-4o-mini': { input: 1, output: 2 } } })).toEqual({
      input: 1_000_000,
      cachedInput: 1_000_000,
      cacheWrite: 1_000_000,
      output: 2_000_000,
      reasoning: 2_000_000,
    });
    expect(priced({ openai: { 'gpt-4o': { input: 1, output: 2 } } })).toEqual(base.pricesOf(mini));
  });

  it('name what is cached, written and thought, and tiers', () => {
    const high = { input: 4, output: 8, cachedInput: 1, cacheWrite: 5, reasoning: 9 };
    const prices = { input: 2, output: 4, tiers: [{ aboveInputTokens: 1_000, ...high }] };
    expect(priced({ mine: { big: prices } }, { provider: 'mine', model: 'big' })?.tiers).toEqual([
      {
        aboveInputTokens: 1_000,
        input: 4_000_000,
        output: 8_000_000,
        cachedInput: 1_000_000,
        cacheWrite: 5_000_000,
        reasoning: 9_000_000,
      },
    ]);
  });

  it('multiply: what goes by batch costs half', () => {
    expect(priced({ openai: { '*': { multiplier: 0.5 } } })).toMatchObject({ input: 75_000, output: 300_000 });
    const sonnet = priced(
      { anthropic: { '*': { multiplier: 2 } } },
      { provider: 'anthropic', model: 'claude-sonnet-4-5' },
    );
    expect(sonnet).toMatchObject({ input: 6_000_000, tiers: [{ aboveInputTokens: 200_000, input: 12_000_000 }] });
  });

  it('cannot multiply what is unknown, and say of a model by its own name more than of all', () => {
    const prices = { mine: { '*': { multiplier: 0.5 }, known: { input: 0, output: 0 } } };
    expect(priced(prices, { provider: 'mine', model: 'llama-at-home' })).toBeUndefined();
    expect(priced(prices, { provider: 'mine', model: 'known' })).toMatchObject({ input: 0, output: 0 });
  });

  it('are not found where a model or a provider is called as every object has it', () => {
    expect(priced({ openai: {} }, { provider: 'constructor', model: 'toString' })).toBeUndefined();
  });

  it.each([
    ['negative', { input: -1, output: 1 }],
    ['absurd', { input: 1_001, output: 1 }],
    ['without an output', { input: 1 }],
    ['no numbers', { input: '1', output: 1 }],
    ['with a field that is none', { input: 1, output: 1, cached: 1 }],
    ['in tiers that fall', { input: 1, output: 1, tiers: [tier(200), tier(100)] }],
    ['multiplied by less than nothing', { multiplier: -0.5 }],
    ['infinite', { multiplier: Infinity }],
  ])('are refused where they are %s', (_, prices) => {
    expect(priceOverridesSchema.safeParse({ openai: { 'gpt-4o-mini': prices } }).success).toBe(false);
  });
});

function tier(aboveInputTokens: number) {
  return { aboveInputTokens, input: 1, output: 1 };
}

describe('money', () => {
  it.each([
    [0.15, 150_000_000],
    [0.1 + 0.2, 300_000_000],
    [1e-9, 1],
    [1_000_000, 1e15],
    [0, 0],
  ])('%d dollars are %d nano-dollars, and back', (dollars, nanos) => {
    expect(nanosOf(dollars, 'it')).toBe(nanos);
    expect(dollarsOf(nanos)).toBeCloseTo(dollars, 9);
  });

  it.each([-0.01, Number.NaN, Infinity, 1_000_001, 1e-12])('refuses %d dollars', (dollars) => {
    expect(() => nanosOf(dollars, 'budget.maxCostDollars')).toThrow(
      `Expected budget.maxCostDollars as US dollars from 0 to 1,000,000, in steps of 0.000000001, came ${dollars}.`,
    );
  });
});
