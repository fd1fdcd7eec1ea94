/** What a model call consumed, in tokens, as the provider reported it. */
export interface ModelUsage {
  /** Tokens of the prompt, cached ones included. */
  readonly inputTokens: number;
  /** The part of `inputTokens` that the provider had in its prompt cache. */
  readonly cachedInputTokens: number;
  /** The part of `inputTokens` that the provider put into its prompt cache; absent where it speaks of none. */
  readonly cacheWriteTokens?: number;
  /** Tokens of the answer, reasoning included. */
  readonly outputTokens: number;
  /** The part of `outputTokens` that the model thought and did not say. */
  readonly reasoningTokens: number;
  readonly totalTokens: number;
}

/** Usage as chat completions report it; compatible servers leave out or null what they do not count. */
export interface ReportedUsage {
  readonly prompt_tokens?: number | null | undefined;
  readonly completion_tokens?: number | null | undefined;
  readonly total_tokens?: number | null | undefined;
  readonly prompt_tokens_details?:
    | { readonly cached_tokens?: number | null | undefined; readonly cache_write_tokens?: number | null | undefined }
    | null
    | undefined;
  readonly completion_tokens_details?: { readonly reasoning_tokens?: number | null | undefined } | null | undefined;
}

/** More tokens than that in one request are no count: what they would cost could not be kept exactly. */
const MOST_TOKENS = 100_000_000;

/**
 * Usage in our words; null where the two counts that are paid for are not both counts. Servers that report a negative,
 * broken or immense number would have it booked: unknown is the better answer. So would those that report zeros for want
 * of a count, and a budget would never be used up: every prompt has tokens.
 */
export function toUsage(reported: ReportedUsage | null | undefined): ModelUsage | null {
  const inputTokens = reported?.prompt_tokens;
  const outputTokens = reported?.completion_tokens;
  if (!isCount(inputTokens) || !isCount(outputTokens) || inputTokens === 0) return null;
  const count = (given: unknown, otherwise: number): number => (isCount(given) ? given : otherwise);
  const written = count(reported?.prompt_tokens_details?.cache_write_tokens, 0);
  return {
    inputTokens,
    cachedInputTokens: count(reported?.prompt_tokens_details?.cached_tokens, 0),
    ...(written === 0 ? {} : { cacheWriteTokens: written }),
    outputTokens,
    reasoningTokens: count(reported?.completion_tokens_details?.reasoning_tokens, 0),
    totalTokens: count(reported?.total_tokens, inputTokens + outputTokens),
  };
}

function isCount(given: unknown): given is number {
  return Number.isSafeInteger(given) && Number(given) >= 0 && Number(given) <= MOST_TOKENS;
}

/**
 * The sum of several calls. Null if one of them is unknown: a sum that leaves out a call would look like a fact, and
 * the call it leaves out would never be paid for.
 */
export function sumUsage(usages: readonly (ModelUsage | null)[]): ModelUsage | null {
  let sum: ModelUsage = { inputTokens: 0, cachedInputTokens: 0, outputTokens: 0, reasoningTokens: 0, totalTokens: 0 };
  for (const usage of usages) {
    if (usage === null) return null;
    const written = (sum.cacheWriteTokens ?? 0) + (usage.cacheWriteTokens ?? 0);
    sum = {
      inputTokens: sum.inputTokens + usage.inputTokens,
      cachedInputTokens: sum.cachedInputTokens + usage.cachedInputTokens,
      ...(written === 0 ? {} : { cacheWriteTokens: written }),
      outputTokens: sum.outputTokens + usage.outputTokens,
      reasoningTokens: sum.reasoningTokens + usage.reasoningTokens,
      totalTokens: sum.totalTokens + usage.totalTokens,
    };
  }
  return sum;
}
