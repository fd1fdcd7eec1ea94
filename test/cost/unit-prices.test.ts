import { calcPrice, findProvider } from '@pydantic/genai-prices';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { genaiPrices } from '../../src/cost/genai-prices.ts';
import { billOf, mostOf, outputTokensFor, type UnitPrices } from '../../src/cost/unit-prices.ts';

const AT = Date.UTC(2026, 10, 21);
const mini: UnitPrices = {
  input: 150_000,
  cachedInput: 75_000,
  cacheWrite: 150_000,
  output: 600_000,
  reasoning: 600_000,
};
const tiered: UnitPrices = {
  input: 3_000_000,
  cachedInput: 300_000,
  cacheWrite: 3_750_000,
  output: 15_000_000,
  reasoning: 15_000_000,
  tiers: [
    {
      aboveInputTokens: 200_000,
      input: 6_000_000,
      cachedInput: 600_000,
      cacheWrite: 7_500_000,
      output: 22_500_000,
      reasoning: 22_500_000,
    },
  ],
};

describe('a bill', () => {
  it.each([
    ['a prompt and an answer', { inputTokens: 1_000, outputTokens: 100 }, mini, 210_000],
    ['what was cached, for less', { inputTokens: 1_000, cachedInputTokens: 400, outputTokens: 0 }, mini, 120_000],
    [
      'what is written into the cache, for more',
      { inputTokens: 10, cacheWriteTokens: 10, outputTokens: 0 },
      tiered,
      37_500,
    ],
    ['a prompt at the border of a tier', { inputTokens: 200_000, outputTokens: 1 }, tiered, 600_015_000],
    ['all of a prompt above it', { inputTokens: 200_001, outputTokens: 1 }, tiered, 1_200_028_500],
    ['nothing', { inputTokens: 0, outputTokens: 0 }, mini, 0],
    ['less than a nano-dollar, rounded up', { inputTokens: 1, outputTokens: 0 }, { ...mini, input: 1 }, 1],
    ['more cached tokens than there are', { inputTokens: 1, cachedInputTokens: 9, outputTokens: 0 }, mini, 75],
  ])('is for %s', (_, usage, prices, nanos) => {
    expect(billOf(usage, prices)).toBe(nanos);
  });

  it('counts reasoning once, at its own rate where it has one', () => {
    const usage = { inputTokens: 0, outputTokens: 100, reasoningTokens: 60 };
    expect(billOf(usage, mini)).toBe(60_000);
    expect(billOf(usage, { ...mini, reasoning: 1_200_000 })).toBe(24_000 + 72_000);
  });

  it('is exact where doubles are not', () => {
    const dear = { ...mini, input: 999_999_999, output: 999_999_999 };
    expect(billOf({ inputTokens: 1_999_999_000, outputTokens: 1_000 }, dear)).toBe(1_999_999_998_000_000);
  });
});

const usages = fc
  .record({
    inputTokens: fc.nat(2_000_000),
    cached: fc.double({ min: 0, max: 1, noNaN: true }),
    outputTokens: fc.nat(200_000),
    thought: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ inputTokens, cached, outputTokens, thought }) => ({
    inputTokens,
    cachedInputTokens: Math.floor(cached * inputTokens),
    outputTokens,
    reasoningTokens: Math.floor(thought * outputTokens),
  }));
const anyPrices = fc.constantFrom(mini, tiered);

describe('the most that a call can cost', () => {
  it('is never less than its bill', () => {
    fc.assert(
      fc.property(usages, anyPrices, fc.nat(50_000), (usage, prices, more) => {
        const bound = { inputTokens: usage.inputTokens + more, outputTokens: usage.outputTokens };
        expect(mostOf(bound, prices)).toBeGreaterThanOrEqual(billOf(usage, prices));
      }),
    );
  });

  it('pays for as many tokens of an answer as it was made of, and for not one more', () => {
    fc.assert(
      fc.property(fc.nat(2_000_000), fc.nat(200_000), anyPrices, (inputTokens, outputTokens, prices) => {
        const nanos = mostOf({ inputTokens, outputTokens }, prices);
        const paid = outputTokensFor(nanos, inputTokens, prices);
        expect(paid).toBeGreaterThanOrEqual(outputTokens);
        expect(mostOf({ inputTokens, outputTokens: paid }, prices)).toBeLessThanOrEqual(nanos);
        expect(mostOf({ inputTokens, outputTokens: paid + 1 }, prices)).toBeGreaterThan(nanos);
      }),
    );
  });

  it('leaves nothing for an answer where the prompt alone is dearer, and has no end where answers are free', () => {
    expect(outputTokensFor(100, 1_000, mini)).toBe(-1);
    expect(outputTokensFor(150_000, 1_000, mini)).toBe(0);
    expect(outputTokensFor(150_000, 1_000, { ...mini, output: 0, reasoning: 0 })).toBe(Infinity);
  });
});

