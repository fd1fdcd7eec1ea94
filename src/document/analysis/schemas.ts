/** What the schemas of a document say of the values that expressions read. */
import type { Definition, TaskSpec } from '../definition.ts';
import { readsOfExpression } from '../expression.ts';
import { isRecord } from '../json.ts';
import type { Variable } from '../reads.ts';

/** The schemas of what expressions read. */
export type Known = Pick<Definition, 'input'> & { spec(name: string): TaskSpec | undefined };

/**
 * The schema of a value by where it is read: `['tasks', 'kind', 'output', 'label']`. One beside a `$ref` is none: what it
 * refers to may say otherwise.
 */
export function schemaOf(path: Variable['path'], known: Known): Readonly<Record<string, unknown>> | undefined {
  const [root, name, member] = path;
  if (root === 'input') return schemaBelow(known.input, path.slice(1));
  if (root !== 'tasks' || member !== 'output' || name === undefined) return undefined;
  const call = known.spec(name)?.call;
  const answer = call?.kind === 'planExecuteReflect' ? call.phases.answer.call : call;
  const format = answer?.kind === 'model' ? answer.responseFormat : undefined;
  return isRecord(format) ? schemaBelow(format['schema'], path.slice(3)) : undefined;
}

/** Where an expression reads that is no more than the name of a value: `tasks.kind.output.label`. */
export function soleRead(expression: string): Variable['path'] | undefined {
  const { variables } = readsOfExpression(expression);
  const [variable] = variables;
  if (variables.length !== 1 || variable?.span === undefined) return undefined;
  const [start, end] = variable.span;
  return expression.slice(start, end) === expression.trim() ? variable.path : undefined;
}

/** The values that an expression can give, as a switch calls them; undefined where they are not known. */
export function valuesOf(expression: string, known: Known): ReadonlySet<string> | undefined {
  const path = soleRead(expression);
  const schema = path && schemaOf(path, known);
  if (schema === undefined) return undefined;
  if (Array.isArray(schema['enum'])) return new Set(schema['enum'].map(String));
  if (Object.hasOwn(schema, 'const')) return new Set([String(schema['const'])]);
  return schema['type'] === 'boolean' ? new Set(['true', 'false']) : undefined;
}

/** The schema of what stands in a value, by the names that lead there. */
export function schemaBelow(
  schema: unknown,
  steps: readonly (string | undefined)[],
): Readonly<Record<string, unknown>> | undefined {
  let current = schema;
  for (const step of [...steps, null]) {
    if (!isRecord(current) || Object.hasOwn(current, '$ref')) return undefined;
    if (step === null) return current;
    const { properties } = current;
    if (step === undefined || !isRecord(properties) || !Object.hasOwn(properties, step)) return undefined;
    current = properties[step];
  }
  return undefined;
}
