import { describe, expect, test } from 'vitest';
import { parseDocument, parseInTurns } from '../../src/document/parse.ts';
import { errorOf, faultsOf } from './faults-of.ts';

const task = (fields: Record<string, unknown> = {}): Record<string, unknown> => ({
  name: 'a',
  prompt: 'Go',
  ...fields,
});
const one = (fields: Record<string, unknown>): unknown => ({ name: 'w', tasks: [task(fields)] });
const code = (fields: Record<string, unknown>): unknown => ({
  name: 'w',
  tasks: [{ name: 'a', kind: 'code', function: 'f', ...fields }],
});
const config = (fields: Record<string, unknown>): unknown => ({ name: 'w', config: fields, tasks: [task()] });
const tasks = (...list: unknown[]): unknown => ({ name: 'w', tasks: list });

describe('a document', () => {
  test('has every default in place', () => {
    expect(parseDocument(one({}))).toEqual({
      name: 'w',
      tags: [],
      strategy: 'hybrid',
      breadth: 3,
      depth: 3,
      model: 'gpt-4o-mini',
      provider: 'openai',
      onTaskFailure: 'stop',
      collectIntermediate: true,
      priority: 0,
      tasks: [
        {
          name: 'a',
          position: 0,
          dependsOn: [],
          after: [],
          gates: [],
          skipPolicy: 'run',
          call: { kind: 'model', prompt: 'Go', provider: 'openai', model: 'gpt-4o-mini', responseFormat: 'text' },
          retry: { maxRetries: 3, initialSeconds: 1, factor: 2, maxSeconds: 60 },
          timeoutSeconds: 120,
          onInDoubt: 'retry',
          tags: [],
          metadata: {},
        },
      ],
    });
  });

  test('resolves short forms to the one inner form', () => {
    const short = parseDocument(
      one({
        maxRetries: 5,
        requiresApproval: true,
        approvalPrompt: 'Go?',
        approvalTimeoutSeconds: 300,
        onReject: 'skip',
      }),
    );
    const long = parseDocument(
      one({ retry: { maxRetries: 5 }, approval: { prompt: 'Go?', timeoutSeconds: 300, onReject: 'skip' } }),
    );
    expect(short).toEqual(long);
    expect(short.tasks[0]?.approval).toEqual({ prompt: 'Go?', timeoutSeconds: 300, onReject: 'skip' });
    expect(parseDocument(one({ requiresApproval: true })).tasks[0]?.approval?.onReject).toBe('fail');
    expect(parseDocument(one({ requiresApproval: false, approvalPrompt: 'later' })).tasks[0]?.approval).toBeUndefined();
  });

  test('takes the model of the config where a task names none', () => {
    const { tasks: parsed } = parseDocument({
      name: 'w',
      config: { model: 'm' },
      tasks: [task(), task({ name: 'b', model: 'n', provider: 'p' })],
    });
    expect(parsed.map(({ call }) => call)).toMatchObject([
      { model: 'm', provider: 'openai' },
      { model: 'n', provider: 'p' },
    ]);
  });

  test('depends on what its texts read, after what is written, without repetition', () => {
    const names = ['a', 'b', 'c', 'd', 'e'].map((name) => task({ name }));
    const reader = task({
      name: 'z',
      dependsOn: ['b', 'b'],
      prompt: '{{ tasks.a.output }} {{ tasks.b.output }}',
      system: '{{ tasks["c"].status }}',
      description: '{{ tasks.d.output }}',
      requiresApproval: true,
      approvalPrompt: "{{ tasks['e'].output }}",
    });
    expect(parseDocument(tasks(...names, reader)).tasks[5]?.dependsOn).toEqual(['b', 'd', 'a', 'c', 'e']);
    const sum = {
      name: 'sum',
      kind: 'code',
      function: 'f',
      input: { x: 'tasks.a.output', y: [{ z: 'has(tasks.b.output)' }, 5] },
    };
    expect(parseDocument(tasks(...names, sum)).tasks[5]?.dependsOn).toEqual(['a', 'b']);
  });

  test('may have emoji, quotes, blanks and dots in names and prompts', () => {
    const awkward = ['my "plan" 🚀', "it's", 'a.b', '__proto__', 'size', 'ü [0]'];
    const reader = task({
      name: 'all',
      prompt: `{{ tasks['my "plan" 🚀'].output }} {{ tasks["it's"].output }} {{ tasks["a.b"].output }} "😀"`,
    });
    const parsed = parseDocument(tasks(...awkward.map((name) => task({ name })), reader));
    expect(parsed.tasks[6]?.dependsOn).toEqual(awkward.slice(0, 3));
  });

  test('counts the length of names in characters, not in code units', () => {
    expect(parseDocument(one({ name: '😀'.repeat(200) })).tasks).toHaveLength(1);
    expect(faultsOf(() => parseDocument(one({ name: '😀'.repeat(201) })))).toEqual([
      'tasks[0].name: expected at most 200 characters, came 201',
    ]);
  });

  test('runs in sequence in an order that respects dependencies and else is the written one', () => {
    const parsed = parseDocument({
      name: 'w',
      config: { strategy: 'sequential' },
      tasks: [task({ name: 'a', dependsOn: ['c'] }), task({ name: 'b' }), task({ name: 'c' })],
    });
    // c, a, b; that a needs c already says that it comes after c
    expect(parsed.tasks.map(({ name, after }) => [name, after])).toEqual([
      ['a', []],
      ['b', ['a']],
      ['c', []],
    ]);
  });
});

