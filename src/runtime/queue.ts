/** Runs that have something to take, in order. */
import type { RunKey } from '../store/runs.ts';

/** The runs that wait for their turn, each once. */
export class RunQueue {
  readonly #runs = new Map<string, RunKey>();
  /** Those in which somebody waits for an answer: they need not wait for a recovery of 10,000 others. */
  readonly #asked = new Set<string>();

  get size(): number {
    return this.#runs.size;
  }

  /** Puts a run into the queue; where it is there already it keeps its place. */
  add(key: RunKey, asked = false): void {
    this.#runs.set(key.run, key);
    if (asked) this.#asked.add(key.run);
  }

  /** Takes runs off: one in which somebody waits for an answer, one of the others, and so on, newcomers included. */
  *inTurn(): Generator<RunKey> {
    for (const [id] of this.#runs) {
      const [asked = id] = this.#asked;
      for (const next of new Set([asked, id])) {
        const key = this.#runs.get(next);
        this.#asked.delete(next);
        this.#runs.delete(next);
        if (key !== undefined) yield key;
      }
    }
  }

  clear(): void {
    this.#runs.clear();
    this.#asked.clear();
  }
}
