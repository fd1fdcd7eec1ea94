/** Money as the API shows it: US dollars, and how many requests have no known cost. */
import { z } from '@hono/zod-openapi';
import type { BilledCall } from '../../machines/task/bill.ts';
import { dollarsOf } from '../cost/money.ts';
import type { Rates, UnitPrices } from '../cost/unit-prices.ts';
import { isRecord } from '../document/json.ts';
import type { RunEstimate } from '../document/preflight.ts';
import type { RunView } from '../runtime/runtime.ts';
import type { Spent } from '../store/ledger.ts';

/** Money of which a part may not be known. */
export const costDollarsSchema = z
  .number()
  .nullable()
  .describe('US dollars, without the requests of unknownCalls; null: of none of them the cost is known');
export const unknownCallsSchema = z
  .int()
  .describe('Requests to models whose cost is not known: no price for the model, or no usage from its provider');

/** What requests to models cost together. */
export const spentSchema = z
  .object({
    costDollars: costDollarsSchema,
    modelCalls: z.int().describe('Requests to models that are paid for, or may be'),
    unknownCalls: unknownCallsSchema,
    inputTokens: z.int(),
    cachedInputTokens: z.int().describe('Of the input: read from a cache of the provider'),
    outputTokens: z.int(),
    reasoningTokens: z.int().describe('Of the output: thought and not said'),
    cacheHits: z.int().describe('Requests that were not made, as their answers were kept'),
    costSavedDollars: z
      .number()
      .describe('US dollars: what those answers had cost when they were asked for, as far as that is known'),
  })
  .openapi('Spent');

/** Sums of the ledger. */
export function spentView(spent: Spent): z.infer<typeof spentSchema> {
  const { modelCalls, unknownCalls, inputTokens, cachedInputTokens, outputTokens, reasoningTokens } = spent;
  const { cacheHits, savedNanos } = spent;
  return {
    ...costView(spent),
    modelCalls,
    unknownCalls,
    inputTokens,
    cachedInputTokens,
    outputTokens,
    reasoningTokens,
    cacheHits,
    costSavedDollars: dollarsOf(Number(savedNanos)),
  };
}

/** The cost of some requests. That of none is nothing; that of requests none of which has a price is not known. */
export function costView({
  modelCalls,
  unknownCalls,
  costNanos,
}: Pick<Spent, 'modelCalls' | 'unknownCalls' | 'costNanos'>): {
  costDollars: number | null;
} {
  const isKnown = modelCalls === 0 || unknownCalls < modelCalls;
  return { costDollars: isKnown ? dollarsOf(Number(costNanos)) : null };
}

/** Whether the cost of a run is kept: not of a user's machine, which may call what it likes, nor of a run of the first version. */
export function keepsCosts({ workflow, machine }: Pick<RunView, 'workflow' | 'machine'>): boolean {
  return workflow !== undefined && machine !== 'workflow@1';
}

/** What a run has cost by itself, without the runs that its tasks began. */
export function runCost(run: RunView): { costDollars: number | null; unknownCalls: number } {
  const { modelCalls = 0, unknownCalls = 0, costNanos = 0 } = run.counts;
  if (!keepsCosts(run)) return { costDollars: null, unknownCalls };
  return { ...costView({ modelCalls, unknownCalls, costNanos: BigInt(costNanos) }), unknownCalls };
}

/** What the cache did for a run. */
export const runCacheSchema = z
  .object({
    hits: z.int().describe('Tasks that had their answer from it'),
    misses: z.int().describe('Calls that were made because it had none'),
    costSavedDollars: z.number().describe('US dollars, of the hits whose first call has a known cost'),
  })
  .optional()
  .describe('What the cache of answers did; absent where nothing was looked for');

/** The same, from its counts. */
export function runCache({ counts }: Pick<RunView, 'counts'>): { cache?: NonNullable<z.infer<typeof runCacheSchema>> } {
  const { cacheHits: hits = 0, cacheMisses: misses = 0, costSavedNanos = 0 } = counts;
  return hits + misses === 0 ? {} : { cache: { hits, misses, costSavedDollars: dollarsOf(costSavedNanos) } };
}

