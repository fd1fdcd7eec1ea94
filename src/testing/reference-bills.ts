/** What may be observed of money (P14, and P15 of runs with a budget): part of the reference model. */
import { isDeepStrictEqual } from 'node:util';
import type { BilledCall } from '../../machines/task/bill.ts';
import type { UnitPrices } from '../cost/unit-prices.ts';
import type { Observation, SeenCall, SeenFact } from './observation.ts';
import { check, type Run, type Task } from './reference-run.ts';

/** Facts that may carry a bill: those that state the outcome of a call. */
const MAY_BILL: ReadonlySet<string> = new Set([
  'model_called',
  'cache_missed',
  'task_completed',
  'task_retrying',
  'task_failed',
  'task_cancelled',
  'task_in_doubt',
]);

/** Calls that a provider is paid for. */
const ASKS: ReadonlySet<string> = new Set(['modelCall', 'verify', 'compare']);

interface Sums {
  modelCalls: number;
  unknownCalls: number;
  costNanos: number;
}

/** The budget of a run, and the least that those calls need, or needed, that did not get it. */
interface Budget {
  readonly limit: number;
  readonly waiting: Map<string, { readonly waits: boolean; readonly least: number }>;
}

/** The bills of all runs. */
export class BillsModel {
  /** What the other side said that its answers used, by run, task and attempt: those that are on no bill. */
  readonly #used = new Map<string, unknown[]>();
  /** Requests that are on a bill, by run and task, and those that have left a process. */
  readonly #billed = new Map<string, number>();
  readonly #made = new Map<string, number>();
  readonly #sums = new Map<string, Sums>();
  readonly #budgets = new Map<string, Budget>();
  /** Budgets of several runs on which one has ended. */
  readonly #exhausted = new Set<string>();

  /** A call leaves the process. */
  made({ run, task, src }: SeenCall): void {
    const of = `${run}/${task}`;
    if ((src === 'modelCall' || src === 'verify') && task !== undefined)
      this.#made.set(of, (this.#made.get(of) ?? 0) + 1);
  }

  /** The other side has answered. */
  answered({ call, value }: Extract<Observation, { kind: 'answer' }>): void {
    if (!ASKS.has(call.src) || call.task === undefined) return;
    const of = `${call.run}/${call.task}/${call.attempt}`;
    const { usage = null } = value as { readonly usage?: unknown };
    if (usage !== null) this.#used.set(of, [...(this.#used.get(of) ?? []), usage]);
  }

  /** A fact that may carry a bill. */
  see(run: Run, { type, data }: SeenFact, where: string): void {
    const { task, attempt, bill = [] } = data as { task?: string; attempt?: number; bill?: readonly BilledCall[] };
    check(bill.length === 0 || MAY_BILL.has(type), `P14 ${where} carries a bill`);
    const sums = this.#sums.get(run.name) ?? { modelCalls: 0, unknownCalls: 0, costNanos: 0 };
    const budget = this.#budgets.get(run.name);
    for (const { usage, prices, costNanos, assumed } of bill) {
      const expected = usage === null || prices === undefined ? null : costOf(usage as never, prices);
      const isAssumed = budget !== undefined && expected === null && assumed === true && costNanos !== null;
      check(isAssumed || costNanos === expected, `P14 ${where}: a request costs ${costNanos} and not ${expected}`);
      if (usage !== null) this.#wasUsed(`${run.name}/${task}/${attempt}`, usage, where);
      sums.modelCalls++;
      if (costNanos === null) sums.unknownCalls++;
      else sums.costNanos += costNanos;
    }
    this.#sums.set(run.name, sums);
    if (budget !== undefined) {
      const { costNanos, unknownCalls } = sums;
      check(costNanos <= budget.limit, `P15 ${where}: ${costNanos} are spent of a budget of ${budget.limit}`);
      check(unknownCalls === 0, `P15 ${where}: nobody knows what it has spent of its budget`);
    }
    const of = `${run.name}/${task}`;
    this.#billed.set(of, (this.#billed.get(of) ?? 0) + bill.length);
  }

