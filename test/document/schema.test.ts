import { expect, test } from 'vitest';
import { z } from 'zod';
import { nearest } from '../../src/document/nearest.ts';
import { formatPath } from '../../src/document/faults.ts';
import { codeTaskSchema } from '../../src/document/kinds/code.ts';
import { modelTaskSchema } from '../../src/document/kinds/model.ts';
import { documentSchema } from '../../src/document/schema.ts';
import { UNSUPPORTED_CONFIG_FIELDS, UNSUPPORTED_TASK_FIELDS } from '../../src/document/unsupported.ts';

test('describes itself as JSON Schema, with limits and defaults', () => {
  const schema = z.toJSONSchema(documentSchema, { io: 'input' });
  expect(schema).toMatchObject({
    type: 'object',
    additionalProperties: false,
    required: ['name', 'tasks'],
    properties: {
      name: {
        type: 'string',
        minLength: 1,
        maxLength: 200,
        pattern: '^(?!\\.{1,2}$)[^/\\u0000-\\u001f\\u007f-\\u009f]+$',
      },
      config: { type: 'object', properties: { breadth: { type: 'integer', minimum: 1, maximum: 1000, default: 3 } } },
      tasks: { type: 'array', minItems: 1, maxItems: 100_000 },
    },
  });
  const name = new RegExp(String(z.toJSONSchema(documentSchema.shape.name).pattern));
  expect(['a b', 'a.b', '...', 'a/b', 'a\u0007', '.', '..'].map((text) => name.test(text))).toEqual([
    true,
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});

test('reads back as a schema that takes the documents it describes', () => {
  const schema = z.fromJSONSchema(JSON.parse(JSON.stringify(z.toJSONSchema(documentSchema, { io: 'input' }))), {
    registry: z.registry(),
  });
  expect(schema.safeParse({ name: 'w', tasks: [{ name: 'a', prompt: 'x' }] }).success).toBe(true);
  expect(schema.safeParse({ name: 'w', tasks: [{ name: 'a' }] }).success).toBe(false);
});

test('no field is both supported and refused', () => {
  const fields = [...Object.keys(modelTaskSchema.shape), ...Object.keys(codeTaskSchema.shape)];
  expect(fields.filter((field) => UNSUPPORTED_TASK_FIELDS.has(field))).toEqual([]);
  const config = documentSchema.shape.config.unwrap();
  expect(Object.keys(config.shape).filter((field) => UNSUPPORTED_CONFIG_FIELDS.has(field))).toEqual([]);
});

test.each([
  ['dependson', 'dependsOn'],
  ['depends_on', 'dependsOn'],
  ['DependsOn', 'dependsOn'],
  ['promt', 'prompt'],
  ['porompt', 'prompt'],
  ['rpompt', 'prompt'],
  ['x', undefined],
  ['', undefined],
  ['quuxquux', undefined],
])('nearest to %j is %j', (word, name) => {
  expect(nearest(word, ['name', 'prompt', 'dependsOn', 'description'])).toBe(name);
});

test('paths are written as their author would', () => {
  expect(formatPath(['tasks', 2, 'metadata', 'my key', 'ü', 0])).toBe('tasks[2].metadata["my key"].ü[0]');
});
