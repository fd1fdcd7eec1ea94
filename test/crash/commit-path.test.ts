/** G: a server that is killed at each named point of the commit path, early and late, loses nothing and repeats nothing settled. */
import { describe, expect, it } from 'vitest';
import type { WorkflowDocument } from '../../src/document/schema.ts';
import type { CrashPoint } from '../../src/runtime/group.ts';
import { sceneOfTest } from './scene-of-test.ts';
import { until } from './until.ts';

const POINTS: readonly CrashPoint[] = ['decided', 'committed', 'published', 'acted'];
/** The first commit begins a run, the next ones carry outcomes, timers and progress. */
const TIMES = [1, 2, 5];

const retry = { initialSeconds: 0.02, maxSeconds: 0.02 };
const document: WorkflowDocument = {
  name: 'report',
  input: { type: 'object', properties: { label: { type: 'string' } }, required: ['label'] },
  config: { breadth: 2 },
  tasks: [
    { name: 'plan', prompt: '{{ input.label }} plan' },
    { name: 'gather', dependsOn: ['plan'], prompt: '{{ input.label }} flaky gather', retry },
    { name: 'count', dependsOn: ['plan'], kind: 'code', function: 'count', input: { items: 3 } },
    { name: 'choose', kind: 'condition', if: 'tasks.plan.output != ""', then: ['count'], else: ['never'] },
    { name: 'never', prompt: '{{ input.label }} never' },
    {
      name: 'report',
      dependsOn: ['gather', 'count', 'never'],
      prompt: '{{ input.label }} report on {{ tasks.gather.output }}',
      retry,
    },
  ],
};

describe('killed on the commit path', () => {
  const setScene = sceneOfTest();

  it.each(POINTS)('R1, R5: at "%s"', async (point) => {
    const scene = await setScene({ firstTokenMs: 5 });
    let workflow = '';
    for (const nth of TIMES) {
      const server = scene.serve({ crash: { point, nth } });
      // Storing a document is no commit of the runtime; the first server lives until a run begins.
      if (workflow === '') workflow = await server.create(document);
      await server.execute(workflow, { label: `${point} ${nth}` }, `run ${nth}`);
      await scene.died(server);
    }
    const last = scene.serve();
    const runs = await Promise.all(
      TIMES.map((nth) => last.execute(workflow, { label: `${point} ${nth}` }, `run ${nth}`)),
    );
    for (const run of runs)
      await until(
        `run ${run} to complete`,
        async () => (await last.get(`/runs/${run}`))?.body['status'] === 'completed',
      );
    const end = await scene.close(last);
    expect(end.runs.size, 'one run for each idempotency key').toBe(TIMES.length);
    for (const { tasks } of end.runs.values())
      expect(tasks.map(({ status }) => status)).toEqual([...Array(4).fill('completed'), 'skipped', 'completed']);
  });
});
