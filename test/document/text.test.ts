import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { workflow } from '../../src/document/builder.ts';
import { parseDocument, parseText, readText } from '../../src/document/parse.ts';
import { faultsOf } from './faults-of.ts';

const yaml = `
name: report
tags: [demo, "priority:high"]
input: { type: object, properties: { topic: { type: string } }, required: [topic] }
config: { breadth: 2, strategy: sequential }
tasks:
  - name: "my plan 🚀"
    prompt: |
      Plan "{{ input.topic }}"
  - name: sum
    kind: code
    function: sumUp
    dependsOn: ["my plan 🚀"]
    input: { x: 'tasks["my plan 🚀"].output', n: 3 }
`;

const built = workflow('report', {
  tags: ['demo', 'priority:high'],
  input: { type: 'object', properties: { topic: { type: 'string' } }, required: ['topic'] },
  config: { breadth: 2, strategy: 'sequential' },
})
  .task('my plan 🚀', { prompt: 'Plan "{{ input.topic }}"\n' })
  .task('sum', {
    kind: 'code',
    function: 'sumUp',
    dependsOn: ['my plan 🚀'],
    input: { x: 'tasks["my plan 🚀"].output', n: 3 },
  })
  .build();

describe('one document, three ways to write it', () => {
  test('YAML, JSON and the builder give the same document', () => {
    expect(readText(yaml)).toEqual(built);
    expect(readText(JSON.stringify(built))).toEqual(built);
  });

  test('and the same definition', () => {
    const definition = parseDocument(built);
    expect(parseText(yaml)).toEqual(definition);
    expect(parseText(JSON.stringify(built))).toEqual(definition);
    expect(parseText(`  ${JSON.stringify(built, null, 2)}\n`)).toEqual(definition);
  });

  test('aliases of YAML are what they stand for', () => {
    const text =
      'name: w\ntasks:\n  - { name: a, prompt: x, retry: &r { maxRetries: 1 } }\n  - { name: b, prompt: y, retry: *r }';
    expect(parseText(text).tasks.map(({ retry }) => retry.maxRetries)).toEqual([1, 1]);
  });
});

describe('faults of syntax', () => {
  const bomb = [
    'a: &a [x, x]',
    ...'bcdefghij'.split('').map((key, at) => `${key}: &${key} [${Array(9).fill(`*${'abcdefghij'[at]}`).join()}]`),
  ];
  test.each<[string, string, RegExp]>([
    ['YAML', 'name: w\ntasks: [\n  - a', /^3:3: line 3, column 3: /],
    ['JSON', '{\n  "name": "w",\n  "tasks": [}\n}', /^3:13: line 3, column 13: /],
    ['a key twice', 'name: w\nname: v', /^2:1: line 2, column 1: "name" is given twice$/],
    [
      'a key twice, as a number and as a text',
      'metadata:\n  1: a\n  "1": b',
      /^3:3: line 3, column 3: "1" is given twice$/,
    ],
    ['a key twice deep in YAML', 'tasks:\n  - { a: 1, b: [{ a: 1, c: 2, a: 3 }] }', /^2:31: .*: "a" is given twice$/],
    [
      'several documents',
      'name: w\n---\nname: v',
      /^2:1: line 2, column 1: a second document begins here: give each in a text of its own$/,
    ],
    [
      'a key twice in JSON',
      '{"name": "w",\n "tasks": [], "name": "v"}',
      /^2:15: line 2, column 15: "name" is given twice$/,
    ],
    [
      'a key twice deep in JSON',
      '{"tasks":[{"a":1},{"a":{"x\\"":1,"b":["a"],"x\\u0022" :2}}]}',
      /"x\\"" is given twice$/,
    ],
    ['an unknown tag', 'name: !js/function x', /^1:7: line 1, column 7: Unresolved tag/],
    ['an alias bomb', bomb.join('\n'), /aliases unfold to too much/],
    ['an alias of itself', 'name: &a [*a]', /contains itself/],
    ['endless nesting', `a: ${'['.repeat(20_000)}`, /nested too deep/],
    ['endless nesting in JSON', `{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`, /nested deeper than 100 levels/],
    [
      'M5: YAML without end',
      `name: ${'x'.repeat(2_000_000)}`,
      /^: expected at most 2000000 characters of YAML, came 2000006/,
    ],
    ['an empty text', '', /expected an object, came null/],
    [
      'not a number',
      'name: w\nconfig: { breadth: .nan }\ntasks: []',
      /config.breadth: expected JSON, came a number \(NaN\)/,
    ],
  ])('%s', (_, text, fault) => {
    expect(faultsOf(() => parseText(text))[0]).toMatch(fault);
  });
});

test('a key may stand in several objects, and in texts', () => {
  const text = '{"a":{"a":"\\"a\\":1,\\"a\\":2"},"b":[{"a":1},{"a":2}],"c":"a"}';
  expect(readText(text)).toEqual(JSON.parse(text));
});

test('an object of 30,000 fields takes as long as a list of 30,000', () => {
  const milliseconds = (text: string): number => {
    const from = performance.now();
    readText(text);
    return performance.now() - from;
  };
  const entries = Array.from({ length: 30_000 }, (_, index) => `k${index}`);
  const list = milliseconds(entries.map((entry) => `- ${entry}: 1`).join('\n'));
  // By comparing each key with each other it takes a hundred times as long.
  expect(milliseconds(entries.map((entry) => `${entry}: 1`).join('\n'))).toBeLessThan(10 * list);
});

test('the first example is a document', () => {
  const definition = parseText(readFileSync(new URL('../../examples/01-research.yaml', import.meta.url), 'utf8'));
  expect(definition.tasks.map(({ name, dependsOn }) => [name, dependsOn])).toEqual([
    ['plan', []],
    ['market', ['plan']],
    ['skills', ['plan']],
    ['salaries', ['plan']],
    ['synthesis', ['market', 'skills', 'salaries']],
  ]);
});

test('the builder refuses what the document refuses', () => {
  expect(faultsOf(() => workflow('w').task('a', { prompt: '' }).build())).toEqual([
    'tasks[0].prompt: must not be empty',
  ]);
});

test('the builder knows the names of earlier tasks', () => {
  const plan = workflow('w').task('plan', { prompt: 'x' });
  // @ts-expect-error -- "plam" is no earlier task
  const wrong = plan.task('go', { prompt: 'y', dependsOn: ['plam'] });
  expect(faultsOf(() => wrong.build())).toEqual(['tasks[1].dependsOn[0]: unknown task "plam": did you mean "plan"?']);
});

test('a builder is not changed by the tasks added to it', () => {
  const base = workflow('w').task('a', { prompt: 'x' });
  base.task('b', { prompt: 'y' });
  expect(
    base
      .task('c', { prompt: 'z', dependsOn: ['a'] })
      .build()
      .tasks.map(({ name }) => name),
  ).toEqual(['a', 'c']);
});
