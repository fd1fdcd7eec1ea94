/** What people and programs may tell a run or one of its tasks, and what they are told where it is not possible. */
import type { Fermata } from '../compose.ts';
import { isSettled } from '../document/task-status.ts';
import { FermataError } from '../errors.ts';
import type { RunStatus, RunView } from '../runtime/runtime.ts';
import { childAddress } from '../runtime/xstate.ts';
import type { ApprovalRow } from '../store/approvals.ts';
import { iso } from './json.ts';
import { assertTask, statusOf } from './task-view.ts';

/** A command was taken, and committed. */
export interface Taken {
  readonly runId: string;
  readonly status: RunStatus;
}

/** A person's decision. */
export interface ApprovalDecision {
  readonly approved: boolean;
  readonly reason?: string | undefined;
  readonly by?: string | undefined;
}

/** Cancels a run. Throws `notFound`, `runEnded`. */
export async function cancelRun({ runtime }: Fermata, runId: string, reason: string | undefined): Promise<Taken> {
  const { state } = await runtime.cancel(runId, reason);
  return { runId, status: state.status };
}

/**
 * Pauses or resumes a run; a quarantined one is released. Throws `notFound`, `runEnded`, `wrongState` where its machine
 * does not take that now.
 */
export async function pauseOrResume({ runtime }: Fermata, runId: string, command: 'pause' | 'resume'): Promise<Taken> {
  if (command === 'resume' && runtime.isQuarantined(runId)) {
    await runtime.release(runId);
    return { runId, status: (await runtime.read(runId)).status };
  }
  try {
    const { state } = await runtime.control(runId, '/', { type: `fermata.${command}` });
    return { runId, status: state.status };
  } catch (thrown) {
    if (!(thrown instanceof FermataError) || thrown.code !== 'eventNotAccepted') throw thrown;
    const { status, workflow, machine } = await runtime.read(runId);
    const why =
      workflow === undefined
        ? `the machine "${machine}" does not handle "fermata.${command}" in its state now`
        : command === 'pause'
          ? 'only a running or waiting run can be paused'
          : 'only a paused run can be resumed';
    throw new FermataError('wrongState', `Run ${runId} is ${status}: ${why}.`, {
      data: { runStatus: status },
      cause: thrown,
    });
  }
}

/** Decides on a task that awaits approval. Throws `notFound`, `notAwaitingApproval`, `alreadyDecided` with the decision. */
export async function approveTask(
  fermata: Fermata,
  runId: string,
  task: string,
  decision: ApprovalDecision,
): Promise<Taken> {
  const { runtime } = fermata;
  const run = await runtime.read(runId);
  await assertTask(fermata, run, task);
  const { approved, reason, by } = decision;
  const event = {
    type: 'fermata.approve',
    decision: { approved, ...(reason === undefined ? {} : { reason }), ...(by === undefined ? {} : { by }) },
  };
  await assertUndecided(fermata, run, task);
  return sendOr(() => assertUndecided(fermata, run, task), fermata, runId, childAddress('/', task), event);
}

/** Cancels one task, begun or not. Throws `notFound`, `taskSettled`. */
export async function cancelTask(
  fermata: Fermata,
  runId: string,
  task: string,
  reason: string | undefined,
): Promise<Taken> {
  await assertTask(fermata, await fermata.runtime.read(runId), task);
  const check = (): Promise<unknown> => assertUnsettled(fermata, runId, task);
  await check();
  const event = { type: 'fermata.task.cancel', task, ...(reason === undefined ? {} : { reason }) };
  return sendOr(check, fermata, runId, '/', event);
}

/** Sends to an actor, once under an `id`. Where it does not take the event any more, `recheck` throws what happened meanwhile. */
export async function sendOr(
  recheck: () => Promise<unknown>,
  { runtime }: Fermata,
  runId: string,
  actor: string,
  event: { readonly type: string; readonly [key: string]: unknown },
  { id }: { readonly id?: string | undefined } = {},
): Promise<Taken> {
  try {
    const { state } = await runtime.control(runId, actor, event, id === undefined ? {} : { id });
    return { runId, status: state.status };
  } catch (thrown) {
    if (!(thrown instanceof FermataError) || (thrown.code !== 'eventNotAccepted' && thrown.code !== 'runEnded'))
      throw thrown;
    await recheck();
    throw thrown;
  }
}

async function assertUndecided(fermata: Fermata, run: RunView, task: string): Promise<void> {
  const { runtime } = fermata;
  const approval = await runtime.approval(run.runId, task);
  if (approval?.status === 'pending') return;
  if (approval !== undefined) {
    const decision = decisionOf(approval);
    throw new FermataError(
      'alreadyDecided',
      `The approval of task ${JSON.stringify(task)} was ${approval.status}${decision.by === undefined ? '' : ` by ${decision.by}`}${decision.at === null ? '' : ` at ${decision.at}`}; it is decided once.`,
      { data: { decision } },
    );
  }
  const status = statusOf(await runtime.task(run.runId, task), run);
  throw new FermataError('notAwaitingApproval', `Task ${JSON.stringify(task)} is ${status} and awaits no approval.`, {
    data: { taskStatus: status },
  });
}

async function assertUnsettled({ runtime }: Fermata, runId: string, task: string) {
  const run = await runtime.read(runId);
  const row = await runtime.task(runId, task);
  const status = statusOf(row, run);
  if (isSettled(status))
    throw new FermataError(
      'taskSettled',
      `Task ${JSON.stringify(task)} is ${status}; nothing about it changes any more.`,
      { data: { taskStatus: status } },
    );
  return row;
}

/** What was decided, by whom, when. */
export function decisionOf({ status, decidedAt, decisionJson }: ApprovalRow): {
  readonly status: string;
  readonly approved: boolean;
  readonly reason?: string;
  readonly by?: string;
  readonly at: string | null;
} {
  const {
    approved = false,
    reason,
    by,
  } = (decisionJson === null ? {} : JSON.parse(decisionJson)) as Partial<ApprovalDecision>;
  return {
    status,
    approved,
    ...(reason === undefined ? {} : { reason }),
    ...(by === undefined ? {} : { by }),
    at: iso(decidedAt),
  };
}
