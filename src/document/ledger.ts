/**
 * The ledger: from the bills that facts carry to one row for each request to a model, and to what a run has cost so far.
 *
 * It says nothing that the journal does not say: whoever folds the facts anew gets the same rows (docs/decisions/020).
 */
import type { DraftFact } from '../runtime/draft.ts';
import type { Projected, Projection } from '../runtime/projection.ts';
import type { LedgerRow } from '../store/ledger.ts';
import type { BilledCall } from '../../machines/task/bill.ts';
import { OWN_CALL } from './budget.ts';

/** Facts that carry bills. */
export const BILLING_FACTS: readonly string[] = [
  'model_called',
  'task_completed',
  'task_retrying',
  'task_failed',
  'task_cancelled',
  'task_in_doubt',
  'cache_missed',
];

/** What a fact says of its task. */
interface Billing {
  readonly task: string;
  readonly attempt?: number;
  readonly bill?: readonly BilledCall[];
  /** Of a call that was not made, as its answer was kept: whom it would have asked, and what that had cost. */
  readonly cacheHit?: boolean;
  readonly asked?: { readonly provider: string; readonly model: string };
  readonly model?: string;
  readonly costSavedNanos?: number | null;
}

/**
 * The rows of a fact, in the order of its bill. Pure.
 *
 * @example
 * facts.flatMap(ledgerRows) // the ledger of a run, from its journal
 */
export function ledgerRows({ type, entry, at, data }: Pick<DraftFact, 'type' | 'entry' | 'at' | 'data'>): LedgerRow[] {
  const { task, attempt = 0, bill = [], ...said } = data as unknown as Billing;
  if (!BILLING_FACTS.includes(type)) return [];
  const made = bill.map(({ call, provider, model, answered = model, usage, prices, costNanos }, index): LedgerRow => ({
    seq: entry,
    index,
    task,
    attempt,
    call,
    provider,
    model,
    answered,
    kind: usage === null ? 'unsettled' : 'settled',
    inputTokens: usage?.inputTokens ?? null,
    cachedInputTokens: usage?.cachedInputTokens ?? null,
    cacheWriteTokens: usage?.cacheWriteTokens ?? null,
    outputTokens: usage?.outputTokens ?? null,
    reasoningTokens: usage?.reasoningTokens ?? null,
    pricesJson: prices === undefined ? null : JSON.stringify(prices),
    costNanos,
    at,
  }));
  const { cacheHit, asked, costSavedNanos = null } = said;
  if (cacheHit !== true || asked === undefined) return made;
  // To find a similar question may have cost something itself.
  const whose = { seq: entry, index: made.length, task, attempt, call: OWN_CALL, ...asked };
  const saved = { answered: said.model ?? asked.model, ...NO_USAGE, pricesJson: null, costNanos: costSavedNanos, at };
  return [...made, { ...whose, kind: 'saved', ...saved }];
}

const NO_USAGE = {
  inputTokens: null,
  cachedInputTokens: null,
  cacheWriteTokens: null,
  outputTokens: null,
  reasoningTokens: null,
} as const;

/** Keeps the ledger, and counts of a run: `modelCalls`, `unknownCalls` (without a cost), `costNanos`. */
export function ledgerProjection(): Projection {
  return {
    facts: BILLING_FACTS,
    project(fact, { origin }): Projected {
      if (origin.workflowId === undefined) return {};
      const rows = ledgerRows(fact);
      if (rows.length === 0) return {};
      const changes = rows.map((row) => ({ table: 'ledger' as const, key: `${row.seq}/${row.index}`, row }));
      const made = rows.filter(({ kind }) => kind !== 'saved');
      if (made.length === 0) return { rows: changes };
      const unknown = made.filter(({ costNanos }) => costNanos === null).length;
      const costNanos = made.reduce((sum, row) => sum + (row.costNanos ?? 0), 0);
      return {
        rows: changes,
        counts: { modelCalls: made.length, costNanos, ...(unknown === 0 ? {} : { unknownCalls: unknown }) },
      };
    },
  };
}