  /** A task has completed: where it has asked a model, that is on a bill. */
  completed(run: Run, { plan }: Task, where: string): void {
    const of = `${run.name}/${plan.name}`;
    check(!this.#made.has(of) || (this.#billed.get(of) ?? 0) > 0, `P14 ${where}: its call is on no bill`);
  }

  /** A fact about the budget of a run. */
  ofBudget(run: Run, { type, data }: SeenFact, where: string): void {
    const { maxCostDollars, budgets, task, call, leastDollars } = data as Readonly<
      Record<string, string | number | undefined>
    >;
    const isBounded = maxCostDollars !== undefined || budgets !== undefined;
    if (type === 'run_started' && isBounded)
      this.#budgets.set(run.name, {
        limit: maxCostDollars === undefined ? Infinity : Math.round(Number(maxCostDollars) * 1e9),
        waiting: new Map(),
      });
    if (!type.startsWith('budget_')) return;
    const budget = this.#budgets.get(run.name);
    check(budget !== undefined, `P15 ${where}: it has none`);
    const of = `${task}/${call}`;
    const waits = budget.waiting.get(of)?.waits === true;
    check(waits !== (type === 'budget_awaited'), `P15 ${where}: ${of} waits already, or did not`);
    budget.waiting.set(of, {
      waits: type === 'budget_awaited',
      least:
        type === 'budget_awaited'
          ? Math.round(Number(leastDollars) * 1e9)
          : type === 'budget_left'
            ? (budget.waiting.get(of)?.least ?? 0)
            : 0,
    });
  }

  /**
   * Whether a run may have ended on its budget: something has waited that fits into nothing that is left. Of one of
   * several runs that is known when all have ended.
   */
  mayBeOver(run: Run, { data }: { readonly data?: { readonly budget?: string } } = {}): boolean {
    const budget = this.#budgets.get(run.name);
    if (budget !== undefined && data?.budget !== undefined)
      return this.#endedOn(
        data.budget,
        [...budget.waiting.values()].some(({ least }) => least > 0),
      );
    const { costNanos = 0 } = this.#sums.get(run.name) ?? {};
    return budget !== undefined && [...budget.waiting.values()].some(({ least }) => least > budget.limit - costNanos);
  }

  /** A run ends along with one that it waited for. */
  #endedOn(budget: string, hasWaited: boolean): boolean {
    if (hasWaited) this.#exhausted.add(budget);
    return this.#exhausted.has(budget);
  }

  /** The counts of a run that has ended are the sums of its bills, and every request that left a process is on one. */
  finish(run: Run, counts: Readonly<Record<string, number>>): void {
    const { modelCalls = 0, unknownCalls = 0, costNanos = 0 } = counts;
    const sums = this.#sums.get(run.name) ?? { modelCalls: 0, unknownCalls: 0, costNanos: 0 };
    for (const task of run.stuck ? [] : run.tasks.keys()) {
      const [made, billed] = [this.#made, this.#billed].map((calls) => calls.get(`${run.name}/${task}`) ?? 0);
      check(
        Number(made) <= Number(billed),
        `P14 ${billed} of ${made} requests of task ${task} of run ${run.name} are on a bill`,
      );
    }
    const isSame = isDeepStrictEqual({ modelCalls, unknownCalls, costNanos }, sums);
    check(isSame, `P14 run ${run.name} counts ${JSON.stringify(counts)} and its bills come to ${JSON.stringify(sums)}`);
  }

  /** Each answer is on one bill, with what the other side said. */
  #wasUsed(of: string, usage: unknown, where: string): void {
    const open = this.#used.get(of) ?? [];
    const at = open.findIndex((one) => isDeepStrictEqual(one, usage));
    check(at >= 0, `P14 ${where}: nobody has used ${JSON.stringify(usage)}, or it is on a bill already`);
    this.#used.set(of, open.toSpliced(at, 1));
  }
}

/** The same sum as a machine makes it, made otherwise; simulated models have no tiers. */
function costOf(usage: Readonly<Record<string, number>>, prices: UnitPrices): number {
  const { inputTokens = 0, cachedInputTokens: cached = 0, outputTokens = 0, reasoningTokens: thought = 0 } = usage;
  const input = (inputTokens - cached) * prices.input + cached * prices.cachedInput;
  const output = (outputTokens - thought) * prices.output + thought * prices.reasoning;
  return Math.ceil((input + output) / 1_000);
}
