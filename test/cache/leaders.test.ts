/** Tasks that wait for the call of another one, whatever becomes of that one: every call is held by the test. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { FermataError } from '../../src/errors.ts';
import { createApp } from '../../src/http/app.ts';
import { createLogger } from '../../src/http/log.ts';
import { Workbench } from '../harness/documents.ts';

let bench: Workbench;
let questions = 0;
let question = '';

beforeAll(async () => {
  bench = await Workbench.openHolding();
});
afterEach(() => expect(bench.running, 'calls that are left').toEqual([]));
afterAll(() => bench.close());

/** Of an answer: 100 tokens at the most, and a run whose budget is 1 can pay for one call. */
const PRICES = { openai: { '*': { input: 0, output: 10 } } };
const budget = (calls: number) => ({ budget: { maxCostDollars: calls / 1_000 } });
const completed = (...names: string[]) => Object.fromEntries(names.map((name) => [name, 'completed']));

/** Starts a run whose tasks all ask the same, and have retries only where they say so. */
async function start(names: readonly string[], { task = {}, config = {}, others = [] as readonly object[] } = {}) {
  const cache = { enabled: true, namespace: 'all' };
  const asks = { prompt: question, maxOutputTokens: 100, maxRetries: 0, cache, ...task };
  const tasks = [...others, ...names.map((name) => ({ name, ...asks }))];
  return bench.start({ tasks, config: { prices: PRICES, breadth: 9, onTaskFailure: 'continue', ...config } });
}

/** The same, of a question that nobody has asked before. */
function ask(...[names, more]: Parameters<typeof start>): Promise<string> {
  question = `Question ${++questions}`;
  return start(names, more);
}

async function cancel(run: string, task: string): Promise<void> {
  await bench.fermata.runtime.control(run, '/', { type: 'fermata.task.cancel', task });
  await bench.settle();
}

describe('the one that leads', () => {
  it('is cancelled: the next one asks', async () => {
    const run = await ask(['a', 'b', 'c']);
    expect(bench.running).toEqual(['a']);
    await cancel(run, 'a');
    expect(bench.running).toEqual(['b']);
    await bench.answer('b', 10);
    expect(await bench.statuses(run)).toEqual({ ...completed('b', 'c'), a: 'cancelled' });
  });

  it('fails and backs off: the next one asks, and the first one has its answer when it comes back', async () => {
    const run = await ask(['a', 'b', 'c'], { task: { maxRetries: 3 } });
    await bench.fail('a', new FermataError('modelRateLimited', 'later', { retryAfterMs: 60_000 }));
    expect(bench.running).toEqual(['b']);
    expect(await bench.statuses(run)).toMatchObject({ a: 'retrying' });
    await bench.answer('b', 10);
    await bench.advance(120);
    expect(await bench.statuses(run)).toEqual(completed('a', 'b', 'c'));
  });

  it('comes back while the next one is asking: it waits for that', async () => {
    const run = await ask(['a', 'b', 'c'], { task: { maxRetries: 3 } });
    await bench.fail('a', new FermataError('modelRateLimited', 'later', { retryAfterMs: 1_000 }));
    await bench.advance(30);
    expect(bench.running).toEqual(['b']);
    await bench.answer('b', 10);
    expect(await bench.statuses(run)).toEqual(completed('a', 'b', 'c'));
  });

  it('hangs: the others ask for themselves once they have waited as long as their own call may take', async () => {
    const one = await ask(['a'], { task: { timeoutSeconds: 1_000 } });
    const other = await start(['b', 'c'], { task: { timeoutSeconds: 60 } });
    await bench.advance(59);
    expect(bench.running).toEqual(['a']);
    await bench.advance(11);
    expect(bench.running).toEqual(['a', 'b', 'c']);
    for (const task of ['c', 'b', 'a']) await bench.answer(task, 10);
    expect(await bench.statuses(one)).toEqual(completed('a'));
    expect(await bench.statuses(other)).toEqual(completed('b', 'c'));
  });

  it('is of a run that is paused: its call goes on, and the others have its answer', async () => {
    const paused = await ask(['a']);
    const other = await start(['b']);
    await bench.fermata.runtime.control(paused, '/', { type: 'fermata.pause' });
    await bench.settle();
    await bench.answer('a', 10);
    expect(await bench.statuses(other)).toEqual(completed('b'));
    expect(await bench.statuses(paused)).toEqual(completed('a'));
  });

  it('is cut off by a crash, and its policy is to ask: the next one asks meanwhile', async () => {
    const run = await ask(['a', 'b'], { task: { onInDoubt: 'ask' } });
    await bench.restart();
    expect(bench.running).toEqual(['b']);
    expect(await bench.statuses(run)).toMatchObject({ a: 'inDoubt' });
    await bench.answer('b', 10);
    await bench.fermata.runtime.control(run, '/a', { type: 'fermata.retry' });
    await bench.settle();
    expect(await bench.statuses(run)).toEqual(completed('a', 'b'));
  });
});

