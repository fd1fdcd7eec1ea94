/** What a soak is made of. Each file of this folder that exports a `trial` is one kind. */

/**
 * A kind of trial. One trial is a few seconds of one kind of trouble, made from a seed, with a verdict.
 *
 * @example
 * export const trial: Trial = { name: 'kills', missing: () => undefined, run: async (seed) => ({ kills: await killAt(seed) }) }
 */
export interface Trial {
  /** As its file is called. */
  readonly name: string;
  /** Its share of the soak's time, beside the others; default 1. */
  readonly weight?: number;
  /** What must be there and is not, or why it cannot run here; undefined where it can. */
  missing(): string | undefined;
  /**
   * One trial; the same seed makes the same choices. Throws a FermataError or an AssertionError that says what was
   * expected where it fails; returns counts to print (they are added up).
   */
  run(seed: number): Promise<Readonly<Record<string, number>>>;
}
