/** The reference model and money: it lets a legal story pass, and finds each bill that is none. */
import { expect, it } from 'vitest';
import type { Observation } from '../../src/testing/observation.ts';
import type { Plan } from '../../src/testing/plan.ts';
import { ReferenceModel } from '../../src/testing/reference-model.ts';
import { usualTask } from './usual-task.ts';

const plan = {
  breadth: 3,
  onTaskFailure: 'stop',
  timeoutSeconds: undefined,
  tasks: [{ ...usualTask, name: 'ask', call: { kind: 'model' } }],
} as const satisfies Plan;
const usage = { inputTokens: 10, cachedInputTokens: 4, outputTokens: 3 };
const prices = { input: 1_000, cachedInput: 500, cacheWrite: 1_000, output: 2_500, reasoning: 2_500 };
/** 6 × 1 + 4 × 0.5 + 3 × 2.5, rounded up. */
const bill = { call: 'call', provider: 'openai', model: 'any', usage, prices, costNanos: 16 };
const counts = { total: 1, settled: 1, modelCalls: 1, costNanos: 16 };

/** A run whose only task asks a model once. */
function story(bills: readonly object[], shown: object = counts): Promise<void> {
  const model = new ReferenceModel(
    () => plan,
    () => 'unknown',
  );
  const see = (observation: Observation): void => model.see({ elapsed: 0, ...observation });
  const facts = (
    [
      ['run_started', { workflow: 'w' }],
      ['task_started', { task: 'ask', attempt: 1 }],
      ['task_completed', { task: 'ask', attempt: 1, result: 'yes', bill: bills }],
      ['run_completed', { output: 'yes' }],
    ] as const
  ).map(([type, data], at) => ({ run: 'r', seq: at + 1, at: 0, type, data }));
  const call = { run: 'r', actor: '/ask', src: 'modelCall', task: 'ask', attempt: 1, key: 'k', repeated: false };
  see({ kind: 'start' });
  for (const fact of facts) {
    const state = { run: 'r', status: fact.seq === 4 ? 'completed' : 'running', progress: 0, lastAt: 0, cut: false };
    see({ kind: 'commit', runs: [state], facts: [fact], doubtful: false });
    if (fact.type !== 'task_started') continue;
    see({ kind: 'call', call });
    see({ kind: 'answer', call, value: { value: 'yes', usage } });
  }
  const final = { status: 'completed', output: 'yes', counts: shown as Record<string, number>, facts };
  return model.finish(async () => ({ ...final, tasks: { ask: 'completed' } }));
}

it('lets a legal story pass', async () => {
  await story([bill]);
  const unknown = { ...counts, unknownCalls: 1, costNanos: 0 };
  await story([{ ...bill, prices: undefined, costNanos: null }], unknown);
});

it.each([
  ['no bill', [], counts],
  ['another cost', [{ ...bill, costNanos: 15 }], counts],
  ['nothing for what is not known', [{ ...bill, usage: null, costNanos: 0 }], counts],
  ['what nobody has used', [{ ...bill, usage: { ...usage, outputTokens: 4 }, costNanos: 18 }], counts],
  ['an answer twice', [bill, bill], { ...counts, modelCalls: 2, costNanos: 32 }],
  ['another sum', [bill], { ...counts, costNanos: 17 }],
])('P14: %s', async (_, bills, shown) => {
  const told = async (): Promise<void> => story(bills, shown);
  await expect(told()).rejects.toMatchObject({ data: { promise: 'P14' } });
});
