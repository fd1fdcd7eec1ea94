import { expect, test } from 'vitest';
import type { TaskSpec } from '../../src/document/definition.ts';
import { parseDocument } from '../../src/document/parse.ts';
import { renderTask, taskScope } from '../../src/document/render.ts';
import { errorOf } from './faults-of.ts';

const last = (...tasks: unknown[]): TaskSpec => {
  const task = parseDocument({ name: 'w', tasks }).tasks.at(-1);
  return task ?? expect.fail('no task');
};

test('a model call is rendered, and a value that looks like a template is not rendered again', () => {
  const spec = last(
    { name: 'plan', prompt: 'x' },
    {
      name: 'go',
      description: 'Researching {{ input.topic }}',
      prompt: '{{ input.topic }}: {{ tasks.plan.output }}',
      system: 'Speak {{ input.language }}',
      temperature: 0,
      requiresApproval: true,
      approvalPrompt: 'Research {{ input.topic }}?',
    },
  );
  const scope = taskScope({ topic: '{{ secret }}', language: 'French' }, [
    ['plan', { status: 'completed', output: { a: 1 } }],
  ]);
  expect(renderTask(spec, scope)).toStrictEqual({
    description: 'Researching {{ secret }}',
    call: {
      kind: 'model',
      prompt: '{{ secret }}: {"a":1}',
      system: 'Speak French',
      provider: 'openai',
      model: 'gpt-4o-mini',
      temperature: 0,
      responseFormat: 'text',
    },
    approvalPrompt: 'Research {{ secret }}?',
  });
});

test('a code call is evaluated', () => {
  const spec = last(
    { name: 'a', prompt: 'x' },
    { name: 'sum', kind: 'code', function: 'sumUp', input: { x: 'tasks.a.output', n: 3, off: 'input.?off' } },
  );
  expect(renderTask(spec, taskScope({}, [['a', { status: 'completed', output: 'tasks.a' }]]))).toStrictEqual({
    call: { kind: 'code', function: 'sumUp', input: { x: 'tasks.a', n: 3 } },
  });
});

test('what is missing is named', () => {
  const spec = last({ name: 'a', prompt: 'x' }, { name: 'b', prompt: '{{ tasks.a.output.title }}' });
  const error = errorOf(() => renderTask(spec, taskScope({}, [['a', { status: 'completed', output: {} }]])));
  expect(error).toMatchObject({ code: 'promptFailed', data: { variable: 'tasks.a.output.title', line: 1, column: 4 } });
});
