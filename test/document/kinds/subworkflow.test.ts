/** How a sub-workflow is written, and what is refused about it. */
import { describe, expect, it } from 'vitest';
import { workflow } from '../../../src/document/builder.ts';
import { analysisOf } from '../../../src/document/analysis.ts';
import { prepareSubworkflow, referenceOf } from '../../../src/document/kinds/subworkflow.ts';
import { parseDocument, parseText } from '../../../src/document/parse.ts';
import { atOnce } from '../../../src/document/steps.ts';
import { errorOf, faultsOf } from '../faults-of.ts';

const task = (fields: object) => ({ name: 'a', kind: 'subworkflow', ...fields });
const sub = (fields: object): unknown => ({ name: 'w', tasks: [task(fields)] });
const faults = (fields: object): string[] => faultsOf(() => parseDocument(sub(fields)));
const inner = { name: 'inner', tasks: [{ name: 'p', prompt: 'Hi' }] };

/** A document in a document, so many deep. */
function nested(depth: number): Readonly<Record<string, unknown>> {
  return depth === 0 ? inner : { name: `n${depth}`, tasks: [task({ workflow: nested(depth - 1) })] };
}

describe('a sub-workflow is written', () => {
  it('with its defaults, and is tried again as every task is', () => {
    const { call, retry, timeoutSeconds } = parseDocument(sub({ workflow: 'b' })).tasks[0] ?? expect.fail('no task');
    expect(call).toEqual({ kind: 'subworkflow', workflow: { name: 'b' }, input: {}, wait: true });
    expect([retry.maxRetries, timeoutSeconds]).toEqual([3, undefined]);
    expect(parseDocument(sub({ workflow: 'b', maxRetries: 2 })).tasks[0]?.retry.maxRetries).toBe(2);
    expect(parseDocument(sub({ workflow: 'b', retry: { factor: 3 } })).tasks[0]?.retry).toMatchObject({
      maxRetries: 3,
      factor: 3,
    });
  });

  it.each([
    ['review', { name: 'review' }],
    ['review@3', { name: 'review', version: 3 }],
    ['a@b', { name: 'a@b' }],
    ['a@2@1', { name: 'a@2', version: 1 }],
    [inner, { name: 'inner', document: inner }],
  ])('workflow: %j', (written, reference) => {
    expect(referenceOf(written as string)).toEqual(reference);
  });

  it('in YAML as in JSON and with the builder', () => {
    const yaml = parseText(
      'name: w\ntasks:\n  - { name: a, kind: subworkflow, workflow: b, input: { q: "{{ input.q }}" } }',
    );
    const built = workflow('w')
      .task('a', { kind: 'subworkflow', workflow: 'b', input: { q: '{{ input.q }}' } })
      .build();
    expect(parseDocument(built)).toEqual(yaml);
  });

  it('a task whose output its input reads is a dependency', () => {
    const { tasks } = parseDocument({
      name: 'w',
      tasks: [{ name: 'x', prompt: 'Hi' }, task({ workflow: 'b', input: { deep: [{ q: '{{ tasks.x.output }}' }] } })],
    });
    expect(tasks[1]?.dependsOn).toEqual(['x']);
  });
});

describe('a sub-workflow is refused', () => {
  it.each<[object, string]>([
    [{}, 'tasks[0].workflow: is required'],
    [{ workflow: 7 }, 'tasks[0].workflow: expected a text or an object'],
    [{ workflow: 'b', input: 'q' }, 'tasks[0].input: expected an object'],
    [{ workflow: 'b', wait: 'no' }, 'tasks[0].wait: expected true or false'],
    [{ workflow: 'b', input: { q: '{{ tasks.none.output }}' } }, 'tasks[0].input.q: '],
    [{ workflow: 'b', prompt: 'Hi' }, 'tasks[0].prompt: the field "prompt" b'],
    [{ workflow: { name: 'in' } }, 'tasks[0].workflow.tasks: '],
    [
      { workflow: { ...inner, tasks: [{ name: 'p', prompt: 'Hi', promt: 1 }] } },
      'tasks[0].workflow.tasks[0].promt: unknown field',
    ],
  ])('%j', (fields, fault) => {
    expect(faults(fields)[0]).toContain(fault);
  });

  it('where documents stand in each other too deep', () => {
    expect(parseDocument(nested(7)).name).toBe('n7');
    const refused = errorOf(() => parseDocument(nested(8)));
    expect(refused.code).toBe('invalidDocument');
    expect(refused.faults?.[0]?.message).toContain('stands inside of 8 other documents');
  });
});

describe('what is made ready', () => {
  const prepare = (input: Readonly<Record<string, unknown>>, scope: object) =>
    prepareSubworkflow(
      { kind: 'subworkflow', workflow: { name: 'b' }, input, wait: true },
      {
        input: {},
        tasks: {},
        ...scope,
      },
    ).input;

  it('keeps the type of a text that is a single {{ … }}', () => {
    const input = { n: 3, list: [1, { a: true }], none: null, text: 'tea' };
    const given = prepare(
      {
        n: '{{ input.n }}',
        list: '{{ input.list }} ',
        none: '{{ input.none }}',
        both: '{{ input.n }}{{ input.n }}',
        json: '{{ input.list | json }}',
        first: '{{ input.list | first }}',
        plain: 'text',
        raw: 5,
      },
      { input },
    );
    expect(given).toEqual({
      n: 3,
      list: [1, { a: true }],
      none: null,
      both: '33',
      json: '[1,{"a":true}]',
      first: 1,
      plain: 'text',
      raw: 5,
    });
  });

  it('says what is missing, and where', () => {
    expect(errorOf(() => prepare({ q: '{{ input.none }}' }, {})).message).toMatch(
      /line 1, column \d+: input.none is missing/,
    );
  });
});

describe('what it can come to', () => {
  const cost = (document: object, known: Readonly<Record<string, object>> = {}) => {
    const { worstCase, loops } = atOnce(
      analysisOf(document, parseDocument(document), ({ name }) => known[name] && parseDocument(known[name])),
    );
    return { ...worstCase, loops: loops.map(({ kind, atMost }) => [kind, atMost]) };
  };
  const calling = (workflowName: unknown, more: object = {}) => ({
    name: 'w',
    tasks: [task({ workflow: workflowName, ...more })],
  });

  it('counts the other workflow, where it is known', () => {
    expect(cost(calling(inner))).toEqual({
      tasks: 2,
      modelCalls: 1,
      modelCallsWithRetries: 16,
      loops: [['subworkflow', 1]],
    });
    expect(cost(calling('inner', { maxRetries: 1 }), { inner }).modelCallsWithRetries).toBe(8);
    expect(cost(calling('inner'))).toMatchObject({ tasks: Infinity, modelCalls: Infinity });
  });

  it('counts a workflow that runs itself as deep as it may', () => {
    const again = { name: 'again', tasks: [{ name: 'p', prompt: 'Hi' }, task({ workflow: 'again' })] };
    const twice = {
      name: 'twice',
      tasks: [task({ workflow: 'twice' }), { ...task({ workflow: 'twice' }), name: 'b' }],
    };
    expect(cost(again, { again }).modelCalls).toBe(9);
    expect(cost(twice, { twice }).tasks).toBe(2 ** 10 - 2);
  });
});
