/** Tasks that call nobody themselves: the parts of a reduction do, or the task ends as it begins. */
import { expect } from 'vitest';
import { answerError, answerWith, type RawModelServer } from '../harness/raw-model-server.ts';
import type { TaskKind } from './task-paths.ts';
import type { Caller } from './task-walk.ts';

/** A task that ends before the walked one begins, and gives it what it reads. */
export const FIRST = 'first';

const TASKS = {
  reduce: { kind: 'reduce', dependsOn: [FIRST], prompt: `{{ tasks.${FIRST}.output | json }}`, arity: 2 },
  condition: { kind: 'condition', if: 'true', then: [] },
  skipped: { when: 'false' },
  unready: { prompt: `{{ tasks.${FIRST}.output.missing }}` },
} as const satisfies Partial<Record<TaskKind['calls'], object>>;

/** The other side of one of them. */
export function callsNobody(kind: keyof typeof TASKS, server: RawModelServer): Caller {
  const nobody = async (): Promise<never> => expect.fail(`a task that is ${kind} calls nobody`);
  let answered = server.requests.length;
  return {
    task: TASKS[kind],
    ...(kind === 'reduce' ? { after: ['a', 'b'] } : kind === 'unready' ? { after: {} } : {}),
    endItem(badly) {
      const call = server.requests[answered];
      if (call === undefined) return false;
      answered++;
      if (badly) answerError(call, 400, { message: 'broke', type: 'invalid_request_error' });
      else answerWith(call, 'one');
      return true;
    },
    called: nobody,
    answer: nobody,
    fail: nobody,
  };
}
