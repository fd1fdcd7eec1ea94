/** The commands, together. */
import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import type { AddCommand } from './command-line.ts';
import { addApprove } from './commands/approve.ts';
import { addBudgets } from './commands/budgets.ts';
import { addCache } from './commands/cache.ts';
import { addCancel } from './commands/cancel.ts';
import { addCosts } from './commands/costs.ts';
import { addDemo } from './commands/demo.ts';
import { addDryRun } from './commands/dry-run.ts';
import { addEstimate } from './commands/estimate.ts';
import { addFork } from './commands/fork.ts';
import { addGraph } from './commands/graph.ts';
import { addMigrate } from './commands/migrate.ts';
import { addRetry } from './commands/retry.ts';
import { addRun } from './commands/run.ts';
import { addRuns } from './commands/runs.ts';
import { addSend } from './commands/send.ts';
import { addServe } from './commands/serve.ts';
import { addShow } from './commands/show.ts';
import { addValidate } from './commands/validate.ts';
import { addWatch } from './commands/watch.ts';
import { addWhy } from './commands/why.ts';
import type { DocumentFile } from './document-file.ts';
import { EXIT } from './exit.ts';
import { reportFailure } from './failure.ts';
import type { ConnectionOptions } from './connection.ts';
import { nextCommand } from './next-command.ts';
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
  addCosts,
  addBudgets,
  addCache,
  addShow,
  addWatch,
  addWhy,
  addApprove,
  addSend,
  addCancel,
  addFork,
  addRetry,
  addMigrate,
];

const EXIT_STATUSES = `
Exit status: 0 completed, 1 failed or cancelled, 2 wrong use; 130 and 143 where Ctrl-C or SIGTERM stopped the command
(the run is kept, and goes on later).`;

/**
 * Runs one command line.
 *
 * @param args without the names of Node and the script
 * @returns the exit status: 0 completed, 1 failed or cancelled, 2 wrong use, 130 and 143 stopped by a signal
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
    .showHelpAfterError('(fermata --help lists the commands, fermata COMMAND --help its options)')
    .addHelpText('after', EXIT_STATUSES);
  let typed: Command = program;
  const report = (thrown: unknown, file?: DocumentFile): number => {
    const options = typed.opts<ConnectionOptions & { readonly json?: boolean }>();
    const takesServer = typed.options.some(({ long }) => long === '--server');
    const json = options.json === true;
    return reportFailure(shell, thrown, { next: nextCommand(shell, options), takesServer, json, file });
  };
  const exitWith = (given: number): void => void (status = given);
  for (const add of COMMANDS)
    add(program, { shell, exitWith, failWith: (thrown, file) => exitWith(report(thrown, file)) });
  program.hook('preAction', (_, command) => void (typed = command));
  try {
    await program.parseAsync(args, { from: 'user' });
    return status;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.completed : EXIT.wrongUse;
    return report(thrown);
  }
}

function version(): string {
  // By its own name, so that a clone and a published package find the same file.
  const { version: current } = createRequire(import.meta.url)('fermata/package.json') as { readonly version: string };
  return current;
}
