/** What is refused rather than ignored. */
import { expect, test } from 'vitest';
import { parseDocument } from '../../src/document/parse.ts';
import { errorOf } from './faults-of.ts';

const onComplete = { addTasks: 'more' };
const document = (task: object): object => ({
  name: 'w',
  tasks: [
    { name: 'list', kind: 'map', items: '[1]', task: { prompt: 'Go' } },
    { name: 'a', onComplete, ...task },
  ],
});

test.each([
  { kind: 'map', items: '[1]', task: { prompt: 'Go' } },
  { kind: 'condition', if: 'input.x', then: [] },
  { kind: 'wait', seconds: 1 },
  { kind: 'planExecuteReflect', goal: 'Go' },
  { kind: 'reduce', dependsOn: ['list'], prompt: 'Go', arity: 2 },
])('onComplete of a task that calls nobody itself: $kind', (task) => {
  const { code, faults } = errorOf(() => parseDocument(document(task)));
  expect(code).toBe('notSupported');
  expect(faults).toEqual([
    { path: 'tasks[1].onComplete', message: `"onComplete" of a task of kind "${task.kind}" is not supported yet` },
  ]);
});

test.each([{ prompt: 'Go' }, { kind: 'code', function: 'f' }, { kind: 'reduce', dependsOn: ['list'], prompt: 'Go' }])(
  'and not of one that does: %j',
  (task) => {
    expect(parseDocument(document(task)).tasks[1]?.onComplete?.addTasks).toBe('more');
  },
);
