/** Where prices come from: a book that knows what a model costs, or says that it does not know. */
import type { UnitPrices } from './unit-prices.ts';

/** Which model, and when: prices change, and a call is billed by those of its day. */
export interface Priced {
  /** Name of the provider, as tasks use it. */
  readonly provider: string;
  /** Where its API is; tells whose prices hold for a provider that has a name of the user's own. */
  readonly baseUrl?: string | undefined;
  readonly model: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Knows what models cost. */
export interface PriceBook {
  /** What the model costs; undefined where that is not known, which is not the same as nothing. */
  pricesOf(model: Priced): UnitPrices | undefined;
  /** Tokens that prompt and answer may have together; undefined where that is not known. */
  windowOf?(model: Priced): number | undefined;
}

/**
 * One book of several: the first that knows a model is asked.
 *
 * @example
 * const book = stacked([overrides(document.config.prices, builtIn), overrides(config.prices, builtIn), builtIn])
 */
export function stacked(books: readonly PriceBook[]): PriceBook {
  return {
    pricesOf(model) {
      for (const book of books) {
        const prices = book.pricesOf(model);
        if (prices !== undefined) return prices;
      }
      return undefined;
    },
    windowOf(model) {
      for (const book of books) {
        const window = book.windowOf?.(model);
        if (window !== undefined) return window;
      }
      return undefined;
    },
  };
}
