/** Functions that ask models: each answer is committed before the function sees it, and counts for its task. */
import { expect, it } from 'vitest';
import type { CodeFunction } from '../../actors/code-function.ts';
import type { FermataError } from '../../src/errors.ts';
import { ManualClock } from '../harness/clock.ts';
import { openFermata, type Harness, type HarnessOptions } from '../harness/fermata.ts';

const TWICE: CodeFunction = async ({ topic }, { model }) => {
  const draft = await model({ prompt: `draft of ${String(topic)}` });
  const { output } = await model({
    prompt: `check: ${draft.text}`,
    model: 'gpt-4o',
    responseFormat: 'json',
    name: 'check',
  });
  return { draft: draft.output, verdict: output };
};
const SCRIPT = [
  { prompt: 'check', answers: [{ text: '{"fine":true}' }] },
  { prompt: 'draft', answers: [{ text: 'a draft' }] },
];

async function run(work: CodeFunction, task: object = {}, options: HarnessOptions = { script: SCRIPT }) {
  const harness = await openFermata({ ...options, config: { functions: { work } } });
  const tasks = [{ name: 'work', kind: 'code', function: 'work', input: { topic: '"tea"' }, ...task }];
  const config = { model: 'gpt-4o-mini' };
  const { body: stored } = await harness.call('POST', '/workflows', { name: 'mixed', config, tasks });
  const { body } = await harness.call('POST', `/workflows/${stored.id}/execute`, {});
  return { ...harness, runId: body.runId as string };
}

async function ended({ call, fermata, runId }: Harness & { readonly runId: string }) {
  await fermata.runtime.waitFor(runId);
  const { body } = await call('GET', `/runs/${runId}/results`);
  return body.tasks[0];
}

it('answers come back, with the defaults of the document; what they used counts for the task', async () => {
  const started = await run(TWICE);
  const task = await ended(started);
  expect(task).toMatchObject({ status: 'completed', output: { draft: 'a draft', verdict: { fine: true } } });
  const asked = started.models.requests();
  expect(asked.map(({ body }) => body['model'])).toEqual(['gpt-4o-mini', 'gpt-4o']);
  expect(new Set(asked.map(({ headers }) => headers['idempotency-key'])).size).toBe(2);
  const { body } = await started.call('GET', `/runs/${started.runId}/journal?limit=1000`);
  const calls = body.items.filter(({ type }: { type: string }) => type === 'model_called');
  expect(calls.map(({ data }: { data: object }) => data)).toMatchObject([
    { task: 'work', attempt: 1, call: '1', usage: { totalTokens: expect.any(Number) } },
    { task: 'work', attempt: 1, call: 'check' },
  ]);
  const total = calls.reduce(
    (sum: number, { data }: { data: { usage: { totalTokens: number } } }) => sum + data.usage.totalTokens,
    0,
  );
  expect(task.usage.totalTokens).toBe(total);
});

it('answers may come in any order, also where only one call may be in flight at once', async () => {
  const both: CodeFunction = async (_, { model }) =>
    (await Promise.all([model({ prompt: 'draft', name: 'a' }), model({ prompt: 'check', name: 'b' })])).map(
      ({ text }) => text,
    );
  expect(await ended(await run(both, {}, { script: SCRIPT, maxInFlight: 1 }))).toMatchObject({
    status: 'completed',
    output: ['a draft', '{"fine":true}'],
  });
});

it('what a model fails with, the function may catch; what it does not catch is tried again as the task says', async () => {
  const script = [{ prompt: '', answers: [{ error: { status: 500, message: 'a cold' } }, { text: 'better' }] }];
  const caught: CodeFunction = async (_, { model }) => {
    const failure = await model({ prompt: 'x' }).catch((thrown: unknown) => thrown as FermataError);
    return [(failure as FermataError).code, (await model({ prompt: 'x' })).text];
  };
  expect(await ended(await run(caught, {}, { script }))).toMatchObject({
    output: ['modelUnavailable', 'better'],
    attempts: 1,
  });
  const thrown: CodeFunction = async (_, { model }) => (await model({ prompt: 'x' })).text;
  const again = { retry: { maxRetries: 1, initialSeconds: 0.001 } };
  expect(await ended(await run(thrown, again, { script }))).toMatchObject({ output: 'better', attempts: 2 });
});

