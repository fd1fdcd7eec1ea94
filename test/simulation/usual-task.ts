/** What a task of a plan has of which a story says nothing: the tests of the reference model say what is special. */
import type { PlannedTask } from '../../src/testing/plan.ts';

/** A task without a name and a kind. */
export const usualTask = {
  dependsOn: [],
  after: [],
  gates: [],
  skipPolicy: 'run',
  retry: { maxRetries: 0, initialSeconds: 1, factor: 2, maxSeconds: 60 },
  timeoutSeconds: 10,
  onInDoubt: 'retry',
  approval: undefined,
} as const satisfies Omit<PlannedTask, 'name' | 'call'>;
