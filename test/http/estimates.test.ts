/** What a run would cost and do, by the front door. Prices are of the test: a nano-dollar a token in, ten a token out. */
import { describe, expect, it } from 'vitest';
import type { FermataConfig } from '../../src/config.ts';
import { ManualClock } from '../harness/clock.ts';
import { openFermata, type Harness } from '../harness/fermata.ts';

const PRICES: FermataConfig = { prices: { openai: { 'gpt-4o-mini': { input: 0.001, output: 0.01 } } } };
/** The seeds' market example: three questions, of which one reads the first answer. */
const ask = { expectedOutputTokens: 1_500, maxOutputTokens: 2_000, maxRetries: 0 };
const MARKET = {
  name: 'market',
  input: { type: 'object', properties: { topic: { type: 'string', default: 'AI' } } },
  tasks: [
    { name: 'research_market', prompt: 'What is the current state of the {{ input.topic }} market?', ...ask },
    { name: 'analyze_trends', prompt: 'Analyze current {{ input.topic }} market trends', ...ask },
    { name: 'summary', prompt: 'In short: {{ tasks.research_market.output }}', ...ask },
  ],
};

async function created({ call }: Harness, document: object): Promise<string> {
  const { status, body } = await call('POST', '/workflows', document);
  expect(status, JSON.stringify(body)).toBe(201);
  return body.id as string;
}

describe('POST …/estimate-cost', () => {
  it('says by task and in all what the market example costs, and stores nothing', async () => {
    const harness = await openFermata({ config: PRICES });
    const id = await created(harness, MARKET);
    const { status, body } = await harness.call('POST', `/workflows/${id}/estimate-cost`, { input: {} });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      workflowId: id,
      name: 'market',
      version: 1,
      guessed: false,
      warning: null,
      unlisted: 0,
    });
    // 11 and 5 tokens by the encoder of the model, and 7 around each; the third has 3 of its own.
    const tokens = body.estimatedCostBreakdown.map((one: { inputTokens: object }) => one.inputTokens);
    expect(tokens).toEqual([
      { lowest: 10, expected: 17, highest: 34, from: 'counted' },
      { lowest: 5, expected: 12, highest: 29, from: 'counted' },
      { lowest: 4, expected: 1_511, highest: 2_028, from: 'declared' },
    ]);
    expect(body.estimatedCostDollars).toEqual({
      lowest: 19 / 1e9,
      expected: (17 + 12 + 1_511 + 3 * 15_000) / 1e9,
      highest: (34 + 29 + 2_028 + 3 * 20_000) / 1e9,
    });
    expect((await harness.call('GET', '/runs')).body.items).toEqual([]);
    expect(harness.models.requests()).toEqual([]);
  });

  it('refuses an input that its schema refuses, and a prompt that cannot be rendered', async () => {
    const harness = await openFermata();
    const id = await created(harness, MARKET);
    const wrong = await harness.call('POST', `/workflows/${id}/estimate-cost`, { input: { topic: 5 } });
    expect([wrong.status, wrong.body.code]).toEqual([422, 'invalidInput']);
    const bare = await created(harness, { name: 'bare', tasks: [{ name: 'a', prompt: '{{ input.x.y }}' }] });
    const unrendered = await harness.call('POST', `/workflows/${bare}/estimate-cost`, {});
    expect([unrendered.status, unrendered.body.code]).toEqual([422, 'promptFailed']);
    expect((await harness.call('POST', '/workflows/nowhere/dry-run', {})).status).toBe(404);
    expect((await harness.call('POST', `/workflows/${id}/estimate-cost`, { inputs: {} })).status).toBe(400);
  });

  it('warns of what is dear, and says whose price nobody knows', async () => {
    const harness = await openFermata({ config: { prices: { openai: { dear: { input: 1_000, output: 1_000 } } } } });
    const tasks = [
      { name: 'a', model: 'dear', prompt: 'x', ...ask },
      { name: 'b', model: 'my-own', prompt: 'x', ...ask },
    ];
    const id = await created(harness, { name: 'dear', tasks });
    const { body } = await harness.call('POST', `/workflows/${id}/estimate-cost`, {});
    expect(body.warning).toBe('High cost workflow: $1.508 are expected, more than $1');
    expect(body.unpricedCalls).toEqual({ lowest: 1, expected: 1, highest: 1 });
    expect(body.estimatedCostBreakdown[1].estimatedCostDollars).toBeNull();
    expect(body.assumptions.join(' ')).toContain('openai/my-own');
  });

  it('learns from the runs there were', async () => {
    const answer = { text: 'ok', usage: { inputTokens: 40, outputTokens: 7 } };
    const clock = new ManualClock();
    const harness = await openFermata({ config: PRICES, clock, script: [{ prompt: '', answers: [answer] }] });
    const id = await created(harness, { name: 'w', tasks: [{ name: 'a', prompt: 'Hello' }] });
    const { runId } = (await harness.call('POST', `/workflows/${id}/execute`, {})).body;
    await harness.fermata.runtime.waitFor(runId);
    // What was learned a moment ago is taken for the same.
    clock.jump(60_000);
    const { body } = await harness.call('POST', `/workflows/${id}/estimate-cost`, {});
    expect(body.estimatedCostBreakdown[0].outputTokens).toMatchObject({ expected: 7, from: 'learned' });
    expect(body.guessed).toBe(false);
  });

  it('knows a first run soon after it has completed, though somebody has asked before', async () => {
    const answer = { text: 'ok', usage: { inputTokens: 40, outputTokens: 7 } };
    const clock = new ManualClock();
    const harness = await openFermata({ config: PRICES, clock, script: [{ prompt: '', answers: [answer] }] });
    const id = await created(harness, { name: 'w', tasks: [{ name: 'a', prompt: 'Hello' }] });
    const ahead = async () => (await harness.call('POST', `/workflows/${id}/dry-run`, {})).body;
    expect(await ahead()).toMatchObject({ unknownDurations: 1, cost: { guessed: true } });
    const { runId } = (await harness.call('POST', `/workflows/${id}/execute`, {})).body;
    await harness.fermata.runtime.waitFor(runId);
    clock.jump(1_000);
    expect(await ahead()).toMatchObject({ unknownDurations: 0, cost: { guessed: false } });
  });

  it('is learned anew after the clock was set back', async () => {
    const answer = { text: 'ok', usage: { inputTokens: 10, outputTokens: 7 } };
    const clock = new ManualClock();
    const harness = await openFermata({ config: PRICES, clock, script: [{ prompt: '', answers: [answer] }] });
    const id = await created(harness, { name: 'w', tasks: [{ name: 'a', prompt: 'Hello' }] });
    const source = async (): Promise<unknown> => {
      const { body } = await harness.call('POST', `/workflows/${id}/estimate-cost`, {});
      return body.estimatedCostBreakdown[0].outputTokens.from;
    };
    expect(await source()).toBe('default');
    const { runId } = (await harness.call('POST', `/workflows/${id}/execute`, {})).body;
    await harness.fermata.runtime.waitFor(runId);
    clock.jump(-3_600_000);
    expect(await source()).toBe('learned');
  });
});

