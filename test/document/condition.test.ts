/** Conditions as they are written: what is refused at load, and what a condition says of values. */
import { describe, expect, test } from 'vitest';
import { holds } from '../../src/document/condition.ts';
import { evaluate, readsOfExpression } from '../../src/document/expression.ts';
import { prepareCondition, type ConditionSpec } from '../../src/document/kinds/condition.ts';
import { parseDocument } from '../../src/document/parse.ts';
import { valuesRead } from '../../src/document/read-values.ts';
import { taskScope } from '../../src/document/render.ts';
import { schemaAt } from '../../src/document/schema-path.ts';
import { skipOf, type Decided } from '../../src/document/when.ts';
import { errorOf, faultsOf } from './faults-of.ts';

const SCHEMA = {
  type: 'object',
  properties: {
    risk_tolerance: { type: 'string' },
    timeline: { type: 'integer' },
    safe: { type: 'boolean' },
    tags: { type: 'array', items: { type: 'string' } },
    more: { type: 'object', properties: { deep: { type: 'number' } }, additionalProperties: false },
    maybe: { type: ['string', 'null'] },
    either: { anyOf: [{ type: 'string' }, { type: 'number' }] },
  },
};
const TASKS = [
  { name: 'risk', prompt: 'Ask', responseFormat: { schema: SCHEMA } },
  { name: 'free', prompt: 'Ask', responseFormat: 'json' },
  { name: 'text', prompt: 'Ask' },
  { name: 'choice', kind: 'condition', if: 'true', then: [] },
];
const INPUT = { type: 'object', properties: { age: { type: 'integer' }, name: { type: 'string' } } };
const when = (text: unknown) => ({
  name: 'w',
  input: INPUT,
  tasks: [...TASKS, { name: 'last', prompt: 'Go', when: text }],
});
const condition = (fields: object) => ({
  name: 'w',
  tasks: [
    { name: 'a', prompt: 'A' },
    { name: 'b', prompt: 'B' },
    { name: 'c', kind: 'condition', ...fields },
  ],
});

