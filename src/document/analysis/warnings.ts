/** What is most likely a mistake in a document that is right in itself. */
/** What kind of mistake it may be; stable, like the codes of errors. */
export const WARNINGS = [
  'constantCondition',
  'deadBranch',
  'neverRuns',
  'absentOutput',
  'alwaysTimesOut',
  'unwrittenShared',
] as const;

/** One of them, with its place. */
export interface Warning {
  readonly code: (typeof WARNINGS)[number];
  /** As in faults: `tasks[2].prompt`. */
  readonly path: string;
  readonly message: string;
}

/** More than these are counted, not listed. */
const MOST_LISTED = 1_000;

/** Collects warnings. */
export class Warnings {
  readonly listed: Warning[] = [];
  #total = 0;

  /** How many are not listed. */
  get unlisted(): number {
    return this.#total - this.listed.length;
  }

  /** Something may be wrong at `path`. */
  add(code: Warning['code'], path: string, message: string): void {
    this.#total += 1;
    if (this.listed.length < MOST_LISTED) this.listed.push({ code, path, message });
  }
}