describe('the chance of a branch', () => {
  it('is what earlier runs came to, and never sure', async () => {
    const clock = new ManualClock();
    const script = [{ prompt: '', answers: [{ text: 'ok', usage: { inputTokens: 10, outputTokens: 20 } }] }];
    const config = { ...PRICES, functions: { tell: (input: unknown) => (input as { kind: unknown }).kind } };
    const harness = await openFermata({ config, clock, script });
    const id = await created(harness, {
      name: 'branching',
      tasks: [
        { name: 'kind', kind: 'code', function: 'tell', input: { kind: 'input.kind' } },
        { name: 'which', kind: 'condition', if: 'tasks.kind.output == "a"', then: ['a'], else: ['b'] },
        { name: 'a', prompt: 'A', ...ask },
        { name: 'b', prompt: 'B', ...ask },
        { name: 'more', prompt: 'C', when: 'tasks.kind.output == "a"', ...ask },
      ],
    });
    const breakdown = async () => {
      const { body } = await harness.call('POST', `/workflows/${id}/estimate-cost`, { input: { kind: 'a' } });
      const entries = body.estimatedCostBreakdown as readonly { task: string; chance: number }[];
      return { chances: Object.fromEntries(entries.map(({ task, chance }) => [task, chance])), body };
    };
    const before = await breakdown();
    expect(before.chances).toEqual({ a: 0.5, b: 0.5, more: 0.5 });
    expect(before.body.assumptions.join(' ')).toContain('as likely as the others');
    for (const kind of ['a', 'b', 'a', 'a']) {
      const { body } = await harness.call('POST', `/workflows/${id}/execute`, { input: { kind } });
      await harness.fermata.runtime.waitFor(body.runId as string);
    }
    clock.jump(60_000);
    // Three of four, as though there were one more that went either way.
    const after = await breakdown();
    expect(after.chances).toEqual({ a: 0.7, b: 0.3, more: 0.7 });
    expect(after.body.assumptions.join(' ')).not.toContain('as likely as the others');
    expect(after.body.estimatedCostDollars.lowest).toBe(before.body.estimatedCostDollars.lowest);
  });
});

