/** Budgets of several runs as they stand: for people, and for runs that are about to begin. */
import type { BudgetInput } from '../../machines/budget.ts';
import type { SharedBudgetContext } from '../../machines/shared-budget.ts';
import { idOn, type Upstream } from '../cost/borrowing.ts';
import type { NanoDollars } from '../cost/money.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { utcDate } from './budget.ts';
import type { SharedBudgets } from './shared-budget-spec.ts';
import { configuredFor, limitsIn, SHARED_BUDGET, tagOfKind } from './shared-budgets.ts';

/** Whose it is: a day's, a workflow's, or a run's and of all that it begins. */
export type BudgetKind = 'day' | 'workflow' | 'run';

/** One of them. */
export interface BudgetReport extends Pick<SharedBudgetContext, 'limit' | 'warnAt' | 'settled' | 'lent' | 'waiting'> {
  /** `day:2026-11-22`, `workflow:NAME`, `workflow:NAME:2026-11`, `run:ID`; names are percent-encoded. */
  readonly id: string;
  readonly kind: BudgetKind;
  /** Of the workflow, or id of the run. */
  readonly name?: string;
  /** The day or month (UTC) that it is for. */
  readonly period?: string;
}

/** A run that holds something of one, or waits. */
export interface BudgetHolder {
  readonly runId: string;
  readonly held: NanoDollars;
  /** What it waits for; undefined where it does not. */
  readonly need: NanoDollars | undefined;
}

/** What is left of a budget that is to pay for a run. */
export interface Rest {
  readonly id: string;
  readonly limit: NanoDollars;
  /** What may come back of what is lent included. */
  readonly left: NanoDollars;
}

const ROOT = '/';
/** Runs that are shown of those that hold something, and of those that wait. */
const MOST_HOLDERS = 100;

/** What they stand on. */
export interface BudgetReportsSurroundings {
  readonly configured: SharedBudgets;
  runtime(): Pick<Runtime, 'contextOf' | 'list' | 'clock' | 'budgetHolders' | 'budgetWaiters' | 'tell'>;
}

/** Reads them. */
export class BudgetReports {
  readonly #surroundings: BudgetReportsSurroundings;

  constructor(surroundings: BudgetReportsSurroundings) {
    this.#surroundings = surroundings;
  }

  /** Those of the configuration, as they are today. */
  async current(): Promise<readonly BudgetReport[]> {
    const { configured } = this.#surroundings;
    const names = Object.keys(configured.workflows ?? {});
    const all = ['', ...names].flatMap((name) => configuredFor(name, configured));
    const ids = new Set(all.map((upstream) => idOn(upstream, this.#today())));
    return Promise.all([...ids].map(async (id) => this.#report(id)));
  }

  /** Where the configuration has changed since: who waits may go on. */
  async lookAgain(): Promise<void> {
    const { configured, runtime } = this.#surroundings;
    for (const { id, waiting } of await this.current()) {
      const run = `${SHARED_BUDGET}${id}`;
      const { limit } = waiting === 0 ? {} : ((await runtime().contextOf(run, ROOT)) as SharedBudgetContext);
      if (limit === undefined || limit === limitsIn(configured)(run)?.limit) continue;
      await runtime().tell(run, { type: 'fermata.budget.look' });
    }
  }

  /** All that there have been of a kind, newest first. */
  async list(
    kind: BudgetKind,
    page: { readonly limit: number; readonly after?: string | undefined },
  ): Promise<readonly BudgetReport[]> {
    const { limit, after } = page;
    const runs = await this.#surroundings.runtime().list({
      inner: true,
      tags: [tagOfKind(kind)],
      // Others may have the same tag.
      idPrefix: `${SHARED_BUDGET}${kind}:`,
      limit,
      ...(after === undefined ? {} : { after: `${SHARED_BUDGET}${after}` }),
    });
    return Promise.all(runs.map(async ({ runId }) => this.#report(runId)));
  }

  /** One of them, with the runs that hold something or wait; undefined where there is none of that id. */
  async one(id: string): Promise<(BudgetReport & { readonly holders: readonly BudgetHolder[] }) | undefined> {
    const run = `${SHARED_BUDGET}${id}`;
    const runtime = this.#surroundings.runtime();
    const isKnown = (await runtime.contextOf(run, ROOT)) !== undefined;
    if (!isKnown && !(await this.current()).some((current) => current.id === id)) return undefined;
    const [report, held, waiting] = await Promise.all([
      this.#report(run),
      runtime.budgetHolders(run, { limit: MOST_HOLDERS }),
      runtime.budgetWaiters(run, { limit: MOST_HOLDERS }),
    ]);
    const rows = new Map([...held, ...waiting].map((row) => [row.task, row]));
    const holders = [...rows.values()].map(({ task, need, open, ...row }) => ({
      runId: task,
      held: row.held,
      need: open ? need : undefined,
    }));
    return { ...report, holders };
  }

  /** What is left of the budgets above that of a run which is about to begin. */
  async leftFor({ upstreams = [] }: Pick<BudgetInput, 'upstreams'>): Promise<readonly Rest[]> {
    const found = await Promise.all(upstreams.map(async (upstream) => this.#restOf(upstream)));
    return found.flatMap((rest) => rest ?? []);
  }

  async #restOf(upstream: Upstream): Promise<Rest | undefined> {
    const { id, limit, settled } = await this.#report(idOn(upstream, this.#today()));
    const bound = upstream.limit ?? limit;
    return bound === null ? undefined : { id, limit: bound, left: bound - settled };
  }

  async #report(run: string): Promise<BudgetReport> {
    const { configured, runtime } = this.#surroundings;
    const kept = (await runtime().contextOf(run, ROOT)) as SharedBudgetContext | undefined;
    const { settled = 0, lent = 0, waiting = 0 } = kept ?? {};
    const bounds = limitsIn(configured)(run) ?? kept;
    const { limit = null, warnAt } = bounds ?? {};
    const id = run.slice(SHARED_BUDGET.length);
    const [kind = '', first = '', second] = id.split(':');
    const period = kind === 'day' ? first : second;
    return {
      id,
      kind: kind as BudgetKind,
      ...(kind === 'day' ? {} : { name: decodeURIComponent(first) }),
      ...(period === undefined ? {} : { period }),
      limit,
      ...(warnAt === undefined ? {} : { warnAt }),
      settled,
      lent,
      waiting,
    };
  }

  #today(): string {
    return utcDate(this.#surroundings.runtime().clock.now());
  }
}
