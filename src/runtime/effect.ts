/**
 * An effect: contact with the world (a model, a user's function, HTTP). It starts only after the commit that asks for
 * it (R1), is called at least once (R5), and its outcome re-enters as an event of the actor that asked.
 */

import { FermataError } from '../errors.ts';

/** What to do with a call that a crash cut off: call again, ask a person, or fail. */
export type InDoubtPolicy = 'retry' | 'ask' | 'fail';

/** What an effect gets besides its input. */
export interface EffectContext {
  readonly tenant: string;
  readonly runId: string;
  /** Address of the actor that asked. */
  readonly actor: string;
  /** Idempotency key: the same for every repeat of this call, another one for a new attempt. */
  readonly key: string;
  /** True where a crash cut this call off before, so that the other side may have seen it. */
  readonly repeated: boolean;
  /** Aborted on cancel, timeout and shutdown. */
  readonly signal: AbortSignal;
  /** Streams a piece of text: lossy, never journaled. */
  delta(text: string): void;
  /** The text streamed so far is void: the next piece has offset 0. */
  restart(): void;
  /** States that something has happened: the fact `emitted`, as when a machine emits. */
  emit(event: { readonly type: string; readonly [key: string]: unknown }): void;
  /** Sends an event to the actor that asked, as a turn of its own (durable). */
  notify(event: { readonly type: string; readonly [key: string]: unknown }): void;
  /** Whether that actor takes events of this type in some state. What it never takes is dropped, and not answered. */
  hears(type: string): boolean;
  /**
   * Hears what the actor that asked sends to this call (`sendTo` its id), each after the commit of the turn that sent it.
   * Nothing is kept: a call that a crash cut off is made again, and asks again.
   */
  receive(listener: (event: { readonly type: string; readonly [key: string]: unknown }) => void): void;
}

/** How an effect is registered, under the name that machines use in `invoke.src`. */
export interface EffectDefinition<Input = never, Output = unknown> {
  readonly kind: 'effect';
  /** Does it. What it returns or throws becomes the event `xstate.done.actor.ID` or `xstate.error.actor.ID`. */
  run(input: Input, context: EffectContext): Promise<Output>;
  /**
   * Why this call cannot be made in this process, whatever it would answer (a function that is not registered, a key that
   * is not set): it then waits for a process in which it can, as a run waits for its machine. Default: it always can.
   */
  unavailable?(input: Input): FermataError | undefined;
  /**
   * True where another machine does the work and this process only waits for its answer: a death of the process is then
   * never blamed on it. Default false: it runs here, and may be what brought the process down.
   */
  readonly remote?: boolean;
  /** True where it is a matter of milliseconds: it waits for no place among the effects in flight. Default false. */
  readonly immediate?: boolean;
  /** Default `retry`. */
  onInDoubt?(input: Input): InDoubtPolicy;
  /** The key of an earlier call of which this one is a repeat; default: a new key. */
  repeatOf?(input: Input): string | undefined;
  /**
   * Where a call under way waits for this one, the key that it has given it. It waits for no place among the effects in
   * flight: both might wait for ever.
   */
  partOf?(input: Input): { readonly key: string } | undefined;
  /** What its deltas carry besides `offset` and `delta`: `{task, attempt}` for tasks. */
  describe?(input: Input): Readonly<Record<string, unknown>>;
}

/** One call of an effect, before it is made. */
export interface EffectCall {
  /** Name under which the effect is registered. */
  readonly src: string;
  readonly input: unknown;
  readonly context: EffectContext;
  /** Makes the call. */
  run(): Promise<unknown>;
}

/** A call that a run has asked for. */
export interface AskedCall {
  /** Name under which the effect is registered. */
  readonly src: string;
  /** Of the run. */
  readonly tags: readonly string[];
}

/** Why a call must not be made in this process, although it could be: it waits for another one, as what is not registered does. */
export type WithheldCall = (call: AskedCall) => FermataError | undefined;

/** Stands around every call: to watch calls, to delay them, to let them fail. What it returns or throws is the outcome. */
export type AroundEffect = (call: EffectCall) => Promise<unknown>;

/**
 * Declares an effect.
 *
 * @example
 * const ping = effect({ run: async (input: { url: string }, { signal }) => (await fetch(input.url, { signal })).status })
 */
export function effect<Input, Output>(
  definition: Omit<EffectDefinition<Input, Output>, 'kind'>,
): EffectDefinition<Input, Output> {
  return { kind: 'effect', ...definition };
}

/**
 * What a check refuses with, for `unavailable`.
 *
 * @example
 * const unavailable = (input) => refusalOf(() => findFunction(functions, input.function))
 */
export function refusalOf(check: () => unknown): FermataError | undefined {
  try {
    check();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof FermataError) return thrown;
    throw thrown;
  }
}
