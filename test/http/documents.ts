/** Documents and functions that tests steer: `hold` answers when the test says so. */
import type { CodeFunction } from '../../actors/code-function.ts';
import type { FermataConfig } from '../../src/config.ts';
import type { Harness } from '../harness/fermata.ts';

/** A function that answers when it is told to, and the calls that wait for it. */
export function holding(): {
  readonly config: FermataConfig;
  readonly called: () => Promise<void>;
  release(value?: unknown): void;
} {
  let waiting: ((value: unknown) => void)[] = [];
  let calls = Promise.withResolvers<void>();
  const hold: CodeFunction = (_input, { signal }) =>
    new Promise((resolve, reject) => {
      waiting.push(resolve);
      signal.addEventListener('abort', () => reject(signal.reason as Error));
      calls.resolve();
    });
  return {
    config: { functions: { hold, now: () => 'now' } },
    called: () => calls.promise,
    release(value = 'released') {
      calls = Promise.withResolvers<void>();
      for (const answer of waiting.splice(0)) answer(value);
      waiting = [];
    },
  };
}

/** Stores a document of `code` tasks and starts a run of it. */
export async function startRun(
  { call }: Harness,
  document: Readonly<Record<string, unknown>>,
  request: unknown = {},
): Promise<{ readonly workflowId: string; readonly runId: string }> {
  const { body: workflow } = await call('POST', '/workflows', { name: 'steered', ...document });
  const { body } = await call('POST', `/workflows/${workflow.id}/execute`, request);
  return { workflowId: workflow.id, runId: body.runId };
}
