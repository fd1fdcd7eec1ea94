/** `fermata cancel RUN`. */
import { configOption, databaseOption, jsonOption, serverOption, type AddCommand } from '../command-line.ts';
import { withConnection, type ConnectionOptions } from '../connection.ts';

export const addCancel: AddCommand = (program, { shell }) => {
  program
    .command('cancel')
    .summary('cancel a run')
    .argument('<run>', 'its id')
    .option('--reason <text>', 'why')
    .addOption(jsonOption())
    .addOption(serverOption())
    .addOption(databaseOption())
    .addOption(configOption())
    .action(
      async (runId: string, options: ConnectionOptions & { readonly reason?: string; readonly json: boolean }) => {
        await withConnection(shell, options, 'looks', async ({ client, embedded, settle }) => {
          let taken = await client.cancel(runId, options.reason);
          if (embedded) {
            // A slow machine ends a run in several commits, and this process is about to end.
            await settle();
            taken = { runId, status: (await client.status(runId)).status };
          }
          if (options.json) return shell.out(JSON.stringify(taken));
          const { status } = taken;
          shell.out(`Run ${runId} is ${status === 'cancelled' ? 'cancelled' : `${status}, and will be cancelled`}.`);
        });
      },
    );
};
