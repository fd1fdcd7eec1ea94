/** What is said of documents before they run. */
import { describe, expect, test } from 'vitest';
import { analysisOf, type Analysis } from '../../src/document/analysis.ts';
import type { Definition } from '../../src/document/definition.ts';
import { parseDocument } from '../../src/document/parse.ts';
import { atOnce } from '../../src/document/steps.ts';
import { evaluate } from '../../src/document/expression.ts';
import { errorOf, faultsOf } from './faults-of.ts';

type Task = Readonly<Record<string, unknown>>;
const call = (name: string, fields: Task = {}): Task => ({ name, prompt: 'Go', maxRetries: 0, ...fields });
const code = (name: string, fields: Task = {}): Task => ({ name, kind: 'code', function: 'f', ...fields });
const choice = (fields: Task, name = 'choice'): Task => ({ name, kind: 'condition', ...fields });
const OPEN = { if: 'input.big' };

function analysed(tasks: readonly Task[], head: Task = {}): Analysis {
  const document = { name: 'w', ...head, tasks };
  return atOnce(analysisOf(document, parseDocument(document)));
}

const warned = (tasks: readonly Task[], head: Task = {}): string[] =>
  analysed(tasks, head).warnings.map(({ code: what, path, message }) => `${what} ${path}: ${message}`);

describe('stages and the critical path', () => {
  test('a stage needs only what earlier stages give', () => {
    const { stages } = analysed([
      call('last', { dependsOn: ['b', 'a'] }),
      call('a'),
      call('b', { dependsOn: ['a'] }),
      call('alone'),
    ]);
    expect(stages).toEqual([['a', 'alone'], ['b'], ['last']]);
  });

  test.each<[string, readonly Task[], object]>([
    [
      'without estimates: the chain of most tasks',
      [call('a'), call('b', { dependsOn: ['a'] }), call('c', { dependsOn: ['b'] }), call('d')],
      { tasks: ['a', 'b', 'c'], seconds: 0, unestimated: 3 },
    ],
    [
      'with estimates: the chain of most seconds',
      [call('a'), call('b', { dependsOn: ['a'] }), call('slow', { estimatedDurationSeconds: 20 })],
      { tasks: ['slow'], seconds: 20, unestimated: 0 },
    ],
    [
      'a wait says itself how long it takes, and a decision takes no time',
      [
        call('a', { estimatedDurationSeconds: 1.5 }),
        { name: 'w', kind: 'wait', seconds: 60, dependsOn: ['a'] },
        choice({ ...OPEN, then: ['b'], dependsOn: ['w'] }),
        call('b'),
      ],
      { tasks: ['a', 'w', 'choice', 'b'], seconds: 61.5, unestimated: 1 },
    ],
    [
      'what never runs takes no time',
      [call('a'), call('b', { when: 'false', estimatedDurationSeconds: 99, dependsOn: ['a'] })],
      { tasks: ['a'], seconds: 0, unestimated: 1 },
    ],
  ])('%s', (_, tasks, path) => {
    expect(analysed(tasks).criticalPath).toEqual(path);
  });

  test('strategy: sequential makes one chain', () => {
    expect(analysed([call('a'), call('b')], { config: { strategy: 'sequential' } })).toMatchObject({
      stages: [['a'], ['b']],
      criticalPath: { tasks: ['a', 'b'] },
    });
  });
});