describe('the one that leads has no money', () => {
  const other = { name: 'other', prompt: 'Walk', maxOutputTokens: 100, timeoutSeconds: 5_000 };

  it('all wait with it, however long that takes, and one call is paid for', async () => {
    const task = { timeoutSeconds: 60 };
    const run = await ask(['a', 'b', 'c'], { task, config: budget(1.5), others: [other] });
    expect(bench.running).toEqual(['other']);
    await bench.advance(600);
    expect(await bench.statuses(run)).toMatchObject({ a: 'running', b: 'running', c: 'running' });
    await bench.answer('other', 10);
    expect(bench.running).toEqual(['a']);
    await bench.advance(50);
    await bench.answer('a', 10);
    expect(await bench.statuses(run)).toEqual(completed('other', 'a', 'b', 'c'));
    expect(Number((await bench.fermata.costs.own(run))?.costNanos ?? 0n)).toBe(200_000);
  });

  it('a restart changes nothing of that', async () => {
    const run = await ask(['a', 'b'], { config: budget(1.5), others: [{ ...other, onInDoubt: 'ask' }] });
    await bench.restart();
    // What the crash cut off is paid for: nothing is left for anybody.
    expect(await bench.read(run)).toMatchObject({ status: 'cancelled', reason: { code: 'budgetExceeded' } });
    const next = await start(['a', 'b']);
    expect(bench.running).toEqual(['a']);
    await bench.answer('a', 10);
    expect(await bench.statuses(next)).toEqual(completed('a', 'b'));
  });

  it('its run is over: who waits for it in another run asks', async () => {
    const poor = await ask(['a', 'b'], { config: budget(1.5), others: [other] });
    const rich = await start(['c', 'd'], { task: { timeoutSeconds: 3_000 } });
    expect(bench.running).toEqual(['other']);
    await bench.answer('other', 100);
    expect(await bench.read(poor)).toMatchObject({ status: 'cancelled', reason: { code: 'budgetExceeded' } });
    expect(bench.running).toEqual(['c']);
    await bench.answer('c', 10);
    expect(await bench.statuses(rich)).toEqual(completed('c', 'd'));
  });

  it('its run has it for long: who waits for it in another run asks after the time of its own call', async () => {
    const poor = await ask(['a'], { config: budget(1.5), others: [other] });
    const rich = await start(['c'], { task: { timeoutSeconds: 60 } });
    await bench.advance(70);
    expect(bench.running).toEqual(['other', 'c']);
    await bench.answer('c', 10);
    expect(await bench.statuses(rich)).toEqual(completed('c'));
    await bench.answer('other', 10);
    await bench.answer('a', 10);
    expect((await bench.read(poor)).status).toBe('completed');
  });
});

it('an answer that is found is free: it is had where nothing is left to pay with', async () => {
  await ask(['a']);
  await bench.answer('a', 10);
  const none = { name: 'none', prompt: 'Walk', maxOutputTokens: 1 };
  const run = await start(['b'], { config: budget(0.01), others: [none] });
  await bench.answer('none', 1);
  expect(await bench.statuses(run)).toEqual(completed('none', 'b'));
});

it('a budget is not too small for a run whose questions may have been asked before', async () => {
  await ask(['a']);
  await bench.answer('a', 10);
  const run = await start(['b', 'c'], { config: budget(0.01) });
  expect((await bench.read(run)).status).toBe('completed');
});

it('what a call has cost that said no usage is not known, and so is what its answer saves', async () => {
  const first = await ask(['a'], { config: budget(1) });
  await bench.answer('a', undefined);
  expect(Number((await bench.fermata.costs.own(first))?.costNanos ?? 0n), 'all that was reserved').toBe(1_000_000);
  const facts = await bench.facts(await start(['b']));
  expect(facts.find(({ type }) => type === 'task_completed')?.data).toMatchObject({
    cacheHit: true,
    costSavedNanos: null,
  });
});

it('why says whose call a task waits for', async () => {
  const app = createApp({ log: createLogger({ level: 'silent' }), fermata: bench.fermata });
  const one = await ask(['50%', 'b']);
  const other = await start(['c']);
  const why = async (run: string): Promise<unknown> => (await app.request(`/api/v1/runs/${run}/why`)).json();
  expect(await why(one)).toMatchObject({
    tasks: [{ task: '50%' }, { waitsFor: 'cache', moves: expect.stringContaining('the call of task "50%", which') }],
  });
  expect(await why(other)).toMatchObject({
    tasks: [{ waitsFor: 'cache', moves: expect.stringContaining(`task "50%" of run ${one}, which asks the same`) }],
  });
  await bench.answer('50%', 10);
});
