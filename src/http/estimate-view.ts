/** What a run would cost, as the API shows it: money in dollars, and of each number where it comes from. */
import { z } from '@hono/zod-openapi';
import type { Calls } from '../cost/estimate/calls.ts';
import { DEFAULTS, isGuess, SOURCES, type Figure, type Source } from '../cost/estimate/figure.ts';
import type { Range } from '../cost/estimate/range.ts';
import { dollarsOf } from '../cost/money.ts';
import type { Estimate } from '../document/estimate.ts';
import { choiceSchema, choiceView } from './choice-view.ts';

const from = z
  .enum(SOURCES)
  .describe(
    'The least sure of its parts. counted: from the document and the input; declared: its author says so; learned: from earlier runs; bytes: from the length of the text; default: a constant. The last two are guesses',
  );
const highest = z.number().nullable().describe('null: nothing bounds it; see unboundedBecause');
const rangeSchema = z.object({ lowest: z.number(), expected: z.number(), highest });
const figureSchema = rangeSchema.extend({ from }).openapi('EstimatedNumber');
const costSchema = rangeSchema
  .nullable()
  .describe('US dollars, without calls whose price is not known; null: of none of them it is');

/** Calls of one task to one model. */
const entrySchema = z
  .object({
    task: z.string(),
    part: z
      .enum(['plan', 'execute', 'reflect', 'answer', 'added', 'run', 'embedding', 'verify'])
      .optional()
      .describe('Where it is not its own call: of its rounds, of tasks that it adds, of the run that it begins'),
    provider: z.string().optional(),
    model: z.string().optional(),
    choice: choiceSchema.optional().describe('Where it has several models: which one it would ask, as things stand'),
    workflow: z.string().optional().describe('Of a run that it begins'),
    chance: z.number().describe('That the task runs, from 0 to 1; what follows holds where it does'),
    calls: figureSchema,
    inputTokens: figureSchema,
    outputTokens: figureSchema,
    estimatedCostDollars: costSchema,
    unboundedBecause: z.string().optional(),
  })
  .openapi('TaskCostEstimate');

/** The fields of an estimate. */
export const estimateFields = {
  estimatedCostDollars: costSchema,
  calls: figureSchema,
  unpricedCalls: rangeSchema.describe('Calls whose price is not known: they are not in the cost, and not free'),
  inputTokens: figureSchema,
  outputTokens: figureSchema,
  unboundedBecause: z.string().optional(),
  guessed: z.boolean().describe('Whether a number of it is a guess'),
  estimatedCostBreakdown: z.array(entrySchema).describe('At most 1,000'),
  unlisted: z.int().describe('Beside those'),
  assumptions: z.array(z.string()),
  warning: z.string().nullable(),
};

const MOST_LISTED = 1_000;
/** Dollars above which a run is worth a warning, where its document says nothing. */
const HIGH_DOLLARS = 1;

/** Limits of money that a run would have. */
export interface Limits {
  readonly maxCostDollars?: number | undefined;
  readonly warnAtDollars?: number | undefined;
}

/** An estimate as the API shows it. */
export function estimateView(estimate: Estimate, limits: Limits = {}): z.infer<z.ZodObject<typeof estimateFields>> {
  const { total, tasks, guessed } = estimate;
  const entries = tasks.flatMap(({ task, chance, lines }) => lines.map((line) => ({ task, chance, line })));
  const cost = costView(total);
  return {
    estimatedCostDollars: cost,
    calls: figureView(total.calls),
    unpricedCalls: rangeView(total.unpriced),
    inputTokens: figureView(total.inputTokens),
    outputTokens: figureView(total.outputTokens),
    ...(total.unboundedBecause === undefined ? {} : { unboundedBecause: total.unboundedBecause }),
    guessed,
    estimatedCostBreakdown: entries.slice(0, MOST_LISTED).map(({ task, chance, line }) => ({
      task,
      ...(line.part === undefined ? {} : { part: line.part }),
      ...(line.provider === undefined ? {} : { provider: line.provider }),
      ...(line.model === undefined ? {} : { model: line.model }),
      ...(line.choice === undefined ? {} : { choice: choiceView(line.choice) }),
      ...(line.workflow === undefined ? {} : { workflow: line.workflow }),
      chance: round(chance),
      calls: figureView(line.calls),
      inputTokens: figureView(line.inputTokens),
      outputTokens: figureView(line.outputTokens),
      estimatedCostDollars: costView(line),
      ...(line.unboundedBecause === undefined ? {} : { unboundedBecause: line.unboundedBecause }),
    })),
    unlisted: Math.max(0, entries.length - MOST_LISTED),
    assumptions: assumptionsOf(estimate),
    warning: warningOf(estimate, cost, limits),
  };
}

