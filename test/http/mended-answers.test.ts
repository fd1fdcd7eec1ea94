/** A model is asked to mend an answer, and that is cut off: what the first answer consumed stays on the bill. */
import { expect, it } from 'vitest';
import type { CodeFunction } from '../../actors/code-function.ts';
import { ManualClock } from '../harness/clock.ts';
import { openFermata, type Harness } from '../harness/fermata.ts';
import { startRun } from './documents.ts';

const BAD = { text: 'no JSON', usage: { inputTokens: 3, outputTokens: 2 } };
const GOOD = { json: { fine: true }, usage: { inputTokens: 7, outputTokens: 4 } };
/** For a machine that has much else to do. */
const PATIENCE = { timeout: 20_000 };
const HANGS = { hang: true as const };
const LIST = { name: 'list', prompt: 'List', responseFormat: 'json', timeoutSeconds: 10 };
const asks: CodeFunction = async (_, { model }) => model({ prompt: 'List', responseFormat: 'json' });
const CODE = { name: 'list', kind: 'code', function: 'asks', timeoutSeconds: 10 };

const script = (...answers: object[]) => [{ prompt: '', answers: answers as never }];

/** A run of one task, whose model says this. */
async function begin(task: object, answers: readonly object[], document: object = {}) {
  const clock = new ManualClock();
  const harness = await openFermata({ clock, script: script(...answers), config: { functions: { asks } } });
  const { runId } = await startRun(harness, { ...document, tasks: [task] });
  const asked = (count: number) => expect.poll(() => harness.models.requests().length, PATIENCE).toBe(count);
  const passes = (ms: number) => clock.advance(ms, () => harness.fermata.runtime.idle());
  return { harness, runId, asked, passes };
}

async function bill({ fermata, call }: Harness, runId: string) {
  const { counts } = await fermata.runtime.waitFor(runId);
  const { body } = await call('GET', `/runs/${runId}/results`);
  return { status: body.tasks[0].status, task: body.tasks[0].usage?.totalTokens, run: counts['totalTokens'] };
}

it.each([
  ['a model task', LIST],
  ['a function that asks a model', CODE],
])('%s, cancelled', async (_, task) => {
  const { harness, runId, asked } = await begin(task, [BAD, HANGS]);
  await asked(2);
  await harness.call('POST', `/runs/${runId}/tasks/list/cancel`);
  expect(await bill(harness, runId)).toEqual({ status: 'cancelled', task: 5, run: 5 });
});

it.each([
  ['a model task', LIST],
  ['a function that asks a model', CODE],
])('%s, out of time, and tried again', async (_, task) => {
  const retry = { maxRetries: 1, initialSeconds: 0.001 };
  const answers = [BAD, HANGS, BAD, GOOD];
  const { harness, runId, asked, passes } = await begin({ ...task, retry }, answers);
  await asked(2);
  await passes(10_100);
  await asked(4);
  // Of the attempt that completed; the run has both.
  expect(await bill(harness, runId)).toEqual({ status: 'completed', task: 16, run: 21 });
});

it('out of time for good, or with its whole run', async () => {
  const { harness, runId, asked, passes } = await begin({ ...LIST, maxRetries: 0 }, [BAD, HANGS]);
  await asked(2);
  await passes(10_100);
  expect(await bill(harness, runId)).toEqual({ status: 'timedOut', task: 5, run: 5 });
  const other = await begin(LIST, [BAD, HANGS], { config: { timeoutSeconds: 5 } });
  await other.asked(2);
  await other.passes(5_100);
  expect(await bill(other.harness, other.runId)).toEqual({ status: 'cancelled', task: 5, run: 5 });
});

it('a function that did not wait for its model pays for what that said', async () => {
  const answers = [BAD, HANGS];
  const leaves: CodeFunction = async (_, { model, signal }) => {
    void model({ prompt: 'List', responseFormat: 'json' }).catch(() => {});
    await new Promise((resolve) => {
      release = () => resolve(undefined);
      signal.addEventListener('abort', () => resolve(undefined));
    });
    return 'done';
  };
  let release = (): void => {};
  const harness = await openFermata({ script: script(...answers), config: { functions: { asks: leaves } } });
  const { runId } = await startRun(harness, { tasks: [CODE] });
  await expect.poll(() => harness.models.requests().length, PATIENCE).toBe(2);
  release();
  expect(await bill(harness, runId)).toEqual({ status: 'completed', task: 5, run: 5 });
});

it('nothing of it is counted twice where the answer is mended, or bad again', async () => {
  const good = await begin(LIST, [BAD, GOOD]);
  expect(await bill(good.harness, good.runId)).toEqual({ status: 'completed', task: 16, run: 16 });
  const bad = await begin({ ...CODE, maxRetries: 0 }, [BAD, BAD]);
  expect(await bill(bad.harness, bad.runId)).toEqual({ status: 'failed', task: 10, run: 10 });
});

it('a crash in between: the call is made again, and all of its answers are on the bill', async () => {
  const first = await openFermata({ script: script(BAD, HANGS), mayLeaveWork: true });
  const { runId } = await startRun(first, { tasks: [LIST] });
  await expect.poll(() => first.models.requests().length, PATIENCE).toBe(2);
  await first.close();
  const again = await openFermata({ script: script(BAD, GOOD), database: first.database });
  expect(await bill(again, runId)).toEqual({ status: 'completed', task: 21, run: 21 });
});
