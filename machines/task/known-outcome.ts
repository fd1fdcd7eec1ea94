/** A task whose outcome is known before it begins: of a run from which this one was forked, or given by hand. */
import { FROM_OUTPUT } from '../../src/document/definition.ts';
import { actionCreators } from '../action-creators.ts';
import type { TaskContext } from './context.ts';
import { stateCompleted } from './ending.ts';
import type { TaskEvent } from './events.ts';
import type { PreparedOutcome } from './prepared.ts';

const { enqueueActions } = actionCreators<TaskContext, TaskEvent>();

/** It does not run, and adds what it adds all the same. */
export function onlyAdds(context: TaskContext): context is TaskContext & Pick<PreparedOutcome, 'known'> {
  return context.known !== undefined && (isReused(context) || context.addTasks === FROM_OUTPUT);
}

/** True where it is that of another run. */
export function isReused({ known }: TaskContext): boolean {
  return known?.facts['reused'] !== undefined;
}

/** What a task does whose outcome is known. */
export const knownOutcomeActions = {
  completeKnown: enqueueActions(({ enqueue, context }) => {
    stateCompleted(enqueue, context, { value: context.known?.result });
    // The fact has it from here on.
    enqueue.assign({ known: { result: null, facts: {} } });
  }),
};
