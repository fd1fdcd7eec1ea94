/** R1, R5: prices of the configuration change between two starts, while a run waits: what is billed stays, and its budgets hold. */
import { expect, it } from 'vitest';
import type { FermataConfig } from '../../src/config.ts';
import { openFermata, type Harness } from '../harness/fermata.ts';
import { startRun } from './documents.ts';

/** In dollars for a million tokens. */
const priced = (input: number): FermataConfig => ({
  prices: { openai: { own: { input, output: 0 } } },
  budgets: { perDay: { maxCostDollars: 1 } },
});
const script = [{ prompt: '', answers: [{ text: 'ok', usage: { inputTokens: 10, outputTokens: 1 } }] }];
const tasks = [
  { name: 'before', prompt: 'A' },
  { name: 'gate', prompt: 'B', requiresApproval: true, approvalPrompt: 'Go on?' },
  { name: 'after', prompt: 'C', dependsOn: ['gate'] },
];

/** A run that waits for a person behind its first call; then another start with another configuration, and the decision. */
async function goesOn(budget: { readonly maxCostDollars: number }, later: FermataConfig) {
  const before = await openFermata({ config: priced(100), script });
  const { runId } = await startRun(before, { config: { model: 'own', budget }, tasks });
  await expect.poll(async () => (await before.call('GET', `/runs/${runId}/status`)).body.status).toBe('waiting');
  const { estimate } = (await before.call('GET', `/runs/${runId}`)).body;
  await before.close();

  const harness = await openFermata({ config: later, script, database: before.database });
  expect((await harness.call('GET', `/runs/${runId}`)).body).toMatchObject({ costDollars: 0.001, estimate });
  await harness.call('POST', `/runs/${runId}/tasks/gate/approve`, { approved: true });
  await harness.fermata.runtime.waitFor(runId);
  await harness.fermata.runtime.idle();
  return { harness, runId, estimate };
}

/** Input price and cost of each request. */
async function billsOf({ call }: Harness, runId: string) {
  const { items } = (await call('GET', `/runs/${runId}/calls`)).body as {
    readonly items: readonly { task: string; unitPrices: { input: number } | null; costDollars: number | null }[];
  };
  return items.map(({ task, unitPrices, costDollars }) => [task, unitPrices?.input, costDollars]);
}

const dayOf = async ({ call }: Harness) => (await call('GET', '/budgets')).body.items[0];

it('what is made ready after it goes by the new price, and all else by the old one', async () => {
  const { harness, runId, estimate } = await goesOn({ maxCostDollars: 0.5 }, priced(200));
  expect(await billsOf(harness, runId)).toEqual([
    ['before', 100, 0.001],
    ['gate', 100, 0.001],
    ['after', 200, 0.002],
  ]);
  const { body } = await harness.call('GET', `/runs/${runId}`);
  expect(body).toMatchObject({
    status: 'completed',
    costDollars: 0.004,
    estimate,
    budget: { spentDollars: 0.004, reservedDollars: 0, waitingCalls: 0 },
  });
  expect(await dayOf(harness)).toMatchObject({ spentDollars: 0.004, reservedDollars: 0 });
  // Three prompts of ten tokens, as this run has taught, and all at the new price.
  const { body: anew } = await harness.call('POST', `/workflows/${body.workflow.id}/estimate-cost`, {});
  expect(anew.estimatedCostDollars.expected).toBeCloseTo(0.006, 9);
});

it('one that the budget cannot pay ends the run on it: nothing is spent beyond, and nothing stays reserved', async () => {
  const { harness, runId } = await goesOn({ maxCostDollars: 0.01 }, priced(1_000));
  const { body } = await harness.call('GET', `/runs/${runId}`);
  expect(body).toMatchObject({
    status: 'cancelled',
    reason: { code: 'budgetExceeded' },
    costDollars: 0.002,
    budget: { spentDollars: 0.002, reservedDollars: 0, waitingCalls: 0 },
  });
  expect(await dayOf(harness)).toMatchObject({ spentDollars: 0.002, reservedDollars: 0 });
});

it('one that is gone fails what is made ready after it, where a budget has to pay', async () => {
  const { harness, runId } = await goesOn({ maxCostDollars: 0.5 }, {});
  const { body } = await harness.call('GET', `/runs/${runId}`);
  expect(body).toMatchObject({
    status: 'failed',
    reason: { code: 'priceUnknown' },
    costDollars: 0.002,
    budget: { spentDollars: 0.002, reservedDollars: 0, waitingCalls: 0 },
  });
  expect(await billsOf(harness, runId)).toEqual([
    ['before', 100, 0.001],
    ['gate', 100, 0.001],
  ]);
  // Also the budget that was taken out has been told: it is true again where it is put back.
  await harness.close();
  const again = await openFermata({ config: priced(100), script, database: harness.database });
  expect(await dayOf(again)).toMatchObject({ spentDollars: 0.002, reservedDollars: 0 });
});
