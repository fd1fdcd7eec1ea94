/**
 * A soak: trials of several kinds in turn until the time is over. Whoever has had the least time for its weight is next,
 * so that a kind of long trials and one of short ones get their shares.
 */
import type { Trial } from './trial.ts';

/** A kind that fails every time would fill the screen and tell nothing new. */
const MAX_FAILURES = 5;
/** Milliseconds after which a trial hangs. */
const LONGEST_TRIAL_MS = 5 * 60_000;

/** What is to be done. */
export interface SoakOptions {
  readonly kinds: readonly Trial[];
  /** Seed of each kind's first trial; the next one has the next number. */
  readonly seed: number;
  readonly minutes: number;
  /** Trials of each kind at most; default: as many as fit. */
  readonly trials?: number;
  /** Where needs that are missing are failures and not remarks. */
  readonly isCi: boolean;
  /** Milliseconds since any moment. */
  now(): number;
  print(line: string): void;
}

/** What became of one kind. */
export interface KindReport {
  readonly name: string;
  trials: number;
  ms: number;
  readonly counts: Record<string, number>;
  readonly failures: { readonly seed: number; readonly error: unknown }[];
  /** What it needs and has not. */
  readonly missing: string | undefined;
}

/** Runs a soak. Failures are in the reports; nothing is thrown. */
export async function soak(options: SoakOptions): Promise<readonly KindReport[]> {
  const { kinds, minutes, trials = Infinity, now, print } = options;
  const until = now() + minutes * 60_000;
  const reports = new Map(kinds.map((kind) => [kind, newReport(kind)]));
  const share = (kind: Trial): number => (reports.get(kind)?.ms ?? 0) / (kind.weight ?? 1);
  while (now() < until) {
    const able = kinds.filter((kind) => {
      const report = reports.get(kind);
      return (
        report?.missing === undefined && (report?.trials ?? 0) < trials && (report?.failures.length ?? 0) < MAX_FAILURES
      );
    });
    const next = able.reduce<Trial | undefined>(
      (least, kind) => (least === undefined || share(kind) < share(least) ? kind : least),
      undefined,
    );
    const report = next && reports.get(next);
    if (next === undefined || report === undefined) break;
    await runOne(next, report, options);
  }
  for (const report of reports.values()) print(describe(report, options.isCi));
  return [...reports.values()];
}

/** True where every kind that had to run did, at least once, and none failed. */
export function passed({ trials, failures, missing }: KindReport, isCi: boolean): boolean {
  return missing === undefined ? trials > 0 && failures.length === 0 : !isCi;
}

async function runOne(kind: Trial, report: KindReport, { seed, now, print }: SoakOptions): Promise<void> {
  const own = seed + report.trials;
  const began = now();
  try {
    const counts = await withDeadline(kind.run(own));
    for (const [name, count] of Object.entries(counts)) report.counts[name] = (report.counts[name] ?? 0) + count;
  } catch (error) {
    report.failures.push({ seed: own, error });
    print(`FAILED ${kind.name}, seed ${own}. Alone: npm run soak -- --only ${kind.name} --seed ${own} --trials 1`);
    print(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  report.trials++;
  report.ms += Math.max(1, now() - began);
}

async function withDeadline<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const message = `Expected a trial to end within ${LONGEST_TRIAL_MS / 1_000} s, and it did not: it hangs.`;
    timer = setTimeout(() => reject(new RangeError(message)), LONGEST_TRIAL_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function newReport(kind: Trial): KindReport {
  return { name: kind.name, trials: 0, ms: 0, counts: {}, failures: [], missing: kind.missing() };
}

function describe({ name, trials, ms, counts, failures, missing }: KindReport, isCi: boolean): string {
  if (missing !== undefined) return `${name}: ${isCi ? 'FAILED, ' : ''}not run: ${missing}`;
  if (trials === 0) return `${name}: FAILED, the time was over before its first trial`;
  const sums = Object.entries(counts).map(([what, count]) => `${count} ${what}`);
  const verdict = failures.length === 0 ? [] : [`FAILED with seed ${failures.map(({ seed }) => seed).join(', ')}`];
  return `${name}: ${[`${trials} trials in ${Math.round(ms / 1_000)} s`, ...sums, ...verdict].join(', ')}`;
}
