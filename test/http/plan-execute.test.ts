/** A goal by HTTP: POST /workflows/plan-execute, and what is seen of its rounds. */
import { expect, it } from 'vitest';
import { openFermata, type Harness } from '../harness/fermata.ts';

const NO_TASKS = { prompt: /^Plan the next/, answers: [{ json: { tasks: [] } }] };
const ANSWER = { prompt: /^Answer a goal/, answers: [{ text: 'the answer' }] };

async function ended({ call, fermata }: Harness, runId: string) {
  await fermata.runtime.waitFor(runId);
  return (await call('GET', `/runs/${runId}/results`)).body;
}

it('works offline with the answers of the demo: two rounds, and the answer', async () => {
  const harness = await openFermata();
  const { status, headers, body } = await harness.call('POST', '/workflows/plan-execute', {
    goal: 'Shall we drink {{ tea }}?',
    tags: ['mine'],
  });
  expect(status).toBe(202);
  expect(body.runId).toEqual(expect.any(String));
  expect(headers.get('location')).toBe(body.links.self);
  const results = await ended(harness, body.runId);
  expect(results).toMatchObject({
    status: 'completed',
    output: expect.stringContaining('[scripted] Answer to "Shall we drink') as string,
  });
  expect(results.tasks.map(({ name }: { name: string }) => name)).toEqual([
    'answer',
    'answer.plan 1',
    'answer.1.known',
    'answer.1.open',
    'answer.1.weigh',
    'answer.reflect 1',
    'answer.plan 2',
    'answer.2.missing',
    'answer.reflect 2',
    'answer.answer',
  ]);
  expect(results.tasks[0]).toMatchObject({ status: 'completed', rounds: 2 });
  expect(results.tasks[1]).toMatchObject({ parent: 'answer', usage: { totalTokens: expect.any(Number) as number } });
  const weighing = harness.models
    .requests()
    .find(({ body: sent }) => JSON.stringify(sent['messages']).includes('Weigh'));
  expect(JSON.stringify(weighing?.body['messages'])).toContain('Result of known:\\n[scripted] Known');
  expect((await harness.call('GET', `/runs/${body.runId}`)).body).toMatchObject({
    progress: 100,
    tags: ['mine'],
    input: { goal: 'Shall we drink {{ tea }}?' },
  });
});

it('where its rounds are over says so in the results', async () => {
  const harness = await openFermata({
    script: [
      { prompt: /^Plan the next/, answers: [{ json: { tasks: [{ name: 'a', prompt: 'Do', dependsOn: [] }] } }] },
      { prompt: /^Judge/, answers: [{ json: { done: false, answer: null, next: 'proof' } }] },
      ANSWER,
      { prompt: 'Do', answers: [{ text: 'A' }] },
    ],
  });
  const { body } = await harness.call('POST', '/workflows/plan-execute', { goal: 'g', depth: 2, breadth: 1 });
  const results = await ended(harness, body.runId);
  expect(results.tasks[0]).toMatchObject({
    status: 'completed',
    output: 'the answer',
    rounds: 2,
    limitReached: true,
    warning: 'The goal was not reached in 2 rounds; missing: proof. Raise depth if that is not enough.',
  });
});

it('keeps one version of a workflow for the same options, and starts one run for the same key', async () => {
  const harness = await openFermata({ script: [NO_TASKS, ANSWER] });
  const { call } = harness;
  const start = (body: object, key?: string) =>
    call('POST', '/workflows/plan-execute', body, key === undefined ? {} : { 'idempotency-key': key });
  const both = await Promise.all([start({ goal: 'a', depth: 1 }, 'k'), start({ goal: 'a', depth: 1 }, 'k')]);
  const others = await Promise.all([start({ goal: 'b', depth: 2 }), start({ goal: 'c', depth: 3 })]);
  const again = await start({ goal: 'd', depth: 1 });
  expect([...both, ...others, again].map(({ status }) => status)).toEqual([202, 202, 202, 202, 202]);
  expect(both[0].body.runId).toBe(both[1].body.runId);
  expect((await start({ goal: 'other' }, 'k')).body).toMatchObject({ status: 409, code: 'idempotencyConflict' });
  const { body: workflows } = await call('GET', '/workflows');
  expect(workflows.items).toMatchObject([{ name: 'plan-execute', version: 3 }]);
  const runs = (await call('GET', '/runs')).body.items;
  expect(runs).toHaveLength(4);
  for (const { runId } of runs) expect(await ended(harness, runId)).toMatchObject({ output: 'the answer' });
});

