/** Tasks of every kind may add tasks; which of them may hold those in their output is checked when they are written. */
import { expect, test } from 'vitest';
import { parseDocument } from '../../src/document/parse.ts';
import { errorOf } from './faults-of.ts';

const document = (task: object, addTasks: string): object => ({
  name: 'w',
  tasks: [
    { name: 'list', kind: 'map', items: '[1]', task: { prompt: 'Go' } },
    { name: 'a', onComplete: { addTasks }, ...task },
  ],
});

const text = 'is a text: write responseFormat: json, or name a registered function';
const CANNOT: readonly [object, string][] = [
  [{ kind: 'map', items: '[1]', task: { prompt: 'Go' } }, 'is a list: name a registered function'],
  [{ kind: 'condition', if: 'input.x', then: [] }, 'has no field "tasks"'],
  [{ kind: 'wait', seconds: 1 }, 'is a text: name'],
  [{ kind: 'wait', until: '2026-12-24', onTimeout: 'continue', timeoutSeconds: 1 }, 'is a text: name'],
  [{ kind: 'subworkflow', workflow: 'other', wait: false }, 'has no field "tasks"'],
  [{ kind: 'planExecuteReflect', goal: 'Go' }, text],
  [{ kind: 'reduce', dependsOn: ['list'], prompt: 'Go', arity: 2 }, text],
  [{ kind: 'reduce', dependsOn: ['list'], prompt: 'Go' }, text],
  [{ prompt: 'Go' }, text],
  [{ prompt: 'Go', responseFormat: { schema: { type: 'array', items: {} } } }, 'is a list'],
  [
    { prompt: 'Go', responseFormat: { schema: { type: 'object', properties: {}, additionalProperties: false } } },
    'has no field "tasks"',
  ],
  [
    { prompt: 'Go', responseFormat: { schema: { type: 'object', properties: { tasks: { type: 'string' } } } } },
    'has "tasks" that are a text',
  ],
];

test.each(CANNOT)('fromOutput of what can never hold tasks is refused: %j', (task, reason) => {
  const { code, faults } = errorOf(() => parseDocument(document(task, 'fromOutput')));
  expect(code).toBe('invalidDocument');
  expect(faults).toEqual([
    { path: 'tasks[1].onComplete.addTasks', message: expect.stringContaining(reason) as string },
  ]);
});

test.each(CANNOT.map(([task]) => task))('a function makes tasks of it: %j', (task) => {
  expect(parseDocument(document(task, 'more')).tasks[1]?.onComplete?.addTasks).toBe('more');
});

test.each([
  { kind: 'code', function: 'f' },
  { kind: 'wait', event: { type: 'paid' } },
  { kind: 'subworkflow', workflow: 'other' },
  { kind: 'planExecuteReflect', goal: 'Go', responseFormat: 'json' },
  { kind: 'reduce', dependsOn: ['list'], prompt: 'Go', arity: 2, responseFormat: 'json' },
  { prompt: 'Go', responseFormat: 'json' },
  { prompt: 'Go', responseFormat: { schema: { type: 'object', properties: { tasks: { type: 'array' } } } } },
  { prompt: 'Go', responseFormat: { schema: { anyOf: [{ type: 'object' }, { type: 'string' }] } } },
])('fromOutput of what may hold tasks: %j', (task) => {
  expect(parseDocument(document(task, 'fromOutput')).tasks[1]?.onComplete?.addTasks).toBe('fromOutput');
});

test('the task of a map’s items adds none, and is told why', () => {
  const task = { kind: 'code', function: 'f', onComplete: { addTasks: 'more' } };
  const { code, faults } = errorOf(() =>
    parseDocument({ name: 'w', tasks: [{ name: 'each', kind: 'map', items: '[1]', task }] }),
  );
  expect(code).toBe('invalidDocument');
  expect(faults).toEqual([
    {
      path: 'tasks[0].task.onComplete',
      message: expect.stringContaining('give it to the map, whose function sees what all of them gave') as string,
    },
  ]);
});