describe('the worst case', () => {
  test.each<[string, readonly Task[], readonly [tasks: number, calls: number, withRetries: number]]>([
    ['calls and functions', [call('a'), call('b'), code('c')], [3, 2, 2]],
    ['retries', [call('a', { maxRetries: 3 }), code('b', { maxRetries: 5 })], [2, 1, 4]],
    ['an answer in JSON may be asked for twice', [call('a', { maxRetries: 1, responseFormat: 'json' })], [1, 1, 4]],
    [
      'the dearer of two branches',
      [choice({ ...OPEN, then: ['a', 'b'], else: ['c'] }), call('a'), call('b'), call('c', { maxRetries: 9 })],
      [3, 2, 10],
    ],
    [
      'the dearest of many cases',
      [
        choice({ switch: 'input.kind', cases: { x: ['a'], y: ['b', 'c', 'd'], z: ['b'] }, else: ['c'] }),
        ...['a', 'b', 'c', 'd'].map((name) => call(name)),
      ],
      [4, 3, 3],
    ],
    [
      'branches in branches',
      [
        choice({ ...OPEN, then: ['inner', 'a'], else: ['b'] }),
        choice({ if: 'input.small', then: ['c', 'd'], else: ['e'] }, 'inner'),
        ...['a', 'b', 'c', 'd', 'e'].map((name) => call(name)),
      ],
      [5, 3, 3],
    ],
    [
      'what is skipped along with a branch belongs to it',
      [
        choice({ ...OPEN, then: ['a'], else: ['b'] }),
        call('a', { skipPolicy: 'cascade' }),
        call('a2', { dependsOn: ['a'] }),
        call('b', { skipPolicy: 'cascade' }),
        call('b2', { dependsOn: ['b'] }),
        call('b3', { dependsOn: ['b2'] }),
      ],
      [4, 3, 3],
    ],
    [
      'what depends on a branch without that runs always',
      [choice({ ...OPEN, then: ['a'], else: ['b'] }), call('a'), call('a2', { dependsOn: ['a'] }), call('b')],
      [3, 2, 2],
    ],
    [
      'what several conditions may choose counts always',
      [
        choice({ ...OPEN, then: ['a'], else: ['b'] }),
        choice({ if: 'input.small', then: ['a'] }, 'other'),
        call('a'),
        call('b'),
      ],
      [4, 2, 2],
    ],
    ['a constant condition has one branch', [choice({ if: 'false', then: ['a'] }), call('a')], [1, 0, 0]],
    [
      'what may be skipped counts, what always is does not',
      [call('a', { when: 'input.x' }), call('b', { when: '1 > 2' })],
      [1, 1, 1],
    ],
    [
      'a map over a list that is written out',
      [{ name: 'm', kind: 'map', items: '[1, 2, 3, 4, 5]', batchSize: 2, task: { prompt: 'Go', maxRetries: 1 } }],
      [4, 3, 6],
    ],
    ['a map over an empty list', [{ name: 'm', kind: 'map', items: '[]', task: { prompt: 'Go' } }], [1, 0, 0]],
    [
      'a map that depends on the input',
      [{ name: 'm', kind: 'map', items: 'input.docs', task: { kind: 'code', function: 'f' } }],
      [Infinity, 0, 0],
    ],
    [
      'a map over the items of a map, reduced in a tree',
      [
        { name: 'm', kind: 'map', items: '[1, 2, 3, 4, 5]', task: { kind: 'code', function: 'f' } },
        { name: 'n', kind: 'map', items: 'tasks.m.output', task: { kind: 'code', function: 'f' } },
        { name: 'r', kind: 'reduce', dependsOn: ['n'], prompt: '{{ tasks.n.output }}', arity: 2, maxRetries: 1 },
      ],
      [6 + 6 + 7, 6, 12],
    ],
    [
      'tasks that are added',
      [
        call('a', {
          responseFormat: 'json',
          onComplete: { addTasks: 'fromOutput', dynamicTaskLimit: 3, maxDynamicDepth: 2 },
        }),
      ],
      [13, 13, 4 + 12 * 8],
    ],
    [
      'work in rounds',
      [
        {
          name: 'g',
          kind: 'planExecuteReflect',
          goal: 'Go',
          depth: 2,
          dynamicTaskLimit: 4,
          maxRetries: 1,
          responseFormat: 'json',
        },
      ],
      // The task, its answer, and in each round a plan that may be sent back, four tasks and a reflection.
      [1 + 1 + 2 * 7, 1 + 2 * 7, 4 + 2 * 7 * 4],
    ],
  ])('%s', (_, tasks, [all, modelCalls, modelCallsWithRetries]) => {
    expect(analysed(tasks).worstCase).toEqual({ tasks: all, modelCalls, modelCallsWithRetries });
  });

  test.each<[string, string, object, number]>([
    ['a list of lists', '[[1, 2], [3, 4, 5], []]', { items: 'item' }, 3],
    ['lists inside of what is listed', '[{"all": [1, 2]}, {"all": [1]}]', { items: 'item.all' }, 2],
    ['what its own list has, whatever the outer one', 'input.free', { items: '[1, 2, 3, 4]' }, 4],
    ['a list of lists by its schema', 'input.lists', { items: 'item' }, 5],
    ['a member of the entries of a list by its schema', 'input.docs', { items: 'item.pages' }, 6],
    ['a batch', 'input.free', { items: 'item', batchSize: 2, outer: { batchSize: 7 } }, 4],
    ['a batch of fewer', '[1, 2, 3]', { items: 'item', outer: { batchSize: 7 } }, 3],
    ['an entry of which nothing is said', 'input.free', { items: 'item' }, Infinity],
    ['what is reckoned from an entry', '[[1, 2]]', { items: 'item.filter(x, x > 1.0)' }, Infinity],
    ['a member of a batch', 'input.docs', { items: 'item.pages', outer: { batchSize: 7 } }, Infinity],
  ])('a map inside of a map goes through %s', (_, items, { outer = {}, ...inner }: { outer?: object }, most) => {
    const list = (maxItems: number, of: object) => ({ type: 'array', maxItems, items: of });
    const document = { type: 'object', properties: { pages: list(6, {}) } };
    const properties = { free: { type: 'array' }, lists: list(2, list(5, {})), docs: list(3, document) };
    const task = { kind: 'map', ...inner, task: { kind: 'code', function: 'f' } };
    const { loops } = analysed([{ name: 'm', kind: 'map', items, ...outer, task }], {
      input: { type: 'object', properties },
    });
    expect(loops.map(({ atMost }) => atMost)[1]).toBe(most);
  });

  test('a schema bounds a list by maxItems', () => {
    const list = { type: 'array', maxItems: 7 };
    const object = { type: 'object', properties: { list } };
    const { loops } = analysed(
      [
        call('plan', { responseFormat: { schema: object } }),
        { name: 'a', kind: 'map', items: 'input.list', task: { prompt: 'Go' } },
        { name: 'b', kind: 'map', items: 'tasks.plan.output.list', task: { prompt: 'Go' } },
        { name: 'c', kind: 'map', items: 'tasks.plan.output.list.filter(x, x > 1.0)', task: { prompt: 'Go' } },
      ],
      { input: object },
    );
    expect(loops).toEqual([
      { task: 'a', kind: 'map', atMost: 7, because: 'input.list has at most 7' },
      { task: 'b', kind: 'map', atMost: 7, because: 'tasks.plan.output.list has at most 7' },
      {
        task: 'c',
        kind: 'map',
        atMost: Infinity,
        because: 'depends on tasks.plan.output.list.filter(x, x > 1.0)',
      },
    ]);
  });

  test('loops are named in the order of the document', () => {
    const { loops } = analysed([
      { name: 'r', kind: 'reduce', dependsOn: ['m'], prompt: 'Go', arity: 10 },
      { name: 'm', kind: 'map', items: 'input.l', task: { prompt: 'Go' } },
      call('a', { onComplete: { addTasks: 'more', dynamicTaskLimit: 2 } }),
    ]);
    expect(loops.map(({ task, kind, atMost }) => [task, kind, atMost])).toEqual([
      ['r', 'reduce', Infinity],
      ['m', 'map', Infinity],
      ['a', 'onComplete', 14],
    ]);
  });
});

