/** What a model's answer may name in the tasks that it proposes: what the author of the document lists, and nothing else. */
import { expect, it } from 'vitest';
import type { ScriptLine } from '../../src/cli/demo/model-server.ts';
import { openFermata } from '../harness/fermata.ts';
import { startRun } from '../http/documents.ts';

const proposal = (...tasks: object[]): ScriptLine['answers'][number] => ({ json: { tasks } });
const adder = (onComplete: object = {}, more: object = {}) => ({
  name: 'plan',
  prompt: 'Plan it',
  responseFormat: 'json',
  maxOutputTokens: 500,
  onComplete: { addTasks: 'fromOutput', ...onComplete },
  ...more,
});
const called: unknown[] = [];
const config = {
  functions: {
    search: (input: unknown) => void called.push(input),
    wipe: () => void called.push('wiped'),
    echo: ({ value }: Readonly<Record<string, unknown>>) => value,
  },
  predicates: { sure: () => true },
};

/** Runs documents whose model first proposes `first`, and `second` where that was refused. */
async function run(tasks: readonly object[], first: readonly object[], second: readonly object[] = []) {
  called.length = 0;
  const harness = await openFermata({
    config,
    script: [
      { prompt: 'Its tasks were refused', answers: [proposal(...second)] },
      { prompt: 'Plan', answers: [proposal(...first)] },
      { prompt: '', answers: [{ text: 'done' }] },
    ],
  });
  const { runId } = await startRun(harness, { config: { provider: 'openai', model: 'small' }, tasks });
  const view = await harness.fermata.runtime.waitFor(runId);
  const { body } = await harness.call('GET', `/runs/${runId}/results`);
  const results = new Map((body.tasks as { name: string; status: string; error: unknown }[]).map((t) => [t.name, t]));
  const told = harness.models
    .requests()
    .map(({ body: sent }) => JSON.stringify(sent))
    .find((sent) => sent.includes('were refused'));
  return { harness, runId, view, results, told };
}

const search = { name: 'look', kind: 'code', function: 'search' };
const wipe = { name: 'look', kind: 'code', function: 'wipe' };

it('a function that is not listed is refused, and the model is told which ones are; a listed one is called', async () => {
  const { results, told } = await run([adder({ allow: { functions: ['search'] } })], [wipe], [search]);
  expect(told).toContain('is no function to call that tasks of an answer may name: expected');
  expect(told).toContain('search');
  expect(results.get('plan')).toMatchObject({ status: 'completed' });
  expect(results.get('look')).toMatchObject({ status: 'completed' });
  expect(called).toEqual([{}]);
});

it.each<[string, object, object, string]>([
  ['a function, where none is listed', {}, search, '"search" is no function to call'],
  [
    'a function that chooses what is added further',
    {},
    { name: 'x', prompt: 'x', onComplete: { addTasks: 'echo' } },
    '"echo" is no function to call',
  ],
  [
    'a function of items',
    {},
    { name: 'x', kind: 'map', items: '[1]', task: { kind: 'code', function: 'wipe' } },
    'tasks[0].task.function: "wipe"',
  ],
  ['a workflow', {}, { name: 'x', kind: 'subworkflow', workflow: 'pay' }, '"pay" is no workflow to run'],
  [
    'a workflow in another version than the one that is listed',
    { workflows: ['pay@1'] },
    { name: 'x', kind: 'subworkflow', workflow: 'pay@2' },
    'expected "pay@1"',
  ],
  [
    'a document',
    { functions: ['wipe'] },
    { name: 'x', kind: 'subworkflow', workflow: { name: 'inner', tasks: [wipe] } },
    'a whole document cannot come of an answer',
  ],
  ['another provider', {}, { name: 'x', prompt: 'x', provider: 'other' }, '"other" is no provider'],
  ['another model', {}, { name: 'x', prompt: 'x', model: 'huge' }, 'expected "small"'],
  ['another model of several', {}, { name: 'x', prompt: 'x', models: ['small', 'huge'] }, '"huge" is no model'],
  [
    'a model of another provider',
    {},
    { name: 'x', prompt: 'x', models: [{ model: 'small', provider: 'other' }] },
    '"other" is no provider',
  ],
  ['a tier', {}, { name: 'x', prompt: 'x', models: 'best' }, '"best" is no tier of models'],
  ['a tier of several', {}, { name: 'x', prompt: 'x', models: ['small', { tier: 'best' }] }, '"best" is no tier'],
  ['a predicate', {}, { name: 'x', prompt: 'x', when: { predicate: 'sure' } }, 'a predicate cannot come of an answer'],
  [
    'a predicate that decides',
    {},
    { name: 'x', kind: 'condition', if: { predicate: 'sure' }, then: [] },
    'tasks[0].if: a predicate',
  ],
  [
    'a shared value',
    {},
    { name: 'x', prompt: 'x', outputs: { shared: { approved: 'true' } } },
    '"approved" is no shared key to write',
  ],
  [
    'an allowance of its own',
    { functions: ['search'] },
    { name: 'x', prompt: 'x', onComplete: { addTasks: 'fromOutput', allow: { functions: ['wipe'] } } },
    'is for the author of the document to say',
  ],
  [
    'an allowance of work in rounds',
    {},
    { name: 'x', kind: 'planExecuteReflect', goal: 'x', allow: { functions: ['wipe'] } },
    'is for the author of the document to say',
  ],
  [
    'a task that it was not given',
    { tasks: ['plan'] },
    { name: 'x', prompt: '{{ tasks.secret.output }}' },
    '"secret" is no task to need',
  ],
])('refused: %s', async (_, allow, task, message) => {
  const secret = { name: 'secret', kind: 'code', function: 'search' };
  const { view, results } = await run([secret, adder({ allow }, { dependsOn: ['secret'] })], [task], [task]);
  expect(view).toMatchObject({ status: 'failed', reason: { code: 'invalidDocument' } });
  expect(view.reason?.message).toContain(message);
  expect(results.get('x')).toBeUndefined();
  expect(called).toEqual([{}]);
});