describe('when, against the schemas of what it reads', () => {
  test.each([
    'tasks.risk.output.risk_tolerance == "high"',
    'tasks.risk.output.timeline > 5 && tasks.risk.output.timeline == 7',
    'tasks.risk.output.timeline in [1, 2]',
    'tasks.risk.output.timeline + 1.0 > 2.0',
    'tasks.risk.output.safe',
    '!tasks.risk.output.safe || has(tasks.risk.output.timeline)',
    'tasks.risk.output.tags.exists(tag, tag == "urgent")',
    'tasks.risk.output.tags[0] == "urgent"',
    'tasks.risk.output.tags[int(input.age)] == "urgent"',
    'tasks.risk.output.?timeline.orValue(3.0) > 2.0',
    'tasks["risk"]["output"].more.deep < 2',
    'tasks.risk.output.maybe == null',
    'tasks.risk.output.either == 1 || tasks.risk.output.either == "1"',
    'tasks.risk.output.quite_another_thing == 1',
    'tasks.risk.status == "skipped"',
    'tasks.free.output.anything',
    'tasks.free.output.n + 1 > 2',
    'tasks.text.output.startsWith("yes")',
    'tasks.choice.output.branch == "then" && "last" in tasks.choice.output.chosen',
    'input.age >= 18',
    'true',
  ])('%s', (text) => {
    expect(parseDocument(when(text)).tasks.at(-1)?.when).toBe(text);
  });

  test.each([
    [
      'tasks.risk.output.risk_tolerence == "high"',
      'column 19: reads "risk_tolerence" of tasks.risk.output, which its schema does not have: did you mean "risk_tolerance"?',
    ],
    ['has(tasks.risk.output.timline)', /^column 23: .*did you mean "timeline"\?$/],
    ['tasks.risk.output . more . depp > 1', /^column 28: .*did you mean "deep"\?$/],
    ['tasks.risk.output.more.other > 1', /^column 24: reads "other" of .*: known are "deep"$/],
    ['tasks.text.output.answer == 1', 'column 19: reads "answer" of tasks.text.output, which is a text'],
    ['tasks.choice.output.choosen == []', /did you mean "chosen"/],
    ['input.agee > 3', /^column 7: reads "agee" of input, which its schema does not have: did you mean "age"\?$/],
    ['tasks.risk.output.risk_tolerance > 5', /column 1: no such overload: string > int\.$/],
    ['tasks.risk.output.timeline + 1 > 5', /double \+ int; numbers of JSON are doubles: write 1\.0/],
    ['tasks.risk.output.tags[0] > 3', /string > int/],
    ['!tasks.risk.output.timeline', /column \d+: /],
    ['input.name && true', /bool operands/],
    [
      'tasks.risk.output.timeline',
      'gives a number: a condition has to give true or false, so compare it with something',
    ],
    ['tasks.text.output', /^gives a text: /],
    ['tasks.risk.output.tags', /^gives a list: /],
    ['tasks.risk.output.more', /^gives an object: /],
    ['tasks.risk.status', /^gives a text: /],
    ['"yes"', /^gives a text: /],
    ['tasks.free.output.?x', /^gives a value of the type optional.*write \.orValue\(…\) behind it$/],
    ['tasks.risky.output == 1', /^column 1: reads the unknown task "risky": did you mean "risk"\?$/],
    ['tasks.last.output == 1', /not there yet/],
    ['tasks.text.output.matches("a+")', /matches\(\)/],
    ['input.l.all(x, input.l.all(y, x > y))', /inside of another loop/],
    ['1 +', /column 4/],
    [5, 'expected a text or an object, came a number (5)'],
  ])('%s is refused', (text, message) => {
    expect(faultsOf(() => parseDocument(when(text)))).toEqual([
      expect.stringMatching(
        typeof message === 'string'
          ? new RegExp(`^tasks\\[4\\]\\.when: ${RegExp.escape(message)}$`)
          : new RegExp(`^tasks\\[4\\]\\.when: .*${message.source.replace('^', '')}`),
      ),
    ]);
  });

  test('what it reads, the task depends on', () => {
    expect(parseDocument(when('tasks.risk.output.safe && tasks.free.output.x')).tasks.at(-1)?.dependsOn).toEqual([
      'risk',
      'free',
    ]);
  });

  test('a predicate by name; its typing errors are told', () => {
    expect(parseDocument(when({ predicate: 'isLarge' })).tasks.at(-1)?.when).toEqual({ predicate: 'isLarge' });
    expect(faultsOf(() => parseDocument(when({ predicat: 'isLarge' })))).toContain(
      'tasks[4].when.predicat: unknown field "predicat": did you mean "predicate"?',
    );
  });
});

