/** R5: tasks that ask the same share one call, also where a crash cuts it off. */
import { describe, expect, it } from 'vitest';
import type { WorkflowDocument } from '../../src/document/schema.ts';
import type { CrashPoint } from '../../src/runtime/group.ts';
import { answerTo } from './model.ts';
import { sceneOfTest } from './scene-of-test.ts';
import { until } from './until.ts';

const TASKS = ['a', 'b', 'c', 'd'];
const document = (prompt: string): WorkflowDocument => ({
  name: prompt,
  config: { breadth: 3, cache: { enabled: true } },
  tasks: TASKS.map((name) => ({ name, prompt })),
});

describe('killed while tasks wait for one call', () => {
  const setScene = sceneOfTest();

  it.each<[CrashPoint, readonly number[]]>([
    ['committed', [2]],
    ['decided', [3]],
  ])('at "%s" of a commit: one question, under one key, and every task has its answer once', async (point, commits) => {
    const scene = await setScene();
    for (const nth of commits) {
      const prompt = `${point} ${nth}`;
      const first = scene.serve();
      const workflow = await first.create(document(prompt));
      await first.kill();
      const server = scene.serve({ crash: { point, nth } });
      await server.execute(workflow, {}, prompt);
      await scene.died(server);
      const last = scene.serve();
      const run = (await last.execute(workflow, {}, prompt)) ?? '';
      await until('the run to complete', async () => (await last.get(`/runs/${run}`))?.body['status'] === 'completed');
      const tasks = (await last.get(`/runs/${run}/results`))?.body['tasks'] as {
        output: string;
        cacheHit: boolean;
      }[];
      expect(tasks.map(({ output }) => output)).toEqual(TASKS.map(() => answerTo(prompt)));
      expect(tasks.filter(({ cacheHit }) => cacheHit)).toHaveLength(TASKS.length - 1);
      const cache = (await last.get('/cache?limit=1000'))?.body['items'] as { workflow: string }[];
      expect(cache.find((row) => row.workflow === prompt)).toMatchObject({ misses: 1, hits: TASKS.length - 1 });
      await last.kill();
      const keys = scene.model
        .calls()
        .filter((call) => call.prompt === prompt)
        .map(({ key }) => key);
      expect(new Set(keys).size, `keys, killed at commit ${nth}`).toBe(1);
      expect(keys.length).toBeLessThanOrEqual(2);
    }
  });
});

describe('killed while a task looks for similar questions, and pays for that', () => {
  const setScene = sceneOfTest();
  const prices = { openai: { '*': { input: 0.1, output: 0.1 } } };
  const similar = (topic: string): WorkflowDocument => ({
    name: topic,
    config: { cache: { enabled: true, similarityThreshold: 0.9 }, prices, budget: { maxCostDollars: 0.01 } },
    tasks: [
      { name: 'asks', prompt: `What is ${topic}?` },
      { name: 'finds', dependsOn: ['asks'], prompt: `Can you tell me what the ${topic} is?` },
    ],
  });

  it('has one answer for both, one call for it under one key, and nothing reserved in the end', async () => {
    const scene = await setScene();
    for (const [point, nth] of [
      ['decided', 4],
      ['committed', 6],
    ] as const) {
      const topic = `tea${nth}`;
      const first = scene.serve();
      const workflow = await first.create(similar(topic));
      await first.kill();
      const dies = scene.serve({ crash: { point, nth } });
      await dies.execute(workflow, {}, topic);
      await scene.died(dies);
      const last = scene.serve();
      const run = (await last.execute(workflow, {}, topic)) ?? '';
      const shown = async (path = '') => (await last.get(`/runs/${run}${path}`))?.body ?? {};
      await until('the run to complete', async () => (await shown())['status'] === 'completed');
      const killed = `killed at ${point} ${nth}`;
      const answer = answerTo(`What is ${topic}?`);
      expect((await shown('/results'))['tasks'], killed).toMatchObject([
        { output: answer, cacheHit: false },
        { output: answer, cacheHit: true, matchedPrompt: `What is ${topic}?` },
      ]);
      const { budget, costDollars } = (await shown()) as unknown as {
        readonly budget: { readonly spentDollars: number; readonly reservedDollars: number };
        readonly costDollars: number;
      };
      expect(budget.reservedDollars, killed).toBe(0);
      expect(costDollars, killed).toBe(budget.spentDollars);
      await last.kill();
      const calls = scene.model.calls().filter(({ prompt }) => prompt.includes(topic));
      expect(new Set(calls.map(({ key }) => key)).size, killed).toBe(1);
    }
  });
});
