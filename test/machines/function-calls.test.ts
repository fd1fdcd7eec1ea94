/** Model calls of functions on the real runtime: asked twice, answered late, in doubt. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { childAddress } from '../../src/runtime/xstate.ts';
import { Workbench } from '../harness/documents.ts';
import { answerWith, startRawModelServer, type RawModelServer } from '../harness/raw-model-server.ts';

const TASK = childAddress('/', 'asks');
let server: RawModelServer;
let bench: Workbench;
beforeEach(async () => {
  server = await startRawModelServer(() => {});
  bench = await Workbench.open({ openai: { apiKey: 'none', baseUrl: server.baseUrl } });
});
afterEach(async () => {
  await bench.close();
  await server.stop();
});

const keys = (): readonly unknown[] => server.requests.map(({ headers }) => headers['idempotency-key']);

async function arrive(count: number): Promise<void> {
  for (let turn = 0; server.requests.length < count && turn < 2_000; turn++) await bench.settle();
  expect(server.requests).toHaveLength(count);
}

function answer(index: number, text: string): void {
  const exchange = server.requests[index] ?? expect.fail(`no request ${index} has come`);
  answerWith(exchange, text);
}

const ask = (prompt: string) => bench.call('asks').context.model({ prompt });
const start = (task: object = {}) => bench.start({ tasks: [{ name: 'asks', ...task }] });

it('an outcome that comes twice changes nothing', async () => {
  const run = await start();
  const asked = ask('one');
  await arrive(1);
  answer(0, 'first');
  expect(await asked).toMatchObject({ text: 'first' });
  const second = { value: 'second', text: 'second', usage: null, model: 'other' };
  const { runtime } = bench.fermata;
  await runtime.control(run, TASK, { type: 'xstate.done.actor.model.0', output: second });
  await bench.settle();
  expect((await bench.facts(run)).filter(({ type }) => type === 'model_called')).toHaveLength(1);
  await bench.restart();
  expect(await ask('one'), 'what is on record').toMatchObject({ text: 'first' });
  expect(server.requests).toHaveLength(1);
  await bench.complete('asks');
});

it('a new attempt asks anew, under another key; an answer to the one before comes too late', async () => {
  const run = await start({
    timeoutSeconds: 10,
    retry: { maxRetries: 1, initialSeconds: 1, factor: 1, maxSeconds: 1 },
  });
  const late = expect(ask('one')).rejects.toMatchObject({ code: 'cancelled' });
  await arrive(1);
  await bench.advance(10);
  await late;
  answer(0, 'too late');
  bench.calls.length = 0;
  await bench.advance(2);
  const asked = ask('one');
  await arrive(2);
  answer(1, 'in time');
  expect(await asked).toMatchObject({ text: 'in time' });
  expect(new Set(keys()).size).toBe(2);
  await bench.complete('asks');
  const calls = (await bench.facts(run)).filter(({ type }) => type === 'model_called');
  expect(calls.map(({ data }) => data['attempt'])).toEqual([2]);
});

it.each(['retry', 'ask'])(
  'onInDoubt: %s repeats the function with what it had, and only the last call',
  async (onInDoubt) => {
    const run = await start({ onInDoubt });
    const first = ask('one');
    await arrive(1);
    answer(0, 'first');
    await first;
    const cutOff = ask('two').catch((thrown: unknown) => thrown);
    await arrive(2);
    await bench.restart();
    await cutOff;
    if (onInDoubt === 'ask') {
      expect(await bench.statuses(run)).toEqual({ asks: 'inDoubt' });
      await bench.fermata.runtime.control(run, TASK, { type: 'fermata.retry' });
      await bench.settle();
    }
    expect(await ask('one')).toMatchObject({ text: 'first' });
    const again = ask('two');
    const before = server.requests.length;
    await arrive(Math.max(3, before));
    answer(server.requests.length - 1, 'second');
    expect(await again).toMatchObject({ text: 'second' });
    const [one, ...two] = keys();
    expect(new Set(two), 'one key for the call that was cut off').toEqual(new Set([two[0]]));
    expect(two).not.toContain(one);
    await bench.complete('asks', 'done');
    expect(await bench.statuses(run)).toEqual({ asks: 'completed' });
    expect((await bench.facts(run)).filter(({ type }) => type === 'model_called')).toHaveLength(2);
  },
);

describe('of a function that says which tasks are added', () => {
  const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
  const asksOnce = async (count: number): Promise<void> => {
    const asked = ask('one');
    await arrive(count);
    answerWith(server.requests[count - 1] ?? expect.fail('no request'), 'said', usage);
    await asked;
  };
  const begin = async (): Promise<string> => {
    const run = await start({
      timeoutSeconds: 10,
      retry: { maxRetries: 1, initialSeconds: 1, factor: 1, maxSeconds: 1 },
      onComplete: { addTasks: 'work' },
    });
    await asksOnce(1);
    await bench.complete('asks', 'done');
    await asksOnce(2);
    return run;
  };

  it('what they consumed is on the bill of its task', async () => {
    const run = await begin();
    await bench.complete('asks', []);
    expect((await bench.facts(run)).find(({ type }) => type === 'task_completed')?.data).toMatchObject({
      usage: { totalTokens: 10 },
    });
  });

  it('also where it is cancelled', async () => {
    const run = await begin();
    await bench.fermata.runtime.control(run, TASK, { type: 'fermata.cancel' });
    await bench.settle();
    expect((await bench.facts(run)).find(({ type }) => type === 'task_cancelled')?.data).toMatchObject({
      usage: { totalTokens: 10 },
    });
  });

  it('also where it takes too long, and another attempt asks anew', async () => {
    const run = await begin();
    await bench.advance(12);
    await asksOnce(3);
    await bench.complete('asks', []);
    const facts = await bench.facts(run);
    expect(facts.find(({ type }) => type === 'task_retrying')?.data).toMatchObject({
      error: { data: { usage: { totalTokens: 5 } } },
    });
    expect(facts.find(({ type }) => type === 'task_completed')?.data).toMatchObject({ usage: { totalTokens: 10 } });
  });
});
