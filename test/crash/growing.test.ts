/** R1, R5: a run that grows is killed while it does; no item is lost, none comes twice, and what was answered is not asked again. */
import { describe, expect, it } from 'vitest';
import type { WorkflowDocument } from '../../src/document/schema.ts';
import { killedAt, type Survivor } from './each-commit.ts';
import { answerTo } from './model.ts';
import { sceneOfTest } from './scene-of-test.ts';

const ITEMS = 5;
const DOCUMENT: WorkflowDocument = {
  name: 'growing',
  config: { breadth: 2 },
  tasks: [
    {
      name: 'each',
      kind: 'map',
      items: '[1, 2, 3, 4, 5]',
      task: { kind: 'code', function: 'count', input: { items: 'item' } },
    },
    { name: 'all', kind: 'reduce', dependsOn: ['each'], arity: 3, prompt: '{{ tasks.each.output | json }}' },
    { name: 'more', kind: 'code', function: 'propose', dependsOn: ['all'], onComplete: { addTasks: 'fromOutput' } },
    { name: 'end', kind: 'code', function: 'count', dependsOn: ['more'], input: { items: 'tasks.all.output' } },
  ],
};
const parts = [
  [1, 2, 3],
  [4, 5],
].map((part) => JSON.stringify(part.map((items) => ({ counted: items }))));
const TOP = JSON.stringify(parts.map(answerTo));
/** What is called, each of it once where nothing dies. */
const CALLED = [
  ...Array.from({ length: ITEMS }, (_, at) => `each[${at}]`),
  ...parts,
  TOP,
  'more',
  'new 0',
  'new 1',
  'end',
];

describe('killed while a run grows', () => {
  const setScene = sceneOfTest();

  it('at commits', async () => {
    const scene = await setScene({ answer: answerTo });
    const crashes = [
      ...[4, 10].map((nth) => ({ point: 'committed' as const, nth })),
      ...[7, 13].map((nth) => ({ point: 'decided' as const, nth })),
    ];
    const ended = async (survivor: Survivor): Promise<void> => {
      const body = await survivor.shown('/results');
      const { tasks, output } = body as unknown as { tasks: { name: string; status: string }[]; output: unknown };
      expect(output).toEqual({ counted: answerTo(TOP) });
      expect(tasks.map(({ name }) => name).toSorted()).toEqual(
        [
          'all',
          'all[0]',
          'all[1]',
          'all[2]',
          'each',
          ...CALLED.slice(0, ITEMS),
          'end',
          'more',
          'new 0',
          'new 1',
        ].toSorted(),
      );
      expect(new Set(tasks.map(({ status }) => status))).toEqual(new Set(['completed']));
      const calls = survivor.calls();
      for (const called of CALLED) {
        const keys = calls.filter(({ prompt }) => prompt === called).map(({ key }) => key);
        expect(new Set(keys).size, `keys of "${called}", ${survivor.killed}`).toBe(1);
      }
      // Again come at most those that were under way together.
      expect(calls.length).toBeLessThanOrEqual(CALLED.length + 2);
    };
    await killedAt(scene, DOCUMENT, crashes, { ended });
  });
});
