/** Functions whose calls end when a test says so: how long a task takes is the test's to decide. */
import type { FermataConfig } from '../../src/config.ts';

/** Calls of `hold`, by the key that they are given. */
export interface HeldFunctions {
  readonly functions: NonNullable<FermataConfig['functions']>;
  /** Ends the call of a key with a value, also one that has yet to come. */
  end(key: string, value?: unknown): void;
  /** Fails it. */
  fail(key: string, error: Error): void;
}

/**
 * A function `hold`, for tasks made by `held`.
 *
 * @example
 * const calls = holdFunctions();
 * const harness = await openFermata({ config: { functions: calls.functions } });
 * calls.end('a', 'done');
 */
export function holdFunctions(): HeldFunctions {
  const gates = new Map<string, PromiseWithResolvers<unknown>>();
  const gate = (key: string): PromiseWithResolvers<unknown> => {
    const known = gates.get(key) ?? Promise.withResolvers<unknown>();
    gates.set(key, known);
    return known;
  };
  const hold = async (input: unknown): Promise<unknown> => {
    const key = String((input as { readonly key: unknown }).key);
    const held = gate(key);
    try {
      return await held.promise;
    } finally {
      // The next call of the key is held anew.
      gates.delete(key);
    }
  };
  return {
    functions: { hold },
    end: (key, value = key) => gate(key).resolve(value),
    fail: (key, error) => gate(key).reject(error),
  };
}

/** A task that calls `hold` with its own name as the key. Failed, it is tried again as any other. */
export function held(name: string, over: object = {}): object {
  return { name, kind: 'code', function: 'hold', input: { key: JSON.stringify(name) }, ...over };
}
