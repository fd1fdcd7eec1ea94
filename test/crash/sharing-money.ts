/**
 * Runs that share budgets, on a server that is killed at one of its commits: whatever was committed there, never more is
 * spent and lent than there is; and in the end all is given back, and what was spent is what the ledger says.
 */
import assert from 'node:assert/strict';
import type { BudgetContext } from '../../machines/budget.ts';
import type { SharedBudgetContext } from '../../machines/shared-budget.ts';
import type { FermataConfig } from '../../src/config.ts';
import { BUDGET_ADDRESS } from '../../src/document/budget.ts';
import type { WorkflowDocument } from '../../src/document/schema.ts';
import type { CrashPoint } from '../../src/runtime/group.ts';
import { sqliteStore } from '../../src/store/sqlite/index.ts';
import type { Scene } from './scene.ts';
import { until } from './until.ts';

/** A kill, and money for so many calls of its runs. */
export interface MoneyKill {
  readonly point: CrashPoint;
  readonly nth: number;
  readonly calls: number;
}

/** In nano-dollars: 100 tokens of an answer, and nothing for the prompt. */
const CALL = 1_000_000;
const RUNS = 3;

/** What came of one. */
export interface MoneyEnd {
  readonly spentDollars: number;
  readonly doubts: number;
  readonly over: number;
}

/** Lives three runs for each kill, one kill after the other, on one file. */
export async function killSharing(scene: Scene, kills: readonly MoneyKill[]): Promise<readonly MoneyEnd[]> {
  const named = kills.map((kill, index) => ({ ...kill, name: `money ${index}` }));
  const budgets: FermataConfig['budgets'] = {
    perDay: { maxCostDollars: 1 },
    workflows: Object.fromEntries(named.map(({ name, calls }) => [name, { maxCostDollars: (calls * CALL) / 1e9 }])),
  };
  const first = scene.serve({ budgets });
  const workflows = new Map<string, string>();
  for (const { name } of named) workflows.set(name, await first.create(documentOf(name)));
  await first.kill();
  const ends: MoneyEnd[] = [];
  for (const { name, point, nth } of named) {
    const killed = `killed at ${point} ${nth}`;
    const ask = (server: ReturnType<Scene['serve']>) =>
      Promise.all(
        Array.from({ length: RUNS }, (_, n) => server.execute(workflows.get(name) ?? '', {}, `${name}/${n}`)),
      );
    const dies = scene.serve({ budgets, crash: { point, nth } });
    await ask(dies);
    await scene.died(dies);
    await assertKept(scene.file, killed);
    const server = scene.serve({ budgets });
    const runs = await ask(server);
    const shown = async (run = '') => (await server.get(`/runs/${run}`))?.body ?? {};
    for (const run of runs) await until(`run ${run} to end`, async () => (await shown(run))['endedAt'] !== null);
    const path = `/budgets/${encodeURIComponent(`workflow:${encodeURIComponent(name)}`)}`;
    const budget = await until('all to be given back', async () => {
      const body = (await server.get(path))?.body;
      return body?.['reservedDollars'] === 0 && body['waitingRuns'] === 0 ? body : undefined;
    });
    const bills = await Promise.all(runs.map(shown));
    const costs = bills.reduce((sum, { costDollars }) => sum + Math.round(Number(costDollars) * 1e9), 0);
    assert.equal(costs, Math.round(Number(budget['spentDollars']) * 1e9), `${killed}: the ledger says the same`);
    await server.kill();
    await assertKept(scene.file, `${killed}, and ended`);
    const codes = bills.map(({ reason }) => (reason as { readonly code?: string } | null)?.code);
    ends.push({
      spentDollars: Number(budget['spentDollars']),
      doubts: (scene.kills.at(-1)?.open ?? []).length,
      over: codes.filter((code) => code === 'budgetExceeded').length,
    });
  }
  return ends;
}

function documentOf(name: string): WorkflowDocument {
  return {
    name,
    config: { prices: { openai: { '*': { input: 0, output: 10 } } }, breadth: 2, onTaskFailure: 'continue' },
    tasks: ['one', 'two', 'three'].map((task) => ({ name: task, prompt: `Say ${task}`, maxOutputTokens: 100 })),
  };
}

/** As the file has it: what runs have is what was lent, or still on its way to them. */
async function assertKept(file: string, when: string): Promise<void> {
  const store = sqliteStore(file);
  await store.open();
  try {
    const runs = await store.runs('default', { limit: 1_000 });
    const contextOf = async <Context>(run: string, address: string): Promise<Context | undefined> => {
      const row = await store.actor({ tenant: 'default', run }, address);
      return row === undefined ? undefined : (JSON.parse(row.stateJson) as { readonly context: Context }).context;
    };
    const had = new Map<string, number>();
    for (const { run, endedAt } of runs) {
      const purse = endedAt === null ? await contextOf<BudgetContext>(run, BUDGET_ADDRESS) : undefined;
      for (const { id, held, spent, reserved } of purse?.above?.blocks ?? []) {
        assert.ok(spent + reserved <= held, `${when}: run ${run} has more under way than ${id} has lent`);
        had.set(id, (had.get(id) ?? 0) + held);
      }
    }
    for (const { run } of runs.filter((row) => row.run.startsWith('budget:'))) {
      const kept = await contextOf<SharedBudgetContext>(run, '/');
      if (kept === undefined) continue;
      const { limit, settled, lent } = kept;
      assert.ok(
        settled + lent <= (limit ?? Infinity),
        `${when}: ${run} has ${settled} settled and ${lent} lent of ${limit}`,
      );
      assert.ok((had.get(run) ?? 0) <= lent, `${when}: runs have ${had.get(run)} of ${run}, which has lent ${lent}`);
    }
  } finally {
    await store.close();
  }
}
