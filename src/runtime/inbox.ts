/** What has come in for a run, oldest first. */
import type { Input } from './input.ts';

/** Inputs that were taken and whose places are still there: fewer are not worth moving the others. */
const MOST_EMPTY = 1_000;

/** Inputs in order. Taking one costs the same however many there are: an array of 100,000 moves all the others each time. */
export class Inbox {
  #inputs: Input[] = [];
  #taken = 0;

  get size(): number {
    return this.#inputs.length - this.#taken;
  }

  /** The oldest one, left where it is. */
  get first(): Input | undefined {
    return this.#inputs[this.#taken];
  }

  add(input: Input): void {
    this.#inputs.push(input);
  }

  dropFirst(): void {
    if (this.size === 0) return;
    this.#taken++;
    if (this.#taken > MOST_EMPTY && this.#taken > this.size) this.#keep(this.all());
    else if (this.size === 0) this.#keep([]);
  }

  /** Drops those for which `isKept` is false. */
  keep(isKept: (input: Input) => boolean): void {
    this.#keep(this.all().filter(isKept));
  }

  all(): Input[] {
    return this.#inputs.slice(this.#taken);
  }

  #keep(inputs: Input[]): void {
    this.#inputs = inputs;
    this.#taken = 0;
  }
}
