/** `--max-cost`: what the calls of a run may cost together. */
import { Option } from 'commander';
import type { Run } from '../client/index.ts';
import { FermataError } from '../errors.ts';
import { money } from './money.ts';

/** In US dollars. */
export function maxCostOption(): Option {
  return new Option('--max-cost <dollars>', 'what the model calls of the run may cost together').argParser(readDollars);
}

/** The configuration of a run whose budget was given. */
export function budgetOf({ maxCost }: { readonly maxCost?: number }): {
  readonly config?: { readonly budget: { readonly maxCostDollars: number } };
} {
  return maxCost === undefined ? {} : { config: { budget: { maxCostDollars: maxCost } } };
}

/** `$0.002 of $0.005 spent, $0.001 reserved for calls under way, 3 calls wait for money; of several runs: day:2026-11-22`. */
export function budgetText(budget: NonNullable<Run['budget']>): string {
  const { maxCostDollars, spentDollars, reservedDollars, waitingCalls, above = [] } = budget;
  const of = maxCostDollars === undefined ? '' : ` of ${dollars(maxCostDollars)}`;
  const own = [
    `${dollars(spentDollars)}${of} spent`,
    ...(reservedDollars === 0 ? [] : [`${dollars(reservedDollars)} reserved for calls under way`]),
    ...(waitingCalls === 0 ? [] : [`${waitingCalls} ${waitingCalls === 1 ? 'call waits' : 'calls wait'} for money`]),
  ].join(', ');
  return above.length === 0 ? own : `${own}; of several runs: ${above.map((one) => one.budget).join(', ')}`;
}

function dollars(costDollars: number): string {
  return money({ costDollars });
}

/** What is too little or too much for a budget says the run itself. */
function readDollars(text: string): number {
  const dollars = Number(text);
  if (text.trim() !== '' && Number.isFinite(dollars)) return dollars;
  throw new FermataError(
    'invalidRequest',
    `--max-cost expects US dollars, such as 0.50, came ${JSON.stringify(text)}.`,
  );
}
