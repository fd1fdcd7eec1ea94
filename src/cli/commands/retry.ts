/** `fermata retry RUN [TASK]`: tries again what did not succeed, in a run of its own; or calls again for a task in doubt. */
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

export const addRetry: AddCommand = (program, { shell, exitWith }) => {
  program
    .command('retry')
    .summary('try again what did not succeed')
    .description(
      'Starts a run that takes over what another one has found, and tries the rest again. With a task: calls again for one ' +
        'that is in doubt, in the same run. Without --server the run then goes on in this process.',
    )
    .argument('<run>', 'id of the run')
    .argument('[task]', 'name of a task in doubt')
    .addOption(jsonOption())
    .addOption(serverOption())
    .addOption(databaseOption())
    .addOption(configOption())
    .addOption(demoOption().conflicts('server'))
    .action(
      async (runId: string, task: string | undefined, options: ConnectionOptions & { readonly json: boolean }) => {
        const { json } = options;
        await withRun(shell, options, ['retry', runId, ...(task === undefined ? [] : [task])], async (connection) => {
          const { client } = connection;
          const taken = task === undefined ? await client.retry(runId) : await client.retryTask(runId, task);
          const what =
            task === undefined
              ? `Run ${taken.runId} tries again what did not succeed in run ${runId}.`
              : `Task ${JSON.stringify(task)} of run ${runId} is called again.`;
          shell.err(printable(what));
          if (connection.embedded) exitWith(await follow(shell, { connection, runId: taken.runId, json }));
          else shell.out(json ? JSON.stringify(taken) : taken.runId);
        });
      },
    );
};
