/** `fermata cancel RUN`. */
import { configOption, databaseOption, serverOption, type AddCommand } from '../command-line.ts';
import { withConnection, type ConnectionOptions } from '../connection.ts';

export const addCancel: AddCommand = (program, { shell }) => {
  program
    .command('cancel')
    .summary('cancel a run')
    .argument('<run>', 'its id')
    .option('--reason <text>', 'why')
    .addOption(serverOption())
    .addOption(databaseOption())
    .addOption(configOption())
    .action(async (runId: string, options: ConnectionOptions & { readonly reason?: string }) => {
      await withConnection(shell, options, 'looks', async ({ client }) => {
        const { status } = await client.cancel(runId, options.reason);
        shell.out(`Run ${runId} is ${status === 'cancelled' ? 'cancelled' : `${status}, and will be cancelled`}.`);
      });
    });
};
