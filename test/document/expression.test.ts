import { describe, expect, test } from 'vitest';
import { evaluate, evaluateTree, readsOfExpression } from '../../src/document/expression.ts';
import { taskScope } from '../../src/document/render.ts';
import { errorOf } from './faults-of.ts';

const scope = taskScope({ topic: 'tea', n: 3, list: [1, 2, 3], none: null }, [
  ['a', { status: 'completed', output: { x: 1.5 } }],
  ['my name', { status: 'completed', output: 'ok' }],
  ['gone', { status: 'skipped' }],
]);

test.each<[string, unknown]>([
  ['tasks.a.output', { x: 1.5 }],
  ['tasks["my name"].output + "!"', 'ok!'],
  ['1 + 2', 3],
  ['[1, 2.5, "a", input.n]', [1, 2.5, 'a', 3]],
  ['{"a": 1, "b": [2]}', { a: 1, b: [2] }],
  ['input.none', null],
  ['has(tasks.gone.output)', false],
  ['input.?zz.orValue(7)', 7],
  ['input.?zz', undefined],
  ['input.list.filter(x, x > 1)', [2, 3]],
  ['size(input.list)', 3],
  ['2u', 2],
  ['timestamp("2024-01-01T00:00:00Z")', '2024-01-01T00:00:00.000Z'],
  ['duration("90s")', '90s'],
  ['b"abc"', 'YWJj'],
])('%s', (expression, value) => {
  expect(evaluate(expression, scope)).toEqual(value);
});

test.each([
  ['input.zz', /"input.zz" cannot be evaluated: column 7: No such key: zz; where it may be absent, write/],
  ['tasks.gone.output', /No such key: output/],
  ['input.constructor', /No such key: constructor/],
  ['input.n + 1', /column 1: no such overload: .*numbers of JSON are doubles/],
  ['9007199254740993', /the whole number 9007199254740993, which JSON cannot carry/],
  ['type(1)', /a type, which JSON cannot carry/],
  ['1 / 0', /division by zero/],
])('%s fails and names itself', (expression, message) => {
  const error = errorOf(() => evaluate(expression, scope));
  expect(error.code).toBe('expressionFailed');
  expect(error.message).toMatch(message);
  expect(error.data?.['expression']).toBe(expression);
});

describe('at load', () => {
  test.each([
    ['1 +', /column 4: Unexpected token: EOF/],
    ['input.topic.matches("(a+)+$")', /matches\(\)/],
    ['input.list.all(x, input.list.all(y, y > x))', /inside of another loop/],
    ['cel.bind(a, input.topic, input.list.map(b, a))', /inside of another loop/],
    ['"a" + 1', /no such overload/],
    ['('.repeat(100) + '1' + ')'.repeat(100), /./],
  ])('%s is refused', (expression, message) => {
    const error = errorOf(() => readsOfExpression(expression));
    expect(error.code).toBe('expressionFailed');
    expect(error.message).toMatch(message);
  });

  test.each<[string, string[], string[]]>([
    ['tasks.a.output.x > input.n', ['n'], ['a']],
    ['has(tasks.a.output) && tasks["b c"].status == "x"', [], ['a', 'b c']],
    ['input.?zz.orValue(tasks.c.output)', ['zz'], ['c']],
    ['input.list.map(tasks, tasks.x.output)', ['list'], []],
    ['tasks[?"a"].output', [], ['a']],
    ['type(input.x) == string ? optional.of(1) : optional.none()', ['x'], []],
    ['{"k": tasks.a.output}[input.key]', ['key'], ['a']],
    ['input.list.exists(x, x == tasks.q.output)', ['list'], ['q']],
  ])('%s is read', (expression, input, tasks) => {
    expect(readsOfExpression(expression)).toMatchObject({ input, tasks });
  });

  test('names of CEL itself are not taken for variables', () => {
    expect(readsOfExpression('type(1) == int').variables).toEqual([]);
  });

  test('a computed name of a task is seen as such', () => {
    expect(readsOfExpression('tasks[input.which].output').variables.map(({ path }) => path)).toEqual([
      ['tasks', undefined, 'output'],
      ['input', 'which'],
    ]);
  });
});

describe('M2: fields called as what JavaScript gives every object', () => {
  const names = ['constructor', '__proto__', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', 'size', 'length'];
  const field = (name: string, value: unknown): unknown =>
    JSON.parse(`{"${name}":${JSON.stringify(value)},"ok":"yes"}`);

  test.each(names)('%s in the input and in an output, beside others and deep inside', (name) => {
    const hostile = field(name, field(name, 'v'));
    const awkward = taskScope({ team: hostile, list: [hostile] }, [
      ['a', { status: 'completed', output: hostile }],
      [name, { status: 'completed', output: 'mine' }],
    ]);
    for (const root of ['input.team', 'input.list[0]', 'tasks.a.output']) {
      expect(evaluate(`${root}.ok`, awkward)).toBe('yes');
      expect(evaluate(`${root}[${JSON.stringify(name)}].ok`, awkward)).toBe('yes');
      expect(evaluate(`${root}[${JSON.stringify(name)}][${JSON.stringify(name)}]`, awkward)).toBe('v');
      expect(evaluate(`${root}.?nothing.orValue(1.5)`, awkward)).toBe(1.5);
      expect(evaluate(`${JSON.stringify(name)} in ${root} && !("zz" in ${root})`, awkward)).toBe(true);
      expect(evaluate(`size(${root})`, awkward)).toBe(2);
      expect(JSON.stringify(evaluate(root, awkward))).toBe(JSON.stringify(hostile));
    }
    expect(evaluate('has(input.team.ok) && has(tasks.a.output.ok) && !has(input.team.zz)', awkward)).toBe(true);
    expect(evaluate('input.list.map(x, x.ok)', awkward)).toEqual(['yes']);
    expect(evaluate('input.team == tasks.a.output', awkward)).toBe(true);
    expect(evaluate(`tasks[${JSON.stringify(name)}].output`, awkward)).toBe('mine');
    expect(evaluate('tasks.a.status', awkward)).toBe('completed');
  });

  test.each(['__proto__', 'constructor', 'prototype'])(
    '%s in a map of the expression is refused, not left out',
    (name) => {
      const error = errorOf(() => readsOfExpression(`{"a": 1, "${name}": 2}`));
      expect(error.message).toMatch(`column 10: a map written here cannot have the field "${name}"`);
    },
  );
});

test('a tree keeps what is not a text, and leaves out what is absent', () => {
  const tree = { a: 'tasks.a.output.x', b: [1, true, null, 'input.topic'], c: { d: 'input.?zz' }, e: '"text"' };
  expect(evaluateTree(tree, scope)).toEqual({ a: 1.5, b: [1, true, null, 'tea'], c: {}, e: 'text' });
});
