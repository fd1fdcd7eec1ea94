/** A person decides whether a task may run. */
import { actionCreators } from '../action-creators.ts';
import { fact } from '../reserved.ts';
import { about, type TaskContext } from './context.ts';
import type { Decision, TaskEvent } from './events.ts';

const { assign, enqueueActions } = actionCreators<TaskContext, TaskEvent>();

/** What a task does about its approval. */
export const approvalActions = {
  askPerson: enqueueActions(({ enqueue, context }) => {
    const seconds = context.approval?.timeoutSeconds;
    if (seconds !== undefined)
      enqueue.raise({ type: 'fermata.task.approvalExpired' }, { id: 'approvalTimeout', delay: seconds * 1_000 });
    const prompt = context.approvalPrompt ?? `May task "${context.name}" run?`;
    fact(enqueue, 'approval_requested', {
      ...about(context),
      prompt,
      ...(seconds === undefined ? {} : { timeoutSeconds: seconds }),
    });
  }),
  stateDecision: enqueueActions(({ enqueue, context }, decision: Decision & { readonly expired?: true }) => {
    fact(enqueue, 'approval_resolved', { ...about(context), ...decision });
  }),
  refuse: assign(({ context }, { code, message }: { code: 'taskRejected' | 'approvalExpired'; message: string }) => ({
    error: { code, message, retry: 'never' as const },
    consequence:
      context.approval?.onReject === 'cancel'
        ? ('cancel' as const)
        : context.approval?.onReject === 'skip'
          ? ('none' as const)
          : ('fail' as const),
  })),
};
