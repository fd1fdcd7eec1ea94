/** Why a task ended as it did, as its row keeps it. */
import type { ErrorData } from '../errors.ts';
import type { TaskRow } from '../store/tasks.ts';

/** Its error, or why it was cancelled; undefined of one of which neither is said. */
export function taskError({ detailJson }: Pick<TaskRow, 'detailJson'>): ErrorData | undefined {
  const { error, reason } = (detailJson === null ? {} : JSON.parse(detailJson)) as {
    readonly error?: ErrorData;
    readonly reason?: string;
  };
  return error ?? (reason === undefined ? undefined : { code: 'cancelled', message: reason, retry: 'never' });
}
