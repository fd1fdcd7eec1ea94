/** The language of conditions for the reference model: CEL over the results of tasks, and what an item is given. */
import { evaluate, readsOfExpression } from '../document/expression.ts';
import { FermataError } from '../errors.ts';
import type { Judge } from './choices.ts';

/** Judges an expression. The reference model does not know what a run was started with. */
export const judge: Judge = (expression, tasks, item, shared = {}) => {
  const { variables } = readsOfExpression(expression);
  if (
    variables.some(({ path: [root] }) => typeof root !== 'string' || !Object.hasOwn({ tasks, shared, ...item }, root))
  )
    return 'unknown';
  try {
    return { value: evaluate(expression, { input: {}, tasks, shared, ...item }) };
  } catch (thrown) {
    if (thrown instanceof FermataError) return 'fails';
    throw thrown;
  }
};
