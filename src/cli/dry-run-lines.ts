/** What a run would do, as lines for people. */
import type { FermataClient } from '../client/index.ts';
import { dollars } from './estimate-table.ts';
import { duration, firstLine, printable } from './text.ts';

/** As the API says it. */
export type DryRun = Awaited<ReturnType<FermataClient['dryRun']>>;

const MOST_LISTED = 20;
const WIDTH = 100;

/** Stages, time, approvals, waits, money: one thing to a line. */
export function dryRunLines(dryRun: DryRun): string[] {
  const { executionPlan, approvals, waits, skipped, criticalPath, cost } = dryRun;
  return [
    ...few(
      executionPlan.map(
        ({ stage, tasks, parallel }) => `stage ${stage}${parallel ? ' (side by side)' : ''}: ${listed(tasks)}`,
      ),
      'stages',
    ),
    ...(skipped.length === 0 ? [] : [`skipped: ${listed(skipped)}`]),
    timeLine(dryRun),
    ...(criticalPath.length === 0 ? [] : [`critical path: ${listed(criticalPath, ' → ')}`]),
    ...few(
      approvals.map((approval) => {
        const { prompt, isTemplate, onReject } = approval;
        // Else a reader might take it for the very question.
        const how = isTemplate === true ? ', as a template' : '';
        const asked = prompt === undefined ? '' : `${how}: ${firstLine(prompt, WIDTH)}`;
        return `asks a person before ${placeOf(approval)}${asked} (refused: ${onReject})`;
      }),
      'approvals',
    ),
    ...few(waits.map(waitLine), 'waits'),
    moneyLine(cost),
    ...(cost.warning === null ? [] : [`warning: ${cost.warning}`]),
  ];
}

function timeLine({ estimatedDurationSeconds, unknownDurations }: DryRun): string {
  const rest = unknownDurations === 0 ? '' : `, and ${unknownDurations} tasks of unknown duration`;
  if (estimatedDurationSeconds === null) return 'time: not known (write estimatedDurationSeconds)';
  return `time: ${duration(estimatedDurationSeconds * 1_000)}${rest}`;
}

function waitLine(wait: DryRun['waits'][number]): string {
  const { seconds, until, event, isExpression } = wait;
  const name = placeOf(wait);
  if (seconds !== undefined) return `${name} waits ${duration(seconds * 1_000)}`;
  return event === undefined
    ? `${name} waits until ${isExpression === true ? 'the date that this gives: ' : ''}${firstLine(until, WIDTH)}`
    : `${name} waits for ${printable(event)}`;
}

/** `review › publish`: of the run that "review" begins. */
function placeOf({ task, within = [], perItem }: DryRun['approvals' | 'waits'][number]): string {
  const name = [...within, task].map(printable).join(' › ');
  return perItem === true ? `${name} of each item` : name;
}

function moneyLine({ estimatedCostDollars: cost, guessed, unpricedCalls }: DryRun['cost']): string {
  const rest = unpricedCalls.highest === 0 ? '' : `, and ${unpricedCalls.expected} calls of unknown price`;
  if (cost === null) return `cost: not known${rest}`;
  const most = cost.highest === null ? 'unbounded' : dollars(cost.highest);
  const sure = guessed ? ' (with guesses: see fermata estimate)' : '';
  return `cost: ${dollars(cost.expected)} expected, ${dollars(cost.lowest)} to ${most}${rest}${sure}`;
}

function listed(names: readonly string[], between = ', '): string {
  const shown = names.slice(0, MOST_LISTED).map(printable).join(between);
  return names.length > MOST_LISTED ? `${shown}${between}… ${names.length - MOST_LISTED} more` : shown;
}

function few(lines: readonly string[], what: string): string[] {
  if (lines.length <= MOST_LISTED) return [...lines];
  return [...lines.slice(0, MOST_LISTED), `… ${lines.length - MOST_LISTED} more ${what}: see --json`];
}