describe('kind: condition', () => {
  test('the tasks of its branches depend on it, and are chosen by it', () => {
    const { tasks } = parseDocument(condition({ if: 'true', then: ['a', 'a'], else: ['b', 'a'] }));
    expect(tasks.map(({ dependsOn, gates }) => ({ dependsOn, gates }))).toEqual([
      { dependsOn: ['c'], gates: [{ by: 'c', branches: ['then', 'else'], unseen: true }] },
      { dependsOn: ['c'], gates: [{ by: 'c', branches: ['else'], unseen: true }] },
      { dependsOn: [], gates: [] },
    ]);
  });

  test.each<[string, object, string[]]>([
    ['no question', { then: ['a'] }, ['tasks[2].if: is missing: a condition has "if" or "switch"']],
    ['two', { if: 'true', switch: '1', then: [] }, ['tasks[2].switch: is given beside "if"; keep one']],
    ['no branch', { if: 'true' }, [expect.stringMatching(/^tasks\[2\]\.then: is missing/)]],
    ['cases of an if', { if: 'true', then: [], cases: {} }, [expect.stringMatching(/^tasks\[2\]\.cases: belong to/)]],
    ['then of a switch', { switch: '1', cases: {}, then: [] }, [expect.stringMatching(/^tasks\[2\]\.then: belongs/)]],
    ['a switch without cases', { switch: '1' }, [expect.stringMatching(/^tasks\[2\]\.cases: is missing/)]],
    ['an unknown task', { if: 'true', then: ['aa'] }, ['tasks[2].then[0]: unknown task "aa": known are "a", "b", "c"']],
    ['itself', { if: 'true', else: ['c'] }, ['tasks[2].else[0]: task "c" cannot choose itself']],
    [
      'a task that it needs itself',
      { if: 'tasks.a.output == "x"', then: ['a'] },
      ['tasks[2].then[0]: depends on itself in a cycle: a → c → a (each needs the next)'],
    ],
    ['a name in place of a list', { if: 'true', then: 'a' }, ['tasks[2].then: expected a list, came a text ("a")']],
    ['an if that is a text', { if: '"x"', then: ['a'] }, [expect.stringMatching(/^tasks\[2\]\.if: gives a text: /)]],
    [
      'a switch over a list',
      { switch: '[1]', cases: { x: ['a'] } },
      ['tasks[2].switch: gives a list: a switch has to give a text, a number, true or false'],
    ],
    ['a prompt', { if: 'true', then: ['a'], prompt: 'x' }, [expect.stringMatching(/belongs to a model call/)]],
  ])('%s is refused', (_, fields, faults) => {
    expect(faultsOf(() => parseDocument(condition(fields)))).toEqual(faults);
  });

  const scope = taskScope({ n: 2, label: 'my label', list: [1], flag: true, none: null }, []);
  const decide = (fields: object) => {
    const spec = parseDocument(condition(fields)).tasks[2]?.call as ConditionSpec;
    return prepareCondition(spec, scope, { yes: () => true });
  };

  test.each<[object, unknown]>([
    [
      { if: 'input.n > 1', then: ['a'], else: ['b'] },
      { value: true, branch: 'then', chosen: ['a'] },
    ],
    [
      { if: 'input.n > 2', then: ['a'], else: ['b'] },
      { value: false, branch: 'else', chosen: ['b'] },
    ],
    [
      { if: 'input.n > 2', then: ['a'] },
      { value: false, branch: null, chosen: [] },
    ],
    [
      { if: 'input.n > 1', else: ['b'] },
      { value: true, branch: null, chosen: [] },
    ],
    [
      { if: { predicate: 'yes' }, then: ['a'] },
      { value: true, branch: 'then', chosen: ['a'] },
    ],
    [
      { switch: 'input.label', cases: { 'my label': ['a', 'b'] } },
      { value: 'my label', branch: 'cases["my label"]', chosen: ['a', 'b'] },
    ],
    [
      { switch: 'input.n', cases: { 2: ['a'] } },
      { value: 2, branch: 'cases["2"]', chosen: ['a'] },
    ],
    [
      { switch: 'input.flag', cases: { true: ['a'] } },
      { value: true, branch: 'cases.true', chosen: ['a'] },
    ],
    [
      { switch: '"x"', cases: { y: ['a'] }, else: ['b'] },
      { value: 'x', branch: 'else', chosen: ['b'] },
    ],
    [
      { switch: '"x"', cases: { y: ['a'] } },
      { value: 'x', branch: null, chosen: [] },
    ],
    [
      { switch: '"else"', cases: { y: ['a'] }, else: ['b'] },
      { value: 'else', branch: 'else', chosen: ['b'] },
    ],
  ])('%j decides', (fields, decision) => {
    expect(decide(fields).decision).toEqual(decision);
  });

  test.each([
    [{ if: 'input.zz', then: ['a'] }, /No such key: zz/],
    [{ if: 'input.n', then: ['a'] }, /gives a number \(2\), and a condition has to give true or false/],
    [{ switch: 'input.list', cases: {} }, /gives a list, and a switch has to/],
    [{ switch: 'input.none', cases: {} }, /gives null, and a switch has to/],
    [{ if: { predicate: 'nobody' }, then: [] }, /"nobody" is not registered here; registered are "yes"/],
  ])('%j fails, and says why', (fields, message) => {
    expect(errorOf(() => decide(fields)).message).toMatch(message);
  });
});

