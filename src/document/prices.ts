/** What the model of a call costs where the call is made ready: by the document, else the configuration, else the built-in book. */
import { overrides, type PriceOverrides } from '../cost/price-overrides.ts';
import { stacked, type PriceBook } from '../cost/price-book.ts';
import type { UnitPrices } from '../cost/unit-prices.ts';
import type { RunRows } from '../runtime/rows.ts';
import type { MaybePromise } from '../store/maybe-promise.ts';
import type { Definition } from './definition.ts';

/** Whom a call asks. */
interface Asked {
  readonly provider: string;
  readonly model: string;
}

/** Says what a model costs; undefined where nobody knows. */
export interface Price {
  (asked: Asked): UnitPrices | undefined;
  /** Tokens that prompt and answer may have together; undefined where nobody knows. */
  windowOf?(asked: Asked): number | undefined;
}

/**
 * Opens the prices that hold for a document at a time (milliseconds since 1970). It may have to wait for them, as for any
 * read of a turn.
 */
export type PricesOf = (rows: Pick<RunRows, 'read'>, definition: Pick<Definition, 'prices'>, at: number) => Price;

/** How long a price is taken for the same, in milliseconds: some change by the hour. To look one up takes a tenth of a millisecond. */
const FRESH_MS = 60_000;
/** Prices that are kept for so long. */
const MOST_KEPT = 1_000;

/** Nobody knows any price. */
export const NO_PRICE: Price = () => undefined;
/** Of runs of a version that knows no prices. */
export const NO_PRICES: PricesOf = () => NO_PRICE;

/** Where prices come from. */
export interface PriceSources {
  /** Opens the built-in book, when a price is first asked for: it is big, and most commands ask for none. */
  open(): MaybePromise<PriceBook>;
  /** Those of the configuration. */
  readonly given: PriceOverrides;
  /** Where the API of a provider is; undefined where its name says it. */
  baseUrlOf(provider: string): string | undefined;
}

/** How prices are looked up in a process. */
export function pricesIn({ open, given, baseUrlOf }: PriceSources): PricesOf {
  let opened: PriceBook | undefined;
  const booksOfDocuments = new WeakMap<PriceOverrides, PriceBook>();

  const withGiven = (book: PriceBook): PriceBook => stacked([overrides(given, book), book]);

  const bookOf = (book: PriceBook, written: PriceOverrides): PriceBook => {
    const own = booksOfDocuments.get(written) ?? stacked([overrides(written, book), book]);
    booksOfDocuments.set(written, own);
    return own;
  };

  const kept = new Map<string, UnitPrices | undefined>();
  let keptSince = 0;

  const pricesAt = (book: PriceBook, { provider, model }: Asked, at: number): UnitPrices | undefined =>
    book.pricesOf({ provider, baseUrl: baseUrlOf(provider), model, at });

  /** The same, where it was asked for a moment ago. */
  const pricesNow = (book: PriceBook, asked: Asked, at: number): UnitPrices | undefined => {
    const key = JSON.stringify([asked.provider, asked.model]);
    const since = Math.floor(at / FRESH_MS);
    if (since !== keptSince || kept.size >= MOST_KEPT) kept.clear();
    keptSince = since;
    if (!kept.has(key)) kept.set(key, pricesAt(book, asked, at));
    return kept.get(key);
  };

  return (rows, { prices: written }, at) => {
    const builtIn = (opened ??= withGiven(rows.read('price book', open)));
    const windowOf = ({ provider, model }: Asked): number | undefined =>
      builtIn.windowOf?.({ provider, baseUrl: baseUrlOf(provider), model, at });
    const price = (asked: Asked): UnitPrices | undefined =>
      written === undefined ? pricesNow(builtIn, asked, at) : pricesAt(bookOf(builtIn, written), asked, at);
    return Object.assign(price, { windowOf });
  };
}
