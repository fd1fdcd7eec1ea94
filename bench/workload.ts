/** What a benchmark is: workloads of cases, and in each case the same work done by several contenders. */

/** The figures of one round, by metric. */
export type Sample = Readonly<Record<string, number>>;

/** Who does the work. The first of a case is Fermata, the others are its baselines. */
export interface Contender {
  readonly name: 'fermata' | 'raw sqlite' | 'plain xstate' | 'openai' | '1,000,000 runs' | '1,000 runs';
  /** Gets ready, in a place of its own. */
  readonly open: () => Promise<Rounds>;
}

/** A contender that is ready. What it needs stays open from round to round. */
export interface Rounds {
  /** Does the work once. */
  readonly round: () => Promise<Sample>;
  /** Leaves nothing behind. */
  readonly close: () => Promise<void>;
}

/** Each round opens and closes what it needs. */
export function afresh(round: () => Promise<Sample>): Contender['open'] {
  return async () => ({ round, close: async () => {} });
}

/** One figure that is measured. */
export interface Metric {
  readonly key: string;
  /** With its unit: `µs a step`. */
  readonly label: string;
  readonly digits: number;
  /** For what raw SQLite and plain XState take one after the other: how the two figures are added up. */
  readonly adds?: 'times' | 'rates';
}

/** The same work for everyone. */
export interface Case {
  readonly title: string;
  /** What is to be reached, as design has it. */
  readonly target: string;
  readonly metrics: readonly Metric[];
  readonly contenders: readonly Contender[];
  /** The most rounds that make sense, where one takes long; nobody is warmed up for it either. */
  readonly longRounds?: number;
}

/** A group of cases, one file each. */
export interface Workload {
  readonly id: string;
  readonly title: string;
  readonly cases: readonly Case[];
}

/** What Fermata wrote for one step; for its own column only. */
export const COST_OF_A_STEP: readonly Metric[] = [
  { key: 'committing', label: 'µs in the store a step', digits: 0 },
  { key: 'turns', label: 'turns a step', digits: 2 },
  { key: 'rows', label: 'rows written a step', digits: 2 },
  { key: 'bytes', label: 'bytes on disk a step', digits: 0 },
  { key: 'commits', label: 'commits a step', digits: 3 },
];
