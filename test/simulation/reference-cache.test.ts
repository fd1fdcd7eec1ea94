/** The reference model and answers that serve again: it lets a legal story pass, and finds each that is none. */
import { expect, it } from 'vitest';
import type { Plan } from '../../src/testing/plan.ts';
import { ReferenceModel } from '../../src/testing/reference-model.ts';
import { usualTask } from './usual-task.ts';

const cache = { namespace: undefined };
const plan = {
  breadth: 3,
  onTaskFailure: 'continue',
  timeoutSeconds: undefined,
  tasks: [
    { ...usualTask, name: 'asks', call: { kind: 'model', cache } },
    { ...usualTask, name: 'finds', call: { kind: 'model', cache } },
    { ...usualTask, name: 'never', call: { kind: 'model' } },
  ],
} satisfies Plan;

type Told = readonly [type: string, task: string, data?: object, at?: number];
const begins: readonly Told[] = ['asks', 'finds', 'never'].map((task) => ['task_started', task]);
const missed = { cacheKey: 'k', promptHash: 'p' };
const asked: Told = ['cache_missed', 'asks', missed];
const kept: Told = ['task_completed', 'asks', { result: 'yes', cached: { key: 'k' } }];
const hit = { result: 'yes', cacheHit: true, cacheKey: 'k' };
const found: Told = ['task_completed', 'finds', hit];

/** What is told of a run of the document; whoever completes without a hit has been answered. */
function story(told: readonly Told[]): void {
  const model = new ReferenceModel(
    () => plan,
    () => 'unknown',
  );
  model.see({ elapsed: 0, kind: 'start' });
  const facts = [['run_started', '', { workflow: 'w' }] as const, ...begins, ...told].map(
    ([type, task, data, at = 0], index) => ({
      run: 'r',
      seq: index + 1,
      at,
      type,
      data: { ...(task === '' ? {} : { task, attempt: 1 }), ...data },
    }),
  );
  for (const fact of facts) {
    const { task } = fact.data as { readonly task?: string };
    if (fact.type === 'cache_missed' && task !== undefined) {
      const call = { run: 'r', actor: `/${task}`, src: 'modelCall', task, attempt: 1, key: task, repeated: false };
      model.see({ elapsed: 0, kind: 'call', call });
      model.see({ elapsed: 0, kind: 'answer', call, value: { value: 'yes' } });
    }
    const bill = [{ call: 'call', provider: 'openai', model: 'any', usage: null, costNanos: null }];
    const isAnswer = fact.type === 'task_completed' && !('cacheHit' in fact.data);
    const state = { run: 'r', status: 'running', progress: 0, lastAt: fact.at, cut: false };
    const seen = isAnswer ? { ...fact, data: { ...fact.data, bill } } : fact;
    model.see({ elapsed: 0, kind: 'commit', runs: [state], facts: [seen], doubtful: false });
  }
}

it('lets legal stories pass', () => {
  story([asked, kept, found]);
  // It has waited for as long as its own call may take.
  story([asked, ['cache_missed', 'finds', missed, 10_000]]);
});

it.each<[string, readonly Told[]]>([
  ['two ask the same at once', [asked, ['cache_missed', 'finds', missed, 9_000]]],
  ['one key for two questions', [asked, kept, ['cache_missed', 'finds', { ...missed, promptHash: 'other' }]]],
  ['an answer that nobody has given', [asked, kept, ['task_completed', 'finds', { ...hit, result: 'no' }]]],
  ['an answer that is not kept', [asked, found]],
  ['an answer of a question that nobody has asked', [found]],
  ['a hit of a task that keeps none', [asked, kept, ['task_completed', 'never', hit]]],
  ['a miss of a task that keeps none', [['cache_missed', 'never', missed]]],
])('P16: %s', (_, told) => {
  expect(() => story(told)).toThrow(expect.objectContaining({ data: { promise: 'P16' } }));
});
