/** Random goals, and what models say to their plans and reflections: mostly what was asked for. */
import type { Random } from '../../src/testing/random.ts';

/** A task that works in rounds. */
export function randomRounds(random: Random, about: string): object {
  return {
    kind: 'planExecuteReflect',
    goal: `Reach ${about}`,
    depth: random.between(1, 3),
    ...(random.chance(0.6) ? { breadth: random.between(1, 2) } : {}),
    dynamicTaskLimit: random.pick([2, 10]),
    onLimit: random.pick(['truncate', 'truncate', 'fail']),
    ...(random.chance(0.6) ? { allow: { functions: ['work'] } } : {}),
    retry: { maxRetries: random.between(0, 2), initialSeconds: 0.5, factor: 2, maxSeconds: 2 },
    onInDoubt: random.pick(['retry', 'retry', 'ask', 'fail']),
    ...(random.chance(0.15) ? { timeoutSeconds: random.pick([0.04, 30, 600]) } : {}),
    ...(random.chance(0.1) ? { requiresApproval: true, onReject: random.pick(['skip', 'cancel', 'fail']) } : {}),
  };
}

/** What a model says to one of its own calls; undefined to every other. */
export function roundAnswer(random: Random, task: string): object | undefined {
  if (/\.plan \d+(?: again)?$/.test(task)) return { tasks: randomPlan(random) };
  if (!/\.reflect \d+$/.test(task)) return undefined;
  const done = random.chance(0.4);
  return { done, answer: done && random.chance(0.4) ? `found by ${task}` : null, next: done ? null : 'more' };
}

/** Now and then with a name twice, or with a need that nobody has heard of; mostly such as can run. */
function randomPlan(random: Random): readonly object[] {
  const names = ['a', 'b', 'c', 'd'].slice(0, random.between(0, 4));
  const wrong = random.chance(0.1) ? [{ name: random.pick(['a', 'e']), prompt: 'Wrong', dependsOn: ['nobody'] }] : [];
  return [
    ...names.map((name, at) => ({
      name,
      // Where its author does not allow it, the plan is sent back.
      ...(random.chance(0.1) ? { kind: 'code', function: 'work' } : { prompt: `Do ${name}` }),
      dependsOn: names.slice(0, at).filter(() => random.chance(0.4)),
    })),
    ...wrong,
  ];
}
