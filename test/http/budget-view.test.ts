/** What a run shows of its budgets: its own, and those of several runs that pay for it. */
import { expect, it } from 'vitest';
import { openFermata } from '../harness/fermata.ts';

const prices = { openai: { '*': { input: 0, output: 10 } } };
const script = [{ prompt: '', answers: [{ text: 'Done.', usage: { inputTokens: 10, outputTokens: 100 } }] }];
const ask = { prompt: 'Say it', maxOutputTokens: 200 };

it('is what was spent, once, when a run has ended that begins runs', async () => {
  const { call, fermata } = await openFermata({
    script,
    config: { prices, budgets: { perDay: { maxCostDollars: 1 } } },
  });
  const { runId } = await fermata.start({
    name: 'upper',
    config: { budget: { maxCostDollars: 0.1 } },
    tasks: [
      { name: 'first', ...ask },
      { name: 'below', kind: 'subworkflow', workflow: { name: 'lower', tasks: [{ name: 'a', ...ask }] } },
      { name: 'last', ...ask, dependsOn: ['below'] },
    ],
  });
  await fermata.runtime.waitFor(runId);
  await fermata.runtime.idle();
  const { body } = await call('GET', `/runs/${runId}`);
  expect(body.withChildren.costDollars).toBe(0.003);
  expect(body.budget).toEqual({
    maxCostDollars: 0.1,
    spentDollars: 0.003,
    reservedDollars: 0,
    waitingCalls: 0,
    above: [
      { budget: `run:${runId}`, heldDollars: 0 },
      { budget: expect.stringMatching(/^day:/), heldDollars: 0 },
    ],
  });
});

it('warns in the stream of the run whose budget it is, whether it has spent that itself or begun what did', async () => {
  const { fermata } = await openFermata({ script, config: { prices } });
  const below = { name: 'below', kind: 'subworkflow', workflow: { name: 'lower', tasks: [{ name: 'a', ...ask }] } };
  const warnings = async (tasks: readonly object[]): Promise<unknown[]> => {
    const budget = { maxCostDollars: 0.005, warnAtDollars: 0.001 };
    const { runId } = await fermata.start({
      name: `${tasks.length} tasks`,
      config: { budget },
      tasks: [...tasks],
    } as never);
    await fermata.runtime.waitFor(runId);
    const facts = await fermata.runtime.journal(runId, { kind: 'fact', limit: 1_000 });
    return facts.filter(({ type }) => type === 'cost_warning').map(({ data }) => data);
  };
  const warning = { costDollars: 0.001, warnAtDollars: 0.001, maxCostDollars: 0.005 };
  const next = { name: 'next', ...ask, dependsOn: ['below'] };
  expect(await warnings([below, next])).toMatchObject([warning]);
  expect(await warnings([{ name: 'first', ...ask }, { ...below, dependsOn: ['first'] }, next])).toMatchObject([
    warning,
  ]);
});

it('finds the budget of a workflow by its id, as it is listed and as an address has it', async () => {
  const names = ['50% off: tea & "more"', 'a:2026-11'];
  const workflows = Object.fromEntries(names.map((name) => [name, { maxCostDollars: 1 }]));
  const months = { monthly: { maxCostDollars: 1, per: 'month' as const } };
  const { call } = await openFermata({
    script,
    config: { prices, budgets: { workflows: { ...workflows, ...months } } },
  });
  const { items } = (await call('GET', '/budgets')).body;
  expect(items).toHaveLength(3);
  for (const { id, workflow } of items) {
    const found = await Promise.all([encodeURIComponent(id), id].map((address) => call('GET', `/budgets/${address}`)));
    expect(found.map(({ body }) => body.workflow)).toEqual([workflow, workflow]);
  }
});

it('says why a task waits that looks for a similar question: what the vector may cost, and not its answer', async () => {
  const embedder = { 'text-embedding-3-small': { input: 1, output: 0 } };
  const { call, fermata } = await openFermata({
    script: [{ prompt: '', answers: [{ hang: true }] }],
    config: { prices: { openai: { ...prices.openai, ...embedder } } },
  });
  const { runId } = await fermata.start({
    name: 'waits',
    config: { budget: { maxCostDollars: 0.002 } },
    tasks: [
      { name: 'first', ...ask },
      { name: 'second', ...ask, cache: { enabled: true, similarityThreshold: 0.9 } },
    ],
  });
  const second = async () => (await call('GET', `/runs/${runId}/why`)).body.tasks.find(isSecond);
  const isSecond = ({ task }: { readonly task: string }): boolean => task === 'second';
  await expect.poll(second, { timeout: 10_000 }).toMatchObject({ waitsFor: 'budget' });
  expect((await second()).moves).toContain('the end of a call under way: it may cost $0.00007, and $0.00 of');
  expect((await second()).moves).toContain('too little the model is asked without looking for a similar question.');
  await fermata.runtime.cancel(runId);
});
