/** Rounds in turn: each contender once a round, so that a busy minute of the machine hits all of them. */
import { open } from './contender.ts';
import { spread, type Spread } from './statistics.ts';
import type { Case, Sample } from './workload.ts';

/**
 * Milliseconds of work before the first round that counts. What is measured is a server that has been at work for a while:
 * the compiler goes on for some thousand steps.
 */
const WARM_UP_MS = 5_000;

/** What a case came to: figures by contender and metric. */
export interface CaseResult {
  readonly title: string;
  readonly target: string;
  readonly rounds: number;
  readonly figures: Readonly<Record<string, Readonly<Record<string, Spread>>>>;
}

/** Runs a case of the workload `id`: unmeasured for some seconds, each contender for itself, then `rounds` times in turn. */
export async function runCase(id: string, of: Case, rounds: number): Promise<CaseResult> {
  const count = Math.min(rounds, of.longRounds ?? rounds);
  const contenders = await Promise.all(
    of.contenders.map(async ({ name }) => ({ name, samples: [] as Sample[], ...(await open(id, of.title, name)) })),
  );
  try {
    if (of.longRounds === undefined) {
      for (const { round } of contenders) {
        const end = performance.now() + WARM_UP_MS;
        while (performance.now() < end) await round();
      }
    }
    for (let done = 0; done < count; done++) {
      for (const { samples, round } of contenders) samples.push(await round());
    }
  } finally {
    await Promise.all(contenders.map(({ close }) => close()));
  }
  const figures = contenders.map(({ name, samples }) => [name, figuresOf(of, samples)]);
  return {
    title: of.title,
    target: of.target,
    rounds: count,
    figures: Object.fromEntries(figures) as CaseResult['figures'],
  };
}

function figuresOf({ metrics }: Case, samples: readonly Sample[]): Record<string, Spread> {
  const measured = metrics.filter(({ key }) => samples.some((sample) => key in sample));
  return Object.fromEntries(measured.map(({ key }) => [key, spread(samples.flatMap((sample) => sample[key] ?? []))]));
}