it.each<[string, CodeFunction, RegExp]>([
  ['nothing', async (_, { model }) => model({ prompt: '' }), /prompt/],
  [
    'with a field that is none',
    async (_, { model }) => model(Object.assign({ prompt: 'x' }, { promtp: 'y' })),
    /promtp/,
  ],
  [
    'twice under one name',
    async (_, { model }) => Promise.all([model({ prompt: 'x', name: 'a' }), model({ prompt: 'y', name: 'a' })]),
    /"a"/,
  ],
  [
    'too often',
    async (_, { model }) => {
      for (;;) await model({ prompt: 'x' });
    },
    /more than 100 model calls/,
  ],
])('a function that asks %s is refused, and not tried again', async (_, work, said) => {
  const task = await ended(
    await run(work, { retry: { maxRetries: 3 } }, { script: [{ prompt: '', answers: [{ text: 'y' }] }] }),
  );
  expect(task).toMatchObject({
    status: 'failed',
    attempts: 1,
    error: { code: 'codeRefused', message: expect.stringMatching(said) },
  });
});

it('a provider that nobody has configured is refused at once', async () => {
  const task = await ended(await run(async (_, { model }) => model({ prompt: 'x', provider: 'opnai' })));
  expect(task).toMatchObject({ status: 'failed', attempts: 1, error: { code: 'providerMissing' } });
});

it('what a task was answered before it was cut off is on its bill: cancelled, timed out, tried again', async () => {
  const clock = new ManualClock();
  const script = [
    { prompt: 'hang', answers: [{ hang: true as const }] },
    { prompt: 'count', answers: [{ text: 'counted', usage: { inputTokens: 3, outputTokens: 2 } }] },
  ];
  const hangs: CodeFunction = async (_, { model }) => {
    await model({ prompt: 'count' });
    return model({ prompt: 'hang' });
  };
  const task = { timeoutSeconds: 10, retry: { maxRetries: 1, initialSeconds: 0.001 } };
  const started = await run(hangs, task, { script, clock });
  const { fermata, models, runId } = started;
  const asked = (count: number) => expect.poll(() => models.requests().length).toBe(count);
  await asked(2);
  await clock.advance(10_100, () => fermata.runtime.idle());
  await asked(4);
  expect((await fermata.runtime.read(runId)).counts, 'of the first attempt').toMatchObject({ totalTokens: 5 });
  await clock.advance(10_100, () => fermata.runtime.idle());
  expect(await ended(started)).toMatchObject({ status: 'timedOut', attempts: 2, usage: { totalTokens: 5 } });
  expect((await fermata.runtime.read(runId)).counts).toMatchObject({ totalTokens: 10, inputTokens: 6 });

  const other = await run(hangs, {}, { script });
  await expect.poll(() => other.models.requests().length).toBe(2);
  await other.call('POST', `/runs/${other.runId}/tasks/work/cancel`);
  expect(await ended(other)).toMatchObject({ status: 'cancelled', usage: { totalTokens: 5 } });
  expect((await other.fermata.runtime.read(other.runId)).counts).toMatchObject({ totalTokens: 5 });
});

it('what a function was answered is on its bill, also where nobody can keep what it gives', async () => {
  const gives: CodeFunction = async (_, { model }) => ({ text: (await model({ prompt: 'draft' })).text, by: () => 1 });
  const started = await run(gives, { retry: { maxRetries: 0 } });
  expect(await ended(started)).toMatchObject({ status: 'failed', error: { code: 'notSerializable' } });
  const { counts } = await started.fermata.runtime.read(started.runId);
  expect(counts).toMatchObject({ totalTokens: expect.any(Number) });
});

it('a cancelled task takes its model call along', async () => {
  let failed: unknown;
  const waits: CodeFunction = async (_, { model }) => {
    failed = await model({ prompt: 'x' }).catch((thrown: unknown) => thrown);
  };
  const started = await run(waits, {}, { script: [{ prompt: '', answers: [{ hang: true }] }] });
  await expect.poll(() => started.models.requests().length).toBe(1);
  await started.call('POST', `/runs/${started.runId}/cancel`, { reason: 'enough' });
  expect(await ended(started)).toMatchObject({ status: 'cancelled' });
  expect(failed).toMatchObject({ code: 'cancelled' });
  expect(started.fermata.runtime.load.effectsInFlight).toBe(0);
});
