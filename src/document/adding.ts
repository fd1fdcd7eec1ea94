/**
 * Tasks that want to join a run, checked as a document is, and against the run as it stands: names that are taken, what
 * they need, and that nothing waits for itself.
 */
import { FermataError, type ErrorData } from '../errors.ts';
import { bounded, checkChoices, checkNeeds, rulesOf, type Rules } from './allowance.ts';
import type { AssertRunnable } from './calls.ts';
import { checkAnswerBounds } from './check-models.ts';
import { waitsForItself } from './circle.ts';
import { barsDependents } from './consequence.ts';
import type { TaskSpec } from './definition.ts';
import { Faults, faultsMessage, describeValue } from './faults.ts';
import { checkAddedItemNames } from './item-names.ts';
import { isRecord, walkJson } from './json.ts';
import { kindOf } from './kinds/index.ts';
import { checkLinks } from './links.ts';
import { gatesOf, taskSpec } from './normalise.ts';
import { outlineOf } from './outline.ts';
import type { Names } from './reads.ts';
import { checkKeptNames } from './round-names.ts';
import { partIn, roundsOf } from './rounds.ts';
import type { RunGraph } from './run-graph.ts';
import { checkTask } from './shape.ts';
import { atOnce } from './steps.ts';
import { isSettled } from './task-status.ts';

/** Tasks that join a run, in order; or why they do not. */
export type Additions =
  | {
      readonly tasks: readonly { readonly spec: TaskSpec; readonly depth: number; readonly join: boolean }[];
      /** Those among them that can never run, with what they need. */
      readonly skip: readonly { readonly name: string; readonly because: string }[];
      /** What was cut off. */
      readonly warning?: string;
    }
  | { readonly refused: ErrorData };

/**
 * What becomes of the tasks that `parent` wants to add: `written` as documents write them, `position` that of the first one
 * among the tasks of the run.
 */
export function additions(
  graph: RunGraph,
  parent: string,
  { written, position }: { readonly written: unknown; readonly position: number },
  assertRunnable: AssertRunnable,
): Additions {
  const { onComplete } = graph.spec(parent);
  const subject = `What task ${JSON.stringify(parent)} adds`;
  if (onComplete === undefined) return refused('invalidDocument', `${subject} was not asked for by its onComplete.`);
  if (!Array.isArray(written))
    return refused('invalidDocument', `${subject} should be a list of tasks, came ${describeValue(written)}.`);
  const depth = graph.growth(parent).depth + 1;
  const { dynamicTaskLimit, maxDynamicDepth, onLimit, join } = onComplete;
  const all: readonly unknown[] = written;
  const kept = depth > maxDynamicDepth ? [] : all.slice(0, dynamicTaskLimit);
  const warning = warningOf(all.length, kept.length, depth, onComplete);
  if (warning !== undefined && onLimit === 'fail') return refused('tooManyTasks', `${subject} is too much: ${warning}`);
  const faults = new Faults();
  const rules = rulesOf(graph.spec(parent), graph.definition);
  const specs = checked(graph, { parent, written: kept, position, rules }, assertRunnable, faults);
  if (faults.count > 0) {
    const found = faults.list();
    return refused('invalidDocument', faultsMessage(subject, found, faults.count), { faults: found });
  }
  if (join) {
    const circle = waitsForItself(graph, parent, specs);
    if (circle !== undefined) return refused('invalidDocument', `${subject} would wait for itself: ${circle}.`);
  }
  return {
    tasks: specs.map((spec) => ({ spec, depth, join })),
    skip: impossible(graph, specs),
    ...(warning === undefined ? {} : { warning }),
  };
}

function warningOf(
  came: number,
  kept: number,
  depth: number,
  { dynamicTaskLimit, maxDynamicDepth }: { readonly dynamicTaskLimit: number; readonly maxDynamicDepth: number },
): string | undefined {
  if (kept === came) return undefined;
  if (depth > maxDynamicDepth)
    return `${came} tasks would be the ${depth}. addition in a row, and maxDynamicDepth allows ${maxDynamicDepth}; none was added.`;
  return cutOffWarning(came, dynamicTaskLimit);
}

/** What is said of more tasks than `dynamicTaskLimit`. */
export function cutOffWarning(came: number, limit: number): string {
  const over = came - limit;
  const last = over === 1 ? 'last one was' : `last ${over} were`;
  return `${came} tasks came, and dynamicTaskLimit allows ${limit}; the ${last} cut off.`;
}

interface ToCheck {
  readonly parent: string;
  readonly written: readonly unknown[];
  /** Of the first one among the tasks of the run. */
  readonly position: number;
  readonly rules: Rules | undefined;
}

