/** What the input of a run says already: conditions that it decides, lists that are in it. */
import { FermataError } from '../../errors.ts';
import type { Condition } from '../condition.ts';
import { evaluate, readsOfExpression } from '../expression.ts';
import { readsOf, renderPrompt } from '../prompt.ts';
import type { Scope, Variable } from '../reads.ts';

/** What is known before the run. */
export class Given {
  readonly input: unknown;

  /** False of a run whose input another task will give. */
  readonly isKnown: boolean;

  constructor(input: unknown, isKnown = true) {
    this.input = input;
    this.isKnown = isKnown;
  }

  /**
   * The value of an expression that reads nothing but the input; undefined where it reads more, or fails.
   *
   * @param own what else is known where it stands
   */
  value(expression: Condition, own: Pick<Scope, 'item' | 'index'> = {}): { readonly value: unknown } | undefined {
    if (typeof expression !== 'string') return undefined;
    try {
      const { variables } = readsOfExpression(expression);
      if (variables.some(({ path: [root = ''] }) => !(root === 'input' ? this.isKnown : Object.hasOwn(own, root))))
        return undefined;
      return { value: evaluate(expression, { input: this.input, tasks: {}, ...own }) };
    } catch (thrown) {
      // The run will say so in its own time, and may never ask.
      if (thrown instanceof FermataError) return undefined;
      throw thrown;
    }
  }

  /** The text of a template that reads nothing but the input; undefined where it reads more, or fails. */
  text(template: string): string | undefined {
    try {
      if (readsOf(template).variables.some(({ path: [root] }) => root !== 'input' || !this.isKnown)) return undefined;
      return renderPrompt(template, { input: this.input, tasks: {} });
    } catch (thrown) {
      if (thrown instanceof FermataError) return undefined;
      throw thrown;
    }
  }

  /** The value at a place of the input; undefined where there is none. */
  at([, ...steps]: Variable['path']): unknown {
    let value = this.input;
    for (const step of steps) {
      if (step === undefined || typeof value !== 'object' || value === null || !Object.hasOwn(value, step))
        return value;
      value = (value as Readonly<Record<string, unknown>>)[step];
    }
    return value;
  }
}
