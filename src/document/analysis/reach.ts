/** Which tasks can run at all, and which branches can be chosen. */
import { constantOf } from '../constant.ts';
import type { TaskSpec } from '../definition.ts';
import { excerpt, formatPath } from '../faults.ts';
import type { ConditionSpec } from '../kinds/condition.ts';
import { eachOf, type Steps } from '../steps.ts';
import { valuesOf } from './schemas.ts';
import type { Tasks } from './tasks.ts';
import type { Warnings } from './warnings.ts';

/** That a task runs only where a condition chooses one of some branches. */
export interface Only {
  readonly by: string;
  readonly branches: readonly string[];
}

/** What can happen. */
export interface Reach {
  /** True for a task that is skipped in every run. */
  never(name: string): boolean;
  /** The condition on which it depends whether a task runs; undefined where there is none, or more than one. */
  only(name: string): Only | undefined;
  /** The labels of a condition's branches that can be chosen. */
  branches(name: string): ReadonlySet<string>;
}

const NONE: ReadonlySet<string> = new Set();

/** Finds out what can happen, and warns of what cannot. */
export function* reachOf(tasks: Tasks, warnings: Warnings): Steps<Reach> {
  const never = new Set<string>();
  /** Skipped tasks that take what depends on them along. */
  const bars = new Set<string>();
  const chosen = new Map<string, ReadonlySet<string>>();
  const only = new Map<string, Only>();
  /** Tasks that are skipped with a condition, and take what depends on them along. */
  const carries = new Set<string>();
  const decisions = readDecisions(tasks);

  yield* eachOf(tasks.order, (spec) => {
    const { name, call, gates, dependsOn } = spec;
    const path = pathOf(spec);
    if (call.kind === 'condition') {
      const live = branchesThatMay(call, spec, tasks, warnings);
      chosen.set(name, live);
      if (!decisions.has(name) && ![...live].some((label) => (call.branches[label] ?? []).length > 0))
        warnings.add('deadBranch', path, `the condition ${quote(name)} can never choose a task`);
    }
    const gatesThatMay = gates
      .filter(({ by }) => !never.has(by))
      .map(({ by, branches }) => ({ by, branches: branches.filter((label) => chosen.get(by)?.has(label)) }))
      .filter(({ branches }) => branches.length > 0);
    const barrier = dependsOn.find((needed) => bars.has(needed));
    if (isNever(spec, path, warnings)) never.add(name);
    else if (gates.length > 0 && gatesThatMay.length === 0) {
      never.add(name);
      const by = gates.slice(0, 3).map((gate) => quote(gate.by));
      const more = gates.length > by.length ? ` and ${gates.length - by.length} more` : '';
      warnings.add(
        'neverRuns',
        path,
        `the task ${quote(name)} can never run: ${by.join(', ')}${more} cannot choose it`,
      );
    } else if (barrier !== undefined) {
      never.add(name);
      const reason = `it needs ${quote(barrier)}, which never runs, and whose skipPolicy is cascade or which is skipped by one`;
      warnings.add('neverRuns', path, `the task ${quote(name)} can never run: ${reason}`);
    }
    if (never.has(name) && (spec.skipPolicy === 'cascade' || barrier !== undefined)) bars.add(name);
    warnOfCall(spec, path, warnings);

    const [gate] = gatesThatMay;
    const carrier = dependsOn.find((needed) => carries.has(needed));
    const inherited = carrier === undefined ? undefined : only.get(carrier);
    const own = gatesThatMay.length === 1 ? gate : undefined;
    const found = own ?? inherited;
    if (found === undefined) return;
    only.set(name, found);
    if (found === inherited || spec.skipPolicy === 'cascade') carries.add(name);
  });
  return {
    never: (name) => never.has(name),
    only: (name) => only.get(name),
    branches: (name) => chosen.get(name) ?? NONE,
  };
}

