/** R8: killed at any commit of a run that begins another one, that other run is begun once, and its end is heard once. */
import { describe, expect, it } from 'vitest';
import type { WorkflowDocument } from '../../src/document/schema.ts';
import type { CrashPoint } from '../../src/runtime/group.ts';
import { answerTo } from './model.ts';
import { sceneOfTest } from './scene-of-test.ts';
import { until } from './until.ts';

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

  it.each<[CrashPoint, readonly number[]]>([
    ['committed', [2, 3, 4]],
    ['decided', [3]],
  ])('at "%s" of each commit', async (point, commits) => {
    const scene = await setScene({ answer: answerTo });
    const first = scene.serve();
    const workflow = await first.create(document);
    await first.kill();
    for (const nth of commits) {
      const before = scene.model.calls().length;
      const server = scene.serve({ crash: { point, nth } });
      await server.execute(workflow, {}, `run ${nth}`);
      await scene.died(server);
      const last = scene.serve();
      const run = (await last.execute(workflow, {}, `run ${nth}`)) ?? '';
      await until('the run to complete', async () => (await last.get(`/runs/${run}`))?.body['status'] === 'completed');
      const shown = (await last.get(`/runs/${run}`))?.body;
      expect(shown?.['output']).toBe(answerTo('read tea'));
      expect(shown?.['children']).toMatchObject([{ task: 'phase', attempt: 1, status: 'completed' }]);
      const journal = (await last.get(`/runs/${run}/journal?limit=1000`))?.body['items'] as { type: string }[];
      for (const type of ['child_run_started', 'task_completed'])
        expect(
          journal.filter((entry) => entry.type === type),
          `${type}, killed at commit ${nth}`,
        ).toHaveLength(1);
      await last.kill();
      const keys = scene.model
        .calls()
        .slice(before)
        .map(({ key }) => key);
      expect(new Set(keys).size, `keys of the call, killed at commit ${nth}`).toBe(1);
    }
  });
});
