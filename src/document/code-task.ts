/** Tasks of the builder that call a declared function: the compiler checks their arguments. */
import type { DeclaredFunction } from '../../actors/code-function.ts';
import type { WorkflowTask } from './schema.ts';

/** A CEL expression that gives a `Value`. */
export class Expression<Value> {
  readonly text: string;
  declare readonly gives?: () => Value;

  constructor(text: string) {
    this.text = text;
  }
}

/**
 * A CEL expression as an argument. Its type is what you say; the value is checked before the call.
 *
 * @example
 * cel<string>('input.customer')
 */
export function cel<Value = never>(text: string): Expression<Value> {
  return new Expression(text);
}

/** What a task gives a function: each argument as itself, or as an expression that gives it. */
export type ArgumentsFor<Arguments> = {
  readonly [Name in keyof Arguments]: Arguments[Name] | Expression<Arguments[Name]>;
};

/** Everything that a `code` task may say besides. */
export type CodeTaskOptions<Names extends string = string> = Omit<
  Extract<WorkflowTask, { readonly kind: 'code' }>,
  'name' | 'kind' | 'function' | 'input' | 'dependsOn'
> & { readonly dependsOn?: readonly Names[] };

/** A call of a declared function whose result is an `Output`. */
export class CodeTask<Output> {
  readonly options: CodeTaskOptions & {
    readonly kind: 'code';
    readonly function: string;
    readonly input: Readonly<Record<string, unknown>>;
  };
  declare readonly gives?: () => Output;

  constructor(options: CodeTask<Output>['options']) {
    this.options = options;
  }
}

/** What earlier tasks of a builder give, by name. */
export type References<Outputs> = {
  readonly [Name in keyof Outputs]: { readonly output: Expression<Outputs[Name]> };
};

/**
 * A task that calls a declared function. A text is a text here; what is an expression says so (`cel`, `tasks.a.output`).
 *
 * @example
 * workflow('invoice')
 *   .task('lines', code(readLines, { customer: cel('input.customer') }))
 *   .task('total', (tasks) => code(sumUp, { lines: tasks.lines.output, currency: 'EUR' }, { timeoutSeconds: 5 }))
 */
export function code<Arguments, Output>(
  called: DeclaredFunction<Arguments, Output>,
  given: ArgumentsFor<NoInfer<Arguments>>,
  options: CodeTaskOptions = {},
): CodeTask<Awaited<Output>> {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  const input = Object.fromEntries(entries.map(([name, value]) => [name, written(value)]));
  return new CodeTask({ kind: 'code', function: called.name, input, ...options });
}

/** Names that need no brackets in CEL. */
const PLAIN = /^[A-Za-z_]\w*$/;

/** References to tasks; that there is one of that name, the compiler and the document's check say. */
export function references<Outputs>(): References<Outputs> {
  const output = (name: string): string =>
    PLAIN.test(name) ? `tasks.${name}.output` : `tasks[${JSON.stringify(name)}].output`;
  return new Proxy(Object.create(null) as References<Outputs>, {
    get: (_, name) => ({ output: new Expression(output(String(name))) }),
  });
}

/** As it stands in a document, where texts are expressions. */
function written(value: unknown): unknown {
  if (value instanceof Expression) return value.text;
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return value.map(written);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, written(inner)]));
  return value;
}