const known = '"a", "plan"';
test.each<[string, unknown, string]>([
  ['no object', 5, ': expected an object, came a number (5)'],
  ['a word', 'hello', ': expected an object with name and tasks, came a text ("hello")'],
  [
    'a text',
    'name: w',
    ': expected an object with name and tasks, came a text ("name: w"). A document within a text is not read: give it as it is',
  ],
  ['no name', { tasks: [task()] }, 'name: is required: expected a text'],
  ['slash in a name', { name: 'a/b', tasks: [task()] }, 'name: must not contain "/", came "a/b"'],
  [
    'control character in a name',
    one({ name: 'a\u0007' }),
    'tasks[0].name: must not contain control characters, came "a\\u0007"',
  ],
  ['lone surrogate in a name', one({ name: 'a\ud800' }), 'tasks[0].name: must be well-formed Unicode, came "a\\ud800"'],
  ['empty name', one({ name: '' }), 'tasks[0].name: must not be empty'],
  ['no tasks', tasks(), 'tasks: expected at least 1 entries, came 0'],
  ['tasks of a wrong type', { name: 'w', tasks: {} }, 'tasks: expected a list, came an object'],
  ['task of a wrong type', tasks(task(), 'x'), 'tasks[1]: expected an object, came a text ("x")'],
  ['empty prompt', one({ prompt: '' }), 'tasks[0].prompt: must not be empty'],
  ['blank prompt', one({ prompt: ' \n' }), 'tasks[0].prompt: must not be empty'],
  ['no prompt', tasks({ name: 'a' }), 'tasks[0].prompt: is required: expected a text'],
  ['wrong type', one({ temperature: 'hot' }), 'tasks[0].temperature: expected a number, came a text ("hot")'],
  ['breadth too small', config({ breadth: 0 }), 'config.breadth: expected at least 1, came a number (0)'],
  ['breadth too large', config({ breadth: 1001 }), 'config.breadth: expected at most 1000, came a number (1001)'],
  ['breadth with a fraction', config({ breadth: 1.5 }), 'config.breadth: expected a whole number, came a number (1.5)'],
  [
    'strategy',
    config({ strategy: 'hybird' }),
    'config.strategy: expected "sequential" or "parallel" or "hybrid", came a text ("hybird"): did you mean "hybrid"?',
  ],
  ['maxRetries', one({ maxRetries: 11 }), 'tasks[0].maxRetries: expected at most 10, came a number (11)'],
  [
    'maxRetries twice',
    one({ maxRetries: 1, retry: { maxRetries: 2 } }),
    'tasks[0].maxRetries: is given twice: here and as retry.maxRetries; keep one',
  ],
  [
    'seconds',
    one({ timeoutSeconds: 0.0005 }),
    'tasks[0].timeoutSeconds: expected at least 0.001, came a number (0.0005)',
  ],
  [
    'approval parts alone',
    one({ approvalPrompt: 'ok?' }),
    'tasks[0].approvalPrompt: has no effect without requiresApproval: true',
  ],
  [
    'both approvals',
    one({ requiresApproval: true, approval: {} }),
    'tasks[0].requiresApproval: is given beside "approval", its long form; keep one',
  ],
  [
    'response format',
    one({ responseFormat: 'xml' }),
    'tasks[0].responseFormat: expected "text" or "json" or an object, came a text ("xml")',
  ],
  [
    'response schema',
    one({ responseFormat: { schema: { type: 'objekt' } } }),
    'tasks[0].responseFormat.schema.type: expected "array" or "boolean" or "integer" or "null" or "number" or "object" or "string" or a list, came a text ("objekt")',
  ],
  [
    'input schema',
    { name: 'w', input: { properties: { n: { minimun: 5 } } }, tasks: [task()] },
    'input.properties.n.minimun: unknown keyword "minimun" of JSON Schema: did you mean "minimum"?',
  ],
  ['unknown field', one({ dependson: [] }), 'tasks[0].dependson: unknown field "dependson": did you mean "dependsOn"?'],
  ['unknown field, nothing near', one({ quux: 1 }), 'tasks[0].quux: unknown field "quux"'],
  [
    'seed: depends_on',
    one({ depends_on: [] }),
    'tasks[0].depends_on: unknown field "depends_on": did you mean "dependsOn"?',
  ],
  [
    'seed: max_retries',
    one({ max_retries: 3 }),
    'tasks[0].max_retries: unknown field "max_retries": did you mean "maxRetries"?',
  ],
  [
    'seed: requires_approval',
    one({ requires_approval: true }),
    'tasks[0].requires_approval: unknown field "requires_approval": did you mean "requiresApproval"?',
  ],
  [
    'seed: user_friendly_description',
    one({ user_friendly_description: '' }),
    'tasks[0].user_friendly_description: unknown field "user_friendly_description": did you mean "description"?',
  ],
  [
    'seed: timeout_seconds',
    config({ timeout_seconds: 1 }),
    'config.timeout_seconds: unknown field "timeout_seconds": did you mean "timeoutSeconds"?',
  ],
  [
    'L8: a field of config at the root',
    { name: 'w', breadth: 2, tasks: [task()] },
    'breadth: unknown field "breadth": it belongs into config: write config.breadth',
  ],
  [
    'L8: a former name of config at the root',
    { name: 'w', max_parallel: 2, tasks: [task()] },
    'max_parallel: unknown field "max_parallel": did you mean "config.breadth"?',
  ],
  [
    'L8: a mistyped field of config at the root',
    { name: 'w', timeout_seconds: 2, tasks: [task()] },
    'timeout_seconds: unknown field "timeout_seconds": did you mean "config.timeoutSeconds"?',
  ],
  [
    'unknown field of retry',
    one({ retry: { factr: 2 } }),
    'tasks[0].retry.factr: unknown field "factr": did you mean "factor"?',
  ],
  [
    'field of another kind',
    code({ prompt: 'x' }),
    'tasks[0].prompt: the field "prompt" belongs to a model call, a task without "kind"',
  ],
  [
    'field of kind code',
    one({ function: 'x' }),
    'tasks[0].function: the field "function" belongs to a task of kind "code"',
  ],
  ['unknown kind', tasks({ name: 'a', kind: 'cod' }), 'tasks[0].kind: unknown kind "cod": did you mean "code"?'],
  ['NUL in a text', one({ prompt: 'a\0b' }), 'tasks[0].prompt: must not contain a NUL character (U+0000)'],
  [
    'NUL deep inside',
    one({ metadata: { a: ['\0'] } }),
    'tasks[0].metadata.a[0]: must not contain a NUL character (U+0000)',
  ],
  ['no JSON', one({ metadata: { at: new Date(0) } }), 'tasks[0].metadata.at: expected JSON, came an instance of Date'],
  [
    'a name that an item has',
    tasks({ name: 'a', kind: 'map', items: '[1]', task: { prompt: 'x' } }, task({ name: 'a[1]' })),
    'tasks[1].name: the name "a[1]" is one that an item of "a" may have: choose another',
  ],
  [
    'a name that an item of an item has',
    tasks(task({ name: 'a[1][2]' }), { name: 'a', kind: 'map', items: '[1]', task: { prompt: 'x' } }),
    'tasks[0].name: the name "a[1][2]" is one that an item of "a" may have: choose another',
  ],
  [
    'a name that a call of a reduction has',
    tasks(task(), { name: 'r', kind: 'reduce', dependsOn: ['a'], arity: 2, prompt: 'x' }, task({ name: 'r[0]' })),
    'tasks[2].name: the name "r[0]" is one that an item of "r" may have: choose another',
  ],
  [
    'an arity over nothing that is named',
    tasks(task(), { name: 'r', kind: 'reduce', arity: 2, prompt: '{{ tasks.a.output }}' }),
    'tasks[1].dependsOn: with "arity" it names the one task whose list is reduced: expected one name, came nothing (what else the prompt reads needs no mention)',
  ],
  [
    'an arity over two tasks',
    tasks(task(), task({ name: 'b' }), { name: 'r', kind: 'reduce', arity: 2, dependsOn: ['a', 'b'], prompt: 'x' }),
    'tasks[2].dependsOn: with "arity" it names the one task whose list is reduced: expected one name, came 2 names (what else the prompt reads needs no mention)',
  ],
  [
    'a schema in the task of items',
    tasks({ name: 'a', kind: 'map', items: '[1]', task: { prompt: 'x', responseFormat: { schema: { type: 'tex' } } } }),
    'tasks[0].task.responseFormat.schema.type: expected "array" or "boolean" or "integer" or "null" or "number" or "object" or "string" or a list, came a text ("tex")',
  ],
  ['duplicate name', tasks(task(), task()), 'tasks[1].name: duplicate name "a": tasks[0] has it already'],
  [
    'unknown dependency',
    tasks(task({ name: 'plan' }), task({ dependsOn: ['plann'] })),
    'tasks[1].dependsOn[0]: unknown task "plann": did you mean "plan"?',
  ],
  [
    'unknown dependency, nothing near',
    tasks(task(), task({ name: 'plan', dependsOn: ['zebra'] })),
    `tasks[1].dependsOn[0]: unknown task "zebra": known are ${known}`,
  ],
  ['self dependency', one({ dependsOn: ['a'] }), 'tasks[0].dependsOn[0]: task "a" depends on itself'],
  [
    'prompt of an unknown task',
    tasks(task({ name: 'plan' }), task({ prompt: 'x\n {{ tasks.plam.output }}' })),
    'tasks[1].prompt: line 2, column 5: reads the unknown task "plam": did you mean "plan"?',
  ],
  [
    'prompt of its own task',
    one({ prompt: '{{ tasks.a.output }}' }),
    'tasks[0].prompt: line 1, column 4: reads the result of its own task "a", which is not there yet',
  ],
  [
    'unknown root',
    one({ prompt: '{{ inputs.x }}' }),
    'tasks[0].prompt: line 1, column 4: reads "inputs", which does not exist: did you mean "input"?',
  ],
  [
    'unknown member',
    tasks(task(), task({ name: 'b', prompt: '{{ tasks.a.result }}' })),
    'tasks[1].prompt: line 1, column 4: reads "result" of task "a": it has "output" and "status"',
  ],
  [
    'all tasks',
    one({ prompt: '{{ tasks | json }}' }),
    'tasks[0].prompt: line 1, column 4: reads all of "tasks": write tasks.NAME.output, so that it is known what to wait for',
  ],
  [
    'computed name',
    one({ prompt: '{{ tasks[input.x].output }}' }),
    'tasks[0].prompt: line 1, column 4: reads a task whose name is computed: write tasks.NAME.output, so that it is known what to wait for',
  ],
  [
    'template syntax',
    one({ prompt: '{{ input.x' }),
    'tasks[0].prompt: The prompt "{{ input.x" cannot be read: line 1, column 1: output "{{ input.x" not closed.',
  ],
  [
    'file access',
    one({ prompt: '{% include "package.json" %}' }),
    'tasks[0].prompt: The prompt "{% include \\"package.json\\" %}" cannot be read: line 1, column 1: tag "include" not found.',
  ],
  [
    'expression of an unknown task',
    code({ input: { x: ['tasks.zebra.output'] } }),
    'tasks[0].input.x[0]: column 1: reads the unknown task "zebra": known are "a"',
  ],
])('refuses: %s', (_, document, fault) => {
  const error = errorOf(() => parseDocument(document));
  expect(error.code).toBe('invalidDocument');
  expect(faultsOf(() => parseDocument(document))).toEqual([fault]);
  expect(error.message).toContain(fault.replace(/^: /, ''));
});

