import { describe, expect, test } from 'vitest';
import { readsOf, renderPrompt } from '../../src/document/prompt.ts';
import { taskScope } from '../../src/document/render.ts';
import { errorOf } from './faults-of.ts';

const scope = taskScope({ topic: 'tea {{ secret }}', list: [1, 'b'], none: null, yes: true, n: 1.5 }, [
  ['plan', { status: 'completed', output: { steps: ['taste'] } }],
  ['my "name" 🚀', { status: 'completed', output: 'ok' }],
  ['first', { status: 'completed', output: 'F' }],
  ['gone', { status: 'skipped' }],
]);

test.each([
  ['{{ input.topic }}', 'tea {{ secret }}'],
  ['{{ tasks.plan.output }}', '{"steps":["taste"]}'],
  ['{{ tasks.plan.output | json }}', '{"steps":["taste"]}'],
  ['{{ tasks.plan.output.steps }} {{ tasks.plan.output.steps[0] }}', '["taste"] taste'],
  [`{{ tasks['my "name" 🚀'].output }} {{ tasks.first.output }}`, 'ok F'],
  ['{% for x in input.list %}{{ forloop.index }}:{{ x }} {% endfor %}', '1:1 2:b '],
  ['{% assign t = tasks.plan.output.steps | join: "," %}{{ t }}', 'taste'],
  ['{{ input.none }}|{{ input.yes }}|{{ input.n }}', '|true|1.5'],
  ['{{ tasks.gone.output | default: "nothing" }} {{ tasks.gone.status }}', 'nothing skipped'],
  ['{% if tasks.gone.output %}a{% else %}b{% endif %}', 'b'],
  ['{% raw %}{{ x }}{% endraw %}', '{{ x }}'],
  ['a "quoted" 😀 <b>', 'a "quoted" 😀 <b>'],
  ['{{ 0 | date: "%Y-%m-%d %H:%M" }}', '1970-01-01 00:00'],
])('renders %j', (template, text) => {
  expect(renderPrompt(template, scope)).toBe(text);
});

const twice = `${'a'.repeat(100_000)}b${'a'.repeat(100_000)}`;
const long = { long: 'a'.repeat(600_000), twice, longList: Array.from({ length: 20_000 }, () => 'entry') };

test.each([
  ['{{ input.topc }}', { line: 1, column: 4, variable: 'input.topc' }, /line 1, column 4: input.topc is missing/],
  [
    'a\n  {{ tasks.plan.output.x }}',
    { line: 2, column: 6, variable: 'tasks.plan.output.x' },
    /tasks.plan.output.x is missing/,
  ],
  ['{{ tasks.plan.constructor }}', { variable: 'tasks.plan.constructor' }, /is missing/],
  ['{{ tasks.gone.output }}', { variable: 'tasks.gone.output' }, /write \| default/],
  ['{% for i in (1..100000000) %}{{ i }}{% endfor %}', { line: 1 }, /limit exceeded/],
  ['{% for i in (1..9999) %}{% for j in (1..9999) %}{% endfor %}{% endfor %}', { line: 1 }, /more than 200000 parts/],
  ['{% for i in (1..60) %}{{ input.long }}{% endfor %}', {}, /gives 36000000 characters, and at most/],
  ['{% for i in (1..200) %}{{ input.longList }}{% endfor %}', { line: 1 }, /limit exceeded/],
  ['{{ input.long | replace: input.twice, "" }}', { line: 1 }, /limit exceeded/],
  ['{{ input.long | split: input.twice | size }}', { line: 1 }, /limit exceeded/],
  ['{% if input.long contains input.twice %}yes{% endif %}', { line: 1 }, /limit exceeded/],
  ['{{ "now" | date: "%s" }}', { line: 1 }, /give the date in the input/],
])('refuses to render %j', (template, data, message) => {
  const error = errorOf(() => renderPrompt(template, { ...scope, input: { ...(scope.input as object), ...long } }));
  expect(error.code).toBe('promptFailed');
  expect(error.message).toMatch(message);
  expect(error.data ?? {}).toMatchObject(data);
});

test.each([
  '{{ x | nope }}',
  '{% increment input %}',
  '{% render "a" %}',
  '{{ input.list | sample }}',
  '{{ x | raw }}',
  '{% if %}',
  '{{ x',
])('refuses to read %j', (template) => {
  expect(errorOf(() => readsOf(template)).message).toMatch(/^The prompt ".*" cannot be read: line 1, column \d+: /);
});

describe('reads', () => {
  test.each<[string, string[], string[]]>([
    ['no variables', [], []],
    ['{{ input.a }} {{ input["b c"].d }} {{ input.a }}', ['a', 'b c'], []],
    [`{{ tasks.p.output }} {{ tasks["my name"].output }} {{ tasks['a'].status }}`, [], ['p', 'my name', 'a']],
    ['{% for x in tasks.p.output %}{{ x.tasks }}{% endfor %}{{ "a" | append: tasks.q.output }}', [], ['p', 'q']],
    ['{% assign input = tasks.p.output %}{{ input.x }}', [], ['p']],
    ['{% raw %}{{ tasks.no.output }}{% endraw %}{% comment %}{{ tasks.no.output }}{% endcomment %}', [], []],
    ['{% if input.x == tasks.k.output %}{% endif %}', ['x'], ['k']],
    ['{{ tasks.😀.output }} {{ tasks.plan-b.output }} {{ tasks[0].output }}', [], ['😀', 'plan-b', '0']],
  ])('of %j', (template, input, tasks) => {
    expect(readsOf(template)).toMatchObject({ input, tasks });
  });
});

test.each<[string, string]>([
  ['a loop', '{% for i in (1..1000000000) %}x{% endfor %}'],
  ['loops in loops', '{% for i in (1..9999) %}{% for j in (1..9999) %}{% endfor %}{% endfor %}'],
  ['a loop of filters', '{% for i in (1..9999) %}{% assign a = input.list | sort | join: "," %}{% endfor %}'],
  ['a chain of filters', `{{ input.list ${'| sort '.repeat(5_000)} | size }}`],
  ['doubling', `{% assign a = "x" %}${'{% assign a = a | append: a %}'.repeat(50)}`],
])('M5: %s ends in an error before others have waited long', (_, template) => {
  const list = Array.from({ length: 100_000 }, (__, index) => index);
  const before = process.cpuUsage();
  expect(errorOf(() => renderPrompt(template, taskScope({ list }, []))).code).toBe('promptFailed');
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1_000).toBeLessThan(3_000);
});

test('a table of ten thousand rows is rendered', () => {
  const rows = Array.from({ length: 10_000 }, (_, id) => ({ id, name: `n${id}` }));
  const text = renderPrompt('{% for r in input.rows %}{{ r.id }}: {{ r.name }}\n{% endfor %}', taskScope({ rows }, []));
  expect(text.split('\n')).toHaveLength(10_001);
});

test('ten megabytes go through', () => {
  const output = 'x'.repeat(10_000_000);
  expect(renderPrompt('{{ tasks.a.output }}', taskScope({}, [['a', { status: 'completed', output }]]))).toHaveLength(
    10_000_000,
  );
});
