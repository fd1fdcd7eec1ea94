/**
 * Random runs with budgets against a provider of moods, on a real socket: it answers, refuses, breaks off, or does not
 * say what it counted. What it really took is summed up there, so that nothing depends on what the run believes.
 */
import assert from 'node:assert/strict';
import type { BudgetContext } from '../../machines/budget.ts';
import type { SharedBudgetContext } from '../../machines/shared-budget.ts';
import type { CodeFunction } from '../../actors/code-function.ts';
import { compose, type Fermata, type FermataOptions } from '../../src/compose.ts';
import type { FermataConfig } from '../../src/config.ts';
import { BUDGET_ADDRESS } from '../../src/document/budget.ts';
import { execute } from '../../src/document/execute.ts';
import type { CommitGroup } from '../../src/store/commit.ts';
import type { Store } from '../../src/store/store.ts';
import { memoryStore } from '../../src/testing/store/memory-store.ts';
import { randomOf, type Random } from '../../src/testing/random.ts';
import {
  answerError,
  answerWith,
  beginStream,
  chunk,
  startRawModelServer,
  type RawExchange,
  type RawModelServer,
} from '../harness/raw-model-server.ts';

/** Dollars for a million tokens: nano-dollars for a token are a thousand times as many. */
const [INPUT, OUTPUT] = [2, 10];
/** How much dearer models are than any other. */
const DEARER: Readonly<Record<string, number>> = { good: 6, fair: 3, cheap: 0.5 };
const PRICES = {
  openai: Object.fromEntries(
    Object.entries({ 'gpt-4o-mini': 1, ...DEARER }).map(([model, times]) => [
      model,
      { input: INPUT * times, output: OUTPUT * times },
    ]),
  ),
};
const costOf = (input: number, output: number, model = 'gpt-4o-mini'): number =>
  (input * INPUT + output * OUTPUT) * 1_000 * (DEARER[model] ?? 1);
const RETRY = { initialSeconds: 0.001, factor: 1, maxSeconds: 0.001 };

/** What came of one run. */
export interface BudgetTrial {
  readonly status: string;
  readonly code: string | undefined;
  readonly limit: number;
  readonly settled: number;
  /** What the provider has really taken. */
  readonly taken: number;
  readonly requests: number;
  readonly waited: number;
  /** Choices of a lesser model, for want of money. */
  readonly lesser: number;
}

/** Runs one, and throws where a commit breaks its budget. */
export async function budgetTrial(seed: number): Promise<BudgetTrial> {
  const random = randomOf(`budget ${seed}`);
  const provider = await startMoodyProvider(random);
  const { server } = provider;
  let wrong: string | undefined;
  const limit = Math.floor((0.5 + random.next() * 12) * costOf(30, 100));
  let waited = 0;
  const store = watched(memoryStore(), (budget) => {
    waited += budget.waiting;
    const { settled, reserved, waiting } = budget;
    if (settled + reserved > limit || Math.min(settled, reserved, waiting) < 0)
      wrong ??= `a commit has ${JSON.stringify(budget)}`;
  });
  const fermata = await compose(optionsOf(store, server));
  try {
    const { runtime, workflows } = fermata;
    const document = documentOf(random, limit, choiceOf(randomOf(`models ${seed}`)));
    const workflow = await workflows.create(document as never);
    const definition = await workflows.definition(workflow.id, 1);
    const { runId } = await execute(runtime, workflow, definition, {});
    if (random.next() < 0.1) setTimeout(() => void runtime.cancel(runId).catch(() => {}), random.next() * 20);
    const { status, reason } = await runtime.waitFor(runId);
    const budget = (await runtime.contextOf(runId, BUDGET_ADDRESS)) as BudgetContext;
    const spent = await fermata.costs.own(runId);
    const fault = wrong ?? provider.wrong;
    assert.equal(fault, undefined, `seed ${seed}: ${fault}`);
    const { taken } = provider;
    assert.deepEqual([budget.reserved, budget.waiting], [0, 0], `seed ${seed}: something is left under way`);
    assert.equal(Number(spent?.costNanos ?? 0n), budget.settled, `seed ${seed}: the ledger says something else`);
    const lesser = await assertPaidAsChosen(fermata, runId, seed);
    assert.equal(spent?.unknownCalls ?? 0, 0, `seed ${seed}: something has no cost`);
    assert.ok(budget.settled <= limit, `seed ${seed}: ${budget.settled} of ${limit} are spent`);
    assert.ok(
      taken <= budget.settled,
      `seed ${seed}: the provider has taken ${taken}, and ${budget.settled} are settled`,
    );
    return {
      status,
      code: (reason as { readonly code?: string } | undefined)?.code,
      limit,
      settled: budget.settled,
      taken,
      requests: server.requests.length,
      waited,
      lesser,
    };
  } finally {
    await fermata.close();
    await server.stop();
  }
}

/** What takes money for its answers, or does not, or breaks off: it knows what it has really taken. */
interface MoodyProvider {
  readonly server: RawModelServer;
  readonly taken: number;
  /** What was wrong with a request. Thrown there it would end the process. */
  readonly wrong: string | undefined;
}

