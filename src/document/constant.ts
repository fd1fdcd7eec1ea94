/** What an expression says in every run: one that reads nothing. */
import { FermataError } from '../errors.ts';
import type { Condition } from './condition.ts';
import { evaluate, readsOfExpression } from './expression.ts';

const NOTHING = { input: null, tasks: {} } as const;

/**
 * The value of an expression that reads nothing; undefined where it reads something, or cannot be evaluated.
 *
 * @example
 * constantOf('1 + 1 == 2') // { value: true }
 * constantOf('input.n > 1') // undefined
 */
export function constantOf(expression: Condition): { readonly value: unknown } | undefined {
  if (typeof expression !== 'string') return undefined;
  try {
    if (readsOfExpression(expression).variables.length > 0) return undefined;
    return { value: evaluate(expression, NOTHING) };
  } catch (error) {
    if (error instanceof FermataError) return undefined;
    throw error;
  }
}
