/** A task that decides which other tasks run: `if`, `then`, `else`, or `switch`, `cases`, `else`. */
import { z } from 'zod';
import { FermataError } from '../../errors.ts';
import { askedOf, conditionAt, holds, type Asked, type Condition, type Predicates } from '../condition.ts';
import { evaluate } from '../expression.ts';
import { describeValue, formatPath, type Path } from '../faults.ts';
import { commonFields, condition, seconds, words } from '../fields.ts';
import { isRecord } from '../json.ts';
import { cut } from '../read-values.ts';
import type { Scope } from '../reads.ts';
import type { Gives, Placed, Places } from './places.ts';

const branch = z.array(z.string());

/** As it is written. */
export const conditionTaskSchema = z
  .strictObject({
    ...commonFields,
    timeoutSeconds: seconds.optional().describe('A decision takes no time'),
    kind: z.literal('condition'),
    if: condition.optional(),
    then: branch.optional().describe('Tasks that run where `if` is true'),
    switch: words
      .regex(/\S/, 'must not be empty')
      .optional()
      .describe('CEL that gives a text, a number or a truth value'),
    cases: z.record(z.string(), branch).optional().describe('Tasks by the value with which they run'),
    else: branch.optional().describe('Tasks that run where `if` is false, or no case is right'),
  })
  .superRefine((task, context) => {
    for (const { field, message } of faultsOfForm(task)) context.addIssue({ code: 'custom', message, path: [field] });
  });

/** What decides, and the tasks of each branch by its label: `then`, `else`, `cases.billing`. */
export interface ConditionSpec {
  readonly kind: 'condition';
  readonly decides: { readonly if: Condition } | { readonly switch: string };
  readonly branches: Readonly<Record<string, readonly string[]>>;
}

/** What a condition found: the output of its task. */
export interface Decision {
  /** Of `if` or `switch`. */
  readonly value: string | number | boolean;
  /** `then`, `else`, `cases.billing`; null where no branch is for that value. */
  readonly branch: string | null;
  /** The tasks of that branch. */
  readonly chosen: readonly string[];
}

/** What a decision is. */
export const conditionGives: Gives = () => ({
  type: 'object',
  properties: { value: {}, branch: { type: ['string', 'null'] }, chosen: { type: 'array', items: { type: 'string' } } },
  additionalProperties: false,
});

/** How a decision was made: what facts and results show. A long value is cut. */
export type Found = Asked & Pick<Decision, 'value' | 'branch'>;

/** A decision that is made, and what it was made from. */
export interface PreparedCondition {
  readonly kind: 'condition';
  readonly decision: Decision;
  readonly found: Found;
}

/** Its inner form. */
export function conditionSpec(task: z.output<typeof conditionTaskSchema>): ConditionSpec {
  const entries = branchEntries(task).map(({ label, names }): [string, readonly string[]] => [
    label,
    [...new Set(names)],
  ]);
  const decides = task.switch === undefined ? { if: task.if ?? '' } : { switch: task.switch };
  return { kind: 'condition', decides, branches: Object.fromEntries(entries) };
}

/** Where it reads. */
export const conditionPlaces: Places = (task, path) => ({
  templates: [],
  expressions: [],
  conditions: conditionAt(task, path, 'if'),
  switches: conditionAt(task, path, 'switch'),
});

/** The names of tasks in its branches, each with its place, as far as they can be read. */
export function branchesAt(task: Readonly<Record<string, unknown>>, path: Path): readonly Placed[] {
  if (task['kind'] !== 'condition') return [];
  const cases = isRecord(task['cases']) ? Object.entries(task['cases']) : [];
  const lists: [Path, unknown][] = [
    [['then'], task['then']],
    ...cases.map(([label, names]): [Path, unknown] => [['cases', label], names]),
    [['else'], task['else']],
  ];
  return lists.flatMap(([place, names]) =>
    Array.isArray(names)
      ? names.flatMap((text: unknown, index) =>
          typeof text === 'string' ? [{ path: [...path, ...place, index], text }] : [],
        )
      : [],
  );
}

/** Decides. Throws `expressionFailed`, `functionMissing`. */
export function prepareCondition(spec: ConditionSpec, scope: Scope, predicates: Predicates): PreparedCondition {
  const { decides, branches } = spec;
  const value = 'if' in decides ? holds(decides.if, scope, predicates) : caseOf(decides.switch, scope);
  const branch = branchOf(spec, value);
  return {
    kind: 'condition',
    decision: { value, branch, chosen: branch === null ? [] : (branches[branch] ?? []) },
    found: {
      ...askedOf('if' in decides ? decides.if : decides.switch, scope),
      value: typeof value === 'string' ? cut(value) : value,
      branch,
    },
  };
}

/** The label of the branch for a value; null where there is none. */
function branchOf({ decides, branches }: ConditionSpec, value: Decision['value']): string | null {
  const own = 'switch' in decides ? formatPath(['cases', String(value)]) : value === true ? 'then' : 'else';
  const otherwise = 'switch' in decides ? 'else' : own;
  return [own, otherwise].find((label) => Object.hasOwn(branches, label)) ?? null;
}

function caseOf(expression: string, scope: Scope): Decision['value'] {
  const value = evaluate(expression, scope);
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  throw new FermataError(
    'expressionFailed',
    `The expression ${JSON.stringify(expression)} gives ${describeValue(value)}, and a switch has to give a text, a number, true or false.`,
    { data: { expression } },
  );
}

interface Written {
  readonly if?: unknown;
  readonly then?: readonly string[] | undefined;
  readonly switch?: unknown;
  readonly cases?: Readonly<Record<string, readonly string[]>> | undefined;
  readonly else?: readonly string[] | undefined;
}

function branchEntries(task: Written): { readonly label: string; readonly names: readonly string[] }[] {
  const cases = Object.entries(task.cases ?? {}).map(([label, names]) => ({
    label: formatPath(['cases', label]),
    names,
  }));
  return [
    ...(task.then === undefined ? [] : [{ label: 'then', names: task.then }]),
    ...cases,
    ...(task.else === undefined ? [] : [{ label: 'else', names: task.else }]),
  ];
}

function* faultsOfForm(task: Written): Generator<{ readonly field: string; readonly message: string }> {
  if (task.if === undefined && task.switch === undefined)
    return yield { field: 'if', message: 'is missing: a condition has "if" or "switch"' };
  if (task.if !== undefined && task.switch !== undefined)
    return yield { field: 'switch', message: 'is given beside "if"; keep one' };
  if (task.if !== undefined) {
    if (task.cases !== undefined)
      yield { field: 'cases', message: 'belong to "switch"; beside "if" write "then" and "else"' };
    if (task.then === undefined && task.else === undefined)
      yield { field: 'then', message: 'is missing: an "if" has "then", "else" or both, lists of tasks' };
  } else {
    if (task.then !== undefined)
      yield { field: 'then', message: 'belongs to "if"; beside "switch" write "cases" and "else"' };
    if (task.cases === undefined)
      yield { field: 'cases', message: 'is missing: a "switch" has the tasks of each value' };
  }
}
