/** Rounds in turn: each contender once a round, so that a busy minute of the machine hits all of them. */
import { collectGarbage } from './memory.ts';
import { spread, type Spread } from './statistics.ts';
import type { Case, Contender, Sample } from './workload.ts';

/** What a case came to: figures by contender and metric. */
export interface CaseResult {
  readonly title: string;
  readonly target: string;
  readonly rounds: number;
  readonly figures: Readonly<Record<string, Readonly<Record<string, Spread>>>>;
}

/** Runs a case: once unmeasured, so that everything is compiled, then `rounds` times. */
export async function runCase(of: Case, rounds: number): Promise<CaseResult> {
  const count = Math.min(rounds, of.longRounds ?? rounds);
  const samples = new Map<Contender, Sample[]>(of.contenders.map((contender) => [contender, []]));
  for (let round = of.longRounds === undefined ? -1 : 0; round < count; round++) {
    for (const [contender, taken] of samples) {
      collectGarbage();
      const sample = await contender.run();
      if (round >= 0) taken.push(sample);
    }
  }
  const figures = [...samples].map(([{ name }, taken]) => [name, figuresOf(of, taken)]);
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
