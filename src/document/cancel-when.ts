/**
 * Does a task stop? Asked before it begins, and again whenever a shared value that its `cancelWhen` reads has changed.
 * What is found is prepared data, so that it is in the journal (R2).
 */
import { FermataError } from '../errors.ts';
import { askedOf, holds } from './condition.ts';
import type { TaskSpec } from './definition.ts';
import { readsOfExpression } from './expression.ts';
import { excerpt } from './faults.ts';
import type { Scope } from './reads.ts';
import type { Skip } from './when.ts';

/** Characters of an expression in a reason. */
const LONGEST_EXPRESSION = 200;

/** Shared values whose change may stop a task. */
export function watchedBy({ cancelWhen }: Pick<TaskSpec, 'cancelWhen'>): readonly string[] {
  return cancelWhen === undefined ? [] : readsOfExpression(cancelWhen).shared;
}

/**
 * Why a task stops; undefined where it goes on. As long as nobody has written a value that decides it, it goes on: it is
 * there to be stopped by somebody, and nobody has.
 *
 * @throws FermataError `expressionFailed`
 */
export function stopOf(
  { cancelWhen, skipPolicy }: Pick<TaskSpec, 'cancelWhen' | 'skipPolicy'>,
  scope: Scope,
): Skip | undefined {
  if (cancelWhen === undefined || !isTrue(cancelWhen, scope)) return undefined;
  return {
    reason: `Its cancelWhen is true: ${excerpt(cancelWhen, LONGEST_EXPRESSION)}.`,
    condition: askedOf(cancelWhen, scope),
    cascades: skipPolicy === 'cascade',
  };
}

function isTrue(cancelWhen: string, scope: Scope): boolean {
  try {
    return holds(cancelWhen, scope, {});
  } catch (thrown) {
    if (isUnwritten(thrown, cancelWhen, scope)) return false;
    throw thrown;
  }
}

/** It failed on a shared value that is not there, and not on a field of one that is. */
function isUnwritten(thrown: unknown, cancelWhen: string, { shared = {} }: Scope): boolean {
  if (!(thrown instanceof FermataError)) return false;
  const missing = thrown.data?.['missing'];
  return readsOfExpression(cancelWhen).shared.some((key) => key === missing && !Object.hasOwn(shared, key));
}