describe('what can never happen', () => {
  const LABELS = { type: 'object', properties: { label: { enum: ['billing', 'sales'] }, sure: { type: 'boolean' } } };
  const kind = call('kind', { responseFormat: { schema: LABELS } });

  test.each<[string, readonly Task[], readonly string[]]>([
    ['nothing', [choice({ ...OPEN, then: ['a'], else: ['b'] }), call('a'), call('b', { when: 'input.x' })], []],
    [
      'a when that is always false',
      [call('a', { when: '1 > 2' })],
      ['neverRuns tasks[0].when: is always false: the task can never run'],
    ],
    [
      'a when that is always true',
      [call('a', { when: 'true' })],
      ['constantCondition tasks[0].when: is always true: leave it out'],
    ],
    [
      'a constant condition, and what it does not choose',
      [choice({ if: 'true', then: ['a'], else: ['b'] }), call('a'), call('b')],
      [
        'constantCondition tasks[0].if: is always true: a condition that reads nothing decides nothing',
        'deadBranch tasks[0].else: the branch else is never chosen',
        'neverRuns tasks[2]: the task "b" can never run: "choice" cannot choose it',
      ],
    ],
    [
      'a case that the schema does not have',
      [
        kind,
        choice({ switch: 'tasks.kind.output.label', cases: { billing: ['a'], refund: ['b'] } }),
        call('a'),
        call('b'),
      ],
      [
        'deadBranch tasks[1].cases.refund: the branch cases.refund is never chosen: the switch gives one of "billing", "sales"',
        'neverRuns tasks[3]: the task "b" can never run: "choice" cannot choose it',
      ],
    ],
    [
      'an else behind all cases',
      [
        kind,
        choice({ switch: 'tasks.kind.output.sure', cases: { true: ['a'], false: ['b'] }, else: ['c'] }),
        ...['a', 'b', 'c'].map((name) => call(name)),
      ],
      [
        'deadBranch tasks[1].else: the branch else is never chosen: the switch gives one of "true", "false"',
        'neverRuns tasks[4]: the task "c" can never run: "choice" cannot choose it',
      ],
    ],
    [
      'one condition that may choose is enough',
      [choice({ if: 'false', then: ['a'] }), choice({ ...OPEN, then: ['a'] }, 'other'), call('a')],
      [
        'constantCondition tasks[0].if: is always false: a condition that reads nothing decides nothing',
        'deadBranch tasks[0].then: the branch then is never chosen',
        'deadBranch tasks[0]: the condition "choice" can never choose a task',
      ],
    ],
    [
      'a condition that has nothing to choose',
      [
        choice({ ...OPEN, then: [] }),
        choice({ ...OPEN, then: [] }, 'read'),
        call('a', { when: 'tasks.read.output.value == true' }),
      ],
      ['deadBranch tasks[0]: the condition "choice" can never choose a task'],
    ],
    [
      'what a condition chooses that never runs',
      [choice({ ...OPEN, then: ['a'], when: 'false' }), call('a')],
      [
        'neverRuns tasks[0].when: is always false: the task can never run',
        'neverRuns tasks[1]: the task "a" can never run: "choice" cannot choose it',
      ],
    ],
    [
      'what needs a task that never runs and cascades, and what needs that',
      [
        call('a', { when: 'false', skipPolicy: 'cascade' }),
        call('b', { dependsOn: ['a'] }),
        call('c', { dependsOn: ['b'] }),
      ],
      [
        'neverRuns tasks[0].when: is always false: the task can never run',
        'neverRuns tasks[1]: the task "b" can never run: it needs "a", which never runs, and whose skipPolicy is cascade or which is skipped by one',
        'neverRuns tasks[2]: the task "c" can never run: it needs "b", which never runs, and whose skipPolicy is cascade or which is skipped by one',
      ],
    ],
    [
      'the items of a map',
      [{ name: 'm', kind: 'map', items: 'input.l', task: { prompt: 'Go', when: 'false' } }],
      ['neverRuns tasks[0].task.when: is always false: the task can never run'],
    ],
    [
      'a wait that is longer than its timeout',
      [{ name: 'w', kind: 'wait', seconds: 60, timeoutSeconds: 10 }],
      ['alwaysTimesOut tasks[0].seconds: it waits for 60 s, and its timeoutSeconds is 10: it always times out'],
    ],
  ])('%s', (_, tasks, warnings) => {
    expect(warned(tasks)).toEqual(warnings);
  });
});

