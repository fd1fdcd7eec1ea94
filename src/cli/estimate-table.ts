/** What a run would cost, as a table for people. */
import type { FermataClient } from '../client/index.ts';
import { columns, firstLine, printable } from './text.ts';

/** As the API says it. */
export type CostEstimate = Awaited<ReturnType<FermataClient['estimate']>>;
type Cost = CostEstimate['estimatedCostDollars'];
type Entry = CostEstimate['estimatedCostBreakdown'][number];
type Tokens = Entry['inputTokens'];

const MOST_LINES = 40;
const WIDTH = 60;

/**
 * Lines of the table; a number behind which stands `?` is a guess.
 *
 * @example
 * estimateLines(await client.estimate(id, { input })).at(0) // 'TASK  MODEL  CALLS  TOKENS IN  TOKENS OUT  LOWEST  EXPECTED  HIGHEST'
 */
export function estimateLines(estimate: Omit<CostEstimate, 'workflowId' | 'name' | 'version'>): string[] {
  const { estimatedCostBreakdown: entries, estimatedCostDollars: total, calls, inputTokens, outputTokens } = estimate;
  const head = ['TASK', 'MODEL', 'CALLS', 'TOKENS IN', 'TOKENS OUT', 'LOWEST', 'EXPECTED', 'HIGHEST'];
  const rows = entries
    .slice(0, MOST_LINES)
    .map((entry) => [
      firstLine(entry.part === undefined ? entry.task : `${entry.task} (${entry.part})`, WIDTH) + chanceOf(entry),
      printable(entry.model ?? entry.workflow ?? '') + choiceOf(entry),
      number(entry.calls),
      number(entry.inputTokens),
      number(entry.outputTokens),
      ...dollarCells(entry.estimatedCostDollars),
    ]);
  const more = entries.length - rows.length + estimate.unlisted;
  const sum = ['in all', '', number(calls), number(inputTokens), number(outputTokens), ...dollarCells(total)];
  return [
    ...columns([head, ...rows, sum])
      .trimEnd()
      .split('\n'),
    ...(more > 0 ? [`… and ${more} more: see --json`] : []),
    ...(estimate.unboundedBecause === undefined ? [] : [`No highest cost: ${estimate.unboundedBecause}.`]),
    ...(estimate.unpricedCalls.highest === 0
      ? []
      : [`Without a known price, and not in the sum: ${estimate.unpricedCalls.expected} calls.`]),
    ...(estimate.guessed ? ['? = a guess:'] : []),
    ...estimate.assumptions.map((text) => `- ${text}`),
  ];
}

/**
 * Dollars with as many places as say what they are.
 *
 * @example
 * dollars(0.000_45) // '$0.00045'
 */
export function dollars(amount: number): string {
  if (amount === 0 || amount >= 1) return `$${amount.toFixed(2)}`;
  return `$${Number(amount.toPrecision(2))
    .toFixed(9)
    .replace(/0{1,7}$/, '')}`;
}

function dollarCells(cost: Cost): string[] {
  if (cost === null) return ['unknown', 'unknown', 'unknown'];
  return [dollars(cost.lowest), dollars(cost.expected), cost.highest === null ? 'unbounded' : dollars(cost.highest)];
}

function number({ expected, from }: Tokens): string {
  return `${Math.round(expected)}${from === 'default' || from === 'bytes' ? '?' : ''}`;
}

/** By what it was chosen, and of how many. */
function choiceOf({ choice }: Entry): string {
  return choice === undefined ? '' : ` (${choice.reason} of ${choice.candidates.length})`;
}

function chanceOf({ chance }: Entry): string {
  return chance === 1 ? '' : ` (${Math.round(chance * 100)} %)`;
}