it('what is listed may be named: models, shared keys, tasks; and what is its own', async () => {
  const { view, results, harness } = await run(
    [
      { name: 'open', kind: 'code', function: 'search' },
      adder({ allow: { models: ['huge'], shared: ['seen'], tasks: ['open'] } }, { dependsOn: ['open'] }),
    ],
    [
      { name: 'a', prompt: 'a {{ tasks.open.status }}', model: 'huge', outputs: { shared: { seen: 'result' } } },
      { name: 'b', prompt: 'b {{ tasks.a.output }} {{ tasks.plan.status }}', maxOutputTokens: 9_000 },
    ],
  );
  expect(view).toMatchObject({ status: 'completed' });
  expect(results.get('b')).toMatchObject({ status: 'completed' });
  const sent = harness.models.requests().map(({ body }) => body);
  expect(sent[1]).toMatchObject({ model: 'huge' });
  expect(sent[2]).toMatchObject({ model: 'small' });
  expect(JSON.stringify(sent[2]), 'no more than its adder may say').toMatch(/"max_(?:completion_)?tokens":500/);
});

it('nobody widens what he was given: not by a function that says what it is told, nor by more additions or items', async () => {
  const escape = {
    name: 'escape',
    kind: 'code',
    function: 'echo',
    input: { value: { tasks: [{ name: '"free"', kind: '"code"', function: '"wipe"' }] } },
    maxRetries: 0,
    onComplete: { addTasks: 'fromOutput', maxDynamicDepth: 99, dynamicTaskLimit: 99 },
  };
  const { view } = await run([adder({ allow: { functions: ['echo'] } })], [escape]);
  expect(view.reason?.message).toContain('"wipe" is no function to call');
  expect(called).toEqual([]);
  const many = { name: 'many', kind: 'map', items: '[1, 2, 3]', task: { prompt: 'x {{ item }}' } };
  const over = await run([adder({ dynamicTaskLimit: 2 })], [many]);
  expect(over.view).toMatchObject({ status: 'failed', reason: { code: 'expressionFailed' } });
  expect(over.view.reason?.message).toContain('they would be 3 tasks, and the dynamicTaskLimit');
});

it('code says what it likes, unless its author gave it an allowance', async () => {
  const output = { tasks: [{ name: '"look"', kind: '"code"', function: '"search"' }] };
  const code = (allow?: object) => ({
    name: 'plan',
    kind: 'code',
    function: 'echo',
    input: { value: output },
    onComplete: { addTasks: 'fromOutput', ...(allow === undefined ? {} : { allow }) },
  });
  expect((await run([code()], [])).results.get('look')).toMatchObject({ status: 'completed' });
  expect((await run([code({})], [])).view.reason?.message).toContain('"search" is no function to call');
});

