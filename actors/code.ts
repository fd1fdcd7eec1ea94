/**
 * A code task: a function of the user's, registered by name in `fermata.config.ts`. It is called at least once: after a
 * crash it may run again under the same idempotency key, with `repeated` set.
 */
import { FermataError } from '../src/errors.ts';
import type { Redactor } from '../src/http/redact.ts';
import {
  effect,
  refusalOf,
  type EffectContext,
  type EffectDefinition,
  type InDoubtPolicy,
} from '../src/runtime/effect.ts';
import { ModelCalls } from './code-model.ts';
import { SharedCalls, type SharedSource } from './code-shared.ts';
import type { ModelUsage } from './model/usage.ts';
import { findFunction, type ArgumentsSchema, type CodeContext, type CodeFunctions } from './code-function.ts';

/** Which function is called, and with what. */
export interface CodeInput {
  readonly task: string;
  /** From 1. */
  readonly attempt: number;
  readonly function: string;
  readonly input: Readonly<Record<string, unknown>>;
  /** Under which the task calls it; default: `call`. */
  readonly callId?: string | undefined;
  readonly repeatOf?: string | undefined;
  readonly onInDoubt: InDoubtPolicy;
}

/** What a function gave, and what its model calls consumed; without any, nothing. */
export interface CodeOutput {
  readonly value: unknown;
  readonly usage?: ModelUsage | null;
}

/** What code tasks depend on. */
export interface CodeDependencies {
  readonly functions: CodeFunctions;
  /** Takes secrets out of what functions throw: it goes into journals, logs and browsers. */
  readonly redact: Redactor;
  /** Throws `providerMissing` for a provider that a function names and nobody has configured. */
  readonly assertProvider: (name: string) => void;
  /** Where shared values are read. */
  readonly shared: SharedSource;
  /** Arguments as a schema makes them. Throws `invalidArgument`. */
  readonly readArguments: (
    schema: ArgumentsSchema,
    values: Readonly<Record<string, unknown>>,
    of: { readonly task: string; readonly function: string },
  ) => Promise<unknown>;
}

/**
 * The effect of a code task.
 *
 * Throws FermataError: `functionMissing`; `invalidArgument` (never tried again); `codeFailed` (may be tried again) and `codeRefused` (never), with what the
 * function threw as `cause`; `cancelled` where it threw because it was aborted; a FermataError of the function's own.
 *
 * @example
 * code({ functions: { sumUp: ({ x, y }) => Number(x) + Number(y) }, redact: redactor(), readArguments, assertProvider, shared })
 */
export function code({
  functions,
  redact,
  readArguments,
  assertProvider,
  shared: source,
}: CodeDependencies): EffectDefinition<CodeInput, CodeOutput> {
  const run = async (input: CodeInput, context: EffectContext) => {
    const called = findFunction(functions, input.function, input.task);
    const progress = reporter(input, context);
    const asks = new Asks(input, context, { assertProvider, shared: source });
    const perform = async (): Promise<unknown> => {
      const given = codeContext(input, context, progress, asks);
      if (typeof called === 'function') return called(input.input, given);
      const values = await readArguments(called.input, input.input, input);
      context.signal.throwIfAborted();
      return called.run(values as never, given);
    };
    try {
      const value = await perform();
      if (asks.fault !== undefined) throw asks.fault;
      return { value, ...(asks.usage === undefined ? {} : { usage: asks.usage }) };
    } catch (thrown) {
      const failure = failureOf(asks.fault ?? thrown, input, context.signal);
      throw withoutSecrets(withUsage(failure, asks.usage), redact);
    } finally {
      progress.close();
      asks.close();
    }
  };
  return effect({
    run,
    unavailable: (input) => refusalOf(() => findFunction(functions, input.function, input.task)),
    onInDoubt: (input) => input.onInDoubt,
    repeatOf: (input) => input.repeatOf,
    describe: ({ task, attempt }) => ({ task, attempt }),
  });
}

function codeContext(
  { task, attempt }: CodeInput,
  { signal, key, runId, repeated }: EffectContext,
  { report, delta }: ReturnType<typeof reporter>,
  asks: Asks,
): CodeContext {
  return {
    signal,
    idempotencyKey: key,
    runId,
    task,
    attempt,
    repeated,
    progress: report,
    delta,
    model: async (request) => asks.models.ask(request),
    // No getter: V8 would keep it, and with it all that the call holds, until the next full collection (decision 028).
    shared: {
      get: (name) => asks.shared.api.get(name),
      entry: (name) => asks.shared.api.entry(name),
      set: (name, value, options) => asks.shared.api.set(name, value, options),
      update: (name, change) => asks.shared.api.update(name, change),
      subscribe: (name, listener) => asks.shared.api.subscribe(name, listener),
    },
  };
}

