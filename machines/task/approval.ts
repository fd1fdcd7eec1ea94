/** A person decides whether a task may run. */
import { actionCreators } from '../action-creators.ts';
import { fact } from '../reserved.ts';
import { about, type TaskContext } from './context.ts';
import type { Decision, TaskEvent } from './events.ts';

const { assign, enqueueActions } = actionCreators<TaskContext, TaskEvent>();

/** Why a task ends without a call of which nobody has approved. */
export interface Refusal {
  readonly code: 'taskRejected' | 'approvalExpired';
  readonly message: string;
}

/** A person has refused. */
export function rejected({ name }: TaskContext, { by, reason }: Decision): Refusal {
  const who = by === undefined ? '' : ` by ${by}`;
  return {
    code: 'taskRejected',
    message: `Task "${name}" was refused${who}${reason === undefined ? '.' : `: ${reason}`}`,
  };
}

/** Nobody has decided in time. */
export function expired({ name, approval }: TaskContext): Refusal {
  return {
    code: 'approvalExpired',
    message: `Nobody decided on task "${name}" within ${approval?.timeoutSeconds} s.`,
  };
}

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
  refuse: assign(({ context }, { code, message }: Refusal) => ({
    error: { code, message, retry: 'never' as const },
    consequence:
      context.approval?.onReject === 'cancel'
        ? ('cancel' as const)
        : context.approval?.onReject === 'skip'
          ? ('none' as const)
          : ('fail' as const),
  })),
};
