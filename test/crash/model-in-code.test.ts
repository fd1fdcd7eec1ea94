/** R5: a function that asks models is called again after a crash, and asks only what was not answered. */
import { describe, expect, it } from 'vitest';
import type { WorkflowDocument } from '../../src/document/schema.ts';
import { killedAt, type Survivor } from './each-commit.ts';
import { answerTo } from './model.ts';
import { sceneOfTest } from './scene-of-test.ts';
import { until } from './until.ts';

const document = (name: string): WorkflowDocument => ({
  name,
  tasks: [{ name: 'work', kind: 'code', function: name, input: name === 'consult' ? { topic: '"tea"' } : {} }],
});
const plan = answerTo('tea plan');
const PROMPTS = ['tea plan', `one on ${plan}`, `other on ${plan}`];

describe('killed while a function asks models', () => {
  const setScene = sceneOfTest();

  it('at commits', async () => {
    const scene = await setScene();
    const crashes = [
      ...[2, 4, 6].map((nth) => ({ point: 'committed' as const, nth })),
      { point: 'decided' as const, nth: 3 },
    ];
    const ended = async ({ shown, killed, calls }: Survivor): Promise<void> => {
      expect(await shown()).toMatchObject({ status: 'completed', output: PROMPTS.slice(1).map(answerTo) });
      const journal = (await shown('/journal?limit=1000'))['items'] as { type: string }[];
      expect(journal.filter(({ type }) => type === 'model_called')).toHaveLength(3);
      for (const prompt of PROMPTS) {
        const keys = calls()
          .filter((call) => call.prompt === prompt)
          .map(({ key }) => key);
        expect(new Set(keys).size, `keys of "${prompt}", ${killed}`).toBe(1);
        expect(keys.length).toBeLessThanOrEqual(2);
      }
      // At most those that were under way together.
      expect(calls().filter(({ prompt }) => prompt !== 'work').length).toBeLessThanOrEqual(PROMPTS.length + 2);
    };
    await killedAt(scene, document('consult'), crashes, { ended });
  });

  it('with its first answer committed: that is not asked for again', async () => {
    const scene = await setScene({ answer: answerTo });
    const server = scene.serve();
    const workflow = await server.create(document('waver'));
    const run = (await server.execute(workflow, {}, 'run')) ?? '';
    await until('the second call', () => scene.model.calls().length === 2);
    await server.kill();
    await scene.died(server);
    const last = scene.serve();
    await until('the run to end', async () => (await last.get(`/runs/${run}`))?.body['status'] === 'failed');
    const results = await last.get(`/runs/${run}/results`);
    const error = {
      code: 'functionNotDeterministic',
      message: expect.stringContaining('"waver" of task "work"'),
    };
    expect(results?.body['tasks']).toMatchObject([{ attempts: 1, error }]);
    expect(
      scene.model
        .calls()
        .filter(({ prompt }) => prompt !== 'silent')
        .map(({ prompt }) => prompt),
    ).toEqual(['that']);
    // The second call was in flight, and nobody waits for it once the function has failed: it may not come again.
    await last.kill();
  });
});