describe('cycles', () => {
  const chain = (...needs: [string, string][]): unknown =>
    tasks(...needs.map(([name, other]) => task({ name, dependsOn: [other] })));

  test('are named in full, from the task that stands first', () => {
    expect(faultsOf(() => parseDocument(chain(['a', 'b'], ['b', 'c'], ['c', 'a'])))).toEqual([
      'tasks[0].dependsOn[0]: depends on itself in a cycle: a → b → c → a (each needs the next)',
    ]);
    expect(faultsOf(() => parseDocument(chain(['x', 'c'], ['b', 'c'], ['c', 'b'])))).toEqual([
      'tasks[1].dependsOn[0]: depends on itself in a cycle: b → c → b (each needs the next)',
    ]);
  });

  test('are found through prompts, at the prompt', () => {
    const document = tasks(task({ prompt: '{{ tasks.b.output }}' }), task({ name: 'b', dependsOn: ['a'] }));
    expect(faultsOf(() => parseDocument(document))).toEqual([
      'tasks[0].prompt: depends on itself in a cycle: a → b → a (each needs the next)',
    ]);
  });

  test('that share no task are all found', () => {
    expect(faultsOf(() => parseDocument(chain(['a', 'b'], ['b', 'a'], ['c', 'd'], ['d', 'c'])))).toHaveLength(2);
  });
});

