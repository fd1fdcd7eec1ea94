/** Tasks that a model proposes: what it is told where they are refused, what that costs, and what is said of limits. */
import { expect, it } from 'vitest';
import type { ScriptLine } from '../../src/cli/demo/model-server.ts';
import { createLogger } from '../../src/http/log.ts';
import { logRuns } from '../../src/http/run-log.ts';
import { openFermata, type HarnessOptions } from '../harness/fermata.ts';
import { startRun } from './documents.ts';
import { lines } from './log-lines.ts';

const usage = { inputTokens: 10, outputTokens: 5 };
const proposal = (...tasks: object[]) => ({ json: { tasks }, usage });
const plan = {
  name: 'plan',
  prompt: 'Plan it.',
  responseFormat: 'json',
  onComplete: { addTasks: 'fromOutput', dynamicTaskLimit: 2 },
};
const REFUSED = proposal({ name: 'x', kind: 'code', function: 'fly' });
const FINE = proposal({ name: 'x', prompt: 'Do x.' });
const DONE: ScriptLine = { prompt: 'Do', answers: [{ text: 'done', usage }] };

/** Runs `plan` against a script; the results of its tasks by name. */
async function run(script: readonly ScriptLine[], task: object = plan, config: HarnessOptions['config'] = {}) {
  const harness = await openFermata({ script, config });
  const { runId } = await startRun(harness, { tasks: [task] });
  await harness.fermata.runtime.waitFor(runId);
  const { body } = await harness.call('GET', `/runs/${runId}/results`);
  const tasks = body.tasks as { name: string; status: string; usage: object | null; error: object | null }[];
  return { harness, runId, tasks: new Map(tasks.map((result) => [result.name, result])) };
}

it('a model that was refused is told once what was wrong, and both answers are on its bill', async () => {
  const { harness, tasks } = await run([
    { prompt: 'Its tasks were refused', answers: [FINE] },
    { prompt: 'Plan', answers: [REFUSED] },
    DONE,
  ]);
  expect(JSON.stringify(harness.models.requests()[1]?.body)).toContain(
    'is no function to call that tasks of an answer may name: there is none',
  );
  expect(tasks.get('plan')).toMatchObject({ status: 'completed', usage: { inputTokens: 20, totalTokens: 30 } });
  expect(tasks.get('x')).toMatchObject({ status: 'completed', usage: { inputTokens: 10 } });
});

it('a model that is refused twice has failed, and both answers are on its bill', async () => {
  const { tasks } = await run([{ prompt: 'Plan', answers: [REFUSED] }]);
  expect(tasks.get('plan')).toMatchObject({
    status: 'failed',
    error: { code: 'invalidDocument' },
    usage: { inputTokens: 20, outputTokens: 10, totalTokens: 30 },
  });
});

it('so it is where the second answer is none', async () => {
  const { tasks } = await run(
    [
      { prompt: 'Its tasks were refused', answers: [{ text: 'no JSON', usage }] },
      { prompt: 'Plan', answers: [REFUSED] },
    ],
    { ...plan, maxRetries: 0 },
  );
  // Two of the second call, which asks for JSON once more.
  expect(tasks.get('plan')).toMatchObject({ status: 'failed', usage: { inputTokens: 30, totalTokens: 45 } });
});

it('an answer whose tasks no function could choose is on the bill', async () => {
  const chosen = { ...plan, maxRetries: 0, onComplete: { addTasks: 'choose' } };
  const { tasks } = await run([{ prompt: 'Plan', answers: [FINE] }], chosen, {
    functions: {
      choose: () => {
        throw new RangeError('none will do');
      },
    },
  });
  expect(tasks.get('plan')).toMatchObject({ status: 'failed', error: { code: 'codeFailed' }, usage: usage });
});

it('what was cut off is in results, facts and the log', async () => {
  const { destination, entries } = lines();
  const script = [
    { prompt: 'Plan', answers: [proposal(...['a', 'b', 'c'].map((name) => ({ name, prompt: 'Do' })))] },
    DONE,
  ];
  const harness = await openFermata({ script });
  const stop = logRuns(harness.fermata.runtime, createLogger({ level: 'warn', destination }));
  const { runId } = await startRun(harness, { tasks: [plan] });
  await harness.fermata.runtime.waitFor(runId);
  stop();
  const warning = '3 tasks came, and dynamicTaskLimit allows 2; the last one was cut off.';
  const { body } = await harness.call('GET', `/runs/${runId}/results`);
  expect(body.tasks[0]).toMatchObject({ name: 'plan', warning });
  const facts = await harness.fermata.runtime.journal(runId, { limit: 100, kind: 'fact' });
  expect(facts.find(({ type }) => type === 'task_completed')?.data).toMatchObject({ warning });
  expect(entries()).toEqual([
    expect.objectContaining({ level: 'warn', msg: 'task completed', runId, task: 'plan', attempt: 1, warning }),
  ]);
});
