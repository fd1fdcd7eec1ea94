/** `fermata estimate FILE`: what a run would cost, without a server, a key or a model. */
import type { AddCommand } from '../command-line.ts';
import { estimateLines } from '../estimate-table.ts';
import { looksAhead } from '../looking-ahead.ts';

export const addEstimate: AddCommand = (program, surroundings) => {
  const { shell } = surroundings;
  const command = program
    .command('estimate')
    .summary('what a run would cost')
    .description(
      'Shows what a run of a workflow document would cost, by task and in all: the least, what to expect, and the most. Asks no model and stores nothing; prices are those of the configuration and the built-in ones',
    );
  looksAhead(command, surroundings, {
    ask: (client, id, request) => client.estimate(id, request),
    show: (estimate) => {
      for (const line of estimateLines(estimate)) shell.out(line);
      if (estimate.warning !== null) shell.err(shell.style('yellow', `warning: ${estimate.warning}`));
    },
  });
};
