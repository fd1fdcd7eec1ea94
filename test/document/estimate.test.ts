/** What a run will cost. A token is a letter, at one nano-dollar in and ten out, so that every number can be told by hand. */
import { describe, expect, it } from 'vitest';
import type { UnitPrices } from '../../src/cost/unit-prices.ts';
import { estimateOf, type Estimate } from '../../src/document/estimate.ts';
import { NOTHING_LEARNED, type Learned } from '../../src/document/estimate/learned.ts';
import { parseDocument } from '../../src/document/parse.ts';
import { atOnce } from '../../src/document/steps.ts';

const PRICES: UnitPrices = { input: 1_000, cachedInput: 1_000, cacheWrite: 1_000, output: 10_000, reasoning: 10_000 };
/** What is sent around one prompt: to expect, and at the most. */
const AROUND = 7;
const MOST_AROUND = 24;

type Tasks = readonly Readonly<Record<string, unknown>>[];

function estimate(tasks: Tasks, input: unknown = {}, learned: Learned = NOTHING_LEARNED, head: object = {}): Estimate {
  const definition = parseDocument({ name: 'w', ...head, tasks });
  return atOnce(
    estimateOf(definition, {
      input,
      priceOf: () => (asked) => (asked.model === 'unknown' ? undefined : PRICES),
      count: (text) => ({ tokens: text.length, by: 'encoder' }),
      learned,
    }),
  );
}

/** A call of ten letters whose answer is declared: 5 expected, 8 at the most, no retry. */
const ask = (name: string, over: object = {}) => ({
  name,
  prompt: '0123456789',
  expectedOutputTokens: 5,
  maxOutputTokens: 8,
  maxRetries: 0,
  ...over,
});
const EXPECTED = 10 + AROUND + 50;
const HIGHEST = 10 + MOST_AROUND + 80;

describe('one call', () => {
  it('costs what is sent, and what is declared of the answer', () => {
    const { total, guessed, tasks } = estimate([ask('a')]);
    expect(total.nanos).toEqual({ lowest: 10, expected: EXPECTED, highest: HIGHEST });
    expect(guessed).toBe(false);
    expect(tasks[0]?.lines[0]?.inputTokens).toEqual({
      range: { lowest: 10, expected: 17, highest: 34 },
      from: 'counted',
    });
    expect(tasks[0]?.lines[0]?.outputTokens.from).toBe('declared');
  });

  it('is rendered with the input, and where the input lacks what it reads, that is said', () => {
    expect(estimate([ask('a', { prompt: '{{ input.topic }}' })], { topic: 'abcd' }).total.nanos.lowest).toBe(4);
    expect(() => estimate([ask('a', { prompt: '{{ input.topic }}' })])).toThrow('input.topic is missing');
  });

  it('without a declared answer is a guess, and says so', () => {
    const { total, guessed } = estimate([{ name: 'a', prompt: 'x', maxRetries: 0 }]);
    expect(guessed).toBe(true);
    expect(total.outputTokens).toEqual({ range: { lowest: 0, expected: 500, highest: 4_096 }, from: 'default' });
  });

  it('of a model without a price is not free: it is counted apart', () => {
    const { total } = estimate([ask('a'), ask('b', { model: 'unknown' })]);
    expect(total.unpriced).toEqual({ lowest: 1, expected: 1, highest: 1 });
    expect(total.nanos.expected).toBe(EXPECTED);
    expect(total.calls.range.expected).toBe(2);
  });

  it('may be repeated: as often as retries and the mending of an answer allow', () => {
    const { total } = estimate([ask('a', { maxRetries: 2 })]);
    expect(total.nanos).toEqual({ lowest: 10, expected: EXPECTED, highest: 3 * HIGHEST });
    const json = estimate([ask('a', { responseFormat: 'json' })]).total;
    expect(json.calls.range).toEqual({ lowest: 1, expected: 1, highest: 2 });
    expect(json.nanos.highest).toBeGreaterThan(2 * HIGHEST + 500 + 8);
  });
});

