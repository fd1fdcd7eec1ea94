/** What the soak runs in turn. */

/** One kind of trial. */
export interface Trial {
  readonly name: string;
  /** What must be there, or why it cannot run. */
  missing(): string | undefined;
  /** One seeded trial; throws a FermataError/AssertionError that says what was expected where it fails; returns counts to print. */
  run(seed: number): Promise<Readonly<Record<string, number>>>;
}
