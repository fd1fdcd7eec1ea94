/** The language of conditions for the reference model: CEL over the results of tasks. */
import { evaluate, readsOfExpression } from '../document/expression.ts';
import { FermataError } from '../errors.ts';
import type { Judge } from './choices.ts';

/** Judges an expression. The reference model does not know what a run was started with. */
export const judge: Judge = (expression, tasks) => {
  const { variables } = readsOfExpression(expression);
  if (variables.some(({ path: [root] }) => root !== 'tasks')) return 'unknown';
  try {
    return { value: evaluate(expression, { input: {}, tasks }) };
  } catch (thrown) {
    if (thrown instanceof FermataError) return 'fails';
    throw thrown;
  }
};
