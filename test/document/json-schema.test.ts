/** M4: every keyword that is taken is kept; what is not known is refused by name. */
import { describe, expect, test } from 'vitest';
import { checkValue, schemaFaults, type JsonSchema } from '../../src/document/json-schema.ts';

const faultsOf = (schema: JsonSchema, value: unknown): string[] =>
  checkValue(schema, value, ['input']).faults.map(({ path, message }) => `${path}: ${message}`);
const refusals = (schema: JsonSchema): string[] =>
  schemaFaults(schema, ['input']).map(({ path, message }) => `${path}: ${message}`);

/** As text: the linter takes an object with `then` for a promise. */
const conditional = JSON.parse(
  '{"if":{"properties":{"a":{"const":1}}},"then":{"required":["b"]},"else":{"required":["c"]}}',
) as JsonSchema;

describe('a keyword that is taken is kept', () => {
  test.each<[string, JsonSchema, unknown[], unknown[]]>([
    ['enum beside a type', { type: 'string', enum: ['a', 1] }, ['a'], [1, 'b']],
    ['const beside a type', { type: 'string', const: 1 }, [], [1, '1']],
    ['enum beside minLength', { enum: ['a', 'bb', 7], minLength: 2 }, ['bb', 7], ['a', 'ccc']],
    ['enum of objects', { enum: [{ a: 1, b: 2 }, null] }, [{ b: 2, a: 1 }, null], [{ a: 1 }, 0]],
    ['const of a list', { const: [1, { a: 2 }] }, [[1, { a: 2 }]], [[1, { a: 3 }], 1]],
    ['$ref beside a keyword', { $ref: '#/$defs/n', minimum: 5, $defs: { n: { type: 'number' } } }, [5], [4, 'x']],
    [
      'anyOf beside properties',
      { properties: { a: { type: 'number' } }, anyOf: [{ required: ['a'] }] },
      [{ a: 1 }],
      [{ a: 'x' }, {}],
    ],
    ['oneOf', { oneOf: [{ type: 'number' }, { type: 'integer' }] }, [1.5], [3, 'x']],
    ['allOf', { allOf: [{ type: 'number' }, { minimum: 5 }] }, [5], [3, 'x']],
    ['not', { type: 'string', not: { const: 'x' } }, ['y'], ['x', 5]],
    [
      'if, then, else',
      conditional,
      [
        { a: 1, b: 1 },
        { a: 2, c: 1 },
      ],
      [{ a: 1 }, { a: 2 }],
    ],
    ['dependentRequired', { dependentRequired: { a: ['b'] } }, [{ b: 1 }, { a: 1, b: 1 }], [{ a: 1 }]],
    ['dependentSchemas', { dependentSchemas: { a: { required: ['b'] } } }, [{}, { a: 1, b: 1 }], [{ a: 1 }]],
    ['dependencies', { dependencies: { a: ['b'], c: { required: ['d'] } } }, [{ c: 1, d: 1 }], [{ a: 1 }, { c: 1 }]],
    [
      'uniqueItems',
      { uniqueItems: true },
      [[1, '1', { a: 1 }]],
      [
        [1, 1],
        [
          { a: 1, b: 2 },
          { b: 2, a: 1 },
        ],
      ],
    ],
    ['contains', { contains: { type: 'number' }, minContains: 2, maxContains: 3 }, [[1, 2, 'x']], [[1], [1, 2, 3, 4]]],
    ['prefixItems', { prefixItems: [{ type: 'number' }], items: false }, [[1], []], [['x'], [1, 2]]],
    ['items as a list', { items: [{ type: 'number' }], additionalItems: { type: 'string' } }, [[1, 'x']], [[1, 2]]],
    [
      'unevaluatedProperties',
      { allOf: [{ properties: { a: { type: 'number' } } }], unevaluatedProperties: false },
      [{ a: 1 }],
      [{ b: 1 }],
    ],
    ['propertyNames', { propertyNames: { pattern: '^x' } }, [{ xa: 1 }], [{ a: 1 }]],
    ['minProperties', { minProperties: 1, maxProperties: 2 }, [{ a: 1 }], [{}, { a: 1, b: 2, c: 3 }]],
    [
      'patternProperties beside additionalProperties',
      {
        properties: { a: true },
        patternProperties: { '^x': { type: 'number' } },
        additionalProperties: { type: 'string' },
      },
      [{ a: {}, x: 1, b: 's' }],
      [{ x: 's' }, { b: 1 }],
    ],
    ['multipleOf', { multipleOf: 0.1 }, [0.3, 1e20, 7], [0.15]],
    ['a small multipleOf', { multipleOf: 1e-7 }, [3e-7, 1], [1.5e-7]],
    ['exclusive bounds', { exclusiveMinimum: 1, exclusiveMaximum: 2 }, [1.5], [1, 2]],
    ['lengths in characters', { maxLength: 1 }, ['😀'], ['ab']],
    ['several types', { type: ['number', 'null'], minimum: 5 }, [5, null], [3, 'x']],
    ['false', { properties: { a: false } }, [{}], [{ a: 1 }]],
    ['no type, keywords of two', { minLength: 2, minimum: 2 }, ['ab', 2, null], ['a', 1]],
    [
      'names of the prototype',
      { properties: { constructor: { type: 'string' } }, required: ['toString'] },
      [{ toString: 1 }],
      [{}, { toString: 1, constructor: 1 }],
    ],
    [
      'a recursive schema',
      { properties: { next: { $ref: '#' }, n: { type: 'number' } } },
      [{ next: { n: 1 } }],
      [{ next: { next: { n: 'x' } } }],
    ],
    ['a reference with escapes', { $ref: '#/$defs/a~1b%20c', $defs: { 'a/b c': { type: 'null' } } }, [null], [1]],
  ])('%s', (_, schema, right, wrong) => {
    expect(refusals(schema)).toEqual([]);
    expect(right.filter((value) => faultsOf(schema, value).length > 0)).toEqual([]);
    expect(wrong.filter((value) => faultsOf(schema, value).length === 0)).toEqual([]);
  });

  test.each<[string, string, string]>([
    ['date-time', '2024-01-01T00:00:00Z', '2024'],
    ['date', '2024-02-29', '2023-02-29'],
    ['time', '12:00:00Z', '25:00:00Z'],
    ['duration', 'P1D', '1 day'],
    ['email', 'a@example.org', 'a@'],
    ['hostname', 'example.org', 'a b'],
    ['ipv4', '127.0.0.1', '256.0.0.1'],
    ['ipv6', '::1', '1'],
    ['uri', 'https://a.b/c', '/c'],
    ['uri-reference', '/c?d#e', 'http://['],
    ['uuid', '018f4e3a-0000-7000-8000-000000000000', '018f'],
    ['base64', 'YWJj', '*'],
    ['base64url', 'YWJj', '*'],
    ['regex', '^a$', '('],
  ])('format %s', (format, right, wrong) => {
    expect(faultsOf({ format }, right)).toEqual([]);
    expect(faultsOf({ format }, wrong)).toEqual([
      `input: expected a text of the format "${format}", came a text ("${wrong}")`,
    ]);
  });

  test('defaults are put in place, also those below a variant that holds; what was given is not changed', () => {
    const schema = {
      properties: { o: { properties: { a: { default: [1] } } }, __proto__x: { default: 1 } },
      oneOf: [{ required: ['zz'], properties: { y: { default: 0 } } }, { properties: { z: { default: 2 } } }],
    };
    const value = JSON.parse('{"o":{"__proto__":5}}') as unknown;
    const checked = checkValue(schema, value, ['input']).value;
    expect(JSON.stringify(checked)).toBe('{"o":{"__proto__":5,"a":[1]},"z":2,"__proto__x":1}');
    expect(JSON.stringify(value)).toBe('{"o":{"__proto__":5}}');
  });

  test('the defaults of a variant that fails stay away from those that hold', () => {
    const $defs = {
      cat: { properties: { kind: { const: 'cat' }, lives: { default: 9 } }, additionalProperties: false },
      dog: { properties: { kind: { const: 'dog' }, legs: { default: 4 } }, additionalProperties: false },
    };
    const schema = { anyOf: [{ $ref: '#/$defs/cat' }, { $ref: '#/$defs/dog' }], $defs };
    expect(checkValue(schema, { kind: 'dog' }, []).value).toEqual({ kind: 'dog', legs: 4 });
  });

  test('a field called __proto__ is kept, and checked', () => {
    const schema = JSON.parse('{"properties":{"__proto__":{"type":"number"}},"required":["__proto__"]}') as JsonSchema;
    expect(JSON.stringify(checkValue(schema, JSON.parse('{"__proto__":1}'), []).value)).toBe('{"__proto__":1}');
    expect(faultsOf(schema, JSON.parse('{"__proto__":"x"}'))).toEqual([
      'input.__proto__: expected a number, came a text ("x")',
    ]);
    expect(faultsOf(schema, {})).toEqual(['input.__proto__: is required: expected a number']);
  });

  test('what is wrong is said of the variant that was meant', () => {
    const variant = (kind: string): JsonSchema => ({ properties: { kind: { const: kind }, n: { type: 'number' } } });
    const schema = { properties: { v: { anyOf: [{ type: 'string' }, variant('a')] } } };
    expect(faultsOf(schema, { v: { kind: 'a', n: 'x' } })).toEqual(['input.v.n: expected a number, came a text ("x")']);
    expect(faultsOf(schema, { v: 5 })).toEqual(['input.v: expected a text or an object, came a number (5)']);
    expect(faultsOf({ enum: ['sales', 'billing'] }, 'sale')).toEqual([
      'input: expected "sales" or "billing", came a text ("sale"): did you mean "sales"?',
    ]);
    expect(faultsOf({ dependentRequired: { a: ['b'] } }, { a: 1 })).toEqual([
      'input.b: is required where "a" is given',
    ]);
  });
});

