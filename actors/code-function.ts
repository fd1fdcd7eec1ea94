/** Functions of the user's that `code` tasks call by name, with or without a declaration of what they take. */
import type { z } from 'zod';
import { FermataError } from '../src/errors.ts';
import type { ModelAnswer, ModelRequest } from './code-model.ts';
import type { SharedContext } from './code-shared.ts';

/** What a registered function gets besides its input. */
export interface CodeContext {
  /** Aborted on cancel, timeout and shutdown; a function that ignores it runs on, and its result is dropped. */
  readonly signal: AbortSignal;
  /** The same for every repeat of this call: pass it on to whatever must not happen twice. */
  readonly idempotencyKey: string;
  readonly runId: string;
  readonly task: string;
  /** From 1. */
  readonly attempt: number;
  /** True where a crash cut this call off before. */
  readonly repeated: boolean;
  /** Tells how far it is, 0 to 100 percent. Durable: call it for steps that a person would notice, not in a tight loop. */
  readonly progress: (percent: number, note?: string) => void;
  /** Shows a piece of text as a model's are shown (`task_delta`). Lossy: what counts is what the function returns. */
  readonly delta: (text: string) => void;
  /**
   * Asks a model. The call is recorded on its own: repeated after a crash, the function gets the answers that it had
   * before without another call, as long as it asks the same in the same order (or under the same names).
   * Throws what a model task would fail with (`modelUnavailable`, …), and `codeRefused` for a wrong request.
   */
  readonly model: (request: ModelRequest) => Promise<ModelAnswer>;
  /** What the tasks of the run share: values by key, with a revision each. */
  readonly shared: SharedContext;
}

/**
 * A registered function. Its input is the task's `input`, evaluated; what it returns, a JSON value, is the task's
 * output. What it throws is tried again by the task's retry policy, unless the error has `retry: 'never'` or
 * `retryable: false`, or is `new FermataError('codeRefused', …)`.
 *
 * @example
 * const charge: CodeFunction = async ({ cents }, { idempotencyKey, signal }) => bank.charge(cents, { idempotencyKey, signal })
 */
export type CodeFunction = (input: Readonly<Record<string, unknown>>, context: CodeContext) => unknown;

/** A schema of zod, or a JSON Schema: an object with a property for each argument. */
export type ArgumentsSchema = z.ZodType | Readonly<Record<string, unknown>>;

/** A function that says what it takes: `codeFunction`. */
export interface DeclaredFunction<Arguments = never, Output = unknown> {
  readonly kind: 'codeFunction';
  /** Under which it is registered. */
  readonly name: string;
  readonly input: ArgumentsSchema;
  run(input: never, context: CodeContext): Output;
  /** Only a type: what whoever calls it gives. */
  readonly takes?: (given: Arguments) => void;
}

/** Registered functions by name. */
export type CodeFunctions = Readonly<Record<string, CodeFunction | DeclaredFunction>>;

/**
 * Declares what a function takes. What a task gives it is checked: what the document itself says before a run starts,
 * everything else before each call (`invalidArgument`). The function gets what the schema makes of it, defaults included.
 *
 * With a schema of zod its parameter has that type; with a JSON Schema the type is said: `codeFunction<{ x: number }>({ … })`.
 *
 * @example
 * const sumUp = codeFunction({
 *   name: 'sumUp',
 *   input: z.object({ cents: z.array(z.number()) }),
 *   run: ({ cents }) => cents.reduce((sum, each) => sum + each, 0),
 * });
 */
export function codeFunction<Schema extends z.ZodType<Readonly<Record<string, unknown>>>, Output>(definition: {
  readonly name: string;
  readonly input: Schema;
  readonly run: (input: z.output<Schema>, context: CodeContext) => Output;
}): DeclaredFunction<z.input<Schema>, Output>;
export function codeFunction<
  Arguments extends Readonly<Record<string, unknown>> = Readonly<Record<string, unknown>>,
  Output = unknown,
>(definition: {
  readonly name: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly run: (input: Arguments, context: CodeContext) => Output;
}): DeclaredFunction<Arguments, Output>;
export function codeFunction(definition: Omit<DeclaredFunction, 'kind' | 'takes'>): DeclaredFunction {
  return { kind: 'codeFunction', ...definition };
}

/**
 * The function of that name. Pure: documents can be checked with it before they run.
 *
 * @throws FermataError `functionMissing`
 */
export function findFunction(functions: CodeFunctions, name: string, task: string): CodeFunction | DeclaredFunction {
  const found = Object.hasOwn(functions, name) ? functions[name] : undefined;
  if (found !== undefined) return found;
  const registered = Object.keys(functions);
  throw new FermataError(
    'functionMissing',
    `Task "${task}" calls the function "${name}", but registered are only: ${registered.join(', ') || 'none'}. ` +
      `Add it to functions in fermata.config.ts, or correct the name.`,
    { data: { task, function: name, registered } },
  );
}
