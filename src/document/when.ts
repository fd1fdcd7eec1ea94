/**
 * Does a task run, or is it skipped? Asked when its turn has come, before anything of it is rendered: its texts may read
 * what is only there where it runs.
 */
import { askedOf, holds, type Asked, type Predicates } from './condition.ts';
import type { TaskSpec } from './definition.ts';
import { excerpt } from './faults.ts';
import type { Reused } from './fork/record.ts';
import type { Found } from './kinds/condition.ts';
import type { Scope } from './reads.ts';

/** Why a task is skipped, as facts and results say it. */
export interface Skip {
  /** A sentence. */
  readonly reason: string;
  /** What decided it, with the values that were read. */
  readonly condition?: Asked & { readonly task?: string };
  /** Whether what depends on it is skipped as well. */
  readonly cascades: boolean;
  /** In a fork: the run where it was skipped before, for the same reasons. */
  readonly reused?: Reused;
}

/** What a condition's task has come to. */
export interface Decided {
  readonly status: string;
  /** Absent where it decided nothing: it was skipped itself, or refused. */
  readonly found?: Found;
}

/** Conditions that are told of in one reason. */
const MOST_TOLD = 3;
/** Characters of an expression in a reason. */
const LONGEST_EXPRESSION = 200;

/**
 * Why a task is skipped; undefined where it runs. The conditions that choose among tasks come first: at least one has to
 * have chosen this one.
 *
 * @param decided what has become of its conditions, by name
 * @throws FermataError `expressionFailed`, `functionMissing` of its `when`
 */
export function skipOf(
  spec: Pick<TaskSpec, 'gates' | 'when' | 'skipPolicy'>,
  scope: Scope,
  predicates: Predicates,
  decided: ReadonlyMap<string, Decided>,
): Skip | undefined {
  const cascades = spec.skipPolicy === 'cascade';
  const gates = spec.gates.map(({ by, branches }) => ({ by, branches, ...(decided.get(by) ?? { status: 'pending' }) }));
  const [first] = gates;
  if (first !== undefined && !gates.some((gate) => gate.branches.some((label) => label === gate.found?.branch))) {
    const told = gates.slice(0, MOST_TOLD).map((gate) => reasonOf(gate.by, gate));
    const more = gates.length > MOST_TOLD ? [`So it is with ${gates.length - MOST_TOLD} conditions more.`] : [];
    return {
      reason: [...told, ...more].join(' '),
      condition: { task: first.by, ...first.found },
      cascades,
    };
  }
  if (spec.when === undefined || holds(spec.when, scope, predicates)) return undefined;
  const reason =
    typeof spec.when === 'string'
      ? `Its condition is false: ${excerpt(spec.when, LONGEST_EXPRESSION)}.`
      : `Its predicate "${spec.when.predicate}" says no.`;
  return { reason, condition: askedOf(spec.when, scope, predicates), cascades };
}

function reasonOf(name: string, { status, found }: Decided): string {
  const condition = `The condition ${JSON.stringify(name)}`;
  if (found === undefined) return `${condition} is ${status} and has chosen nothing.`;
  const { expression, predicate, branch, value } = found;
  const what = expression === undefined ? `the predicate "${predicate}"` : excerpt(expression, LONGEST_EXPRESSION);
  const chose = branch === null ? 'has no branch for this' : `chose ${branch}`;
  return `${condition} ${chose}: ${what} is ${excerpt(JSON.stringify(value), 60)}.`;
}