test('a condition is nothing that is done to the items of a map: it chooses among the tasks of a document', () => {
  const task = { kind: 'condition', if: 'item > 1.0', then: ['a'] };
  const inner = { kind: 'map', items: 'item', task };
  const maps = [task, inner].map((items, at) => ({ name: `map${at}`, kind: 'map', items: '[1]', task: items }));
  expect(faultsOf(() => parseDocument({ name: 'w', tasks: [{ name: 'a', prompt: 'x' }, ...maps] }))).toEqual([
    expect.stringMatching(/^tasks\[1\]\.task\.kind: .+: write "when"/),
    expect.stringMatching(/^tasks\[2\]\.task\.task\.kind: .+: write "when"/),
  ]);
});

describe('what a condition says', () => {
  const scope = taskScope({ list: [1] }, [['a', { status: 'completed', output: { x: 1 } }]]);

  test.each<[string, unknown, RegExp]>([
    ['throws', new RangeError('broken'), /The predicate "p" threw: broken\.$/],
    ['gives a promise', Promise.resolve(true), /gave an object \(a predicate is synchronous\)/],
    ['gives a number', 1, /gave a number \(1\), and has to give true or false/],
    ['gives nothing', undefined, /gave nothing/],
  ])('a predicate that %s fails its task', (_, value, message) => {
    const p = (): boolean => {
      if (value instanceof Error) throw value;
      return value as boolean;
    };
    const error = errorOf(() => holds({ predicate: 'p' }, scope, { p }));
    expect([error.code, error.data]).toEqual(['expressionFailed', { predicate: 'p' }]);
    expect(error.message).toMatch(message);
  });

  test('a predicate cannot change what others read', () => {
    const greedy = ({ tasks, input }: typeof scope): boolean => {
      Object.assign(tasks['a']?.output as object, { x: 2 });
      (input as { list: number[] }).list.pop();
      return true;
    };
    expect(holds({ predicate: 'greedy' }, scope, { greedy })).toBe(true);
    expect(scope).toEqual(taskScope({ list: [1] }, [['a', { status: 'completed', output: { x: 1 } }]]));
  });

  test('names the missing key, for programs too', () => {
    const error = errorOf(() => holds('tasks.a.output.y > 1', scope, {}));
    expect(error.data).toEqual({ expression: 'tasks.a.output.y > 1', column: 16, missing: 'y' });
  });
});

describe('why a task is skipped', () => {
  const spec = { gates: [], when: undefined, skipPolicy: 'run' } as const;
  const scope = taskScope({ text: 'x'.repeat(1_000), list: [1, 2] }, []);
  const nobody = new Map<string, Decided>();

  test('shows what was read, cut where it is long, null where it is absent', () => {
    const text =
      'input.text.size() == 0 || input.list == [] || has(input.zz) || input.list[input.list.size() - 1] == 9';
    expect(skipOf({ ...spec, when: text }, scope, {}, nobody)).toEqual({
      reason: `Its condition is false: ${text}.`,
      condition: {
        expression: text,
        values: { 'input.text': `${'x'.repeat(199)}…`, 'input.list': '[1,2]', 'input.zz': null },
      },
      cascades: false,
    });
  });

  test('shows at most 20 values', () => {
    const text = Array.from({ length: 30 }, (_, index) => `has(input.x${index})`).join(' || ');
    expect(Object.keys(valuesRead(readsOfExpression(text).variables, scope))).toHaveLength(20);
  });

  test('is the condition that chose otherwise, or chose nothing; one that chose it is enough', () => {
    const gates = ['c', 'd'].map((by) => ({ by, branches: ['then'], unseen: true }));
    const found = { expression: 'input.n > 1', value: false, branch: 'else' };
    const c: Decided = { status: 'completed', found };
    const decided = new Map<string, Decided>(Object.entries({ c, d: { status: 'rejected' } }));
    expect(skipOf({ ...spec, gates }, scope, {}, decided)).toEqual({
      reason:
        'The condition "c" chose else: input.n > 1 is false. The condition "d" is rejected and has chosen nothing.',
      condition: { task: 'c', ...found },
      cascades: false,
    });
    const other = new Map<string, Decided>(
      Object.entries({ c, d: { status: 'completed', found: { predicate: 'p', value: true, branch: 'then' } } }),
    );
    expect(skipOf({ ...spec, gates }, scope, {}, other)).toBeUndefined();
  });
});

