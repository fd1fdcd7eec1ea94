/** From facts to rows: results, dependency counts, approvals … in the very commit that states the fact. */
import type { RowChange } from '../store/rows.ts';
import type { DraftFact } from './draft.ts';
import type { RunRows } from './rows.ts';

/** What a projection makes of a fact. */
export interface Projected {
  /** Whole rows, by key. */
  readonly rows?: readonly RowChange[];
  /** What to add to the run's counts. */
  readonly counts?: Readonly<Record<string, number>>;
  /** A row names the fact's entry by its number, so that it may be read in this very group. */
  readonly keeps?: boolean;
}

/** A pure function from a fact, and the rows it names by key, to row changes. */
export interface Projection {
  /** Types of the facts it reads. */
  readonly facts: readonly string[];
  project(fact: DraftFact, rows: RunRows): Projected;
}
