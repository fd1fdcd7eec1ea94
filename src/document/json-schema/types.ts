/**
 * The types of JSON Schema. A keyword of one type (`minLength`) says nothing about values of another one, as the
 * standard has it; but where a schema names no type and all its keywords belong to one, that type is meant:
 * `{ properties: … }` is an object. An author who leaves `type` out does not mean to take anything.
 */
import { describeValue } from '../faults.ts';
import { isRecord } from '../json.ts';
import type { Finding, Value } from './findings.ts';
import type { JsonSchema } from './keywords.ts';

const TYPES: Readonly<Record<string, readonly [noun: string, is: (value: unknown) => boolean]>> = {
  string: ['a text', (value) => typeof value === 'string'],
  number: ['a number', (value) => typeof value === 'number'],
  integer: ['a whole number', (value) => Number.isInteger(value)],
  boolean: ['true or false', (value) => typeof value === 'boolean'],
  object: ['an object', isRecord],
  array: ['a list', (value) => Array.isArray(value)],
  null: ['null', (value) => value === null],
};

const KEYWORDS_OF: Readonly<Record<string, readonly string[]>> = {
  object: [
    'properties',
    'required',
    'additionalProperties',
    'patternProperties',
    'propertyNames',
    'minProperties',
    'maxProperties',
    'dependentRequired',
    'dependentSchemas',
    'dependencies',
  ],
  array: ['items', 'prefixItems', 'additionalItems', 'minItems', 'maxItems', 'uniqueItems', 'contains'],
  string: ['minLength', 'maxLength', 'pattern', 'format'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
};
const SAY_THE_TYPE = ['enum', 'const', 'anyOf', 'oneOf', 'allOf', '$ref', 'not', 'if'];

/** What is wrong with the type of a value, if anything. */
export function typeFinding(schema: JsonSchema, { value, path }: Value): Finding | undefined {
  const types = typesOf(schema);
  if (types.length === 0 || types.some((type) => TYPES[type]?.[1](value))) return undefined;
  const expected = nounsOf(types);
  return { path, message: `expected ${expected}, came ${describeValue(value)}`, expected };
}

/** `a text or null`, or undefined for a schema that takes any type. */
export function typeNoun(schema: JsonSchema): string | undefined {
  const types = typesOf(schema);
  return types.length === 0 ? undefined : nounsOf(types);
}

function typesOf(schema: JsonSchema): readonly string[] {
  const { type } = schema;
  if (type !== undefined) return Array.isArray(type) ? type : [type as string];
  if (SAY_THE_TYPE.some((key) => key in schema)) return [];
  const implied = Object.keys(KEYWORDS_OF).filter((name) => KEYWORDS_OF[name]?.some((key) => key in schema));
  return implied.length === 1 ? implied : [];
}

function nounsOf(types: readonly string[]): string {
  return types.map((type) => TYPES[type]?.[0] ?? type).join(' or ');
}