describe('what would not be kept is refused when the document is loaded', () => {
  test.each<[JsonSchema, string]>([
    [
      { properties: { n: { minimun: 5 } } },
      'input.properties.n.minimun: unknown keyword "minimun" of JSON Schema: did you mean "minimum"?',
    ],
    [{ quux: 5 }, 'input.quux: unknown keyword "quux" of JSON Schema'],
    [
      { items: { nullable: true } },
      'input.items.nullable: the keyword "nullable" is not supported: write type: ["string", "null"]',
    ],
    [
      { $anchor: 'a' },
      'input.$anchor: the keyword "$anchor" is not supported: refer to a schema by its place: #/$defs/NAME',
    ],
    [
      { format: 'date_time' },
      'input.format: unknown format "date_time", which would not be checked: did you mean "date-time"?',
    ],
    [{ dependentRequired: { a: 'b' } }, 'input.dependentRequired.a: expected a list, came a text ("b")'],
    [{ minimum: 1, exclusiveMinimum: true }, 'input.exclusiveMinimum: expected a number, came true'],
    [{ properties: { a: 5 } }, 'input.properties.a: expected a JSON Schema: an object, true or false'],
    [{ $ref: '#/$defs/x' }, 'input.$ref: nothing stands at "#/$defs/x": expected "#" or "#/$defs/NAME" of this schema'],
    [
      { $ref: 'https://x/y.json' },
      'input.$ref: nothing stands at "https://x/y.json": expected "#" or "#/$defs/NAME" of this schema',
    ],
    [{ pattern: '(' }, 'input.pattern: the pattern "(" cannot be read: missing closing ): `(`'],
    [
      { pattern: '^(?=.*[A-Z])' },
      'input.pattern: the pattern "^(?=.*[A-Z])" looks ahead or behind: write each condition as a pattern of its own, in allOf',
    ],
    [
      { patternProperties: { '(a)\\1': {} } },
      'input.patternProperties["(a)\\\\1"]: the pattern "(a)\\\\1" refers back to a group, which has no bounded time',
    ],
    [
      { pattern: '(a{100}){100}' },
      'input.pattern: the pattern "(a{100}){100}" cannot be read: invalid repeat count: `{100}`',
    ],
    [
      { 'x-order': { type: 'number' }, $ref: '#/x-order' },
      'input.$ref: nothing stands at "#/x-order": expected "#" or "#/$defs/NAME" of this schema',
    ],
  ])('%j', (schema, fault) => {
    expect(refusals(schema)).toEqual([fault]);
  });

  test('annotations are not', () => {
    const schema = {
      title: 't',
      description: 'd',
      examples: [1],
      deprecated: true,
      'x-mine': 1,
      $comment: 'c',
      readOnly: true,
    };
    expect(refusals(schema)).toEqual([]);
  });
});

