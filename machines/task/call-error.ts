/** Errors of calls, as a task keeps them. */
import { ERROR_CODES, type ErrorCode, type ErrorData } from '../../src/errors.ts';

/** What a failed call says, and whether another attempt may help: that stands in the table of codes. */
export function errorOf(event: { readonly type: string }): ErrorData {
  const { error } = event as { error?: Partial<ErrorData> };
  const code = typeof error?.code === 'string' ? error.code : 'taskFailed';
  return {
    code,
    message: String(error?.message ?? 'The call failed.'),
    retry: error?.retry ?? (code in ERROR_CODES ? ERROR_CODES[code as ErrorCode].retry : 'backoff'),
    ...(error?.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    ...(error?.data === undefined ? {} : { data: error.data }),
  };
}
