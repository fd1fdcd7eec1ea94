/** R8: killed at any commit of a run that begins another one, that other run is begun once, and its end is heard once. */
import { describe, expect, it } from 'vitest';
import type { WorkflowDocument } from '../../src/document/schema.ts';
import { killedAt, type Survivor } from './each-commit.ts';
import { answerTo } from './model.ts';
import { sceneOfTest } from './scene-of-test.ts';

const document: WorkflowDocument = {
  name: 'thesis',
  tasks: [
    {
      name: 'phase',
      kind: 'subworkflow',
      workflow: { name: 'review', tasks: [{ name: 'read', prompt: 'read {{ input.about }}' }] },
      input: { about: 'tea' },
    },
  ],
};

describe('killed while one run waits for another', () => {
  const setScene = sceneOfTest();

  it('at each commit', async () => {
    const scene = await setScene({ answer: answerTo });
    const crashes = [
      ...[2, 3, 4].map((nth) => ({ point: 'committed' as const, nth })),
      { point: 'decided' as const, nth: 3 },
    ];
    const ended = async ({ shown, calls, killed }: Survivor): Promise<void> => {
      const { status, output, children } = await shown();
      expect(status).toBe('completed');
      expect(output).toBe(answerTo('read tea'));
      expect(children).toMatchObject([{ task: 'phase', attempt: 1, status: 'completed' }]);
      const journal = (await shown('/journal?limit=1000'))['items'] as { type: string }[];
      for (const type of ['child_run_started', 'task_completed'])
        expect(
          journal.filter((entry) => entry.type === type),
          `${type}, ${killed}`,
        ).toHaveLength(1);
      expect(new Set(calls().map(({ key }) => key)).size, `keys of the call, ${killed}`).toBe(1);
    };
    await killedAt(scene, document, crashes, { ended });
  });
});
