/** Which shared values a text takes for granted: those that it reads without saying what to do where there are none. */
import { readsOfExpression } from '../expression.ts';
import { readsOf } from '../prompt.ts';
import type { Variable } from '../reads.ts';
import { caresOf } from './template-cares.ts';

/** A shared value that is read, and where: `line 1, column 4`. */
export interface SharedRead {
  readonly key: string;
  readonly at: string;
}

/** Shared values that a template takes for granted. */
export function unguardedSharedInTemplate(template: string): readonly SharedRead[] {
  if (!template.includes('shared')) return [];
  const variables = readsOf(template).variables.filter(isShared);
  if (variables.length === 0) return [];
  const { defaulted, asked } = caresOf(template);
  const guarded = new Set(variables.filter(({ at }) => asked.has(at)).map(keyOf));
  return readsIn(
    variables.filter(({ at }) => !defaulted.has(at)),
    guarded,
  );
}

/** Shared values that an expression takes for granted, and those that it asks for: `has(shared.k)`, `shared.?k`. */
export function unguardedSharedInExpression(expression: string): {
  readonly reads: readonly SharedRead[];
  readonly guarded: readonly string[];
} {
  if (!expression.includes('shared')) return { reads: [], guarded: [] };
  const variables = readsOfExpression(expression).variables.filter(isShared);
  const guards = variables.filter((variable) => isGuard(variable, expression));
  const guarded = guards.map(keyOf);
  return {
    reads: readsIn(
      variables.filter((variable) => !guards.includes(variable)),
      new Set(guarded),
    ),
    guarded,
  };
}

function readsIn(variables: readonly Variable[], guarded: ReadonlySet<string>): readonly SharedRead[] {
  return variables
    .filter((variable) => !guarded.has(keyOf(variable)))
    .map((variable) => ({ key: keyOf(variable), at: variable.at }));
}

/** `has(shared.a.b)` is none: it asks for `b`, and fails where there is no `a`. */
function isGuard({ path, columns, span }: Variable, expression: string): boolean {
  const column = columns?.[1];
  const isOptional = column !== undefined && /\?\s*$/.test(expression.slice(0, column - 1));
  return isOptional || (path.length === 2 && span === undefined);
}

function isShared({ path: [root, key] }: Variable): boolean {
  return root === 'shared' && key !== undefined;
}

function keyOf({ path }: Variable): string {
  return path[1] ?? '';
}
