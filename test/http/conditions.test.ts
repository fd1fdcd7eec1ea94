/** Conditions over HTTP: the same from JSON, YAML and the builder, and what can be seen of them. */
import { expect, it } from 'vitest';
import { mermaid } from '../../src/cli/mermaid.ts';
import { workflow } from '../../src/document/builder.ts';
import { openFermata } from '../harness/fermata.ts';
import { holding } from './documents.ts';

const YAML = `
name: invest
input: { type: object, properties: { years: { type: integer } }, required: [years] }
tasks:
  - { name: risk, kind: code, function: ask, input: { years: input.years } }
  - { name: choice, kind: condition, if: 'tasks.risk.output.tolerance == "high"', then: [stocks], else: [bonds] }
  - { name: stocks, kind: code, function: now }
  - { name: bonds, kind: code, function: now }
  - { name: house, kind: code, function: now, when: input.years > 5, skipPolicy: cascade }
  - { name: loan, kind: code, function: now, dependsOn: [house] }
`;
const now = { kind: 'code', function: 'now' } as const;
const BUILT = workflow('invest', {
  input: { type: 'object', properties: { years: { type: 'integer' } }, required: ['years'] },
})
  .task('risk', { kind: 'code', function: 'ask', input: { years: 'input.years' } })
  .task('choice', {
    kind: 'condition',
    if: 'tasks.risk.output.tolerance == "high"',
    then: ['stocks'],
    else: ['bonds'],
  })
  .task('stocks', now)
  .task('bonds', now)
  .task('house', { ...now, when: 'input.years > 5', skipPolicy: 'cascade' })
  .task('loan', { ...now, dependsOn: ['house'] })
  .build();

const functions = { ask: () => ({ tolerance: 'low' }), now: () => 'now' };

it('a document says the same in YAML, in JSON and with the builder', async () => {
  const { call } = await openFermata({ config: { functions } });
  const { body } = await call('POST', '/workflows', YAML, { 'content-type': 'application/yaml' });
  expect(body.document).toEqual(JSON.parse(JSON.stringify(BUILT)));
});

it('results say which expression decided, over which values; the stream says so as it happens', async () => {
  const { call, app, fermata } = await openFermata({ config: { functions } });
  const { body: stored } = await call('POST', '/workflows', BUILT);
  const { body: started } = await call('POST', `/workflows/${stored.id}/execute`, { input: { years: 3 } });
  await fermata.runtime.waitFor(started.runId);
  const { body } = await call('GET', `/runs/${started.runId}/results`);
  expect(body).toMatchObject({ status: 'completed', output: { bonds: 'now' } });
  const decided = {
    expression: 'tasks.risk.output.tolerance == "high"',
    values: { 'tasks.risk.output.tolerance': 'low' },
    value: false,
    branch: 'else',
  };
  expect(body.tasks).toMatchObject([
    { name: 'risk', status: 'completed' },
    {
      name: 'choice',
      status: 'completed',
      output: { value: false, branch: 'else', chosen: ['bonds'] },
      condition: decided,
      attempts: 1,
    },
    {
      name: 'stocks',
      status: 'skipped',
      output: null,
      reason: 'The condition "choice" chose else: tasks.risk.output.tolerance == "high" is false.',
      condition: { task: 'choice', ...decided },
      attempts: 0,
      startedAt: null,
      endedAt: expect.any(String),
    },
    { name: 'bonds', status: 'completed' },
    {
      name: 'house',
      status: 'skipped',
      reason: 'Its condition is false: input.years > 5.',
      condition: { expression: 'input.years > 5', values: { 'input.years': 3 } },
    },
    { name: 'loan', status: 'skipped', reason: 'It needs "house", which was skipped.' },
  ]);
  const { body: status } = await call('GET', `/runs/${started.runId}/status`);
  expect(status).toMatchObject({ progress: 100, tasks: { total: 6, open: 0, completed: 3, skipped: 3, cancelled: 0 } });
  const stream = await (await app.request(`/api/v1/runs/${started.runId}/stream`)).text();
  expect(stream).toMatch(/event: task_skipped\ndata: .*"task":"house".*"values":\{"input\.years":3\}/);
});

it('why: a task that a condition may choose waits for it', async () => {
  const held = holding();
  const { call, fermata } = await openFermata({
    config: { functions: { ...held.config.functions, now: () => 'now' } },
  });
  const tasks = [
    { name: 'first', kind: 'code', function: 'hold' },
    { name: 'choice', kind: 'condition', if: 'tasks.first.output == 1', then: ['x'] },
    { name: 'x', kind: 'code', function: 'now' },
  ];
  const { body: stored } = await call('POST', '/workflows', { name: 'waits', tasks });
  const { body: started } = await call('POST', `/workflows/${stored.id}/execute`, {});
  await held.called();
  const { body } = await call('GET', `/runs/${started.runId}/why`);
  expect(body.tasks).toMatchObject([
    { task: 'first', waitsFor: 'call' },
    { task: 'choice', waitsFor: 'dependencies', dependencies: ['first'] },
    { task: 'x', waitsFor: 'dependencies', dependencies: ['choice'] },
  ]);
  held.release(1);
  await fermata.runtime.waitFor(started.runId);
});

it('the graph shows conditions, and says at their arrows which branch it is', async () => {
  const { call } = await openFermata({ config: { functions } });
  const { body: stored } = await call('POST', '/workflows', BUILT);
  const { body: graph } = await call('GET', `/workflows/${stored.id}/graph`);
  expect(graph.nodes).toMatchObject([
    { name: 'risk', when: null },
    { name: 'choice', kind: 'condition' },
    { name: 'stocks', kind: 'code' },
    { name: 'bonds' },
    { name: 'house', when: 'input.years > 5' },
    { name: 'loan' },
  ]);
  expect(graph.edges).toEqual([
    { from: 'risk', to: 'choice', kind: 'needs' },
    { from: 'choice', to: 'stocks', kind: 'needs', branches: ['then'] },
    { from: 'choice', to: 'bonds', kind: 'needs', branches: ['else'] },
    { from: 'house', to: 'loan', kind: 'needs' },
  ]);
  expect(mermaid(graph).split('\n').slice(1)).toEqual([
    '  t0[["risk"]]',
    '  t1{"choice<br/>asks tasks.risk.output.tolerance == #quot;high#quot;"}',
    '  t2[["stocks"]]',
    '  t3[["bonds"]]',
    '  t4[["house<br/>when input.years &gt; 5"]]',
    '  t5[["loan"]]',
    '  t0 --> t1',
    '  t1 -->|"then"| t2',
    '  t1 -->|"else"| t3',
    '  t4 --> t5',
  ]);
});

it('a run whose predicate is not registered does not start; one that is, is asked', async () => {
  const { call, fermata } = await openFermata({
    config: { functions, predicates: { isOld: ({ input }) => (input as { years: number }).years > 5 } },
  });
  const start = async (predicate: string) => {
    const tasks = [{ name: 'x', ...now, when: { predicate } }];
    const { body: stored } = await call('POST', '/workflows', { name: predicate, tasks });
    return call('POST', `/workflows/${stored.id}/execute`, { input: { years: 9 } });
  };
  const { status, body } = await start('isYoung');
  expect([status, body.code]).toEqual([422, 'functionMissing']);
  expect(body.detail).toContain('The predicate "isYoung" is not registered here; registered are "isOld"');
  const { body: started } = await start('isOld');
  expect((await fermata.runtime.waitFor(started.runId)).output).toBe('now');
});