it.each([
  [{}, 400, 'goal'],
  [{ goal: ' ' }, 400, 'must not be empty'],
  [{ goal: 'g', dept: 3 }, 400, 'did you mean \\"depth\\"?'],
  [{ goal: 'g', depth: 0 }, 400, 'depth'],
  [{ goal: 'g', prompts: { plan: '{{ golas }}' } }, 422, 'reads \\"golas\\", which does not exist'],
  [{ goal: 'g', name: 'taken' }, 409, 'Choose another name'],
])('refuses %j', async (request, status, message) => {
  const { call } = await openFermata();
  await call('POST', '/workflows', { name: 'taken', tasks: [{ name: 'a', prompt: 'b' }] });
  const answer = await call('POST', '/workflows/plan-execute', request);
  expect(answer.status).toBe(status);
  expect(JSON.stringify(answer.body)).toContain(message);
  expect((await call('GET', '/runs')).body.items).toEqual([]);
});

it('is there for the client, and in the description of the API', async () => {
  const harness = await openFermata({ script: [NO_TASKS, ANSWER] });
  const { runId } = await harness.client.planExecute({ goal: 'g', name: 'mine', model: 'big' }, 'k');
  expect(await harness.client.planExecute({ goal: 'g', name: 'mine', model: 'big' }, 'k')).toMatchObject({ runId });
  expect((await ended(harness, runId)).output).toBe('the answer');
  expect(harness.models.requests().map(({ body }) => body['model'])).toEqual(['big', 'big']);
  const { body: api } = await harness.call('GET', '/openapi.json');
  expect(api.paths['/api/v1/workflows/plan-execute'].post.operationId).toBe('planExecute');
});

it('what plans could never name cannot be allowed to them', async () => {
  const { call } = await openFermata();
  const task = { name: 'answer', kind: 'planExecuteReflect', goal: 'g', allow: { workflows: ['pay'], tasks: ['a'] } };
  const { status, body } = await call('POST', '/workflows', { name: 'goal', tasks: [task] });
  expect(status).toBe(422);
  expect(body.errors).toMatchObject([{ path: 'tasks[0].allow.workflows' }, { path: 'tasks[0].allow.tasks' }]);
  const asked = await call('POST', '/workflows/plan-execute', { goal: 'g', allow: { workflows: ['pay'] } });
  expect(asked).toMatchObject({ status: 400, body: { errors: [{ path: 'allow.workflows' }] } });
});

it('a plan that holds what no plan may hold is told so, and nothing else', async () => {
  const map = { name: 'x', kind: 'map', items: '[1]', task: { prompt: 'x' } };
  const harness = await openFermata({ script: [{ prompt: '', answers: [{ json: { tasks: [map] } }] }] });
  const { body } = await harness.call('POST', '/workflows/plan-execute', { goal: 'g', prompts: { plan: 'Plan it' } });
  const { reason } = await harness.fermata.runtime.waitFor(body.runId as string);
  expect(reason?.message).toContain('a plan holds model calls (no "kind") and "code", came "map"');
  expect(reason?.message).not.toContain('maxDynamicDepth');
});

it('goals make no versions; choices of options do, up to a hundred, and then are kept with their runs', async () => {
  const harness = await openFermata({ script: [NO_TASKS, ANSWER] });
  const { call, client, fermata } = harness;
  const begin = async (body: object) => {
    const { status, body: started } = await call('POST', '/workflows/plan-execute', body);
    expect(status).toBe(202);
    await fermata.runtime.waitFor(started.runId as string);
    return (await client.run(started.runId as string)).workflow;
  };
  for (const goal of ['one', '{{ two }}', 'three'])
    expect(await begin({ goal, depth: 1 })).toMatchObject({ version: 1 });
  const { id = '' } = (await fermata.workflows.byName('plan-execute')) ?? {};
  const { document } = await fermata.workflows.get(id);
  for (let version = 2; version <= 100; version++)
    await fermata.workflows.addVersion(id, { ...document, tags: [`${version}`] });
  const over = { goal: 'g', depth: 1, system: 'You work for customer 101.' };
  const first = await begin(over);
  expect(first).toMatchObject({ name: 'plan-execute', version: 1 });
  expect(await begin({ ...over, goal: 'another' })).toEqual(first);
  expect(await begin({ goal: 'known', depth: 1 })).toMatchObject({ id, version: 1 });
  expect((await fermata.workflows.versions(id)).length).toBe(100);
  expect((await client.runs({ q: 'plan-execute' })).items).toHaveLength(6);
});
