/** Errors as the person at the terminal gets them: what was wrong, every fault with its place, what to do. */
import { FermataClientError } from '../client/index.ts';
import { FermataError } from '../errors.ts';
import { faultLines, type DocumentFile } from './document-file.ts';
import { EXIT, exitStatusOf } from './exit.ts';
import type { Shell } from './shell.ts';
import { printable } from './text.ts';

/** An error of ours or of the server's, in one form. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly errors: readonly { readonly path: string; readonly message: string }[];
  readonly exitStatus: number;
}

/** The one form; undefined where the error is a fault in our own program, whose stack somebody has to see. */
export function failureOf(thrown: unknown): Failure | undefined {
  if (thrown instanceof FermataError || thrown instanceof FermataClientError) {
    const errors = (thrown instanceof FermataError ? thrown.faults : thrown.errors) ?? [];
    return { code: thrown.code, message: thrown.message, errors, exitStatus: exitStatusOf(thrown.code) };
  }
  return undefined;
}

/**
 * Writes an error, and gives the exit status it ends with.
 *
 * @param options `file`: the document that faults are in; `json`: standard output gets the error as an object
 */
export function reportFailure(
  shell: Pick<Shell, 'out' | 'err' | 'style'>,
  thrown: unknown,
  { file, json = false }: { readonly file?: DocumentFile | undefined; readonly json?: boolean | undefined } = {},
): number {
  const failure = failureOf(thrown);
  if (failure === undefined) {
    shell.err(thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown));
    return EXIT.failed;
  }
  const { code, message, errors, exitStatus } = failure;
  if (json) shell.out(JSON.stringify({ error: { code, message, ...(errors.length === 0 ? {} : { errors }) } }));
  for (const line of linesOf(failure, file)) shell.err(shell.style('red', printable(line)));
  return exitStatus;
}

function linesOf({ code, message, errors }: Failure, file: DocumentFile | undefined): string[] {
  const inDocument = code === 'invalidDocument' || (code === 'notSupported' && errors.length > 0);
  if (inDocument && file !== undefined)
    return [...faultLines(file, errors), `${file.name} has ${count(errors.length, 'fault')}.`];
  if (errors.length > 1)
    return [`${count(errors.length, 'fault')}:`, ...errors.map(({ path, message: what }) => `  ${path}: ${what}`)];
  if (code === 'databaseInUse')
    return [message, 'If a Fermata server has it, talk to that one: add --server http://127.0.0.1:3000'];
  return [message];
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
