/**
 * What joins a run for a task that works in rounds: its own calls, and the tasks that a plan proposes, checked as those of
 * a document are.
 */
import type { RoundAsk } from '../../machines/plan-execute-reflect.ts';
import { bounded, checkChoices, rulesOfPlans } from './allowance.ts';
import {
  checkRunnable,
  cutOffWarning,
  impossible,
  inOrder,
  nameIsTaken,
  refused,
  withoutGaps,
  type Additions,
} from './adding.ts';
import type { AssertRunnable } from './calls.ts';
import { checkAnswerBounds } from './check-models.ts';
import type { TaskSpec } from './definition.ts';
import { describeValue, Faults, faultsMessage } from './faults.ts';
import { isRecord, walkJson } from './json.ts';
import { kindOf, type CheckedTask } from './kinds/index.ts';
import type { PlanExecuteReflectSpec } from './kinds/plan-execute-reflect.ts';
import { checkLinks } from './links.ts';
import { taskSpec } from './normalise.ts';
import { outlineOf } from './outline.ts';
import { stepName } from './round-names.ts';
import { aliasesOf, phaseSpec, promptWithResults, roundsOf } from './rounds.ts';
import type { RunGraph } from './run-graph.ts';
import { checkTask } from './shape.ts';
import { atOnce } from './steps.ts';

/** Where tasks that join a run stand in it. */
export interface Joining {
  /** Of the first one among the tasks of the run. */
  readonly position: number;
  /** Tasks that the run has at once. */
  readonly breadth: number;
}

/** What becomes of what a task that works in rounds wants to add. */
export function roundAdditions(
  graph: RunGraph,
  owner: string,
  ask: RoundAsk,
  joining: Joining,
  assertRunnable: AssertRunnable,
): Additions {
  const spec = graph.spec(owner);
  const rounds = roundsOf(spec);
  if (rounds === undefined) return refused('internal', `Task ${JSON.stringify(owner)} asks for a round, and has none.`);
  const depth = graph.growth(owner).depth + 1;
  if (ask.phase !== 'execute') {
    const own = phaseSpec(graph, owner, ask, joining);
    if (own === undefined || graph.has(own.name)) return refused('invalidDocument', nameIsTaken(own?.name ?? owner));
    return { tasks: [{ spec: withoutGaps(own), depth, join: true }], skip: [] };
  }
  const subject = `The plan of round ${ask.round} of task ${JSON.stringify(owner)}`;
  if (!Array.isArray(ask.tasks))
    return refused('invalidDocument', `${subject} should be a list of tasks, came ${describeValue(ask.tasks)}.`);
  const all: readonly unknown[] = ask.tasks;
  const { dynamicTaskLimit, onLimit } = rounds;
  const kept = all.slice(0, dynamicTaskLimit);
  const over = all.length - kept.length;
  if (over > 0 && onLimit === 'fail')
    return refused(
      'tooManyTasks',
      `${subject} has ${all.length} tasks, and dynamicTaskLimit allows ${dynamicTaskLimit}.`,
    );
  const faults = new Faults();
  const specs = proposedSpecs(graph, spec, rounds, { ...ask, tasks: kept }, joining, faults);
  for (const [at, one] of specs.entries()) checkRunnable(one, at, assertRunnable, faults);
  if (faults.count > 0) {
    const found = faults.list();
    return refused('invalidDocument', faultsMessage(subject, found, faults.count), { faults: found });
  }
  return {
    tasks: specs.map((one) => ({ spec: one, depth, join: true })),
    skip: impossible(graph, specs),
    ...(over === 0 ? {} : { warning: cutOffWarning(all.length, dynamicTaskLimit) }),
  };
}

