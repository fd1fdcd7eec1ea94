/**
 * The same tasks without durability: our own task machine under XState's `createActor`, in memory. A loop stands in for the workflow machine.
 */
import { createActor, createMachine, fromPromise, type Actor } from 'xstate';
import { taskMachine } from '../../machines/task.ts';
import type { TaskInput } from '../../machines/task/context.ts';

const nothing = fromPromise<{ readonly value: unknown }, { readonly [key: string]: unknown }>(async () => ({
  value: 'done',
}));
const machine = taskMachine.provide({ actors: { code: nothing } });

/** Takes what tasks tell their workflow. It has slots for all. */
const parent = createActor(createMachine({})).start();

function input(name: string, gated: boolean): TaskInput {
  return {
    name,
    prepared: {
      call: { kind: 'code', function: 'nothing', input: {} },
      ...(gated ? { approval: { onReject: 'fail' }, approvalPrompt: 'Book it?' } : {}),
      retry: { maxRetries: 3, initialSeconds: 1, factor: 2, maxSeconds: 60 },
      timeoutMs: 120_000,
      onInDoubt: 'retry',
      seed: name,
    },
  };
}

/** Begins a task; `ended` is called once. */
export function plainTask(name: string, ended: () => void, gated = false): Actor<typeof taskMachine> {
  const task = createActor(machine, { id: name, parent, input: input(name, gated) });
  task.subscribe({ complete: ended });
  return task.start();
}

/** Runs `total` tasks, at most `breadth` at once. */
export function plainTasks(total: number, breadth: number): Promise<void> {
  return new Promise((resolve) => {
    let begun = 0;
    let done = 0;
    const next = (): void => void plainTask(`t${begun++}`, ended);
    const ended = (): void => {
      if (++done === total) resolve();
      else if (begun < total) next();
    };
    while (begun < Math.min(total, breadth)) next();
  });
}
