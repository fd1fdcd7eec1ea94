/** `fermata retry RUN [--task TASK]`: tries again what did not succeed, in a run of its own; or calls again for a task in doubt. */
import { FermataError } from '../../errors.ts';
import { budgetOf, maxCostOption } from '../budget.ts';
import {
  configOption,
  databaseOption,
  demoOption,
  jsonOption,
  serverOption,
  type AddCommand,
} from '../command-line.ts';
import { withRun, type ConnectionOptions } from '../connection.ts';
import { follow } from '../follow.ts';
import { printable } from '../text.ts';

interface RetryOptions extends ConnectionOptions {
  readonly json: boolean;
  readonly task?: string;
  readonly maxCost?: number;
}

export const addRetry: AddCommand = (program, { shell, exitWith }) => {
  program
    .command('retry')
    .summary('try again what did not succeed')
    .description(
      'Starts a run that takes over what another one has found, and tries the rest again. With a task: of that task what ' +
        'has come to nothing, or, in the same run, a call that is in doubt. Without --server the run then goes on in this process.',
    )
    .argument('<run>', 'id of the run')
    .argument('[task]', 'the same as --task')
    .option('-t, --task <task>', 'this task, and what depends on it')
    .addOption(maxCostOption())
    .addOption(jsonOption())
    .addOption(serverOption())
    .addOption(databaseOption())
    .addOption(configOption())
    .addOption(demoOption().conflicts('server'))
    .action(async (runId: string, named: string | undefined, options: RetryOptions) => {
      const { json, task = named } = options;
      if (named !== undefined && named !== task)
        throw new FermataError(
          'invalidRequest',
          `Two tasks are named, ${JSON.stringify(named)} and ${JSON.stringify(task)}: keep one.`,
        );
      const words = [
        ...(task === undefined ? [] : ['--task', task]),
        ...(options.maxCost === undefined ? [] : ['--max-cost', String(options.maxCost)]),
      ];
      await withRun(shell, options, ['retry', runId, ...words], async (connection) => {
        const { client } = connection;
        const taken =
          task === undefined
            ? await client.retry(runId, undefined, budgetOf(options))
            : await client.retryTask(runId, task, undefined, budgetOf(options));
        const what =
          taken.runId === runId
            ? `Task ${JSON.stringify(task)} of run ${runId} is called again.`
            : `Run ${taken.runId} tries again ${task === undefined ? 'what did not succeed' : `task ${JSON.stringify(task)}`} in run ${runId}.`;
        shell.err(printable(what));
        if (connection.embedded) exitWith(await follow(shell, { connection, runId: taken.runId, json }));
        else shell.out(json ? JSON.stringify(taken) : taken.runId);
      });
    });
};
