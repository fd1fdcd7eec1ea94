/**
 * What tasks may name that no author wrote. A model's answer holds what its prompt put into its head, and a prompt may hold
 * anybody's text: a page, a mail, an upload. So tasks that come of one choose from what their author lists and nothing else;
 * what they have beyond that is theirs alone, and reaches nobody (docs/growing.md has the table).
 *
 * Invariants:
 * - What was added under an allowance adds under the same one: nobody widens what he was given.
 * - A name that is not listed is refused, never left out: the model is told, and may mend it.
 * - Numbers are cut to what their adder has: no answer raises a limit.
 */
import { FROM_OUTPUT, type Definition, type TaskSpec } from './definition.ts';
import { formatPath, type Faults, type Path } from './faults.ts';
import type { Allowance } from './fields.ts';
import { isRecord } from './json.ts';
import type { CallSpec } from './kinds/index.ts';
import type { PlanExecuteReflectSpec } from './kinds/plan-execute-reflect.ts';
import type { RunGraph } from './run-graph.ts';
import { eventTypesOf } from './waits.ts';

/** By what the tasks of an answer are measured. */
export interface Rules {
  readonly allow: Allowance;
  readonly providers: ReadonlySet<string>;
  readonly models: ReadonlySet<string>;
  readonly dynamicTaskLimit: number;
  readonly maxDynamicDepth: number;
  readonly maxOutputTokens: number | undefined;
  /** Types of events for which tasks of the document wait: one event is taken by one task. */
  readonly awaited: Pick<ReadonlySet<string>, 'has'>;
}

/** Nothing that costs another's money, moves another's task, or runs another's code. */
const NOTHING: Allowance = { functions: [], workflows: [], providers: [], models: [], shared: [], tasks: undefined };

/** By what the tasks are measured that a task adds when it completes; undefined where their author wrote the code that chose them. */
export function rulesOf({ call, onComplete }: TaskSpec, defaults: Definition): Rules | undefined {
  const { allow, addTasks, dynamicTaskLimit = 0, maxDynamicDepth = defaults.depth } = onComplete ?? {};
  const isCode = call.kind === 'code' || (addTasks !== undefined && addTasks !== FROM_OUTPUT);
  if (allow === undefined && isCode) return undefined;
  const rules = named(call, allow, defaults);
  // One that calls no model has no bound of its own: that of whoever added it holds on.
  return {
    ...rules,
    maxOutputTokens: rules.maxOutputTokens ?? onComplete?.maxOutputTokens,
    dynamicTaskLimit,
    maxDynamicDepth,
  };
}

/** The same of the tasks that the plans of its rounds propose. */
export function rulesOfPlans(
  call: PlanExecuteReflectSpec<TaskSpec>,
  onComplete: TaskSpec['onComplete'],
  defaults: Definition,
): Rules {
  const { allow, dynamicTaskLimit } = call;
  const maxDynamicDepth = onComplete?.maxDynamicDepth ?? defaults.depth;
  return { ...named(call, allow, defaults), dynamicTaskLimit, maxDynamicDepth };
}

function named(
  call: CallSpec,
  allow: Allowance = NOTHING,
  defaults: Definition,
): Omit<Rules, 'dynamicTaskLimit' | 'maxDynamicDepth'> {
  const own =
    call.kind === 'planExecuteReflect' ? call.phases.plan.call : call.kind === 'reduce' ? call.task.call : call;
  const { provider, model, maxOutputTokens } =
    own.kind === 'model' ? own : { provider: defaults.provider, model: defaults.model, maxOutputTokens: undefined };
  return {
    allow,
    providers: new Set([defaults.provider, provider, ...allow.providers]),
    models: new Set([defaults.model, model, ...allow.models]),
    maxOutputTokens,
    awaited: eventTypesOf(defaults),
  };
}

