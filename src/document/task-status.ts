/** What the status of a task says about it. */
import type { TaskRow, TaskStatus } from '../store/tasks.ts';

const SETTLED: ReadonlySet<TaskStatus> = new Set([
  'completed',
  'failed',
  'timedOut',
  'skipped',
  'rejected',
  'cancelled',
]);

/** True for a status that never changes again. */
export function isSettled(status: TaskStatus): boolean {
  return SETTLED.has(status);
}

/** True for a task that has begun and holds no slot: it waits for a person, a back-off, an answer, or for a slot. */
export function isWaiting({ status, ready, live }: TaskRow): boolean {
  return live && (ready || status === 'awaitingApproval' || status === 'retrying' || status === 'inDoubt');
}

/** True for a task that runs and holds a slot, whatever its kind: its work is done, and its function is called. */
export function asksFunction({ status, ready, detailJson }: TaskRow): boolean {
  return (
    status === 'running' &&
    !ready &&
    detailJson?.includes('"asks"') === true &&
    (JSON.parse(detailJson) as { readonly asks?: unknown }).asks !== undefined
  );
}
