/** Exit statuses of the command line: contract for scripts. */
import { ERROR_CODES, type ErrorCode } from '../errors.ts';

/** `interrupted` and `terminated` are the shell's own, 128 + the signal's number: neither completed nor failed. */
export const EXIT = { completed: 0, failed: 1, wrongUse: 2, interrupted: 130, terminated: 143 } as const;

/** Errors of the server's tables that are wrong use of the command line, whatever their HTTP status. */
const WRONG_USE: ReadonlySet<string> = new Set(['invalidConfig', 'insecureAddress']);

/**
 * The exit status for an error. What the caller can correct by calling otherwise is wrong use; what the state of a run
 * or of the world forbids is a failure.
 *
 * @param code a code of `ERROR_CODES`; undefined: an error that is not ours
 */
export function exitStatusOf(code: string | undefined): number {
  if (code === undefined || !isErrorCode(code)) return EXIT.failed;
  const { status } = ERROR_CODES[code];
  return WRONG_USE.has(code) || (status >= 400 && status < 500 && status !== 409) ? EXIT.wrongUse : EXIT.failed;
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CODES, code);
}