describe('prompts that read other answers', () => {
  it('have the length that these are expected to have', () => {
    const { tasks, guessed } = estimate([ask('a'), ask('b', { prompt: 'abc {{ tasks.a.output }}' })]);
    expect(tasks[1]?.lines[0]?.inputTokens).toEqual({
      range: { lowest: 4, expected: 4 + 5 + AROUND, highest: 4 + 8 + MOST_AROUND },
      from: 'declared',
    });
    expect(guessed).toBe(false);
  });

  it('have no most where nobody bounds what they read', () => {
    const { total } = estimate([
      { name: 'f', kind: 'code', function: 'f', expectedOutputTokens: 3 },
      ask('b', { prompt: '{{ tasks.f.output }}' }),
    ]);
    expect(total.nanos).toEqual({ lowest: 0, expected: 3 + AROUND + 50, highest: Infinity });
    expect(total.unboundedBecause).toBe('a prompt reads what function "f" gives');
  });

  it.each([
    ['{% for x in tasks.a.output %}{{ x }}{% endfor %}', 'a loop'],
    ['{% assign x = tasks.a.output %}{{ x }}{{ x }}{{ x }}', 'a variable'],
    ['{% capture x %}{{ tasks.a.output }}{% endcapture %}{{ x }}{{ x }}', 'a variable'],
    ["{{ tasks.a.output | replace: 'a', 'as long as anybody likes' }}", 'a filter'],
    ['{{ tasks.a.output | strip | url_encode }}', 'a filter'],
  ])('have no most where they may make more of what they read: %s', (prompt, what) => {
    const { total } = estimate([ask('a'), ask('b', { prompt })]);
    expect(total.nanos.highest).toBe(Infinity);
    expect(total.unboundedBecause).toBe(`${what} of the prompt may repeat or lengthen what is not there yet`);
  });

  it('have a most where they say what they read as it is', () => {
    const prompt = "{{ tasks.a.output | join: ', ' | strip }} (replace | append it)";
    expect(estimate([ask('a'), ask('b', { prompt })]).total.nanos.highest).toBeLessThan(Infinity);
  });
});

describe('branches', () => {
  const choose = (over: object = {}) => ({
    name: 'c',
    kind: 'condition',
    if: 'tasks.a.output == "x"',
    then: ['b'],
    ...over,
  });

  it('the least is that of the cheapest, the most of the dearest, each as likely as the others', () => {
    const two = [ask('a'), choose({ else: ['d'] }), ask('b'), ask('d', { maxRetries: 1 })];
    const { nanos, calls } = estimate(two).total;
    expect(calls.range).toEqual({ lowest: 2, expected: 2, highest: 3 });
    expect(nanos).toEqual({ lowest: 20, expected: 2 * EXPECTED, highest: 3 * HIGHEST });
  });

  it('a branch that may not be chosen costs nothing at the least', () => {
    const { total, guessed } = estimate([ask('a'), choose(), ask('b')]);
    expect(total.nanos).toEqual({ lowest: 10, expected: 1.5 * EXPECTED, highest: 2 * HIGHEST });
    expect(guessed).toBe(true);
  });

  it('what the input decides is decided', () => {
    const tasks = [choose({ if: 'input.n > 1', else: ['d'] }), ask('b'), ask('d', { maxRetries: 1 })];
    expect(estimate(tasks, { n: 2 }).total.nanos).toEqual({ lowest: 10, expected: EXPECTED, highest: HIGHEST });
    expect(estimate(tasks, { n: 0 }).total.nanos).toEqual({ lowest: 10, expected: EXPECTED, highest: 2 * HIGHEST });
    const skipped = [ask('a', { when: 'input.n > 1' }), ask('b')];
    expect(estimate(skipped, { n: 1 }).total.nanos.highest).toBe(HIGHEST);
    expect(estimate(skipped, { n: 2 }).guessed).toBe(false);
  });

  it('what hangs on a task that may be skipped may be skipped with it', () => {
    const first = ask('a', { when: 'tasks.z.output == "x"', skipPolicy: 'cascade' });
    const { total } = estimate([ask('z'), first, ask('b', { dependsOn: ['a'] })]);
    expect(total.nanos).toEqual({ lowest: 10, expected: 2 * EXPECTED, highest: 3 * HIGHEST });
  });
});

