/** Trying again: one task, one run, many runs. What has ended stays as it is: another run takes over the rest. */
import type { WorkflowInput } from '../../machines/workflow/context.ts';
import type { Fermata } from '../compose.ts';
import { hasFailedItems } from '../document/fork/record.ts';
import { fork, type ForkRequest } from '../document/fork/request.ts';
import { isSettled } from '../document/task-status.ts';
import { FermataError } from '../errors.ts';
import type { Reads } from '../runtime/reads.ts';
import type { RunView, Started, StartOptions } from '../runtime/runtime.ts';
import { childAddress } from '../runtime/xstate.ts';
import type { TaskRow, TaskStatus } from '../store/tasks.ts';
import { sendOr, type Taken } from './run-commands.ts';
import { assertTask, statusOf } from './task-view.ts';

type Keys = StartOptions['idempotency'];

/** Ends of a task after which it can be tried again. */
const IN_VAIN: ReadonlySet<TaskStatus> = new Set(['failed', 'timedOut', 'rejected', 'cancelled']);

/**
 * Tries a task again: in its run where it is in doubt, in a new one where it has come to nothing. Gives the run in which
 * it is tried; with another budget a new one only. Throws `notFound`, and `taskSettled` or `wrongState` with what is possible instead.
 */
export async function retryTask(
  fermata: Fermata,
  runId: string,
  task: string,
  { idempotency, config }: { readonly idempotency?: Keys; readonly config?: ForkRequest['config'] } = {},
): Promise<Taken> {
  const { runtime } = fermata;
  // First of all: what was started stays started.
  const before = await runtime.startedBefore(idempotency);
  if (before !== undefined) return before;
  const run = await runtime.read(runId);
  await assertTask(fermata, run, task);
  // In doubt it is called again in its run: the same request later finds it settled, or in another doubt.
  const id = idempotency && `fermata.retry/${task}/${idempotency.key}`;
  if (id !== undefined && (await runtime.hasTaken(runId, id))) return { runId, status: run.status };
  const row = await runtime.task(runId, task);
  if (canBeTriedAgain(run, row)) return fork(fermata, runId, { point: { retry: true, task }, config, idempotency });
  const assertInDoubt = async (): Promise<void> => {
    const [now, then] = [await runtime.read(runId), await runtime.task(runId, task)];
    if (statusOf(then, now) !== 'inDoubt') throw notRetriable(now, task, statusOf(then, now));
  };
  await assertInDoubt();
  if (config !== undefined) throw sameRun(runId, task);
  return sendOr(assertInDoubt, fermata, runId, childAddress('/', task), { type: 'fermata.retry' }, { id });
}

/** Ignored, it would let somebody wait for money that nobody gives. */
function sameRun(runId: string, task: string): FermataError {
  const message = `is of a new run, and the call of task ${JSON.stringify(task)}, which is in doubt, is made again in run ${runId}, within the budget that this has: leave it out`;
  return new FermataError('invalidRequest', `The request has a fault: config: ${message}.`, {
    faults: [{ path: 'config', message }],
  });
}

/** It has come to nothing, and nothing more will come of its run either. */
function canBeTriedAgain(run: RunView, row: TaskRow | undefined): boolean {
  if (run.endedAt === null) return false;
  const status = statusOf(row, run);
  return IN_VAIN.has(status) || (status === 'completed' && row !== undefined && hasFailedItems(row));
}

function notRetriable({ runId, endedAt }: RunView, task: string, status: TaskStatus): FermataError {
  const self = `/api/v1/runs/${runId}`;
  const [why, legal] = ((): readonly [string, readonly string[]] => {
    if (!isSettled(status)) return ['only a task in doubt is called again by hand while it has not ended', []];
    if (endedAt === null && status !== 'completed')
      return [
        `and run ${runId} goes on without it: what needs it was told so. Once that run has ended (POST ${self}/cancel ends it), the same request tries the task again in a new run, which takes over the rest. POST ${self}/fork { "fromTask": ${JSON.stringify(task)} } does so now, beside this one`,
        [`${self}/cancel`, `${self}/fork`],
      ];
    const how = `POST ${self}/fork { "fromTask": ${JSON.stringify(task)} } runs it anew`;
    if (status === 'skipped')
      return [
        `so that there is nothing to try again: try what it needs, or the whole run (POST ${self}/retry). ${how}`,
        [`${self}/retry`, `${self}/fork`],
      ];
    return [`so that there is nothing to try again. ${how}`, [`${self}/fork`]];
  })();
  return new FermataError(
    isSettled(status) ? 'taskSettled' : 'wrongState',
    `Task ${JSON.stringify(task)} is ${status}${isSettled(status) ? `, ${why}` : `: ${why}`}.`,
    { data: { taskStatus: status, ...(legal.length === 0 ? {} : { legal }) } },
  );
}

/** Tries a run again. First of all: what was started under a key stays started. */
export async function retryRun(fermata: Fermata, runId: string, idempotency: Keys): Promise<Started> {
  const before = await fermata.runtime.startedBefore(idempotency);
  return before ?? fork(fermata, runId, { point: { retry: true }, idempotency });
}

/** True where a run was tried again already, or another one will try it again: a task of that waited for it. */
export async function isTakenCareOf(
  { runtime }: { readonly runtime: Reads },
  { runId, parent }: RunView,
): Promise<boolean> {
  if (parent?.awaited === true) return true;
  for (const other of await runtime.forksOf(runId, 1_000)) {
    const { input } = (await runtime.entry(other, 1)) as { readonly input: Pick<WorkflowInput, 'forkedFrom'> };
    if (input.forkedFrom !== undefined && 'retry' in input.forkedFrom) return true;
  }
  return false;
}
