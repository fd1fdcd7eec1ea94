/** `fermata dry-run FILE`: what a run would do, without a server, a key or a model. */
import type { AddCommand } from '../command-line.ts';
import { dryRunLines } from '../dry-run-lines.ts';
import { looksAhead } from '../looking-ahead.ts';

export const addDryRun: AddCommand = (program, surroundings) => {
  const { shell } = surroundings;
  const command = program
    .command('dry-run')
    .summary('stages, durations and money of a run, without calling a model')
    .description(
      'Shows what a run of a workflow document would do: its stages, how long it would take, what people would be asked, what it would wait for, and what it would cost. Asks no model and stores nothing',
    );
  looksAhead(command, surroundings, {
    ask: (client, id, request) => client.dryRun(id, request),
    show: (dryRun) => {
      for (const line of dryRunLines(dryRun)) shell.out(line);
    },
  });
};
