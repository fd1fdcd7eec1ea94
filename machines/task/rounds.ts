/** A task that works in rounds: what it passes on between its run and the machine that decides. */
import type { PreparedPlanExecuteReflect } from '../../src/document/kinds/plan-execute-reflect.ts';
import { actionCreators } from '../action-creators.ts';
import type { RoundsInput, RoundsOutput } from '../plan-execute-reflect.ts';
import { about, type TaskContext } from './context.ts';
import type { TaskEvent } from './events.ts';
import { letGo } from './slot.ts';

const { assign, enqueueActions } = actionCreators<TaskContext, TaskEvent>();

/** What a task does that works in rounds. */
export const roundActions = {
  relay: enqueueActions(({ enqueue, context, event }) => {
    if (event.type === 'fermata.task.adds')
      enqueue.sendParent({ type: 'fermata.task.adds', ...about(context), ask: event.ask });
  }),
  // Not before they have joined the run, and only where one of them may begin: until then it holds its slot, or has not said
  // yet what comes next. Else the run would seem to wait for a moment.
  letBegin: enqueueActions(({ enqueue, context, event }) => {
    if (event.type !== 'fermata.task.added' || event.count <= (event.skipped ?? 0)) return;
    letGo(enqueue, context);
  }),
  keepRounds: assign(({ event }) => {
    const { output } = event as { readonly output: RoundsOutput };
    if ('error' in output) return {};
    const { value, ...facts } = output;
    return { outcome: { value, facts } };
  }),
  keepRoundsError: assign(({ event }) => {
    const { output } = event as { readonly output: RoundsOutput };
    return 'error' in output ? { error: output.error, consequence: 'fail' as const } : {};
  }),
};

/** What its machine is invoked with. */
export function roundsInput({ name, call }: TaskContext): RoundsInput {
  const { goal, depth, reflectionAnswers } = call as PreparedPlanExecuteReflect;
  return { name, goal, depth, reflectionAnswers };
}