test('every fault is told at once: those of fields hide none of the graph', () => {
  const document = {
    name: 'w',
    config: { breadth: 0 },
    extra: 1,
    tasks: [
      { name: 'a', prompt: '', dependsOn: ['b'] },
      { name: 'b', prompt: 'x {{ tasks.nope.output }}', dependsOn: ['a'], temperature: 'hot' },
      { name: 'b', prompt: 'x', dependsOn: ['missing'], fallback: ['x'] },
    ],
  };
  expect(errorOf(() => parseDocument(document)).code).toBe('invalidDocument');
  expect(faultsOf(() => parseDocument(document)).map((fault) => fault.slice(0, fault.indexOf(':')))).toEqual([
    'config.breadth',
    'extra',
    'tasks[0].prompt',
    'tasks[1].temperature',
    'tasks[2].fallback',
    'tasks[2].name',
    'tasks[1].prompt',
    'tasks[2].dependsOn[0]',
    'tasks[0].dependsOn[0]',
  ]);
});

describe('what a later version brings', () => {
  test.each([
    ...['fallback', 'onBreakerOpen'].map((field): [string, unknown] => [`tasks[0].${field}`, one({ [field]: 'x' })]),
    ...['split', 'agent', 'runnable'].map((kind): [string, unknown] => [
      'tasks[0].kind',
      tasks({ name: 'a', kind, items: 'x', goal: 'y' }),
    ]),
  ])('is refused as such: %s %j', (path, document) => {
    const { code: errorCode, faults } = errorOf(() => parseDocument(document));
    expect(errorCode).toBe('notSupported');
    expect(faults).toEqual([{ path, message: expect.stringMatching(/ is not supported yet$/) }]);
  });

  test('is an invalid document where anything else is wrong too', () => {
    expect(errorOf(() => parseDocument(one({ fallback: ['x'], prompt: '' }))).code).toBe('invalidDocument');
  });
});

