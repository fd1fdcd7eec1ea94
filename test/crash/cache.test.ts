/** R5: tasks that ask the same share one call, also where a crash cuts it off. */
import { describe, expect, it } from 'vitest';
import type { WorkflowDocument } from '../../src/document/schema.ts';
import { killedAt, type Survivor } from './each-commit.ts';
import { answerTo } from './model.ts';
import { sceneOfTest } from './scene-of-test.ts';

interface Shown {
  readonly status: string;
  readonly workflow: { readonly name: string };
  readonly budget: { readonly spentDollars: number; readonly reservedDollars: number };
  readonly costDollars: number;
}

const TASKS = ['a', 'b', 'c', 'd'];
const document = (prompt: string): WorkflowDocument => ({
  name: prompt,
  config: { breadth: 3, cache: { enabled: true } },
  tasks: TASKS.map((name) => ({ name, prompt })),
});

describe('killed while tasks wait for one call', () => {
  const setScene = sceneOfTest();

  it('at commits: one question, under one key, and every task has its answer once', async () => {
    const scene = await setScene();
    const crashes = [
      { point: 'committed', nth: 2 },
      { point: 'decided', nth: 3 },
    ] as const;
    const ended = async ({ server, shown, killed, calls }: Survivor): Promise<void> => {
      const { status, workflow } = (await shown()) as unknown as Shown;
      expect(status).toBe('completed');
      const prompt = workflow.name;
      const tasks = (await shown('/results'))['tasks'] as { output: string; cacheHit: boolean }[];
      expect(tasks.map(({ output }) => output)).toEqual(TASKS.map(() => answerTo(prompt)));
      expect(tasks.filter(({ cacheHit }) => cacheHit)).toHaveLength(TASKS.length - 1);
      const cache = (await server.get('/cache?limit=1000'))?.body['items'] as { workflow: string }[];
      expect(cache.find((row) => row.workflow === prompt)).toMatchObject({ misses: 1, hits: TASKS.length - 1 });
      const keys = calls().map(({ key }) => key);
      expect(new Set(keys).size, `keys, ${killed}`).toBe(1);
      expect(keys.length).toBeLessThanOrEqual(2);
    };
    await killedAt(scene, ({ point, nth }) => document(`${point} ${nth}`), crashes, { ended });
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
    const crashes = [
      { point: 'decided', nth: 4 },
      { point: 'committed', nth: 6 },
    ] as const;
    const ended = async ({ shown, killed, calls }: Survivor): Promise<void> => {
      const { status, workflow, budget, costDollars } = (await shown()) as unknown as Shown;
      expect(status).toBe('completed');
      const topic = workflow.name;
      const answer = answerTo(`What is ${topic}?`);
      expect((await shown('/results'))['tasks'], killed).toMatchObject([
        { output: answer, cacheHit: false },
        { output: answer, cacheHit: true, matchedPrompt: `What is ${topic}?` },
      ]);
      expect(budget.reservedDollars, killed).toBe(0);
      expect(costDollars, killed).toBe(budget.spentDollars);
      const asked = calls().filter(({ prompt }) => prompt.includes(topic));
      expect(new Set(asked.map(({ key }) => key)).size, killed).toBe(1);
    };
    await killedAt(scene, ({ nth }) => similar(`tea${nth}`), crashes, { ended });
  });
});
