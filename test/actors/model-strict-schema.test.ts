import { expect, it } from 'vitest';
import { z } from 'zod';
import { allowsStrict } from '../../actors/model/strict-schema.ts';
import { PERSON } from './model-setup.ts';

const closed = (properties: Record<string, unknown>) => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});

const deep = (levels: number): Record<string, unknown> =>
  closed({ a: levels === 0 ? { type: 'string' } : deep(levels - 1) });

it.each<[string, Record<string, unknown>]>([
  ['a closed object with all required', PERSON],
  ['nested ones', closed({ people: { type: 'array', items: PERSON, minItems: 1 } })],
  ['nullable', closed({ age: { type: ['integer', 'null'] } })],
  ['alternatives', closed({ x: { anyOf: [{ type: 'string' }, PERSON] } })],
  ['recursion', { ...closed({ next: { anyOf: [{ $ref: '#' }, { type: 'null' }] } }), $defs: { a: PERSON } }],
  ['what zod writes', z.toJSONSchema(z.strictObject({ a: z.enum(['x']), b: z.string().nullable() }))],
  ['a property named like a keyword', closed({ oneOf: { type: 'string' }, format: { type: 'string' } })],
])('takes %s', (_, schema) => expect(allowsStrict(schema)).toBe(true));

it.each<[string, Record<string, unknown>]>([
  ['an open object', { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] }],
  ['an optional property', { ...PERSON, required: ['name'] }],
  ['an open object inside', closed({ a: { type: 'object', properties: {} } })],
  ['an open object in an array', closed({ a: { type: 'array', items: { type: 'object' } } })],
  ['an open object among the definitions', { ...closed({}), $defs: { a: { type: 'object' } } }],
  ['an array at the root', { type: 'array', items: { type: 'string' } }],
  ['an array of anything', closed({ a: { type: 'array' } })],
  ['a free-form record', closed({ a: { type: 'object', additionalProperties: { type: 'string' } } })],
  ['a keyword it does not know', closed({ a: { type: 'string', minLength: 3 } })],
  ['a format it does not know', closed({ a: { type: 'string', format: 'uri' } })],
  ['allOf', closed({ a: { allOf: [PERSON] } })],
  ['more levels than it allows', deep(20)],
])('does not take %s', (_, schema) => expect(allowsStrict(schema)).toBe(false));