/** What a function asks of its run. Made when it first asks: most functions never do, and each would pay for it. */
class Asks {
  readonly #of: CodeInput & { readonly id: string };
  readonly #context: EffectContext;
  readonly #from: Pick<CodeDependencies, 'assertProvider' | 'shared'>;
  #models: ModelCalls | undefined;
  #shared: SharedCalls | undefined;
  #closed = false;

  constructor(input: CodeInput, context: EffectContext, from: Pick<CodeDependencies, 'assertProvider' | 'shared'>) {
    this.#of = { ...input, id: input.callId ?? 'call' };
    this.#context = context;
    this.#from = from;
  }

  get models(): ModelCalls {
    const { assertProvider } = this.#from;
    this.#models ??= this.#opened(new ModelCalls({ ...this.#of, assertProvider }, this.#context));
    return this.#models;
  }

  get shared(): SharedCalls {
    const { shared: source } = this.#from;
    this.#shared ??= this.#opened(new SharedCalls({ ...this.#of, source }, this.#context));
    return this.#shared;
  }

  /** What all its model calls consumed; undefined where there was none. */
  get usage(): ModelUsage | null | undefined {
    return this.#models?.usage;
  }

  get fault(): FermataError | undefined {
    return this.#models?.fault;
  }

  /** Nobody will answer any more. */
  close(): void {
    this.#closed = true;
    this.#models?.close();
    this.#shared?.close();
  }

  /** A function that runs on after its end may ask for the first time then. */
  #opened<Calls extends { close(): void }>(calls: Calls): Calls {
    if (this.#closed || this.#context.signal.aborted) calls.close();
    return calls;
  }
}

function reporter({ task, function: name }: CodeInput, context: EffectContext) {
  let open = true;
  return {
    report: (percent: number, note?: string) => {
      if (!(percent >= 0 && percent <= 100)) {
        throw new FermataError(
          'codeRefused',
          `progress() of function "${name}" (task "${task}") expects 0 to 100 percent, got ${percent}. Correct the function.`,
        );
      }
      // a function that runs on after its end must not wake an actor that has gone on
      if (open && !context.signal.aborted)
        context.notify({ type: 'task.progress', percent, ...(note === undefined ? {} : { note }) });
    },
    delta: (text: string) => {
      if (typeof text !== 'string') {
        throw new FermataError(
          'codeRefused',
          `delta() of function "${name}" (task "${task}") expects a text, got a value of type ${typeof text}. Correct the function.`,
        );
      }
      if (open && !context.signal.aborted) context.delta(text);
    },
    close: () => {
      open = false;
    },
  };
}

function failureOf(thrown: unknown, { task, function: name }: CodeInput, signal: AbortSignal): FermataError {
  if (signal.aborted) {
    return new FermataError('cancelled', `Function "${name}" of task "${task}" was cancelled.`, { cause: thrown });
  }
  if (thrown instanceof FermataError) return thrown;
  const errorCode = isFinal(thrown) ? 'codeRefused' : 'codeFailed';
  // whether another attempt is left stands elsewhere: this is read where none is, too
  const outlook = errorCode === 'codeRefused' ? ' It is not tried again.' : '';
  const said = describeThrown(thrown);
  const message = `Function "${name}" of task "${task}" threw ${said}${/[.!?]$/.test(said) ? '' : '.'}${outlook}`;
  return new FermataError(errorCode, message, { data: { task, function: name }, cause: thrown });
}

/** What it consumed is told also where it failed. */
function withUsage(error: FermataError, usage: ModelUsage | null | undefined): FermataError {
  if (usage === undefined || usage === null) return error;
  const { code: errorCode, message, faults, data, retryAfterMs, cause } = error;
  return new FermataError(errorCode, message, {
    data: { ...data, usage },
    ...(faults === undefined ? {} : { faults }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(cause === undefined ? {} : { cause }),
  });
}

function withoutSecrets(error: FermataError, redact: Redactor): FermataError {
  const said = { message: error.message, faults: error.faults, data: error.data };
  const clean = redact.value(said) as typeof said;
  if (JSON.stringify(clean) === JSON.stringify(said)) return error;
  const { code: errorCode, retryAfterMs, cause } = error;
  return new FermataError(errorCode, clean.message, {
    ...(clean.faults === undefined ? {} : { faults: clean.faults }),
    ...(clean.data === undefined ? {} : { data: clean.data }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Whether the error itself says that trying again is useless. */
function isFinal(thrown: unknown): boolean {
  if (typeof thrown !== 'object' || thrown === null) return false;
  return ('retry' in thrown && thrown.retry === 'never') || ('retryable' in thrown && thrown.retryable === false);
}

function describeThrown(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message ? `${thrown.name}: ${thrown.message}` : thrown.name;
  if (typeof thrown === 'string') return `the text ${JSON.stringify(thrown)}`;
  return `a value that is no Error (${typeof thrown})`;
}
