/** `fermata budgets`: what is left of the budgets of several runs, and who holds what of one. */
import type { FermataClient } from '../../client/index.ts';
import { configOption, databaseOption, jsonOption, serverOption, type AddCommand } from '../command-line.ts';
import { withConnection, type ConnectionOptions } from '../connection.ts';
import { money } from '../money.ts';
import { columns, printable } from '../text.ts';
import { Option } from 'commander';

interface BudgetsOptions extends ConnectionOptions {
  readonly kind?: 'day' | 'workflow' | 'run';
  readonly json: boolean;
}

type Budget = Awaited<ReturnType<FermataClient['budgets']>>['items'][number];

export const addBudgets: AddCommand = (program, { shell }) => {
  program
    .command('budgets [budget]')
    .summary('budgets of a day, of workflows and of runs with all that they begin: what is left, and who holds what')
    .addOption(
      new Option(
        '--kind <kind>',
        'all that there have been, newest first, in place of those of the configuration',
      ).choices(['day', 'workflow', 'run']),
    )
    .addOption(jsonOption())
    .addOption(serverOption())
    .addOption(databaseOption())
    .addOption(configOption())
    .action(async (id: string | undefined, options: BudgetsOptions) => {
      const { kind, json } = options;
      await withConnection(shell, options, 'looks', async ({ client }) => {
        if (id !== undefined) {
          const budget = await client.budget(id);
          if (json) return shell.out(JSON.stringify(budget));
          shell.out(table([budget]));
          if (budget.holders.length === 0) return;
          const rows = budget.holders.map(({ runId, heldDollars, waitsForDollars }) => [
            printable(runId),
            dollars(heldDollars),
            waitsForDollars === undefined ? '' : dollars(waitsForDollars),
          ]);
          return shell.out(`\n${columns([['RUN', 'HOLDS', 'WAITS FOR'], ...rows])}`);
        }
        const { items, nextCursor } = await client.budgets(kind === undefined ? {} : { kind });
        if (json) return shell.out(JSON.stringify({ items, nextCursor }));
        if (items.length === 0)
          return shell.err(
            kind === undefined
              ? 'There are none: `budgets: { perDay: { maxCostDollars: 20 } }` in fermata.config.ts sets one.'
              : 'There were none of this kind.',
          );
        shell.out(table(items));
        if (nextCursor !== null) shell.err('There are more: GET /api/v1/budgets?kind= goes through them.');
      });
    });
};

function table(budgets: readonly Budget[]): string {
  const rows = budgets.map(({ id, maxCostDollars, spentDollars, reservedDollars, leftDollars, waitingRuns }) => [
    printable(id),
    maxCostDollars === null ? 'none' : dollars(maxCostDollars),
    dollars(spentDollars),
    dollars(reservedDollars),
    leftDollars === null ? '' : dollars(leftDollars),
    String(waitingRuns),
  ]);
  return columns([['BUDGET', 'LIMIT', 'SPENT', 'RESERVED', 'LEFT', 'WAITING RUNS'], ...rows]);
}

function dollars(costDollars: number): string {
  return money({ costDollars });
}
