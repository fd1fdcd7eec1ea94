/** Tokens of a run, counted as its tasks tell them: with those of the runs that it waited for, which their tasks tell. */
import type { DraftFact } from '../runtime/draft.ts';

const FIELDS = ['inputTokens', 'outputTokens', 'totalTokens'] as const;

interface Told {
  readonly usage?: unknown;
  readonly error?: { readonly data?: { readonly usage?: unknown } } | null;
}

/** What a fact adds to the counts of its run; nothing where it tells no tokens. */
export function usageCounts({ data }: DraftFact): Readonly<Record<string, number>> {
  const { usage, error } = data as Told;
  const told = (usage ?? error?.data?.usage ?? {}) as Readonly<Record<string, unknown>>;
  const counts: Record<string, number> = {};
  for (const field of FIELDS) {
    const count = told[field];
    if (typeof count === 'number') counts[field] = count;
  }
  return counts;
}