describe('what repeats', () => {
  const each = (items: string, over: object = {}) => ({
    name: 'each',
    kind: 'map',
    items,
    task: { ...ask('x', { prompt: '{{ item }}' }), name: undefined },
    ...over,
  });
  const list = { input: { type: 'object', properties: { docs: { type: 'array' } } } };

  it('a map of a list in the input is each of its items', () => {
    const { total, guessed } = estimate([each('input.docs')], { docs: ['a', 'bb', 'ccc'] }, NOTHING_LEARNED, list);
    expect(total.calls).toEqual({ range: { lowest: 3, expected: 3, highest: 3 }, from: 'counted' });
    expect(total.nanos).toEqual({ lowest: 6, expected: 6 + 3 * (AROUND + 50), highest: 6 + 3 * (MOST_AROUND + 80) });
    expect(guessed).toBe(false);
    const batched = estimate(
      [each('input.docs', { batchSize: 2 })],
      { docs: ['a', 'bb', 'ccc'] },
      NOTHING_LEARNED,
      list,
    );
    expect(batched.total.calls.range.expected).toBe(2);
  });

  it('a map of more items than are rendered says so, and takes a default for each', () => {
    const task = { prompt: '{{ item }}', expectedOutputTokens: 5, maxOutputTokens: 8, maxRetries: 0 };
    const { total, guessed } = estimate([{ name: 'm', kind: 'map', items: 'input.list', task }], {
      list: Array.from({ length: 10_001 }, () => 'ab'),
    });
    expect(total.calls.range).toEqual({ lowest: 10_001, expected: 10_001, highest: 10_001 });
    expect([guessed, total.nanos.highest]).toEqual([true, Infinity]);
    expect(total.unboundedBecause).toBe('map "m" has 10001 items, and more than 10000 are not rendered one by one');
  });

  it('a map of a list that is not there yet has as many as its schema allows, else none at the most', () => {
    const schema = (more: object) => ({
      responseFormat: { schema: { type: 'object', properties: { l: { type: 'array', ...more } } } },
    });
    const bounded = estimate([ask('a', schema({ maxItems: 4 })), each('tasks.a.output.l')]).tasks[1]?.lines[0];
    expect(bounded?.calls).toEqual({ range: { lowest: 0, expected: 4, highest: 4 }, from: 'declared' });
    const { total } = estimate([ask('a', schema({})), each('tasks.a.output.l')]);
    expect(total.nanos.highest).toBe(Infinity);
    expect(total.unboundedBecause).toContain('which is not there yet');
  });

  it('a reduction is a tree of calls', () => {
    const all = { ...ask('all', { prompt: '{{ tasks.each.output }}' }), kind: 'reduce', dependsOn: ['each'], arity: 2 };
    const { tasks } = estimate([each('input.docs'), all], { docs: ['a', 'b', 'c', 'd', 'e'] }, NOTHING_LEARNED, list);
    expect(tasks[1]?.lines[0]?.calls.range).toEqual({ lowest: 6, expected: 6, highest: 6 });
  });

  it('an item that is not a list is said', () => {
    expect(() => estimate([each('input.docs')], { docs: 5 })).toThrow('expected a list, came a number');
  });

  it('rounds, and tasks that join, are between none and all that they may be', () => {
    const { total } = estimate([
      { name: 'g', kind: 'planExecuteReflect', goal: 'x', depth: 2, dynamicTaskLimit: 3, maxOutputTokens: 10 },
    ]);
    expect(total.calls.range.lowest).toBe(1);
    expect(total.calls.range.highest).toBeGreaterThan(2 * (2 + 3 + 1) + 1);
    const added = estimate([
      ask('a', {
        responseFormat: 'json',
        onComplete: { addTasks: 'fromOutput', dynamicTaskLimit: 2, maxDynamicDepth: 2 },
      }),
    ]);
    expect(added.tasks[0]?.lines[1]?.calls.range).toEqual({ lowest: 0, expected: 2, highest: 8 * 6 });
  });

  it('a run of another workflow counts, for the total only', () => {
    const document = { name: 'child', tasks: [ask('b', { prompt: '{{ input.q }}' })] };
    const { total, own } = estimate(
      [ask('a'), { name: 's', kind: 'subworkflow', workflow: document, input: { q: '{{ input.t }}!' }, maxRetries: 0 }],
      { t: 'tea' },
    );
    expect(own.nanos).toEqual({ lowest: 10, expected: EXPECTED, highest: HIGHEST });
    expect(total.nanos).toEqual({ lowest: 14, expected: EXPECTED + EXPECTED - 6, highest: 2 * HIGHEST - 6 });
    const unknown = estimate([{ name: 's', kind: 'subworkflow', workflow: 'elsewhere', maxRetries: 0 }]);
    expect(unknown.total.unboundedBecause).toBe('the workflow "elsewhere" is not known here');
  });
});

it('learns lengths, repeats and lists from earlier runs', () => {
  const spread = (median: number) => ({ median, p90: 2 * median });
  const learned: Learned = {
    of: (_, task) =>
      task === 'a' || task === 'b'
        ? { requests: 9, inputTokens: spread(50), outputTokens: spread(20), callsEach: 1.5, timesEach: 1 }
        : undefined,
  };
  const call = { prompt: '0123456789', maxRetries: 1 };
  const { tasks, guessed } = estimate(
    [
      { name: 'a', ...call },
      { name: 'b', ...call, prompt: '{{ tasks.a.output }}' },
    ],
    {},
    learned,
  );
  const [a, b] = tasks.map(({ lines }) => lines[0]);
  expect(a?.calls).toEqual({ range: { lowest: 1, expected: 1.5, highest: 2 }, from: 'learned' });
  expect(a?.outputTokens.range.expected).toBe(30);
  expect(a?.inputTokens.range.expected).toBe(1.5 * (10 + AROUND));
  expect(b?.inputTokens).toMatchObject({ range: { expected: 75 }, from: 'learned' });
  expect(guessed).toBe(false);
});