describe('POST …/dry-run', () => {
  it('says what runs when, how long it takes, who is asked and what is waited for', async () => {
    const harness = await openFermata({ config: PRICES });
    const timed = (name: string, estimatedDurationSeconds: number, over: object = {}) => ({
      name,
      prompt: name,
      estimatedDurationSeconds,
      ...ask,
      ...over,
    });
    const id = await created(harness, {
      name: 'plan',
      config: { breadth: 2 },
      tasks: [
        timed('a', 10),
        timed('b', 10),
        timed('c', 10),
        timed('d', 5, { dependsOn: ['a'], requiresApproval: true, approvalPrompt: 'Go on?' }),
        timed('e', 5, { when: 'input.n > 1' }),
        { name: 'nap', kind: 'wait', seconds: 3, dependsOn: ['d'] },
      ],
    });
    const { status, body } = await harness.call('POST', `/workflows/${id}/dry-run`, { input: { n: 1 } });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      tasksToExecute: 5,
      skipped: ['e'],
      executionPlan: [
        { stage: 1, tasks: ['a', 'b', 'c'], parallel: true },
        { stage: 2, tasks: ['d'], parallel: false },
        { stage: 3, tasks: ['nap'], parallel: false },
      ],
      // Two at once: a and b, then c and d, and nothing waits for c.
      estimatedDurationSeconds: 20,
      unknownDurations: 0,
      criticalPath: ['a', 'c'],
      approvals: [{ task: 'd', prompt: 'Go on?', onReject: 'fail' }],
      waits: [{ task: 'nap', seconds: 3 }],
    });
    expect(body.cost.guessed).toBe(false);
    expect(harness.models.requests()).toEqual([]);
  });
});

describe('POST …/dry-run: what people will read', () => {
  const asking = (approvalPrompt: string) => ({ requiresApproval: true, approvalPrompt, prompt: 'x', ...ask });

  it('has what the input says filled in, and marks what the run has to find out', async () => {
    const harness = await openFermata({ config: PRICES });
    const inner = { name: 'inner', tasks: [{ name: 'sign', ...asking('Sign for {{ input.topic }}?') }] };
    const id = await created(harness, {
      name: 'asks',
      input: { type: 'object', properties: { topic: { type: 'string' }, day: { type: 'string' } } },
      tasks: [
        { name: 'plan', prompt: 'x', ...ask },
        { name: 'known', ...asking('Publish on {{ input.topic | upcase }}?') },
        { name: 'later', ...asking('{{ input.topic }}: {{ tasks.plan.output }}?') },
        { name: 'each', kind: 'map', items: '[1, 2]', task: asking('{{ input.topic }} {{ item }}?') },
        { name: 'run', kind: 'subworkflow', workflow: inner, input: { topic: '{{ input.topic }} within' } },
        { name: 'found', kind: 'subworkflow', workflow: inner, input: { topic: '{{ tasks.plan.output }}' } },
        { name: 'lacks', ...asking('{{ input.nothing.at_all }}?') },
        { name: 'until', kind: 'wait', until: 'input.day' },
        { name: 'someday', kind: 'wait', until: 'tasks.plan.output' },
        { name: 'written', kind: 'wait', until: '2030-12-24' },
      ],
    });
    const { status, body } = await harness.call('POST', `/workflows/${id}/dry-run`, {
      input: { topic: 'tea', day: '2031-01-06' },
    });
    expect({ status, body }).toMatchObject({ status: 200 });
    const said = (halts: Record<string, unknown>[], mark: string) =>
      halts.map(({ task, prompt, until, within = [], [mark]: isMarked = false }) => [
        [...(within as string[]), task].join(' › '),
        prompt ?? until,
        isMarked,
      ]);
    expect(said(body.approvals, 'isTemplate')).toEqual([
      ['known', 'Publish on TEA?', false],
      ['later', '{{ input.topic }}: {{ tasks.plan.output }}?', true],
      ['each', '{{ input.topic }} {{ item }}?', true],
      ['run › sign', 'Sign for tea within?', false],
      ['found › sign', 'Sign for {{ input.topic }}?', true],
      ['lacks', '{{ input.nothing.at_all }}?', true],
    ]);
    expect(said(body.waits, 'isExpression')).toEqual([
      ['until', '2031-01-06', false],
      ['someday', 'tasks.plan.output', true],
      ['written', '2030-12-24', false],
    ]);
  });

  it('is cut where the input is long', async () => {
    const harness = await openFermata({ config: PRICES });
    const id = await created(harness, { name: 'long', tasks: [{ name: 'a', ...asking('{{ input.text }}') }] });
    const { body } = await harness.call('POST', `/workflows/${id}/dry-run`, { input: { text: 'x'.repeat(50_000) } });
    expect(body.approvals[0].prompt).toHaveLength(10_000);
  });
});

