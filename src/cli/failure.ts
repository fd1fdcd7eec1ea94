/** Errors as the person at the terminal gets them: what was wrong, every fault with its place, what to do. */
import { FermataClientError } from '../client/index.ts';
import { FermataError } from '../errors.ts';
import { faultLines, type DocumentFile } from './document-file.ts';
import { EXIT, exitStatusOf } from './exit.ts';
import type { NextCommand } from './next-command.ts';
import { inCommands } from './routes.ts';
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
function failureOf(thrown: unknown): Failure | undefined {
  if (thrown instanceof FermataError || thrown instanceof FermataClientError) {
    const errors = (thrown instanceof FermataError ? thrown.faults : thrown.errors) ?? [];
    return { code: thrown.code, message: thrown.message, errors, exitStatus: exitStatusOf(thrown.code) };
  }
  return undefined;
}

/** What an error is told with. */
export interface FailureContext {
  /** Writes commands that reach the Fermata that the error came from. */
  readonly next: NextCommand;
  /** The command could have talked to a server. */
  readonly takesServer: boolean;
  /** Standard output gets the error as an object. */
  readonly json: boolean;
  /** The document that faults are in. */
  readonly file?: DocumentFile | undefined;
}

/** Writes an error, and gives the exit status it ends with. */
export function reportFailure(
  shell: Pick<Shell, 'program' | 'out' | 'err' | 'style'>,
  thrown: unknown,
  context: FailureContext,
): number {
  const failure = failureOf(thrown);
  if (failure === undefined) {
    shell.err(thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown));
    return EXIT.failed;
  }
  const { code, errors, exitStatus } = failure;
  const message = inCommands(failure.message, context.next).replaceAll('"fermata ', `"${shell.program} `);
  if (context.json) shell.out(JSON.stringify({ error: { code, message, ...(errors.length === 0 ? {} : { errors }) } }));
  for (const line of linesOf({ ...failure, message }, context)) shell.err(shell.style('red', printable(line)));
  return exitStatus;
}

/** Codes whose faults are places in a document. */
const OF_DOCUMENTS: ReadonlySet<string> = new Set(['invalidDocument', 'notSupported', 'workflowMissing']);

function linesOf({ code, message, errors }: Failure, { file, takesServer }: FailureContext): string[] {
  const inDocument = OF_DOCUMENTS.has(code) && errors.length > 0;
  if (inDocument && file !== undefined)
    return [...faultLines(file, errors), `${file.name} has ${count(errors.length, 'fault')}.`];
  if (errors.length > 1)
    return [`${count(errors.length, 'fault')}:`, ...errors.map(({ path, message: what }) => `  ${path}: ${what}`)];
  if (code === 'databaseInUse') return [message, takesServer ? TALK_TO_IT : STOP_IT];
  return [message];
}

const TALK_TO_IT =
  'If a Fermata server has it, add --server URL: the URL is in the line that it began with, "Fermata listens on …".';
const STOP_IT =
  'If a Fermata server has it, it said where it listens in the line that it began with, "Fermata listens on …": use that one, or stop it with Ctrl-C. For a second server name another file with --db.';

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
