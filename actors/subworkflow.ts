/** Begins the run of another workflow, for a task that waits for it. What that run does is not done here. */
import { FermataError } from '../src/errors.ts';
import { effect, type EffectContext, type EffectDefinition } from '../src/runtime/effect.ts';

/** What a task gives. */
export interface SubworkflowInput {
  readonly task: string;
  readonly attempt: number;
  /** Which workflow; `begin` knows what that means. */
  readonly workflow: unknown;
  readonly input: unknown;
  /** The task waits for its end. */
  readonly awaited: boolean;
  /** A run whose outcomes it takes over. */
  readonly takesOver?: string;
}

/** What is needed of the house. */
export interface SubworkflowOptions<Begun> {
  /** Begins the run, or finds the one that was begun under the same key. */
  begin(request: {
    readonly parent: Pick<SubworkflowInput, 'task' | 'attempt' | 'awaited'> & { readonly run: string };
    readonly key: string;
    readonly workflow: unknown;
    readonly input: unknown;
    readonly takesOver: string | undefined;
  }): Promise<Begun>;
  readonly clock: { setTimer(run: () => void, ms: number): { clear(): void } };
}

const AGAIN_MS = 1_000;

/** The effect `subworkflow`. */
export function subworkflow<Begun>({
  begin,
  clock,
}: SubworkflowOptions<Begun>): EffectDefinition<SubworkflowInput, Begun> {
  return effect<SubworkflowInput, Begun>({
    // A death while the run begins is blamed on that run, which has a mark of its own.
    remote: true,
    immediate: true,
    async run({ task, attempt, awaited, workflow, input, takesOver }, { runId, key, signal }) {
      const request = { parent: { run: runId, task, attempt, awaited }, key, workflow, input, takesOver };
      for (;;) {
        try {
          return await begin(request);
        } catch (thrown) {
          // Nothing was begun. What could not be written now can be in a moment, and an outcome could not be written either.
          if (!(thrown instanceof FermataError) || thrown.code !== 'storeUnavailable') throw thrown;
          await pause(signal);
        }
      }
    },
    describe: ({ task, attempt }) => ({ task, attempt }),
  });

  function pause(signal: EffectContext['signal']): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = clock.setTimer(resolve, AGAIN_MS);
      signal.addEventListener('abort', () => {
        timer.clear();
        reject(signal.reason as Error);
      });
    });
  }
}