test.each<[string, string[], string[]]>([
  ['^[a-z]+(-[a-z]+)*$', ['a', 'two-words'], ['', 'a-', '-a', 'A']],
  ['^(?<year>\\d{4})', ['2024-01'], ['24']],
  ['\\bcat\\b', ['a cat', 'cat'], ['cats', 'concat']],
  ['^.$', ['😀', 'a'], ['', 'ab', '\n']],
  ['^[\\w\\-]+\\-x$', ['a-b-x'], ['a-b']],
  ['^\\u{1F600}\\x41\\t$', ['😀A\t'], ['😀A']],
  ['^\\uD83D\\uDE00$', ['😀'], ['\ud83d']],
])('patterns are written as in JavaScript: %j', (pattern, right, wrong) => {
  expect(right.filter((text) => faultsOf({ pattern }, text).length > 0)).toEqual([]);
  expect(wrong.filter((text) => faultsOf({ pattern }, text).length === 0)).toEqual([]);
});

describe('M5: no schema occupies the process', () => {
  const milliseconds = (work: () => unknown): number => {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  };

  test('a pattern that doubles JavaScript’s time with each letter', () => {
    const schema = { pattern: '^(a+)+$' };
    expect(faultsOf(schema, 'aaa')).toEqual([]);
    expect(milliseconds(() => expect(faultsOf(schema, `${'a'.repeat(10_000)}!`)).toHaveLength(1))).toBeLessThan(2_000);
  });

  test('what has no end', () => {
    const message =
      'input: cannot be checked: it is nested too deeply, or its schema refers to itself without going into a property or an item';
    const nested = (name: string): Record<string, unknown> =>
      Array.from({ length: 10_000 }).reduce<Record<string, unknown>>((inner) => ({ [name]: inner }), {});
    expect(faultsOf({ $ref: '#/$defs/a', $defs: { a: { anyOf: [{ $ref: '#/$defs/a' }] } } }, 1)).toEqual([message]);
    expect(faultsOf({ properties: { next: { $ref: '#' } } }, nested('next'))).toEqual([message]);
    expect(refusals(nested('not'))).toEqual(['input: is nested too deeply']);
  });

  test('variants that double with each level', () => {
    const $defs = Object.fromEntries(
      Array.from({ length: 60 }, (_, level) => {
        const next = { $ref: `#/$defs/d${level + 1}` };
        return [`d${level}`, { allOf: [next, next] }];
      }),
    );
    const schema = { $ref: '#/$defs/d0', $defs: { ...$defs, d60: {} } };
    const faults: string[] = [];
    expect(milliseconds(() => faults.push(...faultsOf(schema, 1)))).toBeLessThan(10_000);
    expect(faults).toEqual([
      'input: takes too long to check: its schema has too many variants, or patterns, for so large a value',
    ]);
  });

  test('a value of very many faults, against a schema of very many names', () => {
    const names = Array.from({ length: 50_000 }, (_, index) => `n${index}`);
    const fields = Object.fromEntries(names.map((name) => [name, 1]));
    const properties = Object.fromEntries(names.map((name) => [`${name}x`, true]));
    const faults: string[] = [];
    const time = milliseconds(() => {
      faults.push(...faultsOf({ properties, additionalProperties: false }, fields));
      faults.push(
        ...faultsOf(
          { items: { enum: names } },
          names.map((name) => `${name}x`),
        ),
      );
      faults.push(
        ...faultsOf(
          { uniqueItems: true },
          names.map(() => 1),
        ),
      );
    });
    expect(time).toBeLessThan(10_000);
    expect(faults).toHaveLength(3 * 1_001);
    expect(faults[1_001]).toMatch(/^input\[0\]: expected "n0" or .* or one of 49990 more, came a text \("n0x"\)$/);
    expect(faults.at(-1)).toBe(': and 48999 faults more');
  });
});