describe('the prices that come with it', () => {
  const book = genaiPrices();

  it.each([
    ['openai', 'gpt-4o-mini', { input: 150_000, cachedInput: 75_000, output: 600_000 }],
    ['openai', 'gpt-4o-mini-2024-07-18', { input: 150_000 }],
    ['openai', 'text-embedding-3-small', { input: 20_000, output: 0 }],
    [
      'anthropic',
      'claude-sonnet-4-5',
      { cacheWrite: 3_750_000, tiers: [{ aboveInputTokens: 200_000, cacheWrite: 7_500_000 }] },
    ],
    ['a name of my own', 'gpt-4o-mini', { input: 150_000 }],
  ])('%s %s', (provider, model, rates) => {
    expect(book.pricesOf({ provider, model, at: AT })).toMatchObject(rates);
  });

  it('are those of the day', () => {
    const ofDay = (at: number) => book.pricesOf({ provider: 'openai', model: 'gpt-5.6-luna', at })?.input;
    expect(ofDay(Date.UTC(2026, 6, 29))).toBe(1_000_000);
    expect(ofDay(Date.UTC(2026, 6, 30))).toBe(200_000);
  });

  it('go by the address of a provider that has a name of its own', () => {
    const asked = { provider: 'mine', baseUrl: 'https://api.anthropic.com/v1', model: 'claude-sonnet-4-5', at: AT };
    expect(book.pricesOf(asked)?.output).toBe(15_000_000);
  });

  it('are unknown for a model that nobody has a price for', () => {
    expect(book.pricesOf({ provider: 'openai', model: 'no-such-model', at: AT })).toBeUndefined();
    expect(book.pricesOf({ provider: 'mine', model: 'llama-at-home', at: AT })).toBeUndefined();
  });

  it('are unknown for a model that is paid for by the request, too: $12 for a thousand, where tokens say cents', () => {
    expect(calcPrice({}, 'sonar', { providerId: 'perplexity' })?.model_price).toHaveProperty('requests_kcount');
    expect(book.pricesOf({ provider: 'perplexity', model: 'sonar', at: AT })).toBeUndefined();
  });

  it.each(['openai', 'anthropic', 'google'])(
    'make the bills of the package they are from, of every model of %s',
    (id) => {
      const provider = findProvider({ providerId: id });
      const usage = { inputTokens: 301_234, cachedInputTokens: 1_234, outputTokens: 4_321 };
      let billed = 0;
      for (const { id: model, prices } of provider?.models ?? []) {
        const parts = Array.isArray(prices) ? prices.flatMap((each) => Object.keys(each.prices)) : Object.keys(prices);
        // Those that are paid for by other units, or whose price has a part for which there is no usage here.
        if (!parts.includes('input_mtok') || parts.some((part) => /audio|image|video|reasoning|messages/.test(part)))
          continue;
        const theirs = calcPrice(
          {
            input_tokens: 301_234,
            cache_read_tokens: parts.includes('cache_read_mtok') ? 1_234 : 0,
            output_tokens: 4_321,
          },
          model,
          { providerId: id, timestamp: new Date(AT) },
        );
        const ours = book.pricesOf({ provider: id, model, at: AT });
        if (theirs === null || ours === undefined || !parts.includes('output_mtok')) continue;
        billed += 1;
        expect(billOf(usage, ours) / 1e9, model).toBeCloseTo(theirs.total_price, 6);
      }
      expect(billed).toBeGreaterThan(10);
    },
  );
});