function proposedSpecs(
  graph: RunGraph,
  owning: TaskSpec,
  rounds: PlanExecuteReflectSpec<TaskSpec>,
  { round, tasks: written }: RoundAsk & { readonly tasks: readonly unknown[] },
  { position }: Joining,
  faults: Faults,
): readonly TaskSpec[] {
  const { name: owner, tags } = owning;
  const rules = rulesOfPlans(rounds, graph.definition);
  const { structure, nul } = atOnce(walkJson(written));
  for (const { path, message } of [...structure, ...nul]) faults.add(path, message);
  if (structure.length > 0) return [];
  const complete = written.map((task) => withDefaults(task, rounds));
  const checked = complete.map((task, at) => checkTask(task, ['tasks', at], faults));
  for (const [at, task] of complete.entries()) {
    if (!refuseOthers(task, at, faults)) checkChoices(task, ['tasks', at], rules, faults);
    const name = isRecord(task) ? task['name'] : undefined;
    if (typeof name === 'string' && graph.has(stepName(owner, round, name)))
      faults.add(`tasks[${at}].name`, nameIsTaken(stepName(owner, round, name)));
  }
  checkAnswerBounds(complete, faults);
  const before = aliasesOf(graph, owner);
  const known = { has: (name: string) => before.has(name), size: before.size, [Symbol.iterator]: () => before.keys() };
  const links = atOnce(checkLinks(atOnce(outlineOf({ tasks: complete })), faults, known));
  if (faults.count > 0) return [];
  const proposed = new Set(checked.map((task) => task?.name));
  const named = (alias: string): string =>
    proposed.has(alias) ? stepName(owner, round, alias) : (before.get(alias) ?? alias);
  // Also where the run has no more at once: one that waits holds none of the run's slots, but still its turn.
  const lane = rounds.breadth === undefined ? {} : { lane: rounds.breadth };
  const specs = checked.flatMap((task, at) => {
    if (task === undefined) return [];
    const aliases = links[at]?.dependsOn ?? [];
    const own = taskSpec(withResults(task, aliases), graph.definition, {
      position: 0,
      dependsOn: aliases.map(named),
      after: [],
      gates: [],
      shared: links[at]?.shared,
    });
    const spec = bounded(own, rules);
    const part = {
      owner,
      phase: 'execute' as const,
      round,
      alias: task.name,
      aliases: Object.fromEntries(aliases.map((alias) => [named(alias), alias])),
      ...lane,
    };
    return [{ ...spec, name: named(task.name), tags: [...new Set([...tags, ...spec.tags])], part }];
  });
  return inOrder(specs).map((spec, at) => withoutGaps({ ...spec, position: position + at }));
}

/** What a plan does not say of its tasks, the task says that works in rounds. */
function withDefaults(task: unknown, { defaults }: PlanExecuteReflectSpec<TaskSpec>): unknown {
  if (!isRecord(task)) return task;
  const { retry, ...any } = defaults.any;
  const retries = task['retry'] === undefined && task['maxRetries'] === undefined ? { retry } : {};
  return { ...(task['kind'] === undefined ? callDefaults(task, defaults.model) : {}), ...any, ...retries, ...task };
}

/** A task that names a model, or several, chooses among no others. */
function callDefaults(
  task: Readonly<Record<string, unknown>>,
  { model, models, optimize, ...rest }: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  if (task['model'] !== undefined) return rest;
  const wanted = optimize === undefined ? {} : { optimize };
  if (task['models'] !== undefined) return { ...rest, ...wanted };
  return { ...rest, ...wanted, ...(models === undefined ? { model } : { models }) };
}

/** A round is over when its tasks are: they are calls, and what follows from them the next plan says. True where it is none. */
function refuseOthers(task: unknown, at: number, faults: Faults): boolean {
  if (!isRecord(task)) return true;
  const before = faults.count;
  const kind = kindOf(task);
  if (kind !== undefined && kind !== 'model' && kind !== 'code')
    faults.add(`tasks[${at}].kind`, `a plan holds model calls (no "kind") and "code", came ${JSON.stringify(kind)}`);
  if (task['onComplete'] !== undefined)
    faults.add(`tasks[${at}].onComplete`, 'the tasks of a plan add none: what follows from them the next plan says');
  return faults.count > before;
}

function withResults(task: CheckedTask, dependsOn: readonly string[]): CheckedTask {
  return 'kind' in task ? task : { ...task, prompt: promptWithResults(task.prompt, dependsOn) };
}
