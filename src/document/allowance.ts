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
import { askedModels } from './models.ts';
import type { RunGraph } from './run-graph.ts';
import { eventTypesOf } from './waits.ts';

/** By what the tasks of an answer are measured. */
export interface Rules {
  readonly allow: Allowance;
  readonly providers: ReadonlySet<string>;
  readonly models: ReadonlySet<string>;
  /** Of models: those that its own call may choose from. */
  readonly tiers: ReadonlySet<string>;
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

/** The same of the tasks that the plans of its rounds propose: they are calls, and add none. */
export function rulesOfPlans(call: PlanExecuteReflectSpec<TaskSpec>, defaults: Definition): Rules {
  return { ...named(call, call.allow, defaults), dynamicTaskLimit: 0, maxDynamicDepth: 0 };
}

function named(
  call: CallSpec,
  allow: Allowance = NOTHING,
  defaults: Definition,
): Omit<Rules, 'dynamicTaskLimit' | 'maxDynamicDepth'> {
  const own =
    call.kind === 'planExecuteReflect' ? call.phases.plan.call : call.kind === 'reduce' ? call.task.call : call;
  const { maxOutputTokens, ...asked } =
    own.kind === 'model' ? own : { ...askedModels({}, defaults), maxOutputTokens: undefined };
  const listed = [...(asked.models ?? []), ...(askedModels({}, defaults).models ?? []), asked];
  return {
    allow,
    providers: new Set([
      defaults.provider,
      ...listed.flatMap((one) => ('tier' in one ? [] : [one.provider])),
      ...allow.providers,
    ]),
    models: new Set([defaults.model, ...listed.flatMap((one) => ('tier' in one ? [] : [one.model])), ...allow.models]),
    tiers: new Set(listed.flatMap((one) => ('tier' in one ? [one.tier] : []))),
    maxOutputTokens,
    awaited: eventTypesOf(defaults),
  };
}

/** A task as it is written, while its choices are checked. */
interface Choosing {
  readonly task: Readonly<Record<string, unknown>>;
  readonly path: Path;
  readonly rules: Rules;
  /** In how many maps it stands. */
  readonly maps: number;
  readonly faults: Faults;
}

/** Adds a fault for each name in a task, as it is written, that its author did not allow. */
export function checkChoices(task: unknown, path: Path, rules: Rules, faults: Faults, maps = 0): void {
  if (!isRecord(task)) return;
  const choosing: Choosing = { task, path, rules, maps, faults };
  CHOICES_OF_KIND.get(task['kind'])?.(choosing);
  choicesOfAll(choosing);
}

/** What tasks of a kind choose, beside what all do. */
const CHOICES_OF_KIND = new Map<unknown, (choosing: Choosing) => void>(
  Object.entries({
    code: (choosing: Choosing) => choose(choosing, ['function'], 'function to call', choosing.rules.allow.functions),
    subworkflow(choosing: Choosing) {
      choose(choosing, ['workflow'], 'workflow to run', choosing.rules.allow.workflows);
      if (isRecord(choosing.task['workflow']))
        refuse(
          choosing,
          ['workflow'],
          'a whole document cannot come of an answer: name a workflow, or write its tasks themselves',
        );
    },
    wait(choosing: Choosing) {
      const type = valueAt(choosing.task, ['event', 'type']);
      if (typeof type === 'string' && choosing.rules.awaited.has(type))
        refuse(
          choosing,
          ['event', 'type'],
          `${JSON.stringify(type)} is an event for which tasks of the document wait, and would be taken from them`,
        );
    },
    map(choosing: Choosing) {
      const { task, path, rules, maps, faults } = choosing;
      if (maps < rules.maxDynamicDepth) checkChoices(task['task'], [...path, 'task'], rules, faults, maps + 1);
      else
        refuse(choosing, [], `maps stand in each other deeper than maxDynamicDepth allows: ${rules.maxDynamicDepth}`);
    },
  }),
);

function choicesOfAll(choosing: Choosing): void {
  const { task, rules } = choosing;
  const { functions, shared } = rules.allow;
  if (valueAt(task, ['onComplete', 'addTasks']) !== FROM_OUTPUT)
    choose(choosing, ['onComplete', 'addTasks'], 'function to call', functions);
  choose(choosing, ['provider'], 'provider', rules.providers);
  choose(choosing, ['model'], 'model', rules.models);
  listedChoices(choosing);
  for (const field of ['when', 'if'])
    if (isRecord(task[field]))
      refuse(choosing, [field], 'a predicate cannot come of an answer: write the condition in CEL');
  const written = valueAt(task, ['outputs', 'shared']);
  for (const key of isRecord(written) ? Object.keys(written) : [])
    choice(choosing, ['outputs', 'shared', key], 'shared key to write', key, shared);
  for (const field of [['allow'], ['onComplete', 'allow']])
    if (valueAt(task, field) !== undefined)
      refuse(choosing, field, 'what tasks may name is for the author of the document to say');
}

/** Each of the models that it would choose from. */
function listedChoices(choosing: Choosing): void {
  const { task, rules } = choosing;
  const written = task['models'];
  if (typeof written === 'string') choose(choosing, ['models'], 'tier of models', rules.tiers);
  if (!Array.isArray(written)) return;
  for (const [at, one] of written.entries()) {
    const named: Readonly<Record<string, unknown>> = isRecord(one) ? one : { model: one };
    for (const [field, what, allowed] of [
      ['model', 'model', rules.models],
      ['provider', 'provider', rules.providers],
      ['tier', 'tier of models', rules.tiers],
    ] as const) {
      const value = named[field];
      if (typeof value === 'string') choice(choosing, ['models', at], what, value, [...allowed]);
    }
  }
}

function valueAt(task: unknown, path: readonly string[]): unknown {
  let found = task;
  for (const field of path) found = isRecord(found) ? found[field] : undefined;
  return found;
}

function refuse({ path, faults }: Pick<Choosing, 'path' | 'faults'>, field: Path, message: string): void {
  faults.add(formatPath([...path, ...field]), message);
}

/** What is no text is no name: that is found where the shape of the task is checked. */
function choose(choosing: Choosing, field: readonly string[], what: string, allowed: Iterable<string>): void {
  const value = valueAt(choosing.task, field);
  if (typeof value === 'string') choice(choosing, field, what, value, [...allowed]);
}

function choice(
  at: Pick<Choosing, 'path' | 'faults'>,
  field: Path,
  what: string,
  value: string,
  allowed: readonly string[],
): void {
  if (allowed.includes(value)) return;
  const names = allowed.map((name) => JSON.stringify(name)).join(', ');
  const list = allowed.length === 0 ? 'there is none' : `expected ${allowed.length === 1 ? '' : 'one of '}${names}`;
  refuse(
    at,
    field,
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
      if (graph.has(name) && !isOwn(name)) choice({ path: ['tasks', at], faults }, [], 'task to need', name, tasks);
}

/** The task with its limits cut to those of its adder, and held to the same allowance. */
export function bounded(spec: TaskSpec, rules: Rules): TaskSpec {
  const { allow, dynamicTaskLimit, maxDynamicDepth, maxOutputTokens } = rules;
  const { call, onComplete } = spec;
  return {
    ...spec,
    call: boundedCall(call, rules),
    onComplete: onComplete && {
      ...onComplete,
      allow,
      dynamicTaskLimit: Math.min(onComplete.dynamicTaskLimit, dynamicTaskLimit),
      maxDynamicDepth: Math.min(onComplete.maxDynamicDepth, maxDynamicDepth),
      ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    },
  };
}

/** How calls are bounded, by their kinds; the others have nothing that an adder bounds. */
const BOUNDS: {
  readonly [Kind in CallSpec['kind']]?: (call: Extract<CallSpec, { readonly kind: Kind }>, rules: Rules) => CallSpec;
} = {
  model: (call, { maxOutputTokens = call.maxOutputTokens }) =>
    maxOutputTokens === undefined
      ? call
      : { ...call, maxOutputTokens: Math.min(call.maxOutputTokens ?? Infinity, maxOutputTokens) },
  map: (call, rules) => ({ ...call, mostItems: rules.dynamicTaskLimit, task: bounded(call.task, rules) }),
  reduce: (call, rules) => ({ ...call, mostItems: rules.dynamicTaskLimit, task: bounded(call.task, rules) }),
  planExecuteReflect: (call, rules) => ({
    ...call,
    allow: rules.allow,
    phases: {
      plan: bounded(call.phases.plan, rules),
      reflect: bounded(call.phases.reflect, rules),
      answer: bounded(call.phases.answer, rules),
    },
    depth: Math.min(call.depth, rules.maxDynamicDepth),
    dynamicTaskLimit: Math.min(call.dynamicTaskLimit, rules.dynamicTaskLimit),
  }),
};

function boundedCall(call: CallSpec, rules: Rules): CallSpec {
  // The one under its own kind takes it; the type of a table cannot say so.
  const bound = BOUNDS[call.kind] as ((call: CallSpec, rules: Rules) => CallSpec) | undefined;
  return bound?.(call, rules) ?? call;
}