describe('POST …/dry-run of a workflow that begins runs', () => {
  it('plays those through: their time, whom they ask, what they wait for', async () => {
    const harness = await openFermata({ config: PRICES });
    await created(harness, {
      name: 'review',
      tasks: [
        { name: 'read', prompt: 'x', estimatedDurationSeconds: 4, ...ask },
        { name: 'nap', kind: 'wait', seconds: 3, dependsOn: ['read'] },
        { name: 'sign', prompt: 'x', dependsOn: ['nap'], requiresApproval: true, ...ask },
      ],
    });
    const inline = { name: 'inner', tasks: [{ name: 'again', kind: 'subworkflow', workflow: 'review' }] };
    const id = await created(harness, {
      name: 'upper',
      config: { breadth: 1 },
      tasks: [
        { name: 'deep', kind: 'subworkflow', workflow: inline },
        { name: 'each', kind: 'map', items: '[1, 2]', task: { kind: 'subworkflow', workflow: 'review' } },
        { name: 'ask', kind: 'map', items: '[1, 2]', task: { prompt: 'x', requiresApproval: true, ...ask } },
        { name: 'said', kind: 'subworkflow', workflow: 'review', estimatedDurationSeconds: 60, dependsOn: ['deep'] },
      ],
    });
    const { body } = await harness.call('POST', `/workflows/${id}/dry-run`, {});
    // Runs below hold no place: all begin at once, but for the last one, of which its author says how long it takes.
    expect(body).toMatchObject({
      tasksToExecute: 4,
      estimatedDurationSeconds: 67,
      criticalPath: ['deep', 'said'],
      // Signing in the two runs that are played through, and the items of "ask".
      unknownDurations: 3,
      approvals: [
        { task: 'sign', within: ['deep', 'again'] },
        { task: 'sign', within: ['each'], perItem: true },
        { task: 'ask', perItem: true },
        { task: 'sign', within: ['said'] },
      ],
      waits: [
        { task: 'nap', within: ['deep', 'again'], seconds: 3 },
        { task: 'nap', within: ['each'], perItem: true },
        { task: 'nap', within: ['said'] },
      ],
    });
    expect(body.approvals[2]).not.toHaveProperty('within');
    expect(body.durations).toContainEqual({ task: 'each', seconds: 7, from: 'declared' });
  });

  it('knows a run below by what its own earlier ones took', async () => {
    const clock = new ManualClock();
    const functions = { slow: () => clock.jump(9_000) };
    const harness = await openFermata({ config: { functions }, clock });
    const child = await created(harness, { name: 'child', tasks: [{ name: 'a', kind: 'code', function: 'slow' }] });
    const id = await created(harness, {
      name: 'parent',
      tasks: [{ name: 'run', kind: 'subworkflow', workflow: 'child' }],
    });
    const before = await harness.call('POST', `/workflows/${id}/dry-run`, {});
    expect(before.body).toMatchObject({ estimatedDurationSeconds: null, unknownDurations: 1 });
    const { runId } = (await harness.call('POST', `/workflows/${child}/execute`, {})).body;
    await harness.fermata.runtime.waitFor(runId);
    clock.jump(60_000);
    const after = await harness.call('POST', `/workflows/${id}/dry-run`, {});
    expect(after.body).toMatchObject({ estimatedDurationSeconds: 9, unknownDurations: 0 });
  });

  it('takes what such runs took as a whole where it knows only a part of them', async () => {
    const clock = new ManualClock();
    const functions = { slow: () => clock.jump(600_000) };
    const harness = await openFermata({ config: { functions }, clock });
    const inner = {
      name: 'inner',
      tasks: [
        { name: 'a', kind: 'code', function: 'slow' },
        { name: 'b', kind: 'code', function: 'slow', estimatedDurationSeconds: 5 },
      ],
    };
    const tasks = [{ name: 'run', kind: 'subworkflow', workflow: inner }];
    const id = await created(harness, { name: 'parent', tasks });
    const before = await harness.call('POST', `/workflows/${id}/dry-run`, {});
    expect(before.body).toMatchObject({ estimatedDurationSeconds: 5, unknownDurations: 1 });
    const { runId } = (await harness.call('POST', `/workflows/${id}/execute`, {})).body;
    await harness.fermata.runtime.waitFor(runId);
    clock.jump(60_000);
    const after = await harness.call('POST', `/workflows/${id}/dry-run`, {});
    expect(after.body).toMatchObject({ estimatedDurationSeconds: 1_200, unknownDurations: 0 });
  });
});