test('L12: a value that contains itself is refused, not walked for ever', () => {
  const metadata: Record<string, unknown> = {};
  metadata['self'] = [metadata, metadata];
  expect(faultsOf(() => parseDocument(one({ metadata })))).toEqual([
    'tasks[0].metadata.self[0]: expected JSON, came a value that contains itself: it is tasks[0].metadata again',
    'tasks[0].metadata.self[1]: expected JSON, came a value that contains itself: it is tasks[0].metadata again',
  ]);
});

describe('parseInTurns', () => {
  test('gives what parseDocument gives, and rejects with what it throws', async () => {
    const document = one({ requiresApproval: true, tags: ['x'] });
    expect(await parseInTurns(document)).toEqual(parseDocument(document));
    await expect(parseInTurns(one({ prompt: '' }))).rejects.toMatchObject({ code: 'invalidDocument' });
  });

  test('lets the process do other things meanwhile', async () => {
    const names = Array.from({ length: 2_000 }, (_, index) => task({ name: `t${index}` }));
    let others = 0;
    let done = false;
    const other = (): void => {
      others += 1;
      if (!done) setImmediate(other);
    };
    setImmediate(other);
    await parseInTurns(tasks(...names));
    done = true;
    expect(others).toBeGreaterThan(50);
  });
});

