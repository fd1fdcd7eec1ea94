/**
 * What may be observed of work in rounds: which part may come next, how many go on at once, and what follows from them.
 * Part of the reference model, in words of its own: it reads the names of the parts and what they gave.
 */
import { isDeepStrictEqual } from 'node:util';
import type { SeenFact } from './observation.ts';
import { check, codeOf, ENDED, isAlive, type Run, type Task } from './reference-run.ts';

/** True for a task that works in rounds. */
export function hasRounds({ plan }: Task): boolean {
  return plan.call.kind === 'planExecuteReflect';
}

/** One more task of such a one: it has to be its turn. */
export function addPart(owner: Task, part: Task, where: string): void {
  const { parts = [], plan } = owner;
  check(owner.status === 'running', `P4 ${where}: whose part it is, is ${owner.status}`);
  const own = part.plan.name.slice(plan.name.length + 1);
  const before = parts.at(-1);
  // The tasks of a plan come together; whatever else comes, all before it is over.
  const [, round, step] = /^(\d+)\.([^]+)$/.exec(own) ?? [];
  const planned = parts.findLast(({ plan: { name } }) =>
    [`plan ${round}`, `plan ${round} again`].includes(name.slice(plan.name.length + 1)),
  );
  if (round !== undefined) {
    const names = tasksOf(planned).map(({ name }) => name);
    const isPlanned = planned?.status === 'completed' && names.includes(step);
    check(planned !== undefined && isPlanned, `P4 ${where}: the plan of its round does not have it`);
    const since = parts.slice(parts.indexOf(planned) + 1);
    const isNext = since.every(({ plan: { name } }) => name.startsWith(`${plan.name}.${round}.`));
    check(isNext, `P4 ${where}: its round is over`);
  } else {
    const open = parts.filter(({ status }) => !ENDED.has(status)).map(({ plan: { name } }) => name);
    check(open.length === 0, `P4 ${where}: ${open.join(', ')} of it go on`);
    const expected = nextOf(owner);
    check(
      expected.includes(own),
      `P4 ${where}: after ${before?.plan.name ?? 'nothing'} comes ${expected.join(' or ')}`,
    );
  }
  owner.parts = [...parts, part];
}

/** What may come next of its own calls: plans, reflections, the answer. */
function nextOf({ plan, parts = [] }: Task): readonly string[] {
  const last = parts.at(-1);
  if (last === undefined) return ['plan 1'];
  const own = last.plan.name.slice(plan.name.length + 1);
  const [, what, number = '0', again] = /^(plan|reflect) (\d+)( again)?$/.exec(own) ?? [];
  const round = Number(number);
  if (what === 'plan') {
    if (last.status !== 'completed') return [];
    if (isList(last) && tasksOf(last).length === 0) return ['answer'];
    return again === undefined ? [`plan ${round} again`] : [];
  }
  if (what === 'reflect') {
    if (last.status !== 'completed') return [];
    const { done } = last.result as { readonly done: boolean };
    return done || round >= (plan.call.depth ?? 0) ? ['answer'] : [`plan ${round + 1}`];
  }
  return own === 'answer' ? [] : [`reflect ${own.split('.')[0]}`];
}

/** As many proposed tasks as it allows have begun and not ended. */
export function checkBreadth(run: Run, { from }: Task, where: string): void {
  if (from?.as !== 'part') return;
  const owner = run.tasks.get(from.task);
  const most = owner?.plan.call.breadth ?? Infinity;
  const alive = owner?.parts?.filter(isAlive).length ?? 0;
  check(alive <= most, `P4 ${where}: ${alive} tasks of a plan go on, and at most ${most} may`);
}

/** It gives what its answer gave, and says whether it came to its end. */
export function checkAnswer({ plan, parts = [] }: Task, data: SeenFact['data'], where: string): void {
  const last = parts.at(-1);
  const open = parts.filter(({ status }) => !ENDED.has(status)).length;
  check(open === 0 && last?.status === 'completed', `P7 ${where}: ${open} of its tasks have not ended`);
  const isAnswer = last.plan.name === `${plan.name}.answer`;
  const said = isAnswer ? last.result : (last.result as { readonly answer?: unknown }).answer;
  check(isDeepStrictEqual(data['result'], said), `P7 ${where}: its answer was another one`);
  const reflection = parts.findLast(({ plan: { name } }) => name.startsWith(`${plan.name}.reflect `))?.result as
    | { readonly done: boolean }
    | undefined;
  const rounds = parts.filter(({ plan: { name } }) => /\.plan \d+$/.test(name)).length;
  check(data['rounds'] === rounds, `P7 ${where}: ${rounds} rounds were begun`);
  const wasReached = reflection === undefined || reflection.done;
  check(wasReached || typeof data['warning'] === 'string', `P7 ${where}: it was not reached, and nothing says so`);
  const isLimit = !wasReached && rounds === plan.call.depth && parts.at(-2)?.plan.name.includes('.reflect ') === true;
  check((data['limitReached'] === true) === isLimit, `P7 ${where}: its rounds ${isLimit ? 'were' : 'were not'} over`);
}

/** Its rounds are over, and it has its answer. */
export function hasAnswered({ plan, parts = [] }: Task): boolean {
  const last = parts.at(-1);
  const own = last?.plan.name.slice(plan.name.length + 1) ?? '';
  return last?.status === 'completed' && (own === 'answer' || own.startsWith('reflect '));
}

/** What ended it early: one of its own calls, a plan that was wrong twice, or time (which its caller has seen). */
export function checkBroken({ plan, parts = [] }: Task, data: SeenFact['data'], where: string): void {
  const last = parts.at(-1);
  const isPlan = last?.plan.name.startsWith(`${plan.name}.plan `) === true && last.plan.name.endsWith(' again');
  if (['invalidDocument', 'tooManyTasks'].includes(codeOf(data)))
    return check(isPlan && last?.status === 'completed', `P7 ${where}: no plan of it was wrong twice`);
  const isOwn = last !== undefined && !/^\d+\./.test(last.plan.name.slice(plan.name.length + 1));
  const hasFailed = isOwn && ENDED.has(last.status) && last.status !== 'completed';
  check(codeOf(data) === 'roundFailed' && hasFailed, `P7 ${where}: none of its own calls failed`);
}

function isList(plan: Task): boolean {
  return Array.isArray((plan.result as { readonly tasks?: unknown } | null)?.tasks);
}

function tasksOf(plan: Task | undefined): readonly { readonly name?: unknown }[] {
  const { tasks } = (plan?.result ?? {}) as { readonly tasks?: unknown };
  return Array.isArray(tasks) ? (tasks as { readonly name?: unknown }[]) : [];
}
