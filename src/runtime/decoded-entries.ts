/** Journal entries that a run keeps decoded: what the items of a map read one after the other, their values and some results. */

/** How many at most. */
const MAX_ENTRIES = 64;
/** Characters that they had, and a few of them have in any case. */
const MAX_CHARACTERS = 4_000_000;
const FEW_ENTRIES = 4;

interface Decoded {
  readonly value: unknown;
  /** Characters that it was decoded from. */
  readonly length: number;
}

/** Those that were read last. */
export class DecodedEntries {
  readonly #entries = new Map<number, Decoded>();
  #characters = 0;

  /** The entry of a number, if it is kept: it is then the one that was read last. */
  get(seq: number): Decoded | undefined {
    const known = this.#entries.get(seq);
    if (known === undefined) return undefined;
    this.#entries.delete(seq);
    this.#entries.set(seq, known);
    return known;
  }

  /** Keeps one that is not kept yet, and lets go of those that were not read for the longest time. */
  add(seq: number, decoded: Decoded): void {
    this.#entries.set(seq, decoded);
    this.#characters += decoded.length;
    for (const [oldest, { length }] of this.#entries) {
      const { size } = this.#entries;
      if (size <= FEW_ENTRIES || (size <= MAX_ENTRIES && this.#characters <= MAX_CHARACTERS)) return;
      this.#entries.delete(oldest);
      this.#characters -= length;
    }
  }
}
