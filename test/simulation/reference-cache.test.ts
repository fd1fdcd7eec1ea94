/** The reference model and answers that serve again: it lets a legal story pass, and finds each that is none. */
import { expect, it } from 'vitest';
import type { Plan } from '../../src/testing/plan.ts';
import { ReferenceModel } from '../../src/testing/reference-model.ts';
import { usualTask } from './usual-task.ts';

const cache = { namespace: undefined };
const similar = { ...cache, similar: { threshold: 0.9, verify: false } };
/** Their cosine is 0.96. */
const vectorOf = (prompt: string) => (prompt === 'Do it' ? [1, 0] : [0.96, 0.28]);
const plan = {
  breadth: 6,
  onTaskFailure: 'continue',
  timeoutSeconds: undefined,
  tasks: [
    { ...usualTask, name: 'asks', call: { kind: 'model', cache } },
    { ...usualTask, name: 'finds', call: { kind: 'model', cache } },
    { ...usualTask, name: 'never', call: { kind: 'model' } },
    { ...usualTask, name: 'likes', call: { kind: 'model', cache: similar } },
    {
      ...usualTask,
      name: 'judged',
      call: { kind: 'model', cache: { ...similar, similar: { threshold: 0.9, verify: true } } },
    },
    { ...usualTask, name: 'cold', call: { kind: 'model', temperature: 0, cache: similar } },
  ],
} satisfies Plan;

type Told = readonly [type: string, task: string, data?: object, at?: number];
const begins: readonly Told[] = plan.tasks.map(({ name }) => name).map((task) => ['task_started', task]);
const missed = { cacheKey: 'k', promptHash: 'p' };
const asked: Told = ['cache_missed', 'asks', missed];
const kept: Told = ['task_completed', 'asks', { result: 'yes', cached: { key: 'k' } }];
const hit = { result: 'yes', cacheHit: true, cacheKey: 'k' };
const found: Told = ['task_completed', 'finds', hit];
/** Another way to say the same, compared by a task; and its answer. */
const compared = (task: string): Told => [
  'cache_comparing',
  task,
  { cacheKey: task, promptHash: task, prompt: 'Do that' },
];
const first: Told = ['cache_missed', 'asks', { ...missed, prompt: 'Do it' }];
const like = { hash: 'k', similarity: 0.96, prompt: 'Do it', verified: false };
const likeHit = (task: string, more: object = {}, by: object = {}): Told => [
  'task_completed',
  task,
  { ...hit, cacheKey: task, similarity: 0.96, like: { ...like, ...by }, ...more },
];

/** What is told of a run of the document; whoever completes without a hit has been answered. */
function story(told: readonly Told[]): void {
  const model = new ReferenceModel(
    () => plan,
    () => 'unknown',
    vectorOf,
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
  story([first, kept, compared('likes'), likeHit('likes')]);
  story([compared('likes'), ['cache_missed', 'likes', { cacheKey: 'likes', promptHash: 'likes', prompt: 'Do that' }]]);
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
  ['a comparison of a task that wants none', [compared('finds')]],
  ['a similar answer for a task that wants none', [first, kept, likeHit('finds', { cacheKey: 'k' })]],
  ['a similar answer that nobody has given', [first, kept, compared('likes'), likeHit('likes', { result: 'no' })]],
  ['a similar question that nobody has asked', [compared('likes'), likeHit('likes')]],
  [
    'another similarity than that of the vectors',
    [first, kept, compared('likes'), likeHit('likes', { similarity: 0.95 }, { similarity: 0.95 })],
  ],
  [
    'a similarity below the threshold',
    [first, kept, compared('likes'), likeHit('likes', { similarity: 0.8 }, { similarity: 0.8 })],
  ],
  ['an answer that nobody has judged', [first, kept, compared('judged'), likeHit('judged')]],
  ['a verdict that nobody has given', [first, kept, compared('judged'), likeHit('judged', {}, { verified: true })]],
  ['questions that differ in more than the prompt', [first, kept, compared('cold'), likeHit('cold')]],
  [
    'two compare the same at once',
    [compared('likes'), ['cache_comparing', 'judged', { cacheKey: 'likes', promptHash: 'likes' }, 9_000]],
  ],
])('P16: %s', (_, told) => {
  expect(() => story(told)).toThrow(expect.objectContaining({ data: { promise: 'P16' } }));
});