describe('reads of what may be absent', () => {
  const maybe = call('maybe', { when: 'input.x', responseFormat: 'json' });
  const reader = (prompt: string, fields: Task = {}): Task => call('r', { prompt, ...fields });
  const when = (text: string): Task => call('r', { when: text });

  test.each<[string, readonly Task[]]>([
    ['a default', [maybe, reader('{{ tasks.maybe.output | default: "none" }}')]],
    ['a default of a field', [maybe, reader('{{ tasks.maybe.output.deep | default: "none" | upcase }}')]],
    ['an if around it', [maybe, reader('{% if tasks.maybe.output %}{{ tasks.maybe.output | upcase }}{% endif %}')]],
    [
      'its status',
      [maybe, reader('{% case tasks.maybe.status %}{% when "completed" %}{{ tasks.maybe.output }}{% endcase %}')],
    ],
    ['an assign', [maybe, reader('{% assign m = tasks.maybe.output | default: "" %}{{ m }}')]],
    ['has', [maybe, when('has(tasks.maybe.output) && tasks.maybe.output.n > 1')]],
    ['orValue', [maybe, when('tasks.maybe.?output.orValue("") == "x"')]],
    ['an optional index', [maybe, when('tasks.maybe[?"output"].orValue("") == "x"')]],
    ['the status, in an expression', [maybe, when('tasks.maybe.status == "completed" && tasks.maybe.output == "x"')]],
    ['a when that makes sure', [maybe, reader('{{ tasks.maybe.output }}', { when: 'has(tasks.maybe.output)' })]],
    ['the same when', [maybe, reader('{{ tasks.maybe.output }}', { when: 'input.x' })]],
    ['a cascade', [{ ...maybe, skipPolicy: 'cascade' }, reader('{{ tasks.maybe.output }}')]],
    ['a when that is always true', [{ ...maybe, when: '1 < 2' }, reader('{{ tasks.maybe.output }}')]],
    ['the same branch', [choice({ ...OPEN, then: ['a', 'r'], else: [] }), call('a'), reader('{{ tasks.a.output }}')]],
    [
      'a branch inside of that branch',
      [
        choice({ ...OPEN, then: ['a', 'inner'] }),
        choice({ if: 'input.small', then: ['r'] }, 'inner'),
        call('a'),
        reader('{{ tasks.a.output }}'),
      ],
    ],
    [
      'the condition that chose it, though it may be skipped',
      [choice({ ...OPEN, when: 'input.x', then: ['r'] }), reader('{{ tasks.choice.output.branch }}')],
    ],
    [
      'what needs a task of the same branch that cascades',
      [
        choice({ ...OPEN, then: ['a', 'b'] }),
        call('a'),
        call('b', { skipPolicy: 'cascade' }),
        reader('{{ tasks.a.output }}', { dependsOn: ['b'] }),
      ],
    ],
    ['dependence without reading', [maybe, call('r', { dependsOn: ['maybe'] })]],
  ])('fine: %s', (_, tasks) => {
    expect(warned(tasks).filter((warning) => warning.startsWith('absent'))).toEqual([]);
  });

  const at = (path: string, place: string, why: string, advice: string, name = 'maybe'): string[] => [
    `absentOutput ${path}: ${place}: reads the output of "${name}", which has none where ${why}: write ${advice}`,
  ];
  const LIQUID = '{{ tasks.maybe.output | default: "…" }}';
  const CEL = 'tasks.maybe.?output.orValue(…)';
  const FALSE = 'its "when" is false';

  test.each<[string, readonly Task[], readonly string[]]>([
    [
      'a prompt',
      [maybe, reader('So:\n{{ tasks.maybe.output }}')],
      at('tasks[1].prompt', 'line 2, column 4', FALSE, LIQUID),
    ],
    [
      'a default that comes too late',
      [maybe, reader('{{ tasks.maybe.output | upcase | default: "none" }}')],
      at('tasks[1].prompt', 'line 1, column 4', FALSE, LIQUID),
    ],
    [
      'a second read',
      [maybe, reader('{{ tasks.maybe.output | default: "" }}{{ tasks.maybe.output }}')],
      at('tasks[1].prompt', 'line 1, column 42', FALSE, LIQUID),
    ],
    [
      'a loop',
      [maybe, reader('{% for x in tasks.maybe.output %}{{ x }}{% endfor %}')],
      at('tasks[1].prompt', 'line 1, column 13', FALSE, LIQUID),
    ],
    ['a when', [maybe, when('tasks.maybe.output == "x"')], at('tasks[1].when', 'column 1', FALSE, CEL)],
    [
      'an optional step that comes too late',
      [maybe, when('tasks.maybe.output.?n.orValue(1) == 1')],
      at('tasks[1].when', 'column 1', FALSE, CEL),
    ],
    ['has of a field of it', [maybe, when('has(tasks.maybe.output.n)')], at('tasks[1].when', 'column 5', FALSE, CEL)],
    [
      'an argument',
      [maybe, code('r', { input: { x: ['tasks.maybe.output'] } })],
      at('tasks[1].input.x[0]', 'column 1', FALSE, CEL),
    ],
    [
      'inside of a map',
      [maybe, { name: 'm', kind: 'map', items: 'input.l', task: { prompt: '{{ tasks.maybe.output }}' } }],
      at('tasks[1].task.prompt', 'line 1, column 4', FALSE, LIQUID),
    ],
    [
      'the other branch',
      [choice({ ...OPEN, then: ['a'], else: ['r'] }), call('a'), reader('{{ tasks.a.output }}')],
      at('tasks[2].prompt', 'line 1, column 4', 'no condition chooses it', '{{ tasks.a.output | default: "…" }}', 'a'),
    ],
    [
      'a refusal',
      [call('the gate', { requiresApproval: true, onReject: 'skip' }), reader('{{ tasks["the gate"].output }}')],
      at(
        'tasks[1].prompt',
        'line 1, column 4',
        'its approval is refused',
        '{{ tasks["the gate"].output | default: "…" }}',
        'the gate',
      ),
    ],
    [
      'a wait whose time is over',
      [
        { name: 'maybe', kind: 'wait', event: { type: 'paid' }, timeoutSeconds: 5, onTimeout: 'skip' },
        reader('{{ tasks.maybe.output }}'),
      ],
      at('tasks[1].prompt', 'line 1, column 4', 'its time is over', LIQUID),
    ],
  ])('warned of: %s', (_, tasks, warnings) => {
    expect(warned(tasks).filter((warning) => warning.startsWith('absent'))).toEqual(warnings);
  });

  test('what is warned of does fail, and what is not does not', () => {
    const scope = { input: {}, tasks: { maybe: { status: 'skipped' } } };
    for (const text of [
      'has(tasks.maybe.output.n)',
      'tasks.maybe.output.?n.orValue(1) == 1',
      'tasks.maybe.output == 1',
    ])
      expect(errorOf(() => evaluate(text, scope)).code).toBe('expressionFailed');
    for (const text of ['has(tasks.maybe.output)', 'tasks.maybe.?output.orValue(1) == 2'])
      expect(evaluate(text, scope)).toBe(false);
  });
});

