/** Prices that a user gives: in `fermata.config.ts` for a process, in `config.prices` of a document for its runs. */
import { z } from 'zod';
import type { PriceBook } from './price-book.ts';
import type { Rates, UnitPrices } from './unit-prices.ts';

/** A thousand dollars for a million tokens: a hundred times what the dearest model costs; what is above is a slip. */
const DEAREST = 1_000;
const dollars = z.number().min(0).max(DEAREST);

const ratesSchema = z.strictObject({
  input: dollars.describe('US dollars for a million tokens of the prompt'),
  output: dollars.describe('… of the answer'),
  cachedInput: dollars.optional().describe('… of the prompt that the provider had in its cache; default: input'),
  cacheWrite: dollars.optional().describe('… of the prompt that it puts into its cache; default: input'),
  reasoning: dollars.optional().describe('… of the answer that are thought and not said; default: output'),
});
const pricesSchema = ratesSchema.extend({
  tiers: z
    .array(ratesSchema.extend({ aboveInputTokens: z.int().min(1) }))
    .min(1)
    .refine(
      (tiers) => tiers.every(({ aboveInputTokens: at }, i) => i === 0 || at > (tiers[i - 1]?.aboveInputTokens ?? 0)),
      { error: 'Expected tiers in ascending order of aboveInputTokens.' },
    )
    .optional(),
});
const multiplierSchema = z.strictObject({
  multiplier: z.number().min(0).max(100).describe('Times what the built-in book says; 0.5 for what goes by batch'),
});

/** Fields of a price, as it is written. */
export const PRICE_FIELDS: readonly string[] = [
  ...Object.keys(pricesSchema.shape),
  ...Object.keys(multiplierSchema.shape),
];

/**
 * Prices by provider and model; `*` stands for every model of the provider.
 *
 * @example
 * { openai: { 'my-tuned-model': { input: 0.3, output: 1.2 }, '*': { multiplier: 0.5 } } }
 */
export const priceOverridesSchema = z.record(
  z.string(),
  z.record(z.string(), z.union([pricesSchema, multiplierSchema])),
);

/** Prices by provider and model, in US dollars for a million tokens. */
export type PriceOverrides = z.infer<typeof priceOverridesSchema>;

/**
 * The book of a user's prices; `base` is what multipliers multiply.
 *
 * @example
 * overrides({ local: { '*': { input: 0, output: 0 } } }, genaiPrices())
 */
export function overrides(prices: PriceOverrides, base: PriceBook): PriceBook {
  return {
    pricesOf(asked) {
      const models = own(prices, asked.provider) ?? {};
      const given = own(models, asked.model) ?? own(models, '*');
      if (given === undefined) return undefined;
      if (!('multiplier' in given)) return toUnitPrices(given);
      const known = base.pricesOf(asked);
      return known && times(known, given.multiplier);
    },
  };
}

/** A model may be called `constructor`. */
function own<Value>(record: Readonly<Record<string, Value>>, key: string): Value | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

function toUnitPrices({ tiers, ...rates }: z.infer<typeof pricesSchema>): UnitPrices {
  return {
    ...toRates(rates),
    ...(tiers === undefined
      ? {}
      : { tiers: tiers.map(({ aboveInputTokens, ...dearer }) => ({ aboveInputTokens, ...toRates(dearer) })) }),
  };
}

function toRates({
  input,
  output,
  cachedInput = input,
  cacheWrite = input,
  reasoning = output,
}: z.infer<typeof ratesSchema>): Rates {
  const rate = (perMillion: number): number => Math.ceil(Number((perMillion * 1_000_000).toFixed(3)));
  return {
    input: rate(input),
    cachedInput: rate(cachedInput),
    cacheWrite: rate(cacheWrite),
    output: rate(output),
    reasoning: rate(reasoning),
  };
}

function times({ tiers, ...rates }: UnitPrices, factor: number): UnitPrices {
  const scaled = (given: Rates): Rates => ({
    input: Math.ceil(given.input * factor),
    cachedInput: Math.ceil(given.cachedInput * factor),
    cacheWrite: Math.ceil(given.cacheWrite * factor),
    output: Math.ceil(given.output * factor),
    reasoning: Math.ceil(given.reasoning * factor),
  });
  return {
    ...scaled(rates),
    ...(tiers === undefined
      ? {}
      : { tiers: tiers.map(({ aboveInputTokens, ...dearer }) => ({ aboveInputTokens, ...scaled(dearer) })) }),
  };
}
