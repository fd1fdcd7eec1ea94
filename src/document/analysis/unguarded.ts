/** Which outputs a text takes for granted: those that it reads without saying what to do where there are none. */
import { readsOfExpression } from '../expression.ts';
import { readsOf } from '../prompt.ts';
import type { Variable } from '../reads.ts';
import { caresOf } from './template-cares.ts';

/** A task whose output is read, and where: `line 1, column 4`. */
export interface OutputRead {
  readonly task: string;
  readonly at: string;
}

/** Outputs that a template takes for granted. */
export function unguardedInTemplate(template: string): readonly OutputRead[] {
  const { variables } = readsOf(template);
  if (!variables.some(isOutput)) return [];
  const { defaulted, asked } = caresOf(template);
  return outputsIn(
    variables.filter(({ at }) => !defaulted.has(at)),
    new Set(variables.filter(({ at }) => asked.has(at)).map(taskOf)),
  );
}

/** Outputs that an expression takes for granted: it asks nowhere whether they are there. */
export function unguardedInExpression(expression: string): readonly OutputRead[] {
  const { variables } = readsOfExpression(expression);
  return outputsIn(
    variables.filter((variable) => !isGuard(variable, expression)),
    guardsIn(expression),
  );
}

/** Tasks of which an expression asks whether they have an output: `has(tasks.a.output)`, `tasks.a.status == "completed"`. */
export function guardsIn(expression: string): ReadonlySet<string> {
  const { variables } = readsOfExpression(expression);
  return new Set(variables.filter((variable) => isGuard(variable, expression)).map(taskOf));
}

function outputsIn(variables: readonly Variable[], guarded: ReadonlySet<string>): readonly OutputRead[] {
  return variables
    .filter((variable) => isOutput(variable) && !guarded.has(taskOf(variable)))
    .map((variable) => ({ task: taskOf(variable), at: variable.at }));
}

/** `has(tasks.a.output.b)` is none: it asks for `b`, and fails where there is no output. */
function isGuard({ path, columns, span }: Variable, expression: string): boolean {
  const [root, , member] = path;
  if (root !== 'tasks') return false;
  if (member !== 'output') return true;
  const column = columns?.[2];
  const isOptional = column !== undefined && expression[column - 2] === '?';
  return isOptional || (path.length === 3 && span === undefined);
}

function isOutput({ path }: Variable): boolean {
  return path[0] === 'tasks' && path[2] === 'output';
}

function taskOf({ path }: Variable): string {
  return path[1] ?? '';
}
