/** A task that calls a registered function. Its arguments are CEL. */
import { z } from 'zod';
import { evaluateTree, expressionsOf } from '../expression.ts';
import { CALL_SECONDS } from '../definition.ts';
import { anyJson, commonFields, name, seconds } from '../fields.ts';
import type { Scope } from '../reads.ts';
import type { Places } from './places.ts';

/** As it is written. */
export const codeTaskSchema = z.strictObject({
  ...commonFields,
  timeoutSeconds: seconds.default(CALL_SECONDS).describe('Of each attempt'),
  kind: z.literal('code'),
  function: name.describe('Name under which the function is registered'),
  input: anyJson.default({}).describe('Texts are CEL expressions, other values stand for themselves'),
});

/** A call of a registered function, complete. */
export interface CodeSpec {
  readonly kind: 'code';
  readonly function: string;
  /** CEL expression (or a tree of them) for each argument; a value that is not a text stands for itself. */
  readonly input: Readonly<Record<string, unknown>>;
}

/** A call of a registered function, ready to be made. */
export interface PreparedCodeCall {
  readonly kind: 'code';
  readonly function: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** Its inner form. */
export function codeSpec(task: z.output<typeof codeTaskSchema>): CodeSpec {
  return { kind: 'code', function: task.function, input: task.input };
}

/** Where it reads. */
export const codePlaces: Places = (task, path) => ({
  templates: [],
  expressions: expressionsOf(task['input'], [...path, 'input']),
});

/** Throws `expressionFailed`. */
export function prepareCodeCall(spec: CodeSpec, scope: Scope): PreparedCodeCall {
  const entries = Object.entries(spec.input).map(([key, tree]): [string, unknown] => [key, evaluateTree(tree, scope)]);
  const input = Object.fromEntries(entries.filter(([, value]) => value !== undefined));
  return { kind: 'code', function: spec.function, input };
}