async function startMoodyProvider(random: Random): Promise<MoodyProvider> {
  let taken = 0;
  let wrong: string | undefined;
  const answer = (exchange: RawExchange): void => {
    const {
      max_completion_tokens: most,
      model,
      messages,
      response_format: format,
    } = exchange.body as {
      max_completion_tokens: number;
      model: string;
      messages: { content: string }[];
      response_format?: unknown;
    };
    if (!(most > 0)) wrong ??= 'a request is not bounded';
    const said = messages.reduce((sum, { content }) => sum + content.length, 0);
    const input = 1 + Math.floor(random.next() * Math.ceil(said / 4));
    const output = 1 + Math.floor(random.next() * most);
    const mood = random.next();
    if (mood < 0.1) return answerError(exchange, 429, { message: 'later', type: 'rate_limit_error' });
    if (mood < 0.15) return answerError(exchange, 500, { message: 'broke', type: 'server_error' });
    taken += costOf(input, output, model);
    if (mood < 0.2)
      return void beginStream(exchange).write(chunk({ content: 'cut' }), () => exchange.response.destroy());
    const isGood = random.next() < 0.7;
    const text = format === undefined ? 'Done.' : isGood ? '{"x": 1}' : 'no JSON';
    if (mood < 0.25) return answerWith(exchange, text);
    answerWith(exchange, text, { prompt_tokens: input, completion_tokens: output });
  };
  const server = await startRawModelServer(answer);
  return {
    server,
    get taken() {
      return taken;
    },
    get wrong() {
      return wrong;
    },
  };
}

const asksModels: CodeFunction = async (_, { model }) => {
  const asked = [1, 2].map((n) => model({ prompt: `Say ${n}`, maxOutputTokens: 50 }).catch(() => 'none'));
  return { said: (await Promise.all(asked)).length };
};
const adds: CodeFunction = async (_, { model }) => {
  await model({ prompt: 'Which?', maxOutputTokens: 40 }).catch(() => 'none');
  return [{ name: 'added', prompt: 'Say more', maxOutputTokens: 60, retry: RETRY }];
};

function optionsOf(store: Store, { baseUrl }: RawModelServer, budgets?: FermataConfig['budgets']): FermataOptions {
  return {
    store,
    environment: {},
    config: {
      providers: { openai: { apiKey: 'none', baseUrl } },
      functions: { asksModels, adds },
      ...(budgets === undefined ? {} : { budgets }),
    },
  };
}

/** What came of several runs that share the budgets of a day and of a workflow. */
export interface SharedBudgetTrial {
  readonly limit: number;
  readonly settled: number;
  readonly requests: number;
  readonly over: number;
  readonly waited: number;
  readonly lesser: number;
}

/** Runs some at once, and throws where a commit has more lent and spent than there is. */
export async function sharedBudgetTrial(seed: number): Promise<SharedBudgetTrial> {
  const random = randomOf(`shared budget ${seed}`);
  const provider = await startMoodyProvider(random);
  const limit = Math.floor((2 + random.next() * 30) * costOf(30, 100));
  let [waited, wrong]: [number, string | undefined] = [0, undefined];
  const store = watched(memoryStore(), undefined, (run, { limit: most, settled, lent, waiting }) => {
    waited += waiting;
    if (settled + lent > (most ?? Infinity) || Math.min(settled, lent, waiting) < 0)
      wrong ??= `a commit has ${settled} settled and ${lent} lent of ${most} in ${run}, and ${waiting} wait`;
  });
  const budgets = {
    perDay: { maxCostDollars: limit / 1e9 },
    workflows: { random0: { maxCostDollars: Math.ceil(limit / 2) / 1e9, per: 'month' as const } },
  };
  const fermata = await compose(optionsOf(store, provider.server, budgets));
  try {
    const { runtime, workflows, budgetFor } = fermata;
    const runs: string[] = [];
    for (let n = 0; n < 4; n++) {
      // Some have a budget of their own, too.
      const own = random.next() < 0.4 ? Math.floor(limit * random.next()) + 1_000 : undefined;
      const document = documentOf(random, own, choiceOf(random), `random${n}`);
      const workflow = await workflows.create(document as never);
      const definition = await workflows.definition(workflow.id, 1);
      runs.push((await execute(runtime, workflow, definition, {}, { budgetFor })).runId);
    }
    const cancelled = random.next() < 0.3 ? runs[0] : undefined;
    if (cancelled !== undefined) setTimeout(() => void runtime.cancel(cancelled).catch(() => {}), random.next() * 20);
    const ends = await Promise.all(runs.map((run) => runtime.waitFor(run)));
    await runtime.idle();
    const lesser = await Promise.all(runs.map((run) => assertPaidAsChosen(fermata, run, seed)));
    const bills = await Promise.all(runs.map((run) => fermata.costs.own(run)));
    const costs = bills.reduce((sum, bill) => sum + Number(bill?.costNanos ?? 0n), 0);
    const fault = wrong ?? provider.wrong;
    assert.equal(fault, undefined, `seed ${seed}: ${fault}`);
    const kept = await runtime.list({ idPrefix: 'budget:day', inner: true, limit: 9 });
    let settled = 0;
    // Two, where midnight came between.
    for (const { runId } of kept) {
      const day = (await runtime.contextOf(runId, '/')) as SharedBudgetContext;
      assert.deepEqual([day.lent, day.waiting], [0, 0], `seed ${seed}: ${runId} has something lent`);
      settled += day.settled;
    }
    assert.equal(settled, costs, `seed ${seed}: the ledger says something else`);
    assert.ok(provider.taken <= settled, `seed ${seed}: ${provider.taken} are taken, ${settled} settled`);
    return {
      limit,
      settled,
      waited,
      requests: provider.server.requests.length,
      over: ends.filter(({ reason }) => (reason as { readonly code?: string } | undefined)?.code === 'budgetExceeded')
        .length,
      lesser: lesser.reduce((sum, count) => sum + count, 0),
    };
  } finally {
    await fermata.close();
    await provider.server.stop();
  }
}

