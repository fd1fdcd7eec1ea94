/** Work in rounds as documents write it: its fields, its texts, and the names that it keeps. */
import { describe, expect, it, test } from 'vitest';
import { checkKeptNames, keptBy } from '../../../src/document/round-names.ts';
import { Faults } from '../../../src/document/faults.ts';
import { workflow } from '../../../src/document/builder.ts';
import { parseDocument, parseText } from '../../../src/document/parse.ts';
import type { FermataError } from '../../../src/errors.ts';

const document = (task: object, ...others: readonly object[]): object => ({
  name: 'w',
  config: { depth: 5, model: 'small' },
  tasks: [{ name: 'g', kind: 'planExecuteReflect', goal: 'Find {{ input.what }}', ...task }, ...others],
});
const faults = (task: object, ...others: readonly object[]): readonly string[] => {
  try {
    parseDocument(document(task, ...others));
    return [];
  } catch (thrown) {
    const { faults: found = [] } = thrown as FermataError;
    return found.map(({ path, message }) => `${path}: ${message}`);
  }
};

describe('its inner form', () => {
  it('has what the document says where the task says nothing', () => {
    const [spec] = parseDocument(document({})).tasks;
    expect(spec).toMatchObject({ timeoutSeconds: undefined });
    expect(spec?.call).toMatchObject({
      depth: 5,
      breadth: undefined,
      dynamicTaskLimit: 10,
      onLimit: 'truncate',
      reflectionAnswers: true,
      phases: {
        plan: {
          timeoutSeconds: 120,
          call: { model: 'small', responseFormat: { schema: expect.anything() as unknown } },
        },
        answer: { call: { responseFormat: 'text', prompt: expect.stringContaining('{{ goal }}') as string } },
      },
    });
  });

  it('passes on what it says of model calls, and of retries; a format and a prompt of its own are for the answer', () => {
    const own = {
      model: 'big',
      temperature: 1,
      system: 'Be brief',
      maxRetries: 1,
      onInDoubt: 'ask',
      responseFormat: 'json',
    };
    const [spec] = parseDocument(document({ ...own, prompts: { plan: 'Plan: {{ goal }}' } })).tasks;
    const call = { model: 'big', temperature: 1, system: 'Be brief' };
    expect(spec?.call).toMatchObject({
      reflectionAnswers: false,
      phases: {
        plan: {
          onInDoubt: 'ask',
          retry: { maxRetries: 1 },
          call: { ...call, prompt: 'Plan: {{ goal }}', responseFormat: 'json' },
        },
        reflect: { onInDoubt: 'ask', retry: { maxRetries: 1 }, call },
        answer: { call: { ...call, responseFormat: 'json' } },
      },
      defaults: { model: { model: 'big', temperature: 1 }, any: { onInDoubt: 'ask' } },
    });
  });

  it('is the same from YAML and from the builder', () => {
    const yaml = parseText(
      'name: w\ntasks:\n  - { name: g, kind: planExecuteReflect, goal: Go, depth: 2, breadth: 1 }\n',
    );
    const built = workflow('w').task('g', { kind: 'planExecuteReflect', goal: 'Go', depth: 2, breadth: 1 }).build();
    expect(parseDocument(built)).toEqual(yaml);
  });

  it('waits for what its goal and its prompts read', () => {
    const { tasks } = parseDocument(
      document(
        { goal: '{{ tasks.a.output }}', prompts: { answer: '{{ tasks.b.output }} {{ steps[0].output }}' } },
        { name: 'a', prompt: 'A' },
        { name: 'b', prompt: 'B' },
      ),
    );
    expect(tasks[0]?.dependsOn).toEqual(['a', 'b']);
  });
});

test.each([
  [{ goal: '' }, 'tasks[0].goal: must not be empty'],
  [{ goal: '{{ round }}' }, 'tasks[0].goal: line 1, column 4: reads "round", which does not exist'],
  [{ prompts: { plan: '{{ rund }}' } }, 'tasks[0].prompts.plan: line 1, column 4: reads "rund"'],
  [{ prompts: { plans: 'x' } }, 'tasks[0].prompts.plans: unknown field "plans": did you mean "plan"?'],
  [{ depth: 101 }, 'tasks[0].depth: expected at most 100'],
  [{ breadth: 0 }, 'tasks[0].breadth: expected at least 1'],
  [{ dynamicTaskLimit: 1_001 }, 'tasks[0].dynamicTaskLimit: expected at most 1000'],
  [{ prompt: 'x' }, 'tasks[0].prompt: the field "prompt" belongs to a model call'],
  [{ responseFormat: { schema: { type: 'objekt' } } }, 'tasks[0].responseFormat.schema'],
])('refused: %j', (task, message) => {
  expect(faults(task).join('\n')).toContain(message);
});

describe('names', () => {
  it.each(['g.answer', 'g.plan 1', 'g.reflect 12', 'g.plan 1 again', 'g.1.x', 'g.12.x.y'])('it keeps %s', (name) => {
    expect(faults({}, { name, prompt: 'x' })).toEqual([
      `tasks[1].name: the name "${name}" is kept for what task "g" adds: take another one`,
    ]);
  });

  it.each(['g', 'g.x', 'h.answer', 'g.plan', 'g.1', 'answer', 'g.plan x', 'xg.answer'])('and not %s', (name) => {
    const others = name === 'g' ? [] : [{ name, prompt: 'x' }];
    expect(faults({}, ...others)).toEqual([]);
  });

  it('of two such tasks never collide', () => {
    expect(faults({ name: 'a' }, { name: 'a.1', prompt: 'x' })).toEqual([]);
    expect(faults({ name: 'a.1' }, { name: 'a.1.1.b', kind: 'planExecuteReflect', goal: 'x' }).join()).toContain(
      '"a.1"',
    );
    expect(keptBy('a.b.1.c', (owner) => owner === 'a.b')).toBe('a.b');
  });

  it('are found at once among very many', () => {
    const tasks = [{ name: 'g', kind: 'planExecuteReflect' }, { name: '.'.repeat(200) }];
    const many = new Faults();
    checkKeptNames([...tasks, ...Array.from({ length: 100_000 }, (_, at) => ({ name: `g.${at}` }))], many);
    expect(many.count).toBe(0);
  });
});
