/**
 * How long an expression may take. One loop goes through one list, but nobody knows beforehand how long the list is, and
 * what a loop looks into may be as long again; nor how long a text is that is looked for in another. So the steps are
 * counted before they are taken: counted, not measured, for on a busy machine a condition must not fail that is evaluated
 * on an idle one.
 */
import { comparisonsOf, type Search } from './cel-searches.ts';
import { isRecord } from './json.ts';
import type { Scope, Variable } from './reads.ts';

/** Less than a second, in which no other run goes on. */
export const MOST_STEPS = 10_000_000;
/** Characters of a text that are compared in the time of one step. */
const CHARACTERS = 16;
/** The same where one text is looked for in another: there is nothing else to be done with them. */
const COMPARISONS = 400;

/** What is known of an expression that may take long. */
export interface Work {
  /** Nodes of its tree. */
  readonly nodes: number;
  readonly variables: readonly Variable[];
  /** It goes through lists. */
  readonly loops: boolean;
  /** It makes lists of texts. */
  readonly splits: boolean;
  readonly searches: readonly Search[];
}

/**
 * The steps that an expression may take at most: the entries of the longest list, times what is done with each; and what
 * it takes to look for texts in others.
 */
export function stepsOf(
  { nodes, variables, loops, splits, searches }: Work,
  valueOf: (variable: Variable) => unknown,
): number {
  let longest = 1;
  let inside = nodes;
  for (const variable of variables) {
    const value = valueOf(variable);
    longest = Math.max(longest, longestList(value, splits));
    if (variable.inLoop === true) inside += weight(value);
  }
  const found = comparisonsOf(searches, valueOf, longest) / COMPARISONS;
  return loops ? longest * inside + found : found;
}

/** The value that a variable names in a scope; where a step is computed, what it is computed on. */
export function valueIn(scope: Scope, { path }: Pick<Variable, 'path'>): unknown {
  let value: unknown = scope;
  for (const step of path) {
    if (step === undefined) return value;
    if (Array.isArray(value)) value = (value as readonly unknown[])[Number(step)];
    else value = isRecord(value) && Object.hasOwn(value, step) ? value[step] : undefined;
  }
  return value;
}

/** Entries of the longest list in a value. */
function longestList(value: unknown, splits: boolean): number {
  if (typeof value === 'string') return splits ? value.length : 0;
  const entries = entriesOf(value);
  return entries.reduce<number>((most, entry) => Math.max(most, longestList(entry, splits)), entries.length);
}

/** Steps of going through all of a value once. */
function weight(value: unknown): number {
  if (typeof value === 'string') return value.length / CHARACTERS;
  const entries = entriesOf(value);
  return entries.reduce<number>((sum, entry) => sum + weight(entry), entries.length);
}

function entriesOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return typeof value === 'object' && value !== null ? Object.values(value) : [];
}