it('plans of rounds are held to theirs, and prompts of plans can say what it is', async () => {
  const rounds = (more: object = {}) => ({
    name: 'g',
    kind: 'planExecuteReflect',
    goal: 'x',
    depth: 1,
    prompts: { plan: "Plan with {{ functions | join: ', ' }}" },
    ...more,
  });
  const refused = await run([rounds()], [search], [search]);
  expect(refused.view.reason?.message).toContain('"search" is no function to call');
  const allowed = await run([rounds({ allow: { functions: ['search', 'echo'] } })], [search]);
  expect(JSON.stringify(allowed.harness.models.requests()[0]?.body)).toContain('Plan with search, echo');
  expect(allowed.results.get('g.1.look')).toMatchObject({ status: 'completed' });
});

it('plans need tasks of plans only, so that they are given no others', async () => {
  const { call } = await openFermata({ config, script: [] });
  const goal = { name: 'g', kind: 'planExecuteReflect', goal: 'x', allow: { tasks: ['a'] } };
  const { status, body } = await call('POST', '/workflows', { name: 'closed', tasks: [goal] });
  expect([status, body.errors]).toEqual([
    422,
    [{ path: 'tasks[0].allow.tasks', message: expect.stringContaining('unknown field "tasks"') as string }],
  ]);
});

it('what is offered has to be there before a run begins', async () => {
  const harness = await openFermata({ config, script: [] });
  const document = { name: 'offers', tasks: [adder({ allow: { functions: ['fly'] } })] };
  const { body: workflow } = await harness.call('POST', '/workflows', document);
  const { body } = await harness.call('POST', `/workflows/${workflow.id}/execute`, {});
  expect(body).toMatchObject({ code: 'functionMissing' });
});

it('no more tasks come of an answer than it may add: of a reduction in a tree, of maps in maps', async () => {
  const list = { name: 'list', kind: 'code', function: 'echo', input: { value: '[1, 2, 3, 4, 5, 6]' } };
  const all = { name: 'all', kind: 'reduce', arity: 2, dependsOn: ['list'], prompt: 'x {{ tasks.list.output }}' };
  const reduced = await run([list, adder({ dynamicTaskLimit: 2 }, { dependsOn: ['list'] })], [all]);
  expect(reduced.view.reason?.message).toContain('it would be 3 tasks at once');
  const inner = { kind: 'map', items: '[1]', task: { prompt: 'x' } };
  const maps = { name: 'm', kind: 'map', items: '[1]', task: { ...inner, task: inner } };
  const nested = await run([adder({ maxDynamicDepth: 2 })], [maps], [maps]);
  expect(nested.view.reason?.message).toContain('deeper than maxDynamicDepth allows: 2');
});

it('the bound of answers holds also behind a task that calls no model', async () => {
  const echo = {
    name: 'e',
    kind: 'code',
    function: 'echo',
    input: { value: { tasks: [{ name: '"far"', prompt: '"far"', maxOutputTokens: 9_000 }] } },
    onComplete: { addTasks: 'fromOutput' },
  };
  const { view, harness } = await run([adder({ allow: { functions: ['echo'] } })], [echo]);
  expect(view).toMatchObject({ status: 'completed' });
  expect(JSON.stringify(harness.models.requests()[1]?.body)).toMatch(/"max_(?:completion_)?tokens":500/);
});

it('what code added beside the task that asks the model is no answer of its own', async () => {
  const secret = { name: '"secret"', kind: '"code"', function: '"search"' };
  const asks = {
    name: '"asks"',
    prompt: '"Plan it"',
    responseFormat: '"json"',
    dependsOn: ['"secret"'],
    maxRetries: 0,
  };
  const root = (allow: object) => ({
    name: 'root',
    kind: 'code',
    function: 'echo',
    input: { value: { tasks: [secret, { ...asks, onComplete: { addTasks: '"fromOutput"', allow } }] } },
    onComplete: { addTasks: 'fromOutput' },
  });
  const reads = { name: 'x', prompt: 'x {{ tasks.secret.status }}' };
  const closed = await run([root({ tasks: [] })], [reads], [reads]);
  expect(closed.view.reason?.message).toContain('"secret" is no task to need');
  expect((await run([root({})], [reads])).view).toMatchObject({ status: 'completed' });
});

it('an answer takes no event from those for whom its author meant it', async () => {
  const paid = { name: 'paid', kind: 'wait', event: { type: 'paid' }, timeoutSeconds: 5 };
  const thief = { name: 'm', kind: 'map', items: '[1]', task: { kind: 'wait', event: { type: 'paid' } } };
  const { view } = await run([adder(), { ...paid, dependsOn: ['plan'] }], [thief], [thief]);
  expect(view.reason?.message).toContain('"paid" is an event for which tasks of the document wait');
});
