/** `fermata migrate`: runs in flight go on with another version of their machine, tried before it is done, and back. */
import { Option } from 'commander';
import type { Fermata } from '../../compose.ts';
import { configOption, databaseOption, jsonOption, type AddCommand } from '../command-line.ts';
import { withDatabase, type ConnectionOptions } from '../connection.ts';
import { EXIT } from '../exit.ts';
import type { Shell } from '../shell.ts';
import { columns, printable } from '../text.ts';

type Migrations = Fermata['runtime']['migrations'];
type Result = Awaited<ReturnType<Migrations['rehearse']>>[number];
type Undone = Awaited<ReturnType<Migrations['undo']>>[number];

interface MigrateOptions extends ConnectionOptions {
  readonly rehearse: boolean;
  readonly undo: boolean;
  readonly onlyPassing: boolean;
  readonly from?: string;
  readonly to?: string;
  readonly json: boolean;
}

export const addMigrate: AddCommand = (program, { shell, exitWith }) => {
  program
    .command('migrate')
    .summary('move runs in flight to another version of their machine')
    .addOption(
      new Option('--rehearse', 'say for each run whether it would succeed or what would break; change nothing')
        .default(false)
        .conflicts(['undo', 'onlyPassing']),
    )
    .addOption(
      new Option('--undo', 'put back the runs of the last migration that have taken no event since')
        .default(false)
        .conflicts('onlyPassing'),
    )
    .option('--from <machine>', 'only runs of this version, such as order@1')
    .option('--to <machine>', 'only to this version (default: the newest that has a migration)')
    .option('--only-passing', 'move what passes, and leave the others', false)
    .addOption(jsonOption())
    .addOption(databaseOption())
    .addOption(configOption())
    .action(async ({ rehearse, undo, onlyPassing, from, to, json, ...options }: MigrateOptions) => {
      await withDatabase(shell, options, async ({ runtime: { migrations } }) => {
        const choice = { from, to };
        if (undo) {
          const runs = await migrations.undo(choice);
          exitWith(runs.every(({ undone }) => undone) ? EXIT.completed : EXIT.failed);
          return json ? shell.out(JSON.stringify({ runs })) : showUndone(shell, runs);
        }
        const rehearsed = await migrations.rehearse(choice);
        const refused = !onlyPassing && rehearsed.some(({ breaks }) => breaks.length > 0);
        const runs = rehearse || refused ? rehearsed : await migrations.migrate({ ...choice, onlyPassing });
        exitWith(runs.some(({ breaks }) => breaks.length > 0) ? EXIT.failed : EXIT.completed);
        if (json) return shell.out(JSON.stringify({ runs }));
        show(shell, runs, rehearse || refused);
        if (refused && !rehearse)
          shell.err('Refused: mend the migration, or move only the runs that pass, with --only-passing.');
      });
    });
};

function show(shell: Shell, runs: readonly Result[], tried: boolean): void {
  const broken = runs.filter(({ breaks }) => breaks.length > 0);
  for (const { runId, from, to, breaks } of broken) {
    shell.out(`${runId}: ${from} to ${to} would break`);
    for (const { actor, code, message } of breaks) shell.out(printable(`  ${actor}  ${code}: ${message}`));
  }
  const counts = new Map<string, [passing: number, breaking: number]>();
  for (const { from, to, breaks } of runs) {
    const count = counts.get(`${from} to ${to}`) ?? [0, 0];
    count[breaks.length > 0 ? 1 : 0]++;
    counts.set(`${from} to ${to}`, count);
  }
  const rows = [...counts].map(([step, [passing, breaking]]) => [step, String(passing), String(breaking)]);
  if (rows.length === 0) shell.out('No live run is at a version that a migration is registered for.');
  else shell.out(columns([['MIGRATION', tried ? 'WOULD MOVE' : 'MOVED', 'WOULD BREAK'], ...rows]));
  if (tried) shell.out('Nothing was changed.');
}

function showUndone(shell: Shell, runs: readonly Undone[]): void {
  for (const { runId, why } of runs) if (why !== undefined) shell.out(printable(`${runId}: not put back, ${why}`));
  const [first] = runs;
  if (first === undefined) return shell.out('No live run was migrated.');
  const undone = runs.filter((run) => run.undone).length;
  shell.out(`${undone} of ${runs.length} runs are back from ${first.to} to ${first.from}.`);
}
