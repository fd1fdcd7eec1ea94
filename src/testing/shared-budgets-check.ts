/** P15 of budgets of several runs: what their runs hold is what their rows say, and never more than they have. */
import type { BudgetContext } from '../../machines/budget.ts';
import type { SharedBudgetContext } from '../../machines/shared-budget.ts';
import { BUDGET_ADDRESS } from '../document/budget.ts';
import { ROOT } from '../runtime/run-memory.ts';
import { check, keepsBudget } from './reference-run.ts';
import type { MemoryDatabase, RunRecord } from './store/database.ts';

/**
 * As they are committed.
 *
 * Throws FermataError `simulationFailed`.
 */
export function checkSharedBudgets(database: MemoryDatabase): void {
  for (const record of database.runs.values()) {
    const kept = keptBy(record);
    if (kept === undefined) continue;
    const { run } = record.origin;
    const { limit, settled, lent, waiting } = kept;
    check(settled + lent <= (limit ?? Infinity), `P15 ${run} has lent ${lent} and spent ${settled} of ${limit}`);
    // Cut in the middle of a turn, what that has to say of its rows is still to come.
    if (record.state.agendaJson !== null) continue;
    const rows = [...record.budgetWaits.values()];
    const held = rows.reduce((sum, row) => sum + row.held, 0);
    check(held === lent, `P15 ${run} has lent ${lent}, and its rows say ${held}`);
    const open = rows.filter((row) => row.open).length;
    check(open === waiting, `P15 for ${run} ${waiting} runs wait, and its rows say ${open}`);
  }
}

/** When all runs have ended: nothing is lent, nobody waits, and what is spent is what the ledger says. */
export function checkAllGivenBack(database: MemoryDatabase): void {
  const spent = new Map<string, number>();
  for (const { actors, state } of database.runs.values()) {
    const purse = actors.get(BUDGET_ADDRESS);
    const { above } = purse === undefined ? {} : contextIn<Partial<BudgetContext>>(purse.stateJson);
    for (const { id } of above?.upstreams ?? []) spent.set(id, (spent.get(id) ?? 0) + (state.counts['costNanos'] ?? 0));
  }
  for (const record of database.runs.values()) {
    const kept = keptBy(record);
    if (kept === undefined) continue;
    const { run } = record.origin;
    check(kept.lent === 0, `P15 all runs have ended, and ${run} has still lent ${kept.lent}`);
    check(kept.waiting === 0, `P15 all runs have ended, and for ${run} ${kept.waiting} still wait`);
    const of = [...spent.keys()].find((id) => run === id || run.startsWith(`${id}:`));
    if (of !== undefined) spent.set(of, (spent.get(of) ?? 0) - kept.settled);
  }
  for (const [id, rest] of spent) check(rest === 0, `P15 ${id}: the ledger has ${rest} more than was settled`);
}

function keptBy({ origin, actors }: RunRecord): SharedBudgetContext | undefined {
  const root = keepsBudget(origin.run) ? actors.get(ROOT) : undefined;
  return root === undefined ? undefined : contextIn(root.stateJson);
}

function contextIn<Context>(stateJson: string): Context {
  return (JSON.parse(stateJson) as { readonly context: Context }).context;
}
