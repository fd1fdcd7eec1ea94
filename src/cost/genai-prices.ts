/**
 * The prices that come with Fermata: those of `@pydantic/genai-prices`, as they were when that package was published. It
 * could fetch newer ones; that is never asked for, as a run must not cost what nobody has seen. The only file that
 * imports it.
 */
import { calcPrice, findProvider, type ModelPrice, type Provider } from '@pydantic/genai-prices';
import type { PriceBook, Priced } from './price-book.ts';
import type { Rates, UnitPrices } from './unit-prices.ts';

/** Nano-dollars for a thousand tokens, where the package says dollars for a million. */
const RATE = 1_000_000;

/**
 * The built-in book.
 *
 * @example
 * genaiPrices().pricesOf({ provider: 'openai', model: 'gpt-4o-mini', at: Date.now() }) // { input: 150_000, … }
 */
export function genaiPrices(): PriceBook {
  return {
    pricesOf(asked) {
      const found = find(asked);
      return found === null ? undefined : toUnitPrices(found.model_price);
    },
    windowOf: (asked) => find(asked)?.model.context_window,
  };
}

function find(asked: Priced): ReturnType<typeof calcPrice> {
  const provider = providerOf(asked);
  return calcPrice({}, asked.model, {
    timestamp: new Date(asked.at),
    ...(provider === undefined ? {} : { provider }),
  });
}

/**
 * Whose list of models is looked at: the provider that is called so, else the one whose API is at that address. Of
 * neither (a server of the user's own) the package tells from the model's name whose model it is.
 */
function providerOf({ provider, baseUrl }: Priced): Provider | undefined {
  return (
    findProvider({ providerId: provider }) ??
    (baseUrl === undefined ? undefined : findProvider({ providerApiUrl: baseUrl }))
  );
}

/** Undefined where it is no model that is paid for by tokens, and by them alone: its bill would look known and be too low. */
function toUnitPrices(prices: ModelPrice): UnitPrices | undefined {
  if (prices['requests_kcount'] !== undefined) return undefined;
  if (prices['input_mtok'] === undefined && prices['output_mtok'] === undefined) return undefined;
  const starts = new Set(Object.values(prices).flatMap((price) => tiersOf(price).map(({ start }) => start)));
  const tiers = [...starts].sort((one, other) => one - other);
  return {
    ...ratesAt(prices, 0),
    ...(tiers.length === 0
      ? {}
      : { tiers: tiers.map((start) => ({ aboveInputTokens: start, ...ratesAt(prices, start + 1) })) }),
  };
}

function ratesAt(prices: ModelPrice, inputTokens: number): Rates {
  const rate = (key: string): number | undefined => {
    const price = prices[key];
    if (price === undefined) return undefined;
    const dollars =
      typeof price === 'number'
        ? price
        : (price.tiers.findLast(({ start }) => inputTokens > start)?.price ?? price.base);
    // A rate of 0.0833… is rounded up: see billOf.
    return Math.ceil(Number((dollars * RATE).toFixed(3)));
  };
  const input = rate('input_mtok') ?? 0;
  const output = rate('output_mtok') ?? 0;
  return {
    input,
    cachedInput: rate('cache_read_mtok') ?? input,
    cacheWrite: rate('cache_write_mtok') ?? input,
    output,
    reasoning: rate('output_reasoning_mtok') ?? output,
  };
}

function tiersOf(price: ModelPrice[string]): readonly { readonly start: number }[] {
  return typeof price === 'object' ? price.tiers : [];
}