describe('documents of 20,000 tasks', () => {
  const COUNT = 20_000;
  const cpuOf = (work: () => unknown): number => {
    const { user, system } = process.cpuUsage();
    work();
    const after = process.cpuUsage();
    return after.user + after.system - user - system;
  };

  const many = (task: (index: number) => Task): object => ({
    name: 'w',
    tasks: Array.from({ length: COUNT }, (_, index) => task(index)),
  });
  const others = Array.from({ length: COUNT - 1 }, (_, index) => `t${index + 1}`);

  test.each<[string, number, number, object]>([
    [
      'a chain in which every second task may be skipped',
      COUNT,
      COUNT / 2 - 1,
      many((index) => ({
        name: `t${index}`,
        prompt: index === 0 ? 'Go' : `{{ tasks.t${index - 1}.output }}`,
        ...(index > 0 && index % 2 === 0 ? { when: 'input.x' } : {}),
      })),
    ],
    [
      'one condition with a branch of all others',
      COUNT,
      0,
      many((index) => (index === 0 ? choice({ ...OPEN, then: others }, 't0') : code(`t${index}`))),
    ],
    [
      'a task in each of many branches, read by what else is in them',
      3,
      0,
      {
        name: 'w',
        tasks: [
          choice({
            switch: 'input.kind',
            cases: Object.fromEntries(others.slice(0, 10_000).map((name) => [name, ['shared', name]])),
          }),
          call('shared'),
          ...others.slice(0, 10_000).map((name) => call(name, { prompt: '{{ tasks.shared.output }}' })),
        ],
      },
    ],
  ])('%s: no longer than the check of it', (_, atMost, warnings, document) => {
    const checked: Definition[] = [];
    const check = cpuOf(() => checked.push(parseDocument(document)));
    const found: Analysis[] = [];
    const analysis = cpuOf(() => checked.map((definition) => found.push(atOnce(analysisOf(document, definition)))));
    expect(found[0]?.worstCase.tasks).toBe(atMost);
    expect((found[0]?.warnings.length ?? 0) + (found[0]?.unlistedWarnings ?? 0)).toBe(warnings);
    expect(analysis).toBeLessThan(check * 1.5);
  });
});

test('what is wrong is refused as ever, and not analysed', () => {
  expect(faultsOf(() => analysed([call('a', { when: '1 +' })]))).toHaveLength(1);
});
