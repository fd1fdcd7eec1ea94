/** What tests of forks stand on: functions that are counted, and how a run is forked and awaited. */
import { expect } from 'vitest';
import type { FermataConfig } from '../../src/config.ts';
import type { Run, RunResults } from '../../src/client/index.ts';
import type { Harness } from '../harness/fermata.ts';

/** Functions that say what they were called with, and count; `fails` names those that fail. */
export function counting(): {
  readonly config: FermataConfig;
  /** Names of the tasks that were called, in order; of the function that chooses tasks with a plus. */
  readonly calls: string[];
  /** Tasks that fail. */
  readonly fails: Set<string>;
  /** The task answers when it is released. */
  hold(task: string): { readonly called: Promise<void>; release(): void };
} {
  const calls: string[] = [];
  const fails = new Set<string>();
  const held = new Map<string, { called(): void; readonly until: Promise<void> }>();
  return {
    calls,
    fails,
    hold(task) {
      const [called, until] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      held.set(task, { called: called.resolve, until: until.promise });
      return {
        called: called.promise,
        release() {
          held.delete(task);
          until.resolve();
        },
      };
    },
    config: {
      functions: {
        async work(input, { task }) {
          calls.push(task);
          const waits = held.get(task);
          waits?.called();
          await waits?.until;
          if (fails.has(task)) throw new Error(`${task} fails`);
          return { by: task, of: input };
        },
        adds(_input, { task }) {
          calls.push(`${task}+`);
          return [
            {
              name: 'one',
              kind: 'code',
              function: 'work',
              input: { from: 'tasks.a.output.by' },
              retry: { maxRetries: 0 },
            },
            { name: 'two', kind: 'code', function: 'work', dependsOn: ['one'], retry: { maxRetries: 0 } },
          ];
        },
      },
    },
  };
}

/** A task that calls `work`, once. */
export const work = (name: string, ...dependsOn: string[]) => ({
  name,
  kind: 'code',
  function: 'work',
  dependsOn,
  retry: { maxRetries: 0 },
});
export const DIAMOND = { tasks: [work('a'), work('b', 'a'), work('c', 'a'), work('d', 'b', 'c')] };

/** Forks a run (or tries it again) and waits for its end. */
export async function forked({ call, fermata }: Harness, runId: string, request: unknown, how = 'fork') {
  const { status, body } = await call('POST', `/runs/${runId}/${how}`, request);
  expect({ ...body, status }).toMatchObject({ status: 202 });
  await fermata.runtime.waitFor(body.runId as string);
  return outcome({ call }, body.runId as string);
}

/** A run with its results. */
export async function outcome({ call }: Pick<Harness, 'call'>, runId: string) {
  const [{ body: run }, { body: results }] = await Promise.all([
    call('GET', `/runs/${runId}`),
    call('GET', `/runs/${runId}/results?limit=1000`),
  ]);
  return { run: run as Run, ...(results as RunResults) };
}

/** Who paid for each task. */
export function payers(tasks: RunResults['tasks']): Record<string, string | undefined> {
  return Object.fromEntries(tasks.map(({ name, reused, edited }) => [name, edited ? 'edited' : reused?.runId]));
}
