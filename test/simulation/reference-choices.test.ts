/** The reference model and choices among models: it lets a legal story pass, and finds each choice that is none. */
import { expect, it } from 'vitest';
import type { Observation } from '../../src/testing/observation.ts';
import { ReferenceModel } from '../../src/testing/reference-model.ts';
import { usualTask } from './usual-task.ts';

const plan = {
  breadth: 3,
  onTaskFailure: 'stop' as const,
  timeoutSeconds: undefined,
  tasks: [{ ...usualTask, name: 'ask', call: { kind: 'model' } }],
};
const bill = { call: 'call', provider: 'openai', usage: null, costNanos: null };
const candidates = [
  { model: 'large', expectedCostDollars: 0.01 },
  { model: 'medium', expectedCostDollars: 0.002 },
  { model: 'small', expectedCostDollars: 0.0005 },
];
const choice = (model: string, optimize?: string, over: object = {}) => ({
  attempt: 1,
  model,
  ...(optimize === undefined ? {} : { optimize }),
  reason: 'any',
  candidates,
  ...over,
});

/** A run whose only task chooses, and is billed for what it has asked. */
function story(choices: readonly object[], billed: string): void {
  const model = new ReferenceModel(
    () => plan,
    () => 'unknown',
  );
  const facts = [
    ['run_started', { workflow: 'w' }],
    ['task_started', { task: 'ask', attempt: 1 }],
    ...choices.map((one) => ['model_chosen', { task: 'ask', ...one }] as const),
    ['model_called', { task: 'ask', attempt: 1, bill: [{ ...bill, model: billed }] }],
  ] as const;
  model.see({ elapsed: 0, kind: 'start' } as Observation & { elapsed: number });
  for (const [at, [type, data]] of facts.entries()) {
    const fact = { run: 'r', seq: at + 1, at: 0, type, data };
    const state = { run: 'r', status: 'running', progress: 0, lastAt: 0, cut: false };
    model.see({ elapsed: 0, kind: 'commit', runs: [state], facts: [fact], doubtful: false });
  }
}

it('lets legal choices pass', () => {
  story([choice('large')], 'large');
  story([choice('small', 'minimizeCost')], 'small');
  story([choice('medium', 'balanced')], 'medium');
  story([choice('large', 'maximizeQuality')], 'large');
  story([choice('small', 'maximizeQuality', { reason: 'budget' })], 'small');
});

it.each([
  ['a dearer one than the cheapest', [choice('medium', 'minimizeCost')], 'medium'],
  ['one that is too much dearer', [choice('large', 'balanced')], 'large'],
  ['one that is not the best', [choice('medium', 'maximizeQuality')], 'medium'],
  ['one that is not the first', [choice('small')], 'small'],
  ['twice for one attempt', [choice('large'), choice('large')], 'large'],
  ['for another attempt', [choice('large', undefined, { attempt: 2 })], 'large'],
  ['who is left out', [choice('large', undefined, { candidates: [{ model: 'large', leftOut: 'tooLong' }] })], 'large'],
  [
    'a failure that nobody has seen',
    [choice('medium', undefined, { candidates: [{ model: 'large', leftOut: 'failed' }, ...candidates.slice(1)] })],
    'medium',
  ],
  ['somebody else is paid', [choice('large')], 'small'],
])('finds %s', (_, choices, billed) => {
  expect(() => story(choices, billed)).toThrow('P17');
});