describe('the nearest name is looked for', () => {
  const tasks = (letters: number) =>
    Array.from({ length: 4_000 }, (_, index) => {
      const name = `${'n'.repeat(letters)}${index}`;
      return { name, prompt: 'x', dependsOn: [`${name}x`] };
    });

  test('among many short names', () => {
    expect(faultsOf(() => parseDocument({ name: 'w', tasks: tasks(4) }))[0]).toMatch(/did you mean "nnnn0"\?$/);
  });

  test('but not among many long ones: a second for each fault, in which nothing else goes on', () => {
    expect(faultsOf(() => parseDocument({ name: 'w', tasks: tasks(190) }))[0]).not.toMatch(/did you mean/);
  });

  test('for the first unknown keywords of a schema only', () => {
    const input = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`titl${index}`, index]));
    const faults = faultsOf(() => parseDocument({ name: 'w', input, tasks: [{ name: 'a', prompt: 'x' }] }));
    expect(faults[0]).toBe('input.titl0: unknown keyword "titl0" of JSON Schema: did you mean "title"?');
    expect(faults[999]).toBe('input.titl999: unknown keyword "titl999" of JSON Schema');
  });
});

test('a field of the author that is named __proto__ is refused, and not dropped', () => {
  const named = JSON.parse('{"__proto__":["a"],"x":["a"]}') as unknown;
  const tasks = [
    { name: 'c', kind: 'condition', switch: 'input.s', cases: named },
    { name: 'a', kind: 'code', function: 'f', input: named, metadata: named },
  ];
  expect(faultsOf(() => parseDocument({ name: 'w', tasks }))).toEqual(
    expect.arrayContaining(
      ['tasks[0].cases', 'tasks[1].input', 'tasks[1].metadata'].map(
        (place) => `${place}.__proto__: must not be named "__proto__": nothing is kept under it`,
      ),
    ),
  );
});