/** Conditions whose decision is read by a task that they do not choose: they need choose nothing. */
function readDecisions({ order }: Tasks): ReadonlySet<string> {
  return new Set(
    order.flatMap(({ dependsOn, gates }) => {
      const unseen = new Set(gates.filter((gate) => gate.unseen).map((gate) => gate.by));
      return dependsOn.filter((needed) => !unseen.has(needed));
    }),
  );
}

/** The labels of the branches that can be chosen. */
function branchesThatMay(call: ConditionSpec, spec: TaskSpec, tasks: Tasks, warnings: Warnings): ReadonlySet<string> {
  const { decides, branches } = call;
  const labels = Object.keys(branches);
  const asked = 'if' in decides ? decides.if : decides.switch;
  const constant = constantOf(asked);
  const values =
    constant === undefined
      ? typeof asked === 'string' && 'switch' in decides
        ? valuesOf(asked, { ...tasks.definition, spec: (name) => tasks.spec(name) })
        : undefined
      : new Set([String(constant.value)]);
  if (values === undefined) return new Set(labels);
  const wanted = [...values].map((value) => {
    if ('if' in decides) return value === 'true' ? 'then' : 'else';
    const label = formatPath(['cases', value]);
    return labels.includes(label) ? label : 'else';
  });
  const live = new Set(wanted.filter((label) => labels.includes(label)));
  const path = pathOf(spec);
  if (constant !== undefined) {
    const field = 'if' in decides ? 'if' : 'switch';
    warnings.add(
      'constantCondition',
      `${path}.${field}`,
      `is always ${excerpt(JSON.stringify(constant.value) ?? 'absent')}: a condition that reads nothing decides nothing`,
    );
  }
  for (const label of labels) {
    const names = branches[label] ?? [];
    if (live.has(label) || names.length === 0) continue;
    const given = [...values].slice(0, 10).map(quote).join(', ');
    const reason = constant === undefined ? `: the switch gives one of ${given}` : '';
    warnings.add('deadBranch', `${path}.${label}`, `the branch ${label} is never chosen${reason}`);
  }
  return live;
}

/** True where its own `when` is false in every run, or its `cancelWhen` true. */
function isNever({ when, cancelWhen }: TaskSpec, path: string, warnings: Warnings): boolean {
  const isSkipped = saysAlways(when, `${path}.when`, false, warnings);
  return saysAlways(cancelWhen, `${path}.cancelWhen`, true, warnings) || isSkipped;
}

/** True where a condition of a task always says what keeps it from running; one that always says the other is needless. */
function saysAlways(condition: TaskSpec['when'], path: string, barring: boolean, warnings: Warnings): boolean {
  const constant = condition === undefined ? undefined : constantOf(condition);
  if (constant === undefined || typeof constant.value !== 'boolean') return false;
  const bars = constant.value === barring;
  const rest = bars ? 'the task can never run' : 'leave it out';
  warnings.add(bars ? 'neverRuns' : 'constantCondition', path, `is always ${constant.value}: ${rest}`);
  return bars;
}

/** What is said of the inside of a task. */
function warnOfCall({ call, timeoutSeconds }: TaskSpec, path: string, warnings: Warnings): void {
  if (call.kind === 'map') {
    const inner = `${path}.task`;
    isNever(call.task, inner, warnings);
    warnOfCall(call.task, inner, warnings);
  }
  if (call.kind !== 'wait' || !('seconds' in call.for) || timeoutSeconds === undefined) return;
  const { seconds } = call.for;
  if (seconds > timeoutSeconds)
    warnings.add(
      'alwaysTimesOut',
      `${path}.seconds`,
      `it waits for ${seconds} s, and its timeoutSeconds is ${timeoutSeconds}: it always times out`,
    );
}

function pathOf({ position }: TaskSpec): string {
  return formatPath(['tasks', position]);
}

function quote(name: string): string {
  return JSON.stringify(name);
}