describe('an expression takes a bounded time', () => {
  const many = (length: number) => Array.from({ length }, (_, index) => `k${index}`);
  test.each<[string, unknown, boolean]>([
    ['input.l.exists(x, x == "no")', { l: many(100_000) }, true],
    ['input.l.exists(x, x in ["no", "never"])', { l: many(2_000_000) }, false],
    ['input.l.filter(x, x in input.l).size() > 1', { l: many(10_000) }, false],
    ['input.l.filter(x, input.t.contains(x)).size() > 1', { l: many(10_000), t: 'z'.repeat(1_000_000) }, false],
    ['input.t.split(",").exists(x, x == "b")', { t: 'a,'.repeat(1_000_000) }, false],
    ['input.o.inner.exists(x, x == "no")', { o: { inner: many(10) }, other: many(1_000_000) }, true],
    // 20 seconds, were it begun.
    [
      'input.t.contains(input.p)',
      { t: 'a'.repeat(400_000), p: `${'a'.repeat(100_000)}b${'a'.repeat(100_000)}` },
      false,
    ],
    ['input.t.indexOf("x" + input.p) > 0', { t: 'a'.repeat(400_000), p: 'a'.repeat(200_000) }, false],
    ['[input.p].exists(x, input.t.contains(x))', { t: 'a'.repeat(400_000), p: 'a'.repeat(200_000) }, false],
    ['input.l.exists(x, x.contains(x + "b"))', { l: ['a'.repeat(400_000)] }, false],
    ['input.t.contains("no")', { t: 'a'.repeat(10_000_000) }, true],
    ['["no", "never"].exists(x, input.t.contains(x))', { t: 'a'.repeat(10_000_000) }, true],
    ['input.l.exists(x, x.contains("no"))', { l: many(100_000) }, true],
    ['input.l.exists(x, x.contains(input.p))', { l: many(50_000), p: 'a'.repeat(500) }, true],
  ])('%s', (text, input, isAllowed) => {
    const scope = taskScope(input, []);
    if (isAllowed) expect(evaluate(text, scope)).toBe(false);
    else expect(errorOf(() => evaluate(text, scope)).message).toMatch(/steps, and at most 10000000 are allowed/);
  });
});

test.each<[string[], unknown]>([
  [['more', 'deep'], { type: 'number' }],
  [['tags', '3'], { type: 'string' }],
  [['either', 'x', 'y'], { type: 'any' }],
  [['maybe'], { type: 'any' }],
  [['timeline', 'x'], { step: 1, type: 'number', known: undefined, closed: true }],
  [['nothing'], { step: 0, type: 'object', known: new Set(Object.keys(SCHEMA.properties)), closed: false }],
  [['more', 'x'], { step: 1, type: 'object', known: new Set(['deep']), closed: true }],
])('the schema at %j', (path, place) => {
  expect(schemaAt(SCHEMA, path)).toEqual(place);
});
