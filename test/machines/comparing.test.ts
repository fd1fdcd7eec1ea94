/** A task that looks for similar questions, as far as its machine decides: each of its calls begins with its own money only. */
import { expect, it } from 'vitest';
import { initialTransition, transition, type AnyMachineSnapshot } from 'xstate';
import { taskMachine } from '../../machines/task.ts';
import type { PreparedModelCall } from '../../src/document/kinds/model.ts';

const prices = { input: 1_000, cachedInput: 0, cacheWrite: 0, output: 1_000, reasoning: 1_000 };
const side = { provider: 'openai', model: 'small', prices };
const call: PreparedModelCall = {
  kind: 'model',
  provider: 'openai',
  model: 'large',
  prompt: 'Hello',
  maxOutputTokens: 100,
  inputTokens: 10,
  responseFormat: 'text',
  prices,
  cache: {
    key: 'key',
    promptHash: 'hash',
    prompt: 'Hello',
    ttlMs: 1_000,
    similar: { threshold: 0.9, space: 'space', embedder: side, judge: side, tokens: 10 },
  },
};
const like = { hash: 'other', similarity: 0.95, prompt: 'Hallo', verified: false };
const found = { value: 'Hi', model: 'large', finishReason: 'stop', costNanos: null, shared: false, like };
const granted = (of: string, nanos: number) => ({ type: 'fermata.budget.granted', call: of, nanos });
const PLENTY = 1_000_000_000;

function after(...events: readonly object[]): unknown {
  const [begun] = initialTransition(taskMachine, { name: 'ask', budgeted: true, prepared: { call } });
  let snapshot: AnyMachineSnapshot = begun;
  for (const event of events) [snapshot] = transition(taskMachine, snapshot as never, event as never);
  return snapshot.value;
}

const nobodyKnows = { type: 'xstate.done.actor.recall', output: { found: null } };
const isLike = { type: 'xstate.done.actor.compare', output: { found } };
const comparing = (state: string) => ({ running: { comparing: state } });

it('waits for the money of its comparison, whatever else is granted', () => {
  expect(after(nobodyKnows)).toEqual(comparing('reservingEmbedding'));
  for (const other of ['call', 'verify', 'model.1'])
    expect(after(nobodyKnows, granted(other, PLENTY))).toEqual(comparing('reservingEmbedding'));
  expect(after(nobodyKnows, granted('compare', PLENTY))).toEqual(comparing('embedding'));
  expect(after(nobodyKnows, granted('compare', 0))).toEqual({ running: 'reserving' });
});

it('waits for the money of its verdict, whatever else is granted', () => {
  const before = [nobodyKnows, granted('compare', PLENTY), isLike];
  expect(after(...before)).toEqual(comparing('reservingVerdict'));
  for (const other of ['call', 'compare', 'model.1'])
    expect(after(...before, granted(other, PLENTY))).toEqual(comparing('reservingVerdict'));
  expect(after(...before, granted('verify', PLENTY))).toEqual(comparing('verifying'));
  expect(after(...before, granted('verify', 0))).toEqual({ running: 'reserving' });
});
