/** R5: a goal whose server is killed in each phase of its rounds comes to its answer, and pays nothing twice. */
import { describe, expect, it } from 'vitest';
import { sceneOfTest } from './scene-of-test.ts';
import { until } from './until.ts';

interface Shown {
  readonly runId: string;
  readonly status: string;
}

/** The demo says it in two rounds; here one is enough. */
function answer(prompt: string): string {
  if (prompt.startsWith('Plan')) return JSON.stringify({ tasks: [{ name: 'a', prompt: 'Look', dependsOn: [] }] });
  if (prompt.startsWith('Judge')) return JSON.stringify({ done: true, answer: null, next: null });
  return prompt.startsWith('Answer') ? 'It is.' : 'seen';
}

describe('killed in the middle of a goal', () => {
  const setScene = sceneOfTest();

  it('and again at every third commit', async () => {
    const crash = { point: 'committed', nth: 3 } as const;
    const scene = await setScene({ answer });
    let lives = 0;
    let server = scene.serve({ crash });
    const isOver = async (): Promise<boolean> => {
      const { items = [] } = ((await server.get('/runs'))?.body ?? {}) as { readonly items?: readonly Shown[] };
      return items[0]?.status === 'completed';
    };
    await server.post('/workflows/plan-execute', { goal: 'Is tea worth it?' });
    for (let over = false; !over; lives++) {
      expect(lives).toBeLessThan(20);
      await until('a death, or the end', async () => server.isDead || (over = await isOver()));
      if (over) break;
      await scene.died(server);
      server = scene.serve({ crash });
    }
    expect(lives).toBeGreaterThanOrEqual(2);
    await server.kill();
    const last = scene.serve();
    const runs = (await last.get('/runs'))?.body['items'] as readonly Shown[];
    expect(runs).toMatchObject([{ status: 'completed' }]);
    const results = (await last.get(`/runs/${runs[0]?.runId}/results`))?.body;
    expect(results?.['output']).toBe('It is.');
    expect(results?.['tasks']).toMatchObject(
      ['answer', 'answer.plan 1', 'answer.1.a', 'answer.reflect 1', 'answer.answer'].map((name) => ({
        name,
        status: 'completed',
        attempts: 1,
      })),
    );
    const calls = scene.model.calls();
    for (const words of ['Plan', 'Look', 'Judge', 'Answer']) {
      const keys = calls.filter(({ prompt }) => prompt.startsWith(words)).map(({ key }) => key);
      expect(new Set(keys).size, `keys of "${words}"`).toBe(1);
      expect(keys.length, `calls of "${words}"`).toBeLessThanOrEqual(2);
    }
    await scene.close(last);
  });
});