function checked(
  graph: RunGraph,
  { parent, written, position, rules }: ToCheck,
  assertRunnable: AssertRunnable,
  faults: Faults,
): TaskSpec[] {
  const { structure, nul } = atOnce(walkJson(written));
  for (const { path, message } of [...structure, ...nul]) faults.add(path, message);
  if (structure.length > 0) return [];
  const tasks = written.map((task, at) => checkTask(task, ['tasks', at], faults));
  for (const [at, task] of written.entries()) {
    if (rules !== undefined) checkChoices(task, ['tasks', at], rules, faults);
    if (!isRecord(task) || kindOf(task) === undefined) continue;
    const { name } = task;
    if (typeof name === 'string' && graph.has(name)) faults.add(`tasks[${at}].name`, nameIsTaken(name));
  }
  checkAnswerBounds(written, faults);
  checkKeptNames(written, faults, (owner) => graph.has(owner) && roundsOf(graph.spec(owner)) !== undefined);
  const outline = atOnce(outlineOf({ tasks: written }));
  checkAddedItemNames(outline.tasks, graph.definition, faults);
  const links = atOnce(checkLinks(outline, faults, namesOf(graph)));
  if (rules !== undefined) checkNeeds(graph, parent, links, rules, faults);
  const gates = gatesOf(tasks.filter((task) => task !== undefined));
  const names = new Set(tasks.map((task) => task?.name));
  for (const chosen of gates.keys())
    if (!names.has(chosen))
      faults.add(
        '',
        `a condition can choose among the tasks that are added with it, and ${JSON.stringify(chosen)} is none of them`,
      );
  if (faults.count > 0) return [];
  const specs = tasks.flatMap((task, at) =>
    task === undefined
      ? []
      : [
          taskSpec(task, graph.definition, {
            position: 0,
            dependsOn: links[at]?.dependsOn ?? [],
            after: [],
            shared: links[at]?.shared,
            gates:
              gates
                .get(task.name)
                ?.map((gate) => ({ ...gate, unseen: links[at]?.unseen.includes(gate.by) === true })) ?? [],
          }),
        ],
  );
  for (const [at, spec] of specs.entries()) checkRunnable(spec, at, assertRunnable, faults);
  if (faults.count > 0) return [];
  const held = rules === undefined ? specs : specs.map((spec) => bounded(spec, rules));
  return inOrder(held).map((spec, at) => withoutGaps({ ...spec, position: position + at }));
}

/** What is said of a task whose name another one of the run has. */
export function nameIsTaken(name: string): string {
  return `the name ${JSON.stringify(name)} is taken by another task of the run`;
}

/** What nobody here can do would keep the run waiting for ever: whoever wrote it never thought of this process. */
export function checkRunnable(spec: TaskSpec, at: number, assertRunnable: AssertRunnable, faults: Faults): void {
  try {
    assertRunnable({ tasks: [spec] });
  } catch (thrown) {
    if (!(thrown instanceof FermataError)) throw thrown;
    faults.add(`tasks[${at}]`, thrown.message);
  }
}

/** What a task needs comes before it, and else they stay as they were written. */
export function inOrder(specs: readonly TaskSpec[]): TaskSpec[] {
  const left = new Set(specs);
  const names = new Set(specs.map(({ name }) => name));
  const ordered: TaskSpec[] = [];
  while (left.size > 0) {
    for (const spec of left) {
      if (spec.dependsOn.some((needed) => names.has(needed))) continue;
      ordered.push(spec);
      left.delete(spec);
      names.delete(spec.name);
    }
  }
  return ordered;
}

/** What may be needed: tasks of the run, but no single items and no parts of rounds; those of the document may be suggested. */
function namesOf(graph: RunGraph): Names {
  const { tasks } = graph.definition;
  return {
    has: (name) => graph.has(name) && graph.item(name) === undefined && partIn(graph, name) === undefined,
    size: tasks.length,
    *[Symbol.iterator]() {
      for (const { name } of tasks) yield name;
    },
  };
}

/** Tasks that need one that has already ended without success. */
export function impossible(graph: RunGraph, specs: readonly TaskSpec[]): { name: string; because: string }[] {
  const found = new Map<string, string>();
  const names = new Set(specs.map(({ name }) => name));
  for (let before = -1; before < found.size;) {
    before = found.size;
    for (const { name, dependsOn } of specs) {
      const because = dependsOn.find((needed) => found.has(needed) || (!names.has(needed) && hasFailed(graph, needed)));
      if (because !== undefined) found.set(name, because);
    }
  }
  return [...found].map(([name, because]) => ({ name, because }));
}

function hasFailed(graph: RunGraph, name: string): boolean {
  const row = graph.row(name);
  return isSettled(row.status) && barsDependents(row, graph.spec(name));
}

/** As it is kept: what is not set is absent. */
export function withoutGaps<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value)) as Value;
}

/** Nothing joins the run. */
export function refused(code: ErrorData['code'], message: string, data?: ErrorData['data']): Additions {
  return { refused: { code, message, retry: 'never', ...(data === undefined ? {} : { data }) } };
}
