/** What was parsed before, by its text: a prompt is read when its document is loaded, and again for each rendering. */

/**
 * Keeps the results of `make` for the `capacity` texts used last.
 *
 * @example
 * const parsed = new ParseCache(1_000, (text) => engine.parse(text));
 * parsed.get('{{ input.topic }}');
 */
export class ParseCache<Parsed> {
  readonly #entries = new Map<string, Parsed>();
  readonly #capacity: number;
  readonly #make: (text: string) => Parsed;

  constructor(capacity: number, make: (text: string) => Parsed) {
    this.#capacity = capacity;
    this.#make = make;
  }

  /** The parsed form of `text`; throws what `make` throws, and keeps nothing then. */
  get(text: string): Parsed {
    const kept = this.#entries.get(text);
    const parsed = kept ?? this.#make(text);
    this.#entries.delete(text);
    this.#entries.set(text, parsed);
    if (this.#entries.size > this.#capacity) {
      const oldest = this.#entries.keys().next();
      if (!oldest.done) this.#entries.delete(oldest.value);
    }
    return parsed;
  }
}