describe('what is said before a run', () => {
  it('is of the config that the run would be asked for with', async () => {
    const harness = await openFermata({ config: PRICES });
    const id = await created(harness, {
      name: 'wide',
      tasks: ['a', 'b'].map((name) => ({ name, prompt: name, estimatedDurationSeconds: 5, ...ask })),
    });
    const config = { breadth: 1, budget: { maxCostDollars: 0.00002 } };
    const dryRun = (request: object) => harness.call('POST', `/workflows/${id}/dry-run`, request);
    expect((await dryRun({})).body).toMatchObject({ estimatedDurationSeconds: 5, cost: { warning: null } });
    const { body } = await dryRun({ config });
    expect(body).toMatchObject({ estimatedDurationSeconds: 10, criticalPath: ['a', 'b'] });
    expect(body.cost.warning).toMatch(/^Over budget: /);
    const estimate = await harness.call('POST', `/workflows/${id}/estimate-cost`, { config });
    expect(estimate.body.warning).toMatch(/^Over budget: /);
    expect((await dryRun({ config: { breadth: 0 } })).body).toMatchObject({
      status: 400,
      errors: [{ path: 'config.breadth' }],
    });
    expect((await dryRun({ config: { breath: 2 } })).body.errors[0].message).toContain('did you mean "breadth"');
  });
});

describe('a run that begins', () => {
  const budget = (maxCostDollars: number) => ({ config: { budget: { maxCostDollars } } });

  it('is refused where its budget cannot pay what is expected, with what costs how much', async () => {
    const harness = await openFermata({ config: PRICES });
    const id = await created(harness, MARKET);
    const { status, body } = await harness.call('POST', `/workflows/${id}/execute`, budget(0.00004));
    expect([status, body.code]).toEqual([402, 'budgetTooSmall']);
    expect(body).toMatchObject({ maxCostDollars: 0.00004, estimatedCostDollars: { expected: 46_540 / 1e9 } });
    expect(body.estimatedCostBreakdown[0]).toEqual({ task: 'summary', expectedCostDollars: 16_511 / 1e9 });
    expect((await harness.call('GET', '/runs')).body.items).toEqual([]);
  });

  it('is not refused for a guess, unless even the least is too much', async () => {
    const answer = { text: 'ok', usage: { inputTokens: 5, outputTokens: 1 } };
    const harness = await openFermata({ config: PRICES, script: [{ prompt: '', answers: [answer] }] });
    const id = await created(harness, {
      name: 'guess',
      tasks: [{ name: 'a', prompt: 'one two three four five six seven', minOutputTokens: 1 }],
    });
    const begun = await harness.call('POST', `/workflows/${id}/execute`, budget(0.000_001));
    expect(begun.status).toBe(202);
    await harness.fermata.runtime.waitFor(begun.body.runId);
    const refused = await harness.call('POST', `/workflows/${id}/execute`, budget(0.000_000_005));
    expect([refused.status, refused.body.code]).toEqual([402, 'budgetTooSmall']);
  });

  it('keeps what it was expected to cost, beside what it has cost', async () => {
    const answer = { text: 'ok', usage: { inputTokens: 20, outputTokens: 1_400 } };
    const harness = await openFermata({ config: PRICES, script: [{ prompt: '', answers: [answer] }] });
    const id = await created(harness, MARKET);
    const { runId } = (await harness.call('POST', `/workflows/${id}/execute`, budget(1))).body;
    await harness.fermata.runtime.waitFor(runId);
    const { body } = await harness.call('GET', `/runs/${runId}`);
    expect(body.estimate).toEqual({
      lowestDollars: 19 / 1e9,
      expectedDollars: 46_540 / 1e9,
      highestDollars: 62_091 / 1e9,
    });
    expect(body.costDollars).toBe((3 * 20 + 3 * 14_000) / 1e9);
    const unpriced = await created(harness, { name: 'u', tasks: [{ name: 'a', model: 'my-own', prompt: 'x' }] });
    const other = (await harness.call('POST', `/workflows/${unpriced}/execute`, {})).body.runId;
    await harness.fermata.runtime.waitFor(other);
    expect((await harness.call('GET', `/runs/${other}`)).body.estimate).toBeNull();
  });
});
