/** E1: what runs of random documents really cost lies between the least and the most of their estimates. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ScriptedRequest } from '../../src/cli/demo/model-server.ts';
import { Tokenizer } from '../../src/cost/tokens.ts';
import { openFermata } from '../harness/fermata.ts';

const MOST = 40;
const SEED = 20_261_122;
const RUNS = 40;

/** How the model answers the n-th request: how long, and in which form. */
const answers = fc.array(
  fc.record({
    words: fc.integer({ min: 1, max: MOST - 4 }),
    form: fc.constantFrom('right', 'right', 'right', 'mangled', 'busy'),
  }),
  { minLength: 1, maxLength: 12 },
);
const shape = fc.record({
  kind: fc.constantFrom('call', 'call', 'json', 'map', 'reduce', 'condition'),
  reads: fc.nat(),
  when: fc.constantFrom('', '', 'input.n > 2', 'other'),
  cascades: fc.boolean(),
  retries: fc.integer({ min: 0, max: 2 }),
});

/** Tasks t0, t1, …: each may read an earlier one that calls a model, and what conditions choose comes after them. */
function documentOf(shapes: readonly (typeof shape extends fc.Arbitrary<infer Shape> ? Shape : never)[]) {
  const texts: string[] = [];
  const maps: string[] = [];
  const chosen = new Set<string>();
  const tasks = shapes.flatMap(({ kind, reads, when, cascades, retries }, at): object[] => {
    const name = `t${at}`;
    const earlier = texts.length === 0 ? undefined : texts[reads % texts.length];
    const read = earlier === undefined ? '' : ` {{ tasks.${earlier}.output | default: "" }}`;
    const call = {
      name,
      prompt: `Question ${at} about {{ input.topic }}${read}`,
      maxOutputTokens: MOST,
      expectedOutputTokens: 10,
      retry: { maxRetries: retries, initialSeconds: 0.001, maxSeconds: 0.001 },
    };
    const condition =
      when === 'other'
        ? earlier === undefined
          ? {}
          : { when: `tasks.${earlier}.?output.orValue("") != "w w"` }
        : when === ''
          ? {}
          : { when };
    const skip = cascades ? { skipPolicy: 'cascade' } : {};
    if (kind === 'map') {
      maps.push(name);
      return [
        {
          name,
          kind: 'map',
          items: 'input.docs',
          task: { ...call, name: undefined, prompt: `Sum up {{ item }}${read}` },
        },
      ];
    }
    if (kind === 'reduce' && maps.length > 0) {
      const over = maps[reads % maps.length] ?? '';
      return [
        { ...call, kind: 'reduce', dependsOn: [over], arity: 2, prompt: `All: {{ tasks.${over}.output | json }}` },
      ];
    }
    if (kind === 'condition' && earlier !== undefined) {
      const [then, otherwise] = [`${name}then`, `${name}else`];
      chosen.add(then).add(otherwise);
      return [
        {
          name,
          kind: 'condition',
          if: `size(tasks.${earlier}.?output.orValue("")) > 30`,
          then: [then],
          else: reads % 2 === 0 ? [otherwise] : [],
        },
        { ...call, name: then },
        { ...call, name: otherwise },
      ];
    }
    if (kind === 'json') return [{ ...call, ...condition, ...skip, responseFormat: 'json' }];
    texts.push(name);
    return [{ ...call, ...condition, ...skip }];
  });
  return { config: { breadth: 3, onTaskFailure: 'stop' }, tasks };
}

it('E1: a run that completes costs at least the least and at most the most', async () => {
  const tokenizer = new Tokenizer();
  await tokenizer.load('gpt-4o-mini');
  let plan: readonly { readonly words: number; readonly form: string }[] = [];
  let request = 0;
  const answer = ({ body }: ScriptedRequest) => {
    const { words, form } = plan[request++ % plan.length] ?? { words: 1, form: 'right' };
    if (form === 'busy') return { error: { status: 500, message: 'busy' } };
    const { messages, response_format: format } = body as {
      readonly messages: readonly { readonly content: string }[];
      readonly response_format?: unknown;
    };
    const text =
      format === undefined
        ? 'w '.repeat(words).trim()
        : form === 'mangled'
          ? '{"a"'
          : JSON.stringify({ a: 'w '.repeat(words) });
    const count = (said: string): number => tokenizer.count(said, 'gpt-4o-mini').tokens;
    const inputTokens = 3 + messages.reduce((sum, { content }) => sum + 4 + count(content), 0);
    return { text, usage: { inputTokens, outputTokens: Math.min(MOST, count(text)) } };
  };
  const harness = await openFermata({
    config: { prices: { openai: { 'gpt-4o-mini': { input: 1, output: 7, cachedInput: 0.5 } } } },
    script: [{ prompt: '', answers: [answer] }],
  });
  let completed = 0;
  let bounded = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(shape, { minLength: 1, maxLength: 7 }),
      answers,
      fc.array(fc.string({ maxLength: 30 }), { maxLength: 4 }),
      fc.nat({ max: 5 }),
      async (shapes, planned, docs, n) => {
        plan = planned;
        request = 0;
        const schema = { type: 'object', properties: { docs: { type: 'array' } } };
        const { status, body } = await harness.call('POST', '/workflows', {
          name: crypto.randomUUID(),
          input: schema,
          ...documentOf(shapes),
        });
        expect(status, JSON.stringify(body)).toBe(201);
        const input = { topic: 'tea houses', docs, n };
        const estimate = (await harness.call('POST', `/workflows/${body.id}/estimate-cost`, { input })).body;
        const { runId } = (await harness.call('POST', `/workflows/${body.id}/execute`, { input })).body;
        await harness.fermata.runtime.waitFor(runId);
        const run = (await harness.call('GET', `/runs/${runId}`)).body;
        // What failed without usage has no cost that is known.
        const cost = run.costDollars ?? 0;
        const { lowest, highest } = estimate.estimatedCostDollars;
        if (highest !== null) {
          bounded += 1;
          expect(cost).toBeLessThanOrEqual(highest);
        }
        if (run.status !== 'completed') return;
        completed += 1;
        expect(cost).toBeGreaterThanOrEqual(lowest);
      },
    ),
    { numRuns: RUNS, seed: SEED },
  );
  // The test would say nothing of runs that fail, or that nothing bounds.
  expect(completed).toBeGreaterThan(RUNS / 4);
  expect(bounded).toBeGreaterThan(RUNS / 2);
}, 60_000);
