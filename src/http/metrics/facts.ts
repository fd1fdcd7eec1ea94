/** What facts say, counted. One listener for all runs: what it does not count costs it one look into a table. */
import { BILLING_FACTS, ledgerRows } from '../../document/ledger.ts';
import { ERROR_CODES } from '../../errors.ts';
import type { Fact, FactListener } from '../../runtime/facts.ts';
import type { LedgerRow } from '../../store/ledger.ts';
import type { Instruments } from './instruments.ts';

/** What is stated of runs of all machines. */
const OF_EVERY_RUN: ReadonlySet<string> = new Set(['run_started', 'run_completed', 'run_failed', 'run_cancelled']);

type Count = (data: Fact['data']) => void;

const RUN_ENDS = ['completed', 'failed', 'cancelled'] as const;
const TASK_ENDS = ['completed', 'failed', 'timedOut', 'rejected', 'skipped', 'cancelled'] as const;
const POLICIES = ['retry', 'ask', 'fail'] as const;
const MATCHES = ['same', 'in_flight', 'similar'] as const;

/** Counts facts; `request` is told of each request to a model. */
export function factCounter(instruments: Instruments, request: (row: LedgerRow) => void): FactListener['fact'] {
  const started = instruments.counter('fermata_runs_started_total');
  const ended = instruments.counter('fermata_runs_ended_total');
  const runs = each(RUN_ENDS, (status, by) => ended.inc({ status }, by));
  const settled = instruments.counter('fermata_tasks_ended_total');
  const tasks = each(TASK_ENDS, (status, by) => settled.inc({ status }, by));
  const failures = instruments.counter('fermata_task_failures_total');
  const doubted = instruments.counter('fermata_calls_in_doubt_total');
  const doubts = each(POLICIES, (policy, by) => doubted.inc({ policy }, by));
  const served = instruments.counter('fermata_cache_hits_total');
  const hits = each(MATCHES, (match, by) => served.inc({ match }, by));
  const misses = instruments.counter('fermata_cache_misses_total');
  const saved = instruments.counter('fermata_cache_saved_nanodollars_total');

  const failed = (error: unknown, then: 'retried' | 'ended'): void => {
    const code = (error as { readonly code?: unknown } | undefined)?.code;
    failures.inc({ reason: typeof code === 'string' && Object.hasOwn(ERROR_CODES, code) ? code : 'other', then });
  };
  const counts: Readonly<Record<string, Count>> = {
    run_started: () => started.inc(),
    run_completed: () => runs.completed(),
    run_failed: () => runs.failed(),
    run_cancelled: () => runs.cancelled(),
    task_completed({ cacheHit, cacheKey, inFlight, like }) {
      tasks.completed();
      if (cacheHit !== true || cacheKey === undefined) return;
      if (like !== undefined) hits.similar();
      else if (inFlight === true) hits.in_flight();
      else hits.same();
    },
    task_failed({ status, error }) {
      if (status === 'timedOut') tasks.timedOut();
      else if (status === 'rejected') tasks.rejected();
      else tasks.failed();
      failed(error, 'ended');
    },
    task_retrying: ({ error }) => failed(error, 'retried'),
    task_skipped: () => tasks.skipped(),
    task_cancelled: () => tasks.cancelled(),
    items_cancelled: ({ count }) => tasks.cancelled(Number(count)),
    task_in_doubt: ({ policy }) => doubts[POLICIES.find((one) => one === policy) ?? 'retry'](),
    cache_missed: ({ cacheKey }) => cacheKey !== undefined && misses.inc(),
  };
  const byType = new Map(Object.entries(counts));
  const bills: ReadonlySet<string> = new Set(BILLING_FACTS);

  return (fact, { workflowId }) => {
    const { type, data } = fact;
    // A machine of one's own states what it likes, under any name: its tasks are none, and no ledger has its bills.
    if (workflowId === undefined && !OF_EVERY_RUN.has(type)) return;
    byType.get(type)?.(data);
    if (!bills.has(type) || (data['bill'] === undefined && data['cacheHit'] === undefined)) return;
    for (const row of ledgerRows(fact)) {
      if (row.kind !== 'saved') request(row);
      else if (row.costNanos !== null) saved.inc(row.costNanos);
    }
  };
}

/** A counter's values, each there from the beginning: what has not happened yet is 0, and its rise is seen. */
function each<Value extends string>(
  values: readonly Value[],
  add: (value: Value, by: number) => void,
): Readonly<Record<Value, (by?: number) => void>> {
  const of = (value: Value): readonly [Value, (by?: number) => void] => {
    add(value, 0);
    return [value, (by = 1) => add(value, by)];
  };
  return Object.fromEntries(values.map(of)) as Readonly<Record<Value, (by?: number) => void>>;
}
