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

/** Registered functions by name. */
export type CodeFunctions = Readonly<Record<string, CodeFunction>>;

/** Which function is called, and with what. */
export interface CodeInput {
  readonly task: string;
  /** From 1. */
  readonly attempt: number;
  readonly function: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly repeatOf?: string | undefined;
  readonly onInDoubt: InDoubtPolicy;
}

/**
 * The effect of a code task.
 *
 * Throws FermataError: `functionMissing`; `codeFailed` (may be tried again) and `codeRefused` (never), with what the
 * function threw as `cause`; `cancelled` where it threw because it was aborted; a FermataError of the function's own.
 *
 * @example
 * code({ functions: { sumUp: ({ x, y }) => Number(x) + Number(y) }, redact: redactor() })
 */
export function code({
  functions,
  redact,
}: {
  readonly functions: CodeFunctions;
  /** Takes secrets out of what functions throw: it goes into journals, logs and browsers. */
  readonly redact: Redactor;
}): EffectDefinition<CodeInput, { value: unknown }> {
  const run = async (input: CodeInput, context: EffectContext) => {
    const called = findFunction(functions, input.function, input.task);
    const progress = reporter(input, context);
    try {
      return { value: await called(input.input, codeContext(input, context, progress.report)) };
    } catch (thrown) {
      throw withoutSecrets(failureOf(thrown, input, context.signal), redact);
    } finally {
      progress.close();
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

/**
 * The function of that name. Pure: documents can be checked with it before they run.
 *
 * @throws FermataError `functionMissing`
 */
export function findFunction(functions: CodeFunctions, name: string, task: string): CodeFunction {
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

function codeContext(input: CodeInput, context: EffectContext, progress: CodeContext['progress']): CodeContext {
  const { signal, key, runId, repeated } = context;
  return { signal, idempotencyKey: key, runId, task: input.task, attempt: input.attempt, repeated, progress };
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
