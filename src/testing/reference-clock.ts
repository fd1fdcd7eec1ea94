/** What may be observed of time (P5): nothing comes before its date. Part of the reference model. */
import { check, ROUNDING_MS } from './reference-run.ts';

/** The clock of a world, as far as somebody has set it. */
export class ClockModel {
  #backMs = 0;

  /** The clock was set, ahead or (negative) back: a date may come that much early. */
  wasSet(byMs: number): void {
    this.#backMs += Math.max(0, -byMs);
  }

  /**
   * Something that takes its time is over.
   *
   * @param at when, in milliseconds since 1970, like `since`
   * @param seconds how long it has to take
   * @param promise which is broken otherwise
   */
  notEarly(at: number, since: number, seconds = Infinity, where: string, promise = 'P5'): void {
    const early = since + seconds * 1_000 - this.#backMs - ROUNDING_MS - at;
    check(early <= 0, `${promise} ${where}: ${early} ms before its time`);
  }
}