/** Adds a fault for each name in a task, as it is written, that its author did not allow. */
export function checkChoices(task: unknown, path: Path, rules: Rules, faults: Faults, maps = 0): void {
  if (!isRecord(task)) return;
  const { functions, workflows, shared } = rules.allow;
  const { kind, onComplete, outputs, workflow, event } = task;
  const choose = (value: unknown, field: Path, may: string, allowed: Iterable<string>): void => {
    if (typeof value === 'string') choice(value, [...path, ...field], may, [...allowed], faults);
  };
  if (kind === 'code') choose(task['function'], ['function'], 'function to call', functions);
  if (isRecord(onComplete) && onComplete['addTasks'] !== FROM_OUTPUT)
    choose(onComplete['addTasks'], ['onComplete', 'addTasks'], 'function to call', functions);
  if (kind === 'subworkflow' && isRecord(workflow))
    faults.add(
      formatPath([...path, 'workflow']),
      'a whole document cannot come of an answer: name a workflow, or write its tasks themselves',
    );
  if (kind === 'subworkflow') choose(workflow, ['workflow'], 'workflow to run', workflows);
  if (kind === 'wait' && isRecord(event) && typeof event['type'] === 'string' && rules.awaited.has(event['type']))
    faults.add(
      formatPath([...path, 'event', 'type']),
      `${JSON.stringify(event['type'])} is an event for which tasks of the document wait, and would be taken from them`,
    );
  choose(task['provider'], ['provider'], 'provider', rules.providers);
  choose(task['model'], ['model'], 'model', rules.models);
  for (const field of ['when', 'if'])
    if (isRecord(task[field]))
      faults.add(formatPath([...path, field]), 'a predicate cannot come of an answer: write the condition in CEL');
  if (isRecord(outputs) && isRecord(outputs['shared']))
    for (const key of Object.keys(outputs['shared']))
      choose(key, ['outputs', 'shared', key], 'shared key to write', shared);
  for (const [at, holder] of [
    [['allow'], task],
    [['onComplete', 'allow'], onComplete],
  ] as const)
    if (isRecord(holder) && holder['allow'] !== undefined)
      faults.add(formatPath([...path, ...at]), 'what tasks may name is for the author of the document to say');
  if (kind !== 'map') return;
  if (maps < rules.maxDynamicDepth) checkChoices(task['task'], [...path, 'task'], rules, faults, maps + 1);
  else
    faults.add(
      formatPath(path),
      `maps stand in each other deeper than maxDynamicDepth allows: ${rules.maxDynamicDepth}`,
    );
}

function choice(value: string, path: Path, what: string, allowed: readonly string[], faults: Faults): void {
  if (allowed.includes(value)) return;
  const names = allowed.map((name) => JSON.stringify(name)).join(', ');
  const list = allowed.length === 0 ? 'there is none' : `expected ${allowed.length === 1 ? '' : 'one of '}${names}`;
  faults.add(
    formatPath(path),
    `${JSON.stringify(value)} is no ${what} that tasks of an answer may name: ${list} (the author of the document lists them under "allow")`,
  );
}

/**
 * Adds a fault for each task that needs one of the run which its author did not give: where `tasks` is left out, any. What
 * was added for the same answer, or for the one that this came of, is its own.
 */
export function checkNeeds(
  graph: RunGraph,
  parent: string,
  needs: readonly { readonly dependsOn: readonly string[] }[],
  { allow: { tasks } }: Rules,
  faults: Faults,
): void {
  if (tasks === undefined) return;
  // Up to the first whose tasks an author's code has chosen: what else that added is no answer's own.
  const above = graph.adders(parent);
  const free = above.findIndex((name) => rulesOf(graph.spec(name), graph.definition) === undefined);
  const family = new Set([parent, ...above.slice(0, free === -1 ? undefined : free)]);
  const isOwn = (name: string): boolean => family.has(name) || graph.adders(name).some((adder) => family.has(adder));
  for (const [at, { dependsOn }] of needs.entries())
    for (const name of dependsOn)
      if (graph.has(name) && !isOwn(name)) choice(name, ['tasks', at], 'task to need', tasks, faults);
}

/** The task with its limits cut to those of its adder, and held to the same allowance. */
export function bounded(spec: TaskSpec, rules: Rules): TaskSpec {
  const { allow, dynamicTaskLimit, maxDynamicDepth, maxOutputTokens = Infinity } = rules;
  const { call, onComplete } = spec;
  const most = Math.min((call.kind === 'model' ? call.maxOutputTokens : undefined) ?? Infinity, maxOutputTokens);
  return {
    ...spec,
    call:
      call.kind === 'model' && most < Infinity
        ? { ...call, maxOutputTokens: most }
        : call.kind === 'reduce'
          ? { ...call, mostItems: dynamicTaskLimit, task: bounded(call.task, rules) }
          : call.kind === 'map'
            ? { ...call, mostItems: dynamicTaskLimit, task: bounded(call.task, rules) }
            : call.kind === 'planExecuteReflect'
              ? {
                  ...call,
                  allow,
                  phases: {
                    plan: bounded(call.phases.plan, rules),
                    reflect: bounded(call.phases.reflect, rules),
                    answer: bounded(call.phases.answer, rules),
                  },
                  depth: Math.min(call.depth, maxDynamicDepth),
                  dynamicTaskLimit: Math.min(call.dynamicTaskLimit, dynamicTaskLimit),
                }
              : call,
    onComplete: onComplete && {
      ...onComplete,
      allow,
      dynamicTaskLimit: Math.min(onComplete.dynamicTaskLimit, dynamicTaskLimit),
      maxDynamicDepth: Math.min(onComplete.maxDynamicDepth, maxDynamicDepth),
      ...(maxOutputTokens < Infinity ? { maxOutputTokens } : {}),
    },
  };
}
