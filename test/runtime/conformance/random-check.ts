/** Random machines against plain XState, many on one runtime; one that differs is shrunk alone and printed. */
import { AssertionError, deepStrictEqual } from 'node:assert';
import * as fc from 'fast-check';
import { runDurably, type Way } from './durable-run.ts';
import { runPlain } from './plain-run.ts';
import { descriptions, printed, type Description } from './random-description.ts';
import { randomScenario } from './random-machine.ts';
import type { Seen } from './scenario.ts';

/** Compares machines made from `seed`; what was compared. Throws AssertionError with the smallest that differs. */
export async function checkRandom(
  seed: number,
  machines: number,
  ways: readonly Way[],
): Promise<{ readonly machines: number; readonly turns: number }> {
  const sample = fc.sample(descriptions, { seed, numRuns: machines });
  const scenarios = sample.map((description, index) => randomScenario(description, `random ${index}`));
  const plain: Seen[] = [];
  for (const scenario of scenarios) plain.push(await runPlain(scenario));
  for (const way of ways) {
    const durable = await runDurably(scenarios, way);
    for (const [index, expected] of plain.entries()) {
      const difference = differenceOf(expected, durable[index] as Seen);
      if (difference !== undefined) await shrink(seed, index, way, sample[index] as Description, difference);
    }
  }
  const takes = plain.flatMap(({ steps }) => steps.flatMap(({ trace }) => trace.filter(([what]) => what === 'takes')));
  return { machines, turns: takes.length };
}

function differenceOf(expected: Seen, seen: Seen): string | undefined {
  for (const [index, step] of expected.steps.entries()) {
    try {
      deepStrictEqual(seen.steps[index], step);
    } catch (thrown) {
      return `${index === 0 ? 'After the start' : `After step ${index}`}: ${(thrown as Error).message}`;
    }
  }
  return undefined;
}

/** Looks for a smaller machine that differs as well, and throws the smallest. */
async function shrink(seed: number, index: number, way: Way, found: Description, difference: string): Promise<never> {
  let smallest = found;
  let why = `${difference}\n(It differs beside others only.)`;
  const property = fc.asyncProperty(descriptions, async (description) => {
    const scenario = randomScenario(description, 'random');
    const [durable] = await runDurably([scenario], way);
    const smaller = differenceOf(await runPlain(scenario), durable as Seen);
    if (smaller === undefined) return true;
    [smallest, why] = [description, smaller];
    return false;
  });
  await fc.check(property, {
    seed,
    path: String(index),
    numRuns: 1,
    endOnFailure: false,
    interruptAfterTimeLimit: MAX_SHRINKING_MS,
  });
  throw new AssertionError({
    message: `Random machine ${index} of seed ${seed} differs from plain XState ${way.name}.\n${printed(smallest)}\n${why}`,
  });
}

const MAX_SHRINKING_MS = 15_000;
