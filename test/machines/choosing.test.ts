/** A task that chooses its model, as far as its machine decides: what it asks of the budget, and what it makes of the answer. */
import { expect, it } from 'vitest';
import { initialTransition, transition, type AnyMachineSnapshot } from 'xstate';
import { taskMachine } from '../../machines/task.ts';
import type { PreparedModelCall } from '../../src/document/kinds/model.ts';

const prices = (output: number) => ({ input: 0, cachedInput: 0, cacheWrite: 0, output, reasoning: output });
/** The most that each can cost: 100 tokens at 1,000, 100 and 10. */
const candidates = [1_000_000, 100_000, 10_000].map((rate, rank) => ({
  provider: 'openai',
  model: ['large', 'medium', 'small'][rank] ?? '',
  rank,
  prices: prices(rate),
  inputTokens: 10,
  expectedNanos: rate / 100,
}));
const call: PreparedModelCall = {
  kind: 'model',
  provider: 'openai',
  model: 'large',
  prompt: 'Hello',
  maxOutputTokens: 100,
  minOutputTokens: 50,
  inputTokens: 0,
  responseFormat: 'text',
  candidates,
  optimize: 'maximizeQuality',
};

type Done = { readonly type: string; readonly params?: Readonly<Record<string, unknown>> };

/** The task, and what its machine wants done, by and by. */
class Task {
  snapshot: AnyMachineSnapshot;
  #done: readonly Done[];

  constructor() {
    const [snapshot, done] = initialTransition(taskMachine, { name: 'ask', budgeted: true, prepared: { call } });
    this.snapshot = snapshot;
    this.#done = done as readonly Done[];
  }

  take(event: object): void {
    const [snapshot, done] = transition(taskMachine, this.snapshot as never, event as never);
    this.snapshot = snapshot;
    this.#done = done as readonly Done[];
  }

  /** What it has sent to the budget with its last turn. */
  get sent(): readonly unknown[] {
    return this.#done.filter(({ type }) => type === 'fermata.send').map(({ params }) => params?.['event']);
  }

  /** Whom it calls, and why. */
  get asks(): unknown {
    const spawned = this.#done.find(({ type }) => type === 'xstate.spawnChild')?.params as
      | { readonly input: Readonly<Record<string, unknown>> }
      | undefined;
    const chosen = this.#done.find(({ params }) => params?.['type'] === 'model_chosen')?.params;
    return spawned && [spawned.input['model'], spawned.input['maxOutputTokens'], chosen?.['reason']];
  }
}

const fits = (left: number, kept = 0) => ({ type: 'fermata.budget.fits', call: 'call', left, kept });
const granted = (nanos: number) => ({ type: 'fermata.budget.granted', call: 'call', nanos });
const need = { large: 100_000, medium: 10_000, small: 1_000 };

it('asks what there is, and for the money of the best that leaves enough', () => {
  const task = new Task();
  expect(task.sent).toEqual([{ type: 'fermata.budget.ask', task: 'ask', call: 'call', each: 100 }]);
  task.take(fits(109_999, 10_000));
  const lesser = { needs: [need.small], kept: 10_000 };
  const asked = { type: 'fermata.budget.reserve', task: 'ask', call: 'call', need: need.medium, least: 500, lesser };
  expect([task.sent, task.asks]).toEqual([[asked], undefined]);
  task.take(granted(need.medium));
  expect(task.asks).toEqual(['medium', 100, 'budget']);
});

it('takes the best that its grant pays for, where others were faster', () => {
  const task = new Task();
  task.take(fits(200_000));
  expect(task.sent).toMatchObject([{ need: need.large, least: 500 }]);
  task.take(granted(need.medium + 1));
  expect(task.asks).toEqual(['medium', 100, 'budget']);
});

it('gets a shorter answer of the cheapest where its grant pays for no whole one', () => {
  const task = new Task();
  task.take(fits(700));
  expect(task.sent).toMatchObject([{ need: need.small, least: 500 }]);
  task.take(granted(700));
  expect(task.asks).toEqual(['small', 70, 'budget']);
});

it('gives back what it has asked for, and nothing before it has', () => {
  const early = new Task();
  early.take({ type: 'fermata.cancel' });
  expect(early.sent).toEqual([]);
  const late = new Task();
  late.take(fits(200_000));
  late.take({ type: 'fermata.cancel' });
  expect(late.sent).toEqual([{ type: 'fermata.budget.leave', task: 'ask', call: 'call', need: need.large }]);
});
