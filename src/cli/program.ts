/** The commands, together. */
import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import type { AddCommand } from './command-line.ts';
import { addApprove } from './commands/approve.ts';
import { addCancel } from './commands/cancel.ts';
import { addDemo } from './commands/demo.ts';
import { addDryRun } from './commands/dry-run.ts';
import { addEstimate } from './commands/estimate.ts';
import { addGraph } from './commands/graph.ts';
import { addRun } from './commands/run.ts';
import { addRuns } from './commands/runs.ts';
import { addServe } from './commands/serve.ts';
import { addShow } from './commands/show.ts';
import { addValidate } from './commands/validate.ts';
import { addWatch } from './commands/watch.ts';
import { addWhy } from './commands/why.ts';
import { EXIT } from './exit.ts';
import { reportFailure } from './failure.ts';
import type { Shell } from './shell.ts';

/** In the order of the help. */
const COMMANDS: readonly AddCommand[] = [
  addDemo,
  addServe,
  addRun,
  addValidate,
  addGraph,
  addDryRun,
  addEstimate,
  addRuns,
  addShow,
  addWatch,
  addWhy,
  addApprove,
  addCancel,
];

/**
 * Runs one command line.
 *
 * @param args without the names of Node and the script
 * @returns the exit status: 0 completed, 1 failed or cancelled, 2 wrong use
 * @example
 * process.exitCode = await main(['validate', 'research.yaml'], processShell())
 */
export async function main(args: readonly string[], shell: Shell): Promise<number> {
  let status: number = EXIT.completed;
  const program = new Command('fermata')
    .description('Durable AI workflows: a run can wait a month, be killed with -9, and go on from exactly there.')
    .version(version(), '--version')
    .exitOverride()
    .configureOutput({ writeOut: (text) => shell.out(text.trimEnd()), writeErr: (text) => shell.err(text.trimEnd()) })
    .showHelpAfterError('(fermata --help lists the commands, fermata COMMAND --help its options)');
  for (const add of COMMANDS) add(program, { shell, exitWith: (given) => void (status = given) });
  try {
    await program.parseAsync(args, { from: 'user' });
    return status;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.completed : EXIT.wrongUse;
    return reportFailure(shell, thrown, { json: args.includes('--json') });
  }
}

function version(): string {
  // By its own name, so that a clone and a published package find the same file.
  const { version: current } = createRequire(import.meta.url)('fermata/package.json') as { readonly version: string };
  return current;
}
