/** What an expression read, for people: each value by the place it was read from, bounded. */
import { valueIn } from './cel-work.ts';
import { describeValue, formatPath } from './faults.ts';
import type { Scope, Variable } from './reads.ts';

/** More than these are not shown. */
const MOST_VALUES = 20;
/** Characters of one value. */
const LONGEST = 200;

/**
 * The values of variables, by their place; null where there is nothing.
 *
 * @example
 * valuesRead(readsOfExpression('input.age > 17').variables, { input: { age: 12 }, tasks: {} }) // { 'input.age': 12 }
 */
export function valuesRead(variables: readonly Variable[], scope: Scope): Readonly<Record<string, unknown>> {
  const values = new Map<string, unknown>();
  for (const { path } of variables) {
    if (values.size === MOST_VALUES) break;
    // A step that is computed at run time: what is shown is what it is computed on.
    const computed = path.indexOf(undefined);
    const known = (computed === -1 ? path : path.slice(0, computed)).filter((step) => step !== undefined);
    values.set(formatPath(known), bounded(valueIn(scope, { path: known })));
  }
  return Object.fromEntries(values);
}

/** Numbers, truth values and short texts as they are; of everything else the beginning, as text. */
function bounded(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  if (typeof value === 'string') return cut(value);
  const list = Array.isArray(value) ? value.slice(0, LONGEST) : value;
  return cut(JSON.stringify(list) ?? describeValue(value));
}

/** The beginning of a text. */
export function cut(text: string, length = LONGEST): string {
  return text.length <= length ? text : `${text.slice(0, length - 1).toWellFormed()}…`;
}
