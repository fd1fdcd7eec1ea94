/** `fermata watch RUN`: follows a run from its beginning to its end; without a server, also makes it go on. */
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

export const addWatch: AddCommand = (program, { shell, exitWith }) => {
  program
    .command('watch')
    .summary('follow a run to its end')
    .description('Shows what happened in a run and what happens. Without --server its work goes on in this process.')
    .argument('<run>', 'its id')
    .addOption(jsonOption())
    .addOption(serverOption())
    .addOption(databaseOption())
    .addOption(configOption())
    .addOption(demoOption().conflicts('server'))
    .action(async (runId: string, options: ConnectionOptions & { readonly json: boolean }) => {
      await withRun(shell, options, ['watch', runId], async (connection) => {
        await connection.client.status(runId);
        exitWith(await follow(shell, { connection, runId, json: options.json }));
      });
    });
};