/** The money of an estimate in dollars; null where no call of it has a price. */
function costView({ nanos, unpriced, calls }: Pick<Calls, 'nanos' | 'unpriced' | 'calls'>): z.infer<typeof costSchema> {
  const isUnknown = unpriced.expected > 0 && unpriced.expected >= calls.range.expected;
  if (isUnknown && nanos.highest === 0) return null;
  return {
    lowest: dollarsOf(Math.floor(nanos.lowest)),
    expected: dollarsOf(Math.round(nanos.expected)),
    highest: finite(dollarsOf(Math.ceil(nanos.highest))),
  };
}

function warningOf(
  { tasks }: Estimate,
  cost: z.infer<typeof costSchema>,
  { maxCostDollars, warnAtDollars }: Limits,
): string | null {
  if (cost === null) return null;
  const chooses = tasks.some(({ lines }) => lines.some(({ choice }) => choice?.optimize !== undefined));
  const way = chooses ? '; calls that may choose will take cheaper models' : '';
  if (maxCostDollars !== undefined && cost.expected > maxCostDollars)
    return `Over budget: $${cost.expected} are expected, and the budget is $${maxCostDollars}${way}`;
  const most = warnAtDollars ?? HIGH_DOLLARS;
  return cost.expected > most ? `High cost workflow: $${cost.expected} are expected, more than $${most}` : null;
}

/** What was taken for granted, in sentences. */
function assumptionsOf({ tasks, total }: Estimate): string[] {
  const lines = tasks.flatMap((one) => one.lines);
  const used = (of: (calls: Calls) => Figure, source: Source): boolean =>
    lines.some((line) => of(line).from === source);
  const learned = lines.some((line) =>
    [line.calls, line.inputTokens, line.outputTokens].some((one) => one.from === 'learned'),
  );
  const unpriced = new Set(
    lines
      .filter((line) => line.unpriced.highest > 0 && line.model !== undefined)
      .map((line) => `${line.provider}/${line.model}`),
  );
  return [
    ...(used(({ outputTokens }) => outputTokens, 'default')
      ? [
          `Answers of which nothing is known have ${DEFAULTS.answerTokens} tokens, and without maxOutputTokens at most ${DEFAULTS.mostAnswerTokens}: write expectedOutputTokens and maxOutputTokens.`,
        ]
      : []),
    ...(used(({ inputTokens }) => inputTokens, 'default')
      ? [`Values of which nothing is known have ${DEFAULTS.valueTokens} tokens in a prompt.`]
      : []),
    ...(used(({ inputTokens }) => inputTokens, 'bytes')
      ? ['Nobody knows how a model counts: four bytes are a token, and at most one.']
      : []),
    ...(tasks.some(({ chanceFrom }) => isGuess(chanceFrom))
      ? ['Each branch of a condition is as likely as the others, and a "when" as likely true as false.']
      : []),
    ...(used(({ calls }) => calls, 'default')
      ? [
          `A list of which nothing is known has ${DEFAULTS.items} items; an answer adds ${DEFAULTS.addedTasks} tasks; a goal is reached in ${DEFAULTS.rounds} rounds.`,
        ]
      : []),
    ...(learned ? ['Learned numbers are those of the latest runs of the workflow.'] : []),
    ...(unpriced.size === 0
      ? []
      : [
          `Nobody knows what ${[...unpriced].slice(0, 10).join(', ')} cost${unpriced.size === 1 ? 's' : ''}: give the price in config.prices.`,
        ]),
    ...(total.calls.range.highest > 0
      ? ['What functions ask models themselves, and calls that a crash cuts off, come on top.']
      : []),
  ];
}

function figureView({ range, from: source }: Figure): z.infer<typeof figureSchema> {
  return { ...rangeView(range), from: source };
}

function rangeView({ lowest, expected, highest: most }: Range): z.infer<typeof rangeSchema> {
  return { lowest: round(lowest), expected: round(expected), highest: finite(round(most)) };
}

function round(value: number): number {
  return Number.isSafeInteger(value) || !Number.isFinite(value) ? value : Number(value.toFixed(2));
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
