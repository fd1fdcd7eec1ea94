/** What a run may have otherwise than its document says: `--max-cost`, `--breadth`. */
import { Option } from 'commander';
import type { Command } from 'commander';
import { FermataError } from '../errors.ts';
import { budgetOf, maxCostOption } from './budget.ts';

/** As the options of a command have it. */
export interface RunConfigOptions {
  readonly maxCost?: number;
  readonly breadth?: number;
}

/** Adds the options to a command that begins a run, or says what one would be like. */
export function addRunConfig(command: Command): Command {
  return command
    .addOption(maxCostOption())
    .addOption(new Option('--breadth <tasks>', 'how many tasks run at once at the most').argParser(readTasks));
}

/** What of it is asked for. */
export function runConfigOf(options: RunConfigOptions): {
  readonly config?: { readonly budget?: { readonly maxCostDollars: number }; readonly breadth?: number };
} {
  const { breadth } = options;
  const { config = {} } = budgetOf(options);
  const asked = { ...config, ...(breadth === undefined ? {} : { breadth }) };
  return Object.keys(asked).length === 0 ? {} : { config: asked };
}

/** What is too few or too many says the run itself. */
function readTasks(text: string): number {
  const tasks = Number(text);
  if (text.trim() !== '' && Number.isFinite(tasks)) return tasks;
  throw new FermataError(
    'invalidRequest',
    `--breadth expects a number of tasks, such as 4, came ${JSON.stringify(text)}.`,
  );
}
