/** `fermata why RUN`: what a run waits for, until when, and what would move it. */
import type { FermataClient } from '../../client/index.ts';
import { configOption, databaseOption, jsonOption, serverOption, type AddCommand } from '../command-line.ts';
import { withConnection, type Connection, type ConnectionOptions } from '../connection.ts';
import type { Shell } from '../shell.ts';
import { printable, shellQuote } from '../text.ts';

type Why = Awaited<ReturnType<FermataClient['why']>>;

export const addWhy: AddCommand = (program, { shell }) => {
  program
    .command('why')
    .summary('say what a run waits for')
    .argument('<run>', 'its id')
    .addOption(jsonOption())
    .addOption(serverOption())
    .addOption(databaseOption())
    .addOption(configOption())
    .action(async (runId: string, options: ConnectionOptions & { readonly json: boolean }) => {
      await withConnection(shell, options, 'looks', async (connection) => {
        const why = await connection.client.why(runId);
        if (options.json) shell.out(JSON.stringify(why));
        else showWhy(shell, connection, why);
      });
    });
};

function showWhy(shell: Shell, connection: Connection, { runId, status, blocked, tasks, actors, note }: Why): void {
  shell.out(`Run ${runId} is ${status}.`);
  if (blocked !== null) shell.out(printable(`It cannot go on: ${blocked.message}`));
  if (connection.embedded && status !== 'completed' && status !== 'failed' && status !== 'cancelled') {
    shell.out(`No process works on it now; it goes on with: fermata watch ${runId}${connection.suffix}`);
  }
  for (const { task, status: state, waitsFor, dependencies, prompt, until, moves } of tasks) {
    shell.out(
      printable(`\n${task}: ${state}, waits for ${dependencies === undefined ? waitsFor : dependencies.join(', ')}`),
    );
    if (prompt !== undefined) shell.out(printable(`  asked: ${prompt}`));
    if (until !== null) shell.out(`  until: ${until}`);
    const decide = `fermata approve ${runId} ${shellQuote(task)}${connection.suffix} (or with --reject)`;
    shell.out(printable(`  moved by: ${waitsFor === 'approval' ? decide : moves}`));
  }
  if (tasks.length === 0) for (const actor of actors) shell.out(printable(actorText(actor)));
  if (note !== undefined) shell.out(`\n${note}`);
}

function actorText({ actor, state, waitsFor, until, accepts }: Why['actors'][number]): string {
  const lines = [`\n${actor}: in ${JSON.stringify(state)}`];
  if (waitsFor.length > 0) lines.push(`  waits for: ${waitsFor.join(', ')}`);
  if (until !== null) lines.push(`  until: ${until}`);
  if (accepts.length > 0) lines.push(`  accepts: ${accepts.join(', ')}`);
  return lines.join('\n');
}
