/** `fermata why RUN`: what a run waits for, until when, and what would move it. */
import type { FermataClient } from '../../client/index.ts';
import { configOption, databaseOption, jsonOption, serverOption, type AddCommand } from '../command-line.ts';
import { withConnection, type Connection, type ConnectionOptions } from '../connection.ts';
import type { Shell } from '../shell.ts';
import { SCRIPTED_TAG } from '../demo/script.ts';
import { nextCommand, type NextCommand } from '../next-command.ts';
import { inCommands } from '../routes.ts';
import { printable } from '../text.ts';

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
      await withConnection(shell, options, 'looks', async ({ client, embedded }) => {
        const why = await client.why(runId);
        if (options.json) return shell.out(JSON.stringify(why));
        const demo = (await client.run(runId)).tags.includes(SCRIPTED_TAG);
        showWhy(shell, { embedded, next: nextCommand(shell, { ...options, demo }) }, why);
      });
    });
};

function showWhy(
  shell: Shell,
  { embedded, next }: Pick<Connection, 'embedded' | 'next'>,
  { runId, status, blocked, tasks, actors, note }: Why,
): void {
  shell.out(`Run ${runId} is ${status}.`);
  if (blocked !== null) shell.out(printable(`It cannot go on: ${blocked.message}`));
  if (embedded && status !== 'completed' && status !== 'failed' && status !== 'cancelled') {
    shell.out(`No process works on it now; it goes on with: ${next('watch', runId)}`);
  }
  for (const { task, status: state, waitsFor, dependencies, prompt, until, moves } of tasks) {
    shell.out(
      printable(`\n${task}: ${state}, waits for ${dependencies === undefined ? waitsFor : dependencies.join(', ')}`),
    );
    if (prompt !== undefined) shell.out(printable(`  asked: ${prompt}`));
    if (until !== null) shell.out(`  until: ${until}`);
    const decide = `${next('approve', runId, task)} (or with --reject)`;
    shell.out(printable(`  moved by: ${waitsFor === 'approval' ? decide : movesInCommands(moves, embedded, next)}`));
  }
  if (tasks.length === 0) for (const actor of actors) shell.out(printable(actorText(actor)));
  if (note !== undefined) shell.out(`\n${note}`);
}

/** What no command does yet is done over HTTP, and that needs a server. */
function movesInCommands(moves: string, embedded: boolean, next: NextCommand): string {
  const text = inCommands(moves, next);
  return embedded && text.includes('/api/v1/') ? `${text} (of a server: ${next('serve')})` : text;
}

function actorText({ actor, state, waitsFor, until, accepts }: Why['actors'][number]): string {
  const lines = [`\n${actor}: in ${JSON.stringify(state)}`];
  if (waitsFor.length > 0) lines.push(`  waits for: ${waitsFor.join(', ')}`);
  if (until !== null) lines.push(`  until: ${until}`);
  if (accepts.length > 0) lines.push(`  accepts: ${accepts.join(', ')}`);
  return lines.join('\n');
}
