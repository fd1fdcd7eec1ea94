/** How long what was learned is taken for the same, in milliseconds: a hundred runs that begin at once learn once. */
const FRESH_MS = 10_000;
/** Where nothing was: it is soon looked for again, so that whoever has seen a first run complete is not told that none has. */
const FRESH_NOTHING_MS = 1_000;

/** Whether what was learned some milliseconds ago will do. */
export function isFresh(age: number, { nothing }: { readonly nothing: boolean }): boolean {
  return age < (nothing ? FRESH_NOTHING_MS : FRESH_MS);
}

/** What takes long to work out: worked out once for all who ask meanwhile, and the newest of it remembered. */
export class Remembered<T> {
  readonly #most: number;
  readonly #now: () => number;
  readonly #known = new Map<string, { readonly value: T; readonly at: number }>();
  readonly #working = new Map<string, Promise<T>>();

  constructor(most: number, now: () => number) {
    this.#most = most;
    this.#now = now;
  }

  /** What was worked out last, and how many milliseconds ago. */
  of(key: string): { readonly value: T; readonly age: number } | undefined {
    const known = this.#known.get(key);
    if (known === undefined) return undefined;
    const age = this.#now() - known.at;
    // A clock that was set back would let it be fresh for ever.
    return age < 0 ? undefined : { value: known.value, age };
  }

  /** Works it out anew, as of now. */
  anew(key: string, work: (now: number) => Promise<T>): Promise<T> {
    const underWay = this.#working.get(key);
    if (underWay !== undefined) return underWay;
    // Only the one that is done goes: whoever hears of it late would take out the next one, and a third would begin again.
    const working = this.#keep(key, work).finally(() => this.#working.delete(key));
    this.#working.set(key, working);
    return working;
  }

  async #keep(key: string, work: (now: number) => Promise<T>): Promise<T> {
    const at = this.#now();
    const value = await work(at);
    this.#known.delete(key);
    this.#known.set(key, { value, at });
    const [oldest] = this.#known.keys();
    if (this.#known.size > this.#most && oldest !== undefined) this.#known.delete(oldest);
    return value;
  }
}