/** What a run was expected to cost when it began. */
export const runEstimateSchema = z
  .object({
    lowestDollars: z.number(),
    expectedDollars: z.number(),
    highestDollars: z.number().nullable().describe('null: nothing bounds it'),
  })
  .nullable()
  .describe(
    'What it was expected to cost when it began, without the runs that its tasks begin; null: not known, or not looked for (a fork; more than 100 tasks without a budget)',
  );

/** The estimate of a run beside what it has cost. */
export function runEstimate({ counts }: Pick<RunView, 'counts'>): { estimate: z.infer<typeof runEstimateSchema> } {
  const { estimatedLowest, estimatedNanos, estimatedHighest } = counts;
  if (estimatedLowest === undefined || estimatedNanos === undefined) return { estimate: null };
  const most = estimatedHighest === undefined ? {} : { highest: estimatedHighest };
  return { estimate: estimateInDollars({ lowest: estimatedLowest, expected: estimatedNanos, ...most }) };
}

function estimateInDollars({ lowest, expected, highest }: RunEstimate): z.infer<typeof runEstimateSchema> {
  return {
    lowestDollars: dollarsOf(lowest),
    expectedDollars: dollarsOf(expected),
    highestDollars: highest === undefined ? null : dollarsOf(highest),
  };
}

/** Unit prices in US dollars for a million tokens, as they are written in a configuration. */
export function unitPricesView({ tiers, ...rates }: UnitPrices): Record<string, unknown> {
  return {
    ...ratesView(rates),
    ...(tiers === undefined
      ? {}
      : { tiers: tiers.map(({ aboveInputTokens, ...dearer }) => ({ aboveInputTokens, ...ratesView(dearer) })) }),
  };
}

function ratesView(rates: Rates): Record<string, number> {
  return Object.fromEntries(Object.entries(rates).map(([kind, rate]) => [kind, rate / 1_000_000]));
}

/** Facts of a user's machine may say anything under that name. */
function isBill(value: unknown): value is readonly BilledCall[] {
  return Array.isArray(value) && value.every((call) => isRecord(call) && 'usage' in call && isCost(call['costNanos']));
}

function isCost(value: unknown): boolean {
  return value === null || Number.isSafeInteger(value);
}

function isEstimate(value: unknown): value is RunEstimate & Readonly<Record<string, unknown>> {
  return isRecord(value) && [value['lowest'], value['expected'], value['highest'] ?? 0].every(Number.isSafeInteger);
}

/** A fact's data with its bill, its estimate, or what an answer from the cache has saved, in dollars. */
export function withCosts(data: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { bill, estimate } = data;
  if (isEstimate(estimate)) return { ...data, estimate: estimateInDollars(estimate) };
  const shown = withSaving(data);
  if (!isBill(bill)) return shown;
  const unknownCalls = bill.filter(({ costNanos }) => costNanos === null).length;
  const costNanos = bill.reduce((sum, call) => sum + BigInt(call.costNanos ?? 0), 0n);
  return {
    ...shown,
    bill: bill.map(({ prices, costNanos: nanos, ...call }) => ({
      ...call,
      ...(prices === undefined ? {} : { unitPrices: unitPricesView(prices) }),
      costDollars: nanos === null ? null : dollarsOf(nanos),
    })),
    ...costView({ modelCalls: bill.length, unknownCalls, costNanos }),
    ...(unknownCalls === 0 ? {} : { unknownCalls }),
  };
}

/** What the call cost whose answer was found, in dollars. */
function withSaving(data: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { costSavedNanos: nanos, ...rest } = data;
  if (data['cacheHit'] !== true || !isCost(nanos)) return data;
  return { ...rest, costSavedDollars: nanos === null ? null : dollarsOf(Number(nanos)) };
}
