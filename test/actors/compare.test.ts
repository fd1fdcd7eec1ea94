import { expect, it } from 'vitest';
import { compare } from '../../actors/compare.ts';
import { FermataError } from '../../src/errors.ts';
import { ManualClock } from '../harness/clock.ts';
import { effectContext } from '../harness/effect-context.ts';

const input = {
  task: 'ask',
  attempt: 1,
  prompt: 'What is tea?',
  responseFormat: 'text' as const,
  space: 's',
  ttlMs: 1_000,
  threshold: 0.9,
  provider: 'openai',
  model: 'vectors',
};

it('compares a question whose vector is kept, also while its provider is let alone', async () => {
  let asked = 0;
  const effect = compare({
    embed: () => Promise.reject(new FermataError('modelUnavailable', `down ${++asked}`)),
    vectors: {
      vectorOf: async (_, hash) => (hash === 'kept' ? { space: 's/2', values: new Float32Array([1, 0]) } : undefined),
      addVector: async () => true,
      nearest: async () => [],
    },
    answers: { answer: async () => ({}) },
    checkAnswer: () => [],
    clock: new ManualClock(),
    log: () => {},
  });
  const outcome = (key: string) => effect.run({ ...input, key }, effectContext());
  expect(await outcome('new')).toMatchObject({ found: null, warning: expect.stringContaining('down 1') });
  expect(await outcome('kept')).not.toHaveProperty('warning');
  // It is still let alone: what is kept says nothing of how it is.
  expect(await outcome('another')).toMatchObject({ warning: expect.stringContaining('down 1') });
  expect(asked).toBe(1);
});