/** Some runs choose among models, each in its own way. */
function choiceOf(random: Random): object {
  if (random.next() < 0.5) return {};
  const optimize = [undefined, 'minimizeCost', 'balanced', 'maximizeQuality'][Math.floor(random.next() * 4)];
  return { models: ['good', 'fair', 'nobody-knows', 'cheap'], ...(optimize === undefined ? {} : { optimize }) };
}

function documentOf(random: Random, limit: number | undefined, choice: object, name = 'random'): object {
  const count = 2 + Math.floor(random.next() * 8);
  const names = Array.from({ length: count }, (_, index) => `t${index}`);
  return {
    name,
    config: {
      ...choice,
      prices: PRICES,
      breadth: 1 + Math.floor(random.next() * 8),
      onTaskFailure: random.next() < 0.5 ? 'continue' : 'stop',
      ...(limit === undefined ? {} : { budget: { maxCostDollars: limit / 1e9, warnAtDollars: limit / 2e9 } }),
    },
    tasks: names.map((task, index) => ({
      name: task,
      ...taskOf(random, task),
      ...(index > 0 && random.next() < 0.3 ? { dependsOn: [names[Math.floor(random.next() * index)]] } : {}),
    })),
  };
}

function taskOf(random: Random, name: string): object {
  const maxOutputTokens = 20 + Math.floor(random.next() * 180);
  const asks = {
    prompt: `Say ${name}`,
    maxOutputTokens,
    retry: { ...RETRY, maxRetries: Math.floor(random.next() * 3) },
    ...(random.next() < 0.4 ? { minOutputTokens: 1 + Math.floor((random.next() * maxOutputTokens) / 2) } : {}),
  };
  const kind = random.next();
  if (kind < 0.45) return asks;
  if (kind < 0.6)
    return {
      ...asks,
      responseFormat: { schema: { type: 'object', properties: { x: { type: 'number' } }, required: ['x'] } },
    };
  if (kind < 0.75) {
    const onItemFailure = random.next() < 0.5 ? 'stop' : 'collect';
    return { kind: 'map', items: '[1, 2, 3, 4]', onItemFailure, task: asks };
  }
  if (kind < 0.9) return { kind: 'code', function: 'asksModels' };
  return name === 't0' ? { ...asks, onComplete: { addTasks: 'adds' } } : asks;
}

/**
 * Each request of a task of its own was made to whom the task had chosen for that attempt. Answers with how many choices
 * were of a lesser model.
 */
async function assertPaidAsChosen({ runtime, costs }: Fermata, runId: string, seed: number): Promise<number> {
  const chosen = new Map<string, unknown>();
  let lesser = 0;
  for (const { type, data } of await runtime.journal(runId, { kind: 'fact', limit: 10_000 })) {
    const { task, attempt, model, reason } = data as Readonly<Record<string, unknown>>;
    if (reason === 'budget' && type === 'model_chosen') lesser++;
    if (type === 'model_chosen') chosen.set(`${String(task)} ${String(attempt)}`, model);
  }
  for (const { task, attempt, call, model } of (await costs.requests(runId, { limit: 1_000 })) ?? []) {
    const wanted = chosen.get(`${task} ${attempt}`);
    if (call === 'call' && wanted !== undefined) assert.equal(model, wanted, `seed ${seed}: ${task} ${attempt}`);
  }
  return lesser;
}

/** A store that shows every commit of a budget, and of a shared one. */
function watched(
  store: Store,
  see: (budget: BudgetContext) => void = () => {},
  seeShared: (run: string, budget: SharedBudgetContext) => void = () => {},
): Store {
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name === 'commit')
        return async (group: CommitGroup) => {
          for (const { run, actors } of group.runs)
            for (const { address, stateJson } of actors) {
              if (address === BUDGET_ADDRESS) see(contextIn(stateJson));
              else if (run.startsWith('budget:')) seeShared(run, contextIn(stateJson));
            }
          return target.commit(group);
        };
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

function contextIn<Context>(stateJson: string): Context {
  return (JSON.parse(stateJson) as { readonly context: Context }).context;
}
