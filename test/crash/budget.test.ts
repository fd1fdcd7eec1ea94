/** R1, R5: a run with a budget is killed at each of its commits; it never has more than that, and what is in doubt is paid for. */
import { describe, expect, it } from 'vitest';
import type { BudgetContext } from '../../machines/budget.ts';
import { ANSWER_TOKENS, BUDGET_ADDRESS } from '../../src/document/budget.ts';
import type { WorkflowDocument } from '../../src/document/schema.ts';
import type { CrashPoint } from '../../src/runtime/group.ts';
import { sqliteStore } from '../../src/store/sqlite/index.ts';
import { killedAt, type Survivor } from './each-commit.ts';
import { sceneOfTest } from './scene-of-test.ts';

/** Ten thousand nano-dollars for a token of the answer, and as many tokens as any may have: what one call can cost. */
const CALL = 10_000 * ANSWER_TOKENS;

const document = (calls: number): WorkflowDocument => ({
  name: `budget ${calls}`,
  config: {
    prices: { openai: { '*': { input: 0, output: 10 } } },
    breadth: 3,
    onTaskFailure: 'continue',
    budget: { maxCostDollars: (calls * CALL) / 1e9 },
  },
  tasks: [
    ...['one', 'two', 'three'].map((name) => ({ name, prompt: `Say ${name}` })),
    { name: 'asks', kind: 'code', function: 'consult', input: { topic: '"tea"' } },
    { name: 'last', dependsOn: ['one'], prompt: 'Say last', onInDoubt: 'fail', maxRetries: 0 },
  ],
});

/** Each budget as its file has it, whoever has died. */
async function pursesIn(file: string, among?: string): Promise<readonly BudgetContext[]> {
  const store = sqliteStore(file);
  await store.open();
  try {
    const runs = (await store.runs('default', { limit: 100 })).filter(
      ({ run }) => among === undefined || run === among,
    );
    const rows = await Promise.all(
      runs.map(async ({ run }) => store.actor({ tenant: 'default', run }, BUDGET_ADDRESS)),
    );
    return rows.flatMap((row) =>
      row === undefined ? [] : [(JSON.parse(row.stateJson) as { readonly context: BudgetContext }).context],
    );
  } finally {
    await store.close();
  }
}

describe('killed while a run has a budget', () => {
  const setScene = sceneOfTest();

  it.each<[CrashPoint, number, readonly number[]]>([
    ['committed', 5, [2, 5]],
    ['decided', 2.5, [4]],
  ])('at "%s" of commits, with money for %d calls', async (point, calls, commits) => {
    const scene = await setScene({ firstTokenMs: 5 });
    const limit = calls * CALL;
    const runs: string[] = [];
    const dead = async (): Promise<void> => {
      for (const { settled, reserved } of await pursesIn(scene.file))
        expect(settled + reserved, point).toBeLessThanOrEqual(limit);
    };
    const ended = async ({ run, shown, killed, calls: made }: Survivor): Promise<void> => {
      runs.push(run);
      const { budget, costDollars, unknownCalls } = (await shown()) as unknown as {
        readonly budget: { readonly spentDollars: number; readonly reservedDollars: number };
        readonly costDollars: number;
        readonly unknownCalls: number;
      };
      expect(budget.reservedDollars, killed).toBe(0);
      expect(budget.spentDollars, killed).toBeLessThanOrEqual(limit / 1e9);
      expect([costDollars, unknownCalls], `${killed}: the ledger says the same`).toEqual([budget.spentDollars, 0]);
      const asked = made();
      for (const prompt of new Set(asked.map((call) => call.prompt)))
        expect(
          new Set(asked.filter((call) => call.prompt === prompt).map(({ key }) => key)).size,
          `${killed}: "${prompt}"`,
        ).toBe(1);
    };
    const crashes = commits.map((nth) => ({ point, nth }));
    await killedAt(scene, document(calls), crashes, { dead, ended });
    for (const run of runs) expect(await pursesIn(scene.file, run), point).toMatchObject([{ reserved: 0, waiting: 0 }]);
  });
});
