/** A task that adds tasks to its run: which ones, and what follows where they are refused. */
import { FROM_OUTPUT } from '../../src/document/definition.ts';
import type { ErrorData } from '../../src/errors.ts';
import { actionCreators } from '../action-creators.ts';
import type { CallOutput } from './calls.ts';
import { about, type TaskContext } from './context.ts';
import type { TaskEvent } from './events.ts';
import { isReused } from './outcome.ts';
import { longerBy } from './paying.ts';

const { assign, sendParent } = actionCreators<TaskContext, TaskEvent>();

/** What a task does that adds others. */
export const addingActions = {
  askToAdd: sendParent(({ context, event }) => ({
    type: 'fermata.task.adds',
    ...about(context),
    ...(isReused(context) ? { again: true } : { tasks: tasksToAdd(context, event) }),
    ...(context.publishes === true ? { result: context.outcome?.value ?? null } : {}),
  })),
  keepAdded: assign(({ context: { outcome }, event }) => {
    if (event.type !== 'fermata.task.added') return {};
    const { value = null, facts = {} } = outcome ?? {};
    // It may have something to say of its own work already.
    const warnings = [facts['warning'], event.warning].filter((warning) => typeof warning === 'string');
    const warning = warnings.length === 0 ? {} : { warning: warnings.join(' ') };
    return { outcome: { value, facts: { ...facts, added: event.count, ...warning } } };
  }),
  repair: assign(({ context, event }) => {
    if (event.type !== 'fermata.task.refused' || context.call.kind !== 'model') return {};
    const prompt = repairPrompt(context.call.prompt, context.outcome?.value, event.error);
    const { call } = context;
    return { call: { ...call, prompt, ...longerBy(call, prompt) }, repaired: true as const };
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