it('a prompt of ten million letters, and 30,000 tasks, in steps of which none is long', () => {
  const long = estimate([ask('a', { prompt: '{{ input.text }}' })], { text: 'x'.repeat(10_000_000) });
  expect(long.total.nanos.lowest).toBeGreaterThan(9_000_000);
  const definition = parseDocument({ name: 'many', tasks: Array.from({ length: 30_000 }, (_, at) => ask(`t${at}`)) });
  const steps = estimateOf(definition, {
    input: {},
    priceOf: () => () => PRICES,
    count: (text) => ({ tokens: text.length, by: 'encoder' }),
    learned: NOTHING_LEARNED,
  });
  let longest = 0;
  for (;;) {
    const before = performance.now();
    const step = steps.next();
    longest = Math.max(longest, performance.now() - before);
    if (step.done !== true) continue;
    expect(step.value.total.nanos.expected).toBe(30_000 * EXPECTED);
    break;
  }
  expect(longest).toBeLessThan(3_000);
});

describe('a call for which a similar question will do', () => {
  const head = (more: object = {}) => ({ config: { cache: { enabled: true, similarityThreshold: 0.9, ...more } } });
  const partsOf = ({ tasks }: Estimate) => tasks.flatMap(({ lines }) => lines.map(({ part, model }) => [part, model]));

  it('costs a vector of its prompt as well, with each attempt at the most', () => {
    const found = estimate([ask('a')], {}, NOTHING_LEARNED, head());
    expect(partsOf(found)).toEqual([
      [undefined, 'gpt-4o-mini'],
      ['embedding', 'text-embedding-3-small'],
    ]);
    expect(found.total.nanos).toEqual({ lowest: 0, expected: EXPECTED + 10, highest: HIGHEST + 10 });
    const again = estimate([ask('a', { maxRetries: 2 })], {}, NOTHING_LEARNED, head());
    expect(again.total.nanos).toEqual({ lowest: 0, expected: EXPECTED + 10, highest: 3 * (HIGHEST + 10) });
    expect(estimate([ask('a')], {}, NOTHING_LEARNED, head({ similarityThreshold: 1 })).total.nanos.highest).toBe(
      HIGHEST,
    );
  });

  it('costs a verdict every other time, where one is wanted', () => {
    const { total } = estimate([ask('a')], {}, NOTHING_LEARNED, head({ verify: true }));
    // Question, answer and what is said around them; a word, or whatever a judge may say.
    const verdict = (10 + 5 + 200 + 2 * 10) / 2;
    const dearest = 2 * (10 + 8) + 400 + 256 * 10;
    expect(total.nanos).toEqual({
      lowest: 0,
      expected: EXPECTED + 10 + verdict,
      highest: HIGHEST + 10 + dearest,
    });
  });

  it('is counted for each item of a map, and no longer than the model reads', () => {
    const { name: _, ...task } = ask('item', { prompt: '{{ item }}' });
    const map = { name: 'm', kind: 'map', items: 'input.docs', task };
    const found = estimate([map], { docs: ['abc', 'x'.repeat(9_000)] }, NOTHING_LEARNED, head());
    const [, vectors] = found.tasks[0]?.lines ?? [];
    expect(vectors).toMatchObject({ part: 'embedding', calls: { range: { lowest: 0, expected: 2, highest: 2 } } });
    expect(vectors?.inputTokens.range).toEqual({ lowest: 0, expected: 3 + 8_191, highest: 3 + 8_191 });
  });

  it('asks nobody in a run with a budget where a price is not known', () => {
    const budget = { ...head({ verify: true }).config, budget: { maxCostDollars: 1 } };
    const definition = parseDocument({ name: 'w', config: budget, tasks: [ask('a')] });
    const of = (embeddings: object) =>
      atOnce(
        estimateOf(definition, {
          input: {},
          priceOf: () => (asked) => (asked.model === 'unknown' ? undefined : PRICES),
          count: (text) => ({ tokens: text.length, by: 'encoder' }),
          learned: NOTHING_LEARNED,
          comparing: { embeddings },
        }),
      );
    expect(partsOf(of({ model: 'unknown' }))).toEqual([[undefined, 'gpt-4o-mini']]);
    expect(partsOf(of({ provider: 'other', model: 'known' }))).toHaveLength(3);
  });
});
