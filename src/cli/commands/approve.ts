/** `fermata approve RUN TASK`: decides on a task that awaits approval; without a server, the run then goes on here. */
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

interface ApproveOptions extends ConnectionOptions {
  readonly reject: boolean;
  readonly reason?: string;
  readonly by?: string;
  readonly json: boolean;
}

export const addApprove: AddCommand = (program, { shell, exitWith }) => {
  program
    .command('approve')
    .summary('decide on a task that awaits approval')
    .description('Approves a task (or refuses it), once. Without --server the run then goes on in this process.')
    .argument('<run>', 'id of the run')
    .argument('<task>', 'name of the task')
    .option('--reject', 'refuse instead', false)
    .option('--reason <text>', 'why')
    .option('--by <name>', 'who decides')
    .addOption(jsonOption())
    .addOption(serverOption())
    .addOption(databaseOption())
    .addOption(configOption())
    .addOption(demoOption().conflicts('server'))
    .action(async (runId: string, task: string, options: ApproveOptions) => {
      const { reject, reason, by, json } = options;
      const words = [task, ...(reject ? ['--reject'] : [])];
      await withRun(shell, options, ['approve', runId, ...words], async (connection) => {
        const decision = {
          approved: !reject,
          ...(reason === undefined ? {} : { reason }),
          ...(by === undefined ? {} : { by }),
        };
        const taken = await connection.client.approve(runId, task, decision);
        shell.err(printable(`Task ${JSON.stringify(task)} of run ${runId} is ${reject ? 'refused' : 'approved'}.`));
        if (connection.embedded) exitWith(await follow(shell, { connection, runId, json, decided: task }));
        else if (json) shell.out(JSON.stringify(taken));
      });
    });
};
