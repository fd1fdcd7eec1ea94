/** The findings of zod in our words: what was expected, what came, where. */
import type { z } from 'zod';
import type { Fault } from '../errors.ts';
import { describeValue, formatPath, type Path } from './faults.ts';
import { didYouMean } from './nearest.ts';

/** One finding of zod. */
export type Issue = z.core.$ZodIssue;

const EXPECTED: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'null',
};

/**
 * Turns one finding into faults.
 *
 * @param root the value that was checked: findings do not carry what they found
 * @param base where `root` stands: `['tasks', 2]`
 * @param known fields that may stand at the root, for the nearest name of one that may not
 */
export function issueFaults(issue: Issue, root: unknown, base: Path = [], known: readonly string[] = []): Fault[] {
  const path = [...base, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: formatPath([...path, key]),
      message: `unknown field ${JSON.stringify(key)}${didYouMean(key, known)}`,
    }));
  }
  if (issue.code === 'invalid_union') return unionFaults(issue, root, base, known);
  return [{ path: formatPath(path), message: issueMessage(issue, valueAt(root, issue.path)) }];
}

/** Of the variants of a union, the one that the author meant: that failed deeper than at its root, and least. */
function unionFaults(
  issue: z.core.$ZodIssueInvalidUnion,
  root: unknown,
  base: Path,
  known: readonly string[],
): Fault[] {
  const deep = (inner: Issue): boolean => inner.path.length > 0 || inner.code === 'unrecognized_keys';
  const [meant] = issue.errors
    .filter((variant) => variant.length > 0 && variant.every(deep))
    .toSorted((one, other) => one.length - other.length);
  const value = valueAt(root, issue.path);
  if (meant !== undefined) return meant.flatMap((inner) => issueFaults(inner, value, [...base, ...issue.path], known));
  const place = formatPath([...base, ...issue.path]);
  if (value === undefined) return [{ path: place, message: 'is required' }];
  const expected = new Set(issue.errors.flat().map(expectation));
  const variants = [...expected].join(' or ') || 'exactly one of its variants';
  const message = `expected ${variants}, came ${describeValue(value)}`;
  return [{ path: place, message }];
}

function issueMessage(issue: Issue, value: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      return value === undefined
        ? `is required: expected ${expectation(issue)}`
        : `expected ${expectation(issue)}, came ${describeValue(value)}`;
    case 'too_small':
    case 'too_big':
      return isEmptyText(issue, value) ? 'must not be empty' : `expected ${expectation(issue)}, came ${measure(value)}`;
    case 'invalid_value': {
      const options = issue.values.filter((option) => typeof option === 'string');
      const hint = typeof value === 'string' ? didYouMean(value, options) : '';
      return `expected ${expectation(issue)}, came ${describeValue(value)}${hint}`;
    }
    case 'not_multiple_of':
      return `expected ${expectation(issue)}, came ${describeValue(value)}`;
    default:
      return issue.message;
  }
}

/** What the finding wanted, as a noun: `a text`, `at least 1`, `"text" or "json"`. */
function expectation(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return EXPECTED[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return issue.values
        .map((value) => (typeof value === 'string' ? JSON.stringify(value) : String(value)))
        .join(' or ');
    case 'too_small':
      return `${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}${unit(issue.origin)}`;
    case 'too_big':
      return `${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}${unit(issue.origin)}`;
    case 'not_multiple_of':
      return `a multiple of ${issue.divisor}`;
    default:
      return issue.message;
  }
}

function unit(origin: string): string {
  if (origin === 'string') return ' characters';
  if (origin === 'array') return ' entries';
  return origin === 'object' || origin === 'record' ? ' fields' : '';
}

function isEmptyText(issue: Issue, value: unknown): boolean {
  return issue.code === 'too_small' && value === '';
}

function measure(value: unknown): string {
  if (typeof value === 'string' || Array.isArray(value)) return String(value.length);
  if (typeof value === 'object' && value !== null) return String(Object.keys(value).length);
  return describeValue(value);
}

function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = Reflect.get(value, step);
  }
  return value;
}
