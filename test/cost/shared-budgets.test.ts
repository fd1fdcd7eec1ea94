/** Budgets of several runs, through the front door: a real database file, a scripted model server on a real socket. */
import { describe, expect, it } from 'vitest';
import type { FermataConfig } from '../../src/config.ts';
import { openFermata, type Harness } from '../harness/fermata.ts';

/** Ten dollars for a million tokens of the answer, and nothing for the prompt: an answer of 100 tokens is a tenth of a cent. */
const prices: FermataConfig['prices'] = { openai: { '*': { input: 0, output: 10 } } };
const said = (outputTokens: number) => [
  { prompt: '', answers: [{ text: 'Done.', usage: { inputTokens: 10, outputTokens } }] },
];

/** `count` calls that are independent of each other. */
function calls(name: string, count: number, config: object = {}, task: object = {}) {
  return {
    name,
    config: { breadth: 1_000, onTaskFailure: 'continue', ...config },
    tasks: [
      {
        name: 'each',
        kind: 'map',
        items: JSON.stringify(Array.from({ length: count }, (_, index) => index)),
        task: { prompt: 'Say {{ item }}', maxOutputTokens: 100, ...task },
      },
    ],
  };
}

async function create({ call }: Harness, document: object): Promise<string> {
  const { status, body } = await call('POST', '/workflows', document);
  expect(status, JSON.stringify(body)).toBe(201);
  return body.id;
}

async function start({ call }: Harness, workflow: string, config?: object): Promise<string> {
  const { status, body } = await call('POST', `/workflows/${workflow}/execute`, { config });
  expect(status, JSON.stringify(body)).toBe(202);
  return body.runId;
}

async function endOf({ call, fermata }: Harness, runId: string) {
  await fermata.runtime.waitFor(runId);
  return (await call('GET', `/runs/${runId}`)).body;
}

/** What the runs that keep shared budgets hold when all is over. */
async function sums({ fermata }: Harness) {
  await fermata.runtime.idle();
  const runs = await fermata.runtime.list({ idPrefix: 'budget:', inner: true, limit: 100 });
  const contexts = await Promise.all(
    runs.map(async ({ runId }) => [runId, await fermata.runtime.contextOf(runId, '/')]),
  );
  return Object.fromEntries(contexts) as Record<
    string,
    { settled: number; lent: number; waiting: number; limit: number }
  >;
}

