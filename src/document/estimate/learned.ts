/** What earlier runs of a workflow teach about the next one, from the ledger. */
import type { LedgerStore } from '../../store/ledger.ts';
import { mapsAround } from '../growth.ts';

/** What a task of a workflow asked one model for, in earlier runs. */
export interface LearnedCalls {
  /** Requests that were looked at. */
  readonly requests: number;
  /** Tokens of a prompt, and of an answer, of each request. */
  readonly inputTokens: Spread;
  readonly outputTokens: Spread;
  /** Requests for each time that the task ran: more than 1 where attempts failed or answers were mended. */
  readonly callsEach: number;
  /** Times that the task ran in a run that had it: more than 1 for items of a map. */
  readonly timesEach: number;
}

/** The middle of some numbers, and what nine of ten do not exceed. */
export interface Spread {
  readonly median: number;
  readonly p90: number;
}

/** By workflow. */
export interface Learned {
  of(
    workflow: string,
    task: string,
    asked: { readonly provider: string; readonly model: string },
  ): LearnedCalls | undefined;
}

/** Nothing is known. */
export const NOTHING_LEARNED: Learned = { of: () => undefined };

/** Runs that are looked at, the newest first, and requests in all of them together: some milliseconds. */
const MOST_RUNS = 20;
const MOST_REQUESTS = 4_000;
const PAGE = 500;

interface Seen {
  readonly inputTokens: number[];
  readonly outputTokens: number[];
  readonly runs: Set<string>;
  readonly names: Set<string>;
}

/** Reads what runs of some workflows came to, by the names of the workflows; `NOTHING_LEARNED` where that is nothing. */
export async function learnFrom(
  store: Pick<LedgerStore, 'accounts' | 'ledger'>,
  tenant: string,
  workflows: Iterable<string>,
  pause: () => Promise<void>,
): Promise<Learned> {
  const known = new Map<string, LearnedCalls>();
  for (const workflow of new Set(workflows)) {
    const seen = new Map<string, Seen>();
    let left = MOST_REQUESTS;
    for (const account of await store.accounts(tenant, { workflow, limit: MOST_RUNS })) {
      let after: number | undefined;
      while (left > 0) {
        const rows = await store.ledger(account, { limit: Math.min(PAGE, left), after });
        for (const { task, call, provider, model, inputTokens, outputTokens } of rows) {
          // A judge may be the very model that the task asks, and says less.
          const isOnTheSide = call === 'embedding' || call === 'verify';
          if (isOnTheSide || inputTokens === null || outputTokens === null) continue;
          const key = keyOf(workflow, mapsAround(task).at(-1) ?? task, { provider, model });
          const one = seen.get(key) ?? { inputTokens: [], outputTokens: [], runs: new Set(), names: new Set() };
          seen.set(key, one);
          one.inputTokens.push(inputTokens);
          one.outputTokens.push(outputTokens);
          one.runs.add(account.run);
          one.names.add(`${account.run} ${task}`);
        }
        left -= rows.length;
        after = rows.at(-1)?.key;
        await pause();
        if (rows.length < PAGE) break;
      }
    }
    for (const [key, one] of seen)
      known.set(key, {
        requests: one.outputTokens.length,
        inputTokens: spreadOf(one.inputTokens),
        outputTokens: spreadOf(one.outputTokens),
        callsEach: one.outputTokens.length / one.names.size,
        timesEach: one.names.size / one.runs.size,
      });
  }
  if (known.size === 0) return NOTHING_LEARNED;
  return { of: (workflow, task, asked) => known.get(keyOf(workflow, task, asked)) };
}

/**
 * The middle of some numbers, and what nine of ten do not exceed; at least one number.
 *
 * @example
 * spreadOf([3, 1, 2]) // { median: 2, p90: 3 }
 */
export function spreadOf(numbers: readonly number[]): Spread {
  const sorted = numbers.toSorted((one, other) => one - other);
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
  return { median: at(0.5), p90: at(0.9) };
}

function keyOf(
  workflow: string,
  task: string,
  { provider, model }: { readonly provider: string; readonly model: string },
): string {
  return JSON.stringify([workflow, task, provider, model]);
}
