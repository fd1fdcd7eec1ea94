/** Promise actors whose outcome the steps of a scenario decide, and what custom actions have done. */
import { fromPromise } from 'xstate';
import { effect } from '../../../src/runtime/effect.ts';

interface Call {
  readonly key: string | undefined;
  readonly settlers: PromiseWithResolvers<unknown>;
}

type Settlement = { readonly resolve: unknown } | { readonly reject: string };

/** The world outside of one scenario. */
export class Gates {
  readonly #open = new Map<string, Call>();
  /** What was answered, by idempotency key: who asks again after a crash gets the same answer. */
  readonly #answered = new Map<string, Settlement>();
  /** What custom actions did, in order. */
  readonly did: string[] = [];

  /** Promise logic that waits for the gate its input names. */
  readonly logic = fromPromise<unknown, { name: string }>(({ input }) => this.ask(input.name, undefined));

  /** Waits for the gate `name`. */
  ask(name: string, key: string | undefined): Promise<unknown> {
    const call: Call = { key, settlers: Promise.withResolvers() };
    const before = key === undefined ? undefined : this.#answered.get(key);
    if (before !== undefined) answer(call, before);
    else this.#open.set(name, call);
    return call.settlers.promise;
  }

  /** Opens the gate, for the latest call that waits for it. */
  settle(name: string, settlement: Settlement): void {
    const call = this.#open.get(name);
    if (call === undefined) return;
    this.#open.delete(name);
    if (call.key !== undefined) this.#answered.set(call.key, settlement);
    answer(call, settlement);
  }
}

function answer({ settlers }: Call, settlement: Settlement): void {
  if ('resolve' in settlement) settlers.resolve(settlement.resolve);
  else settlers.reject(new RangeError(settlement.reject));
}

/** The effect `gate` for all scenarios of a runtime: a server that honours idempotency keys. `of` finds whose gates they are. */
export function gateEffect(of: (runId: string) => Promise<Gates>) {
  return effect<{ name: string }, unknown>({
    run: async ({ name }, { runId, key }) => (await of(runId)).ask(name, key),
  });
}
