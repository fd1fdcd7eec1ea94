import { describe, expect, test } from 'vitest';
import { checkInput } from '../../src/document/input.ts';
import { parseDocument } from '../../src/document/parse.ts';
import { checkAnswer } from '../../src/document/response.ts';
import type { Definition } from '../../src/document/definition.ts';
import { errorOf, faultsOf } from './faults-of.ts';

const define = (input?: Record<string, unknown>): Definition =>
  parseDocument({ name: 'w', ...(input === undefined ? {} : { input }), tasks: [{ name: 'a', prompt: 'x' }] });
const topic = {
  type: 'object',
  properties: { topic: { type: 'string' }, depth: { type: 'integer', default: 3 } },
  required: ['topic', 'depth'],
};

describe('the input of a run', () => {
  test.each<[string, Record<string, unknown> | undefined, unknown, unknown]>([
    ['no schema', undefined, { any: ['thing'] }, { any: ['thing'] }],
    ['no input', undefined, undefined, {}],
    ['defaults', topic, { topic: 'tea' }, { topic: 'tea', depth: 3 }],
    ['further properties', topic, { topic: 'tea', extra: 1 }, { topic: 'tea', depth: 3, extra: 1 }],
    ['nested defaults', { properties: { o: { properties: { a: { default: 1 } } } } }, { o: {} }, { o: { a: 1 } }],
    ['null for a required name without a type', { required: ['x'] }, { x: null }, { x: null }],
  ])('%s', (_, schema, input, result) => {
    expect(checkInput(define(schema), input)).toEqual(result);
  });

  test.each<[string, Record<string, unknown> | undefined, unknown, string[]]>([
    ['missing', topic, undefined, ['input.topic: is required: expected a text']],
    [
      'several',
      topic,
      { topic: 1, depth: 1.5 },
      ['input.topic: expected a text, came a number (1)', 'input.depth: expected a whole number, came a number (1.5)'],
    ],
    ['closed', { ...topic, additionalProperties: false }, { topic: 'x', y: 1 }, ['input.y: unknown field "y"']],
    ['no schema, no object', undefined, [], ['input: expected an object, came a list']],
    ['required without a property', { required: ['x'] }, {}, ['input.x: is required']],
    [
      'schema without a type',
      { properties: { a: { minLength: 2 } } },
      { a: 'b' },
      ['input.a: expected at least 2 characters, came 1'],
    ],
    ['required in a branch', { type: 'object', allOf: [{ required: ['x'] }] }, {}, ['input.x: is required']],
    ['NUL', undefined, { a: { 'b c': '\0' } }, ['input.a["b c"]: must not contain a NUL character (U+0000)']],
    [
      'names of the prototype',
      { properties: { constructor: { type: 'string' } }, required: ['toString'] },
      { constructor: 5 },
      ['input.toString: is required', 'input.constructor: expected a text, came a number (5)'],
    ],
    ['no JSON', undefined, { a: 1n }, ['input.a: expected JSON, came a bigint']],
  ])('refuses: %s', (_, schema, input, faults) => {
    expect(errorOf(() => checkInput(define(schema), input)).code).toBe('invalidInput');
    expect(faultsOf(() => checkInput(define(schema), input))).toEqual(faults);
  });

  test('L12: an input that contains itself names the place it repeats', () => {
    const circular: Record<string, unknown> = { a: { b: [] } };
    circular['a'] = { b: [circular] };
    expect(faultsOf(() => checkInput(define(), circular))).toEqual([
      'input.a.b[0]: expected JSON, came a value that contains itself: it is input again',
    ]);
  });

  test.each([
    ['holes', Object.assign([], { length: 4_000_000_000 }), 'input.list[0]: expected JSON, came nothing'],
    [
      'NUL characters',
      Array.from({ length: 2_000 }, () => '\0'),
      'input.list[0]: must not contain a NUL character (U+0000)',
    ],
  ])('with a list of %s has a thousand faults and no more', (_, list, first) => {
    const faults = faultsOf(() => checkInput(define(), { list }));
    expect(faults).toHaveLength(1_000);
    expect(faults[0]).toBe(first);
  });

  test('may be read only as far as a closed schema goes', () => {
    const document = (schema: Record<string, unknown>): unknown => ({
      name: 'w',
      input: schema,
      tasks: [{ name: 'a', prompt: '{{ input.topci }}' }],
    });
    expect(parseDocument(document(topic)).tasks).toHaveLength(1);
    expect(faultsOf(() => parseDocument(document({ ...topic, additionalProperties: false })))).toEqual([
      'tasks[0].prompt: line 1, column 4: reads input.topci, which the schema of the input does not have: did you mean "topic"?',
    ]);
  });
});

test.each<[Record<string, unknown>, string]>([
  [{ type: 'object', required: 'topic' }, 'input.required: expected a list, came a text ("topic")'],
  [
    { properties: { n: { type: 'integer', minimum: 'a' } } },
    'input.properties.n.minimum: expected a number, came a text ("a")',
  ],
  [{ properties: 'x' }, 'input.properties: expected an object, came a text ("x")'],
])('a schema that would not be kept is refused: %j', (schema, fault) => {
  expect(faultsOf(() => define(schema))).toEqual([fault]);
});

test('an answer is checked in sentences for the model', () => {
  const schema = {
    type: 'object',
    required: ['title', 'n'],
    properties: { n: { type: 'integer', minimum: 1 } },
    additionalProperties: false,
  };
  expect(checkAnswer(schema, { title: 'x', n: 1 })).toEqual([]);
  expect(checkAnswer(schema, { n: 0, z: 1 })).toEqual([
    'answer.title: is required',
    'answer.z: unknown field "z"',
    'answer.n: expected at least 1, came a number (0)',
  ]);
  expect(checkAnswer({ type: 'array', items: { type: 'string' } }, 'text')).toEqual([
    'answer: expected a list, came a text ("text")',
  ]);
});
