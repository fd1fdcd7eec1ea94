/** A task that adds tasks to its run: which ones, and what follows where they are refused. */
import { FROM_OUTPUT } from '../../src/document/definition.ts';
import type { ErrorData } from '../../src/errors.ts';
import { actionCreators } from '../action-creators.ts';
import type { CallOutput } from './calls.ts';
import { about, type TaskContext } from './context.ts';
import { stateCompleted } from './ending.ts';
import type { TaskEvent } from './events.ts';
import { isReused } from './known-outcome.ts';
import { withEarlier } from './spent.ts';

const { assign, enqueueActions, sendParent } = actionCreators<TaskContext, TaskEvent>();

/** What a task does that adds others. */
export const addingActions = {
  // What is called next is another call, and repeats none.
  keepOutcome: assign({
    outcome: ({ context, event }) => withEarlier(context, (event as unknown as { output: CallOutput }).output),
    repeatOf: null,
  }),
  askToAdd: sendParent(({ context, event }) => ({
    type: 'fermata.task.adds',
    ...about(context),
    ...(isReused(context) ? { again: true } : { tasks: tasksToAdd(context, event) }),
    ...(context.publishes === true ? { result: context.outcome?.value ?? null } : {}),
  })),
  completeAdded: enqueueActions(({ enqueue, context, event }) => {
    if (event.type !== 'fermata.task.added') return;
    const { count, warning } = event;
    stateCompleted(enqueue, context, context.outcome ?? { value: null }, {
      added: count,
      ...(warning === undefined ? {} : { warning }),
    });
  }),
  repair: assign(({ context, event }) => {
    if (event.type !== 'fermata.task.refused' || context.call.kind !== 'model') return {};
    const prompt = repairPrompt(context.call.prompt, context.outcome?.value, event.error);
    return { call: { ...context.call, prompt }, repaired: true as const };
  }),
  keepRefusal: assign(({ event }) =>
    event.type === 'fermata.task.refused' ? { error: event.error, consequence: 'fail' as const } : {},
  ),
};

/** What a task adds: its own output says it, or the function that was asked. */
function tasksToAdd({ addTasks, outcome }: TaskContext, event: { readonly type: string }): unknown {
  if (addTasks === FROM_OUTPUT) {
    const { tasks } = (typeof outcome?.value === 'object' ? (outcome.value ?? {}) : {}) as { readonly tasks?: unknown };
    return tasks ?? null;
  }
  return (event as unknown as { readonly output: CallOutput }).output.value;
}

/** The prompt again, with what was wrong: the model gets one chance to mend it. */
function repairPrompt(prompt: string, answer: unknown, { message }: ErrorData): string {
  return `${prompt}\n\nYour last answer was:\n${JSON.stringify(answer)}\n\nIts tasks were refused. ${message}\nAnswer again, with this mended.`;
}
