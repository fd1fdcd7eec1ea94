/** What is said of a document before it runs, as lines. */
import type { FermataClient } from '../client/index.ts';
import { duration, firstLine, printable } from './text.ts';

/** As the API says it. */
export type Analysis = Awaited<ReturnType<FermataClient['validate']>>['analysis'];

/** A document of 100,000 tasks has 100,000 lines of everything; `--json` has all of it. */
const MOST_LINES = 20;
const WIDTH = 100;

/**
 * Stages, longest chain, worst case and loops: one thing to a line.
 *
 * @example
 * analysisLines(analysis)[0] // 'stage 1: plan'
 */
export function analysisLines({ stages, criticalPath, worstCase, loops }: Analysis): string[] {
  const { tasks, modelCalls, modelCallsWithRetries } = worstCase;
  return [
    ...most(
      stages.map((names, index) => `stage ${index + 1}: ${listed(names)}`),
      'stages',
    ),
    `longest chain: ${listed(criticalPath.tasks, ' → ')}${timeOf(criticalPath)}`,
    `at most: ${number(tasks)} tasks, ${number(modelCalls)} model calls (${number(modelCallsWithRetries)} with all retries)`,
    ...most(
      loops.map(({ task, kind, atMost, because }) => {
        const bound = atMost === null ? 'unbounded' : `at most ${number(atMost)} ${COUNTED[kind]}`;
        return `${kind} ${printable(task)}: ${bound} (${firstLine(because, WIDTH)})`;
      }),
      'loops',
    ),
  ];
}

const COUNTED = {
  map: 'items',
  reduce: 'calls',
  onComplete: 'added tasks',
  planExecuteReflect: 'rounds',
  subworkflow: 'tasks',
} as const;

function timeOf({ seconds, unestimated }: Analysis['criticalPath']): string {
  // Decisions take no time, and of the others nothing is known.
  if (seconds === 0) return '';
  const rest = unestimated === 0 ? '' : `, and ${unestimated} of unknown duration`;
  return ` (${duration(seconds * 1_000)}${rest})`;
}

/** Exact where a number can be. */
function number(value: number | null): string {
  if (value === null) return 'unbounded';
  return Number.isSafeInteger(value) ? String(value) : `about ${value.toPrecision(2)}`;
}

function listed(names: readonly string[], between = ', '): string {
  const shown = names.slice(0, MOST_LINES).map(printable).join(between);
  return names.length > MOST_LINES ? `${shown}${between}… ${names.length - MOST_LINES} more` : shown;
}

function most(lines: readonly string[], what: string): string[] {
  if (lines.length <= MOST_LINES) return [...lines];
  return [...lines.slice(0, MOST_LINES), `… ${lines.length - MOST_LINES} more ${what}: see --json`];
}
