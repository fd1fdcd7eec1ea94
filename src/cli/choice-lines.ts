/** Whom tasks have asked that could choose among models, and why, as a table for people. */
import type { FermataClient } from '../client/index.ts';
import { columns, firstLine, printable } from './text.ts';

type Task = Awaited<ReturnType<FermataClient['results']>>['tasks'][number];

const MOST_LINES = 20;

/**
 * The table; an empty text where nobody could choose.
 *
 * @example
 * choiceTable(tasks, 100) // 'TASK  ASKS   OF  WHY\nplan  small  3   it is expected to cost the least …'
 */
export function choiceTable(tasks: readonly Pick<Task, 'name' | 'choice'>[], width: number): string {
  const chosen = tasks.flatMap(({ name, choice }) => (choice === undefined ? [] : [{ name, choice }]));
  if (chosen.length === 0) return '';
  const rows = chosen
    .slice(0, MOST_LINES)
    .map(({ name, choice: { model, candidates, because } }) => [
      printable(name),
      printable(model),
      String(candidates.length),
      firstLine(because, width),
    ]);
  const more = chosen.length > MOST_LINES ? `\n… and ${chosen.length - MOST_LINES} more: see --json` : '';
  return `${columns([['TASK', 'ASKS', 'OF', 'WHY'], ...rows]).trimEnd()}${more}`;
}