describe('a budget of the day', () => {
  it('for ten calls makes exactly ten of a thousand that begin at once in fifty runs', async () => {
    const harness = await openFermata({
      script: said(100),
      config: { prices, budgets: { perDay: { maxCostDollars: 0.01 } } },
    });
    const workflow = await create(harness, calls('calls', 20));
    const runs = await Promise.all(Array.from({ length: 50 }, () => start(harness, workflow)));
    const ended = await Promise.all(runs.map((run) => endOf(harness, run)));
    expect(new Set(ended.map(({ status, reason }) => `${status} ${reason.code}`))).toEqual(
      new Set(['cancelled budgetExceeded']),
    );
    expect(harness.models.requests()).toHaveLength(10);
    const [day] = Object.values(await sums(harness));
    expect(day).toMatchObject({ limit: 10_000_000, settled: 10_000_000, lent: 0, waiting: 0 });
  });

  it('is used, 95 % of it at least, by runs whose calls cost less than they might', async () => {
    const answer = () => ({ text: 'Done.', usage: { inputTokens: 10, outputTokens: 37 } });
    const config = { prices, budgets: { perDay: { maxCostDollars: 0.02, warnAtDollars: 0.005 } } };
    const harness = await openFermata({ script: [{ prompt: '', answers: [answer] }], config });
    const workflow = await create(harness, calls('calls', 20, { breadth: 2 }, { minOutputTokens: 5 }));
    const runs = await Promise.all(Array.from({ length: 6 }, () => start(harness, workflow)));
    await Promise.all(runs.map((run) => endOf(harness, run)));
    const [day] = Object.values(await sums(harness));
    expect(day?.lent).toBe(0);
    expect(day?.settled).toBeGreaterThanOrEqual(19_000_000);
    expect(day?.settled).toBeLessThanOrEqual(20_000_000);
    const costs = (await harness.call('GET', '/costs?groupBy=tenant')).body.items[0].costDollars;
    expect(costs, 'the ledger says the same').toBe((day?.settled ?? 0) / 1e9);
    const [{ id }] = (await harness.call('GET', '/budgets')).body.items;
    const facts = await harness.fermata.runtime.journal(`budget:${id}`, { kind: 'fact', limit: 1_000 });
    expect(facts.filter(({ type }) => type === 'cost_warning')).toHaveLength(1);
  });

  it('is no run of a user: lists leave it out, it cannot be cancelled, and GET /budgets shows it', async () => {
    const config = { prices, budgets: { perDay: { maxCostDollars: 0.01 }, workflows: { one: { maxCostDollars: 1 } } } };
    const harness = await openFermata({ script: said(100), config });
    const { call } = harness;
    const day = `day:${new Date().toISOString().slice(0, 10)}`;
    expect((await call('GET', '/budgets')).body.items).toMatchObject([
      { id: day, kind: 'day', maxCostDollars: 0.01, spentDollars: 0, leftDollars: 0.01 },
      { id: 'workflow:one', kind: 'workflow', workflow: 'one', maxCostDollars: 1 },
    ]);
    const ended = await endOf(harness, await start(harness, await create(harness, calls('one', 1))));
    expect(ended.status).toBe('completed');
    await harness.fermata.runtime.idle();
    expect((await call('GET', '/runs')).body.items).toHaveLength(1);
    const shown = await call('GET', `/budgets/${encodeURIComponent(day)}`);
    expect(shown.body).toMatchObject({ id: day, spentDollars: 0.001, reservedDollars: 0, waitingRuns: 0, holders: [] });
    expect((await call('GET', '/budgets/workflow:two')).status).toBe(404);
    const cancelled = await call('POST', `/runs/${encodeURIComponent(`budget:${day}`)}/cancel`, {});
    expect(cancelled.status).toBe(409);
    const gone = await call('DELETE', `/runs/${encodeURIComponent(`budget:${day}`)}`);
    expect(gone.status).toBe(409);
  });

  it('and those of workflows are listed by their kind, newest first, in pages', async () => {
    const names = ['one', 'two', 'three'];
    const workflows = Object.fromEntries(names.map((name) => [name, { maxCostDollars: 1 }]));
    const config = { prices, budgets: { perDay: { maxCostDollars: 1 }, workflows } };
    const harness = await openFermata({ script: said(100), config });
    for (const name of names) {
      const workflow = await create(harness, { ...calls(name, 1), tags: ['budget:workflow'] });
      await endOf(harness, await start(harness, workflow));
    }
    await harness.fermata.runtime.idle();
    const listed: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const { body } = await harness.call('GET', `/budgets?kind=workflow&limit=1${cursor && `&cursor=${cursor}`}`);
      listed.push(...body.items.map(({ id }: { id: string }) => id));
      cursor = body.nextCursor;
    }
    expect(listed).toEqual(['workflow:three', 'workflow:two', 'workflow:one']);
    expect((await harness.call('GET', '/budgets?kind=day')).body.items).toHaveLength(1);
  });

  it('refuses a run that what is left of it cannot pay, and one whose model nobody knows the price of', async () => {
    const config = { prices, budgets: { perDay: { maxCostDollars: 0.0015 } } };
    const harness = await openFermata({ script: said(100), config });
    const document = calls('sure', 1, {}, { expectedOutputTokens: 100 });
    const workflow = await create(harness, {
      ...document,
      tasks: [{ name: 'a', prompt: 'Say', maxOutputTokens: 100, expectedOutputTokens: 100 }],
    });
    expect((await endOf(harness, await start(harness, workflow))).status).toBe('completed');
    await harness.fermata.runtime.idle();
    const refused = await harness.call('POST', `/workflows/${workflow}/execute`, {});
    expect([refused.status, refused.body.code]).toEqual([402, 'budgetTooSmall']);
    expect(refused.body.detail).toMatch(/0\.0005.* are left/);
    const other = await create(harness, { name: 'other', tasks: [{ name: 'a', provider: 'mine', prompt: 'Say' }] });
    const unknown = await harness.call('POST', `/workflows/${other}/execute`, {});
    expect(unknown.status).toBe(422);
  });
});

describe('the budget of a run', () => {
  const child = { name: 'child', tasks: [{ name: 'say', prompt: 'Say', maxOutputTokens: 100 }] };
  const parent = (count: number, maxCostDollars: number, wait = true) => ({
    name: 'parent',
    config: { breadth: 100, onTaskFailure: 'continue', budget: { maxCostDollars } },
    tasks: Array.from({ length: count }, (_, index) => ({
      name: `c${index}`,
      kind: 'subworkflow',
      workflow: child,
      wait,
    })),
  });

  it('pays for the runs that it begins: twenty children, money for five', async () => {
    const harness = await openFermata({ script: said(100), config: { prices } });
    const ended = await endOf(harness, await start(harness, await create(harness, parent(20, 0.005))));
    expect([ended.status, ended.reason.code]).toEqual(['cancelled', 'budgetExceeded']);
    await harness.fermata.runtime.idle();
    expect(harness.models.requests()).toHaveLength(5);
    const [tree] = Object.values(await sums(harness));
    expect(tree).toMatchObject({ limit: 5_000_000, settled: 5_000_000, lent: 0, waiting: 0 });
    const shown = (await harness.call('GET', `/runs/${ended.runId}`)).body.budget;
    expect(shown).toMatchObject({ maxCostDollars: 0.005, spentDollars: 0.005, reservedDollars: 0, waitingCalls: 0 });
  });

  it('pays for those that go on after it', async () => {
    const harness = await openFermata({ script: said(100), config: { prices } });
    const ended = await endOf(harness, await start(harness, await create(harness, parent(4, 0.002, false))));
    expect(ended.status).toBe('completed');
    const children = await harness.fermata.runtime.list({ parent: ended.runId, limit: 9 });
    const ends = await Promise.all(children.map(({ runId }) => endOf(harness, runId)));
    expect(ends.filter(({ status }) => status === 'completed')).toHaveLength(2);
    expect(ends.filter(({ reason }) => reason?.code === 'budgetExceeded')).toHaveLength(2);
    expect(harness.models.requests()).toHaveLength(2);
  });
});

describe('a limit', () => {
  it('of a day that is over stays over for a retry on that day', async () => {
    const harness = await openFermata({
      script: said(100),
      config: { prices, budgets: { perDay: { maxCostDollars: 0.001 } } },
    });
    const workflow = await create(harness, calls('calls', 1));
    expect((await endOf(harness, await start(harness, workflow))).status).toBe('completed');
    const over = await endOf(harness, await start(harness, workflow));
    expect(over.reason.code).toBe('budgetExceeded');
    const retried = await harness.call('POST', `/runs/${over.runId}/retry`, {});
    expect((await endOf(harness, retried.body.runId)).reason.code).toBe('budgetExceeded');
  });

  it.each([
    [{ perDay: { maxCostDollars: -1 } }, /budgets\.perDay\.maxCostDollars/],
    [{ perDay: { maxCostDollars: 1, warnAtDollars: 2 } }, /warnAtDollars/],
    [{ workflows: { a: { maxCostDollars: 1, per: 'week' } } }, /budgets\.workflows\.a\.per/],
    [{ perday: { maxCostDollars: 1 } }, /did you mean `?"?perDay/],
  ])('that is wrong is refused at the start: %j', async (budgets, message) => {
    await expect(openFermata({ config: { budgets: budgets as never } })).rejects.toThrow(message);
  });
});
