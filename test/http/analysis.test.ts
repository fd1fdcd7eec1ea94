/** What is said of documents before they run, over HTTP: `?validate=only`, and the graph. */
import { expect, it } from 'vitest';
import { mermaid } from '../../src/cli/mermaid.ts';
import { openFermata } from '../harness/fermata.ts';

const DOCUMENT = {
  name: 'shapes',
  tasks: [
    { name: 'kind', prompt: 'Which kind?', responseFormat: 'json', estimatedDurationSeconds: 4 },
    {
      name: 'route',
      kind: 'condition',
      switch: 'tasks.kind.output.label',
      cases: { 'a "b" <c>': ['docs'], other: ['gate'] },
      else: ['gate'],
    },
    { name: 'docs', kind: 'map', items: 'input.docs', task: { prompt: '{{ item }}', maxRetries: 0 } },
    { name: 'all', kind: 'reduce', dependsOn: ['docs'], prompt: '{{ tasks.docs.output | default: "" }}', arity: 20 },
    { name: 'gate', prompt: 'Go', requiresApproval: true, when: 'input.n > 1' },
    {
      name: 'end',
      prompt: '{{ tasks.gate.output }}',
      responseFormat: 'json',
      onComplete: { addTasks: 'fromOutput', dynamicTaskLimit: 2, maxDynamicDepth: 1 },
    },
    { name: 'nap', kind: 'wait', seconds: 5 },
  ],
};

it('?validate=only says what a run can come to, and what may be wrong', async () => {
  const { call } = await openFermata();
  const { status, body } = await call('POST', '/workflows?validate=only', DOCUMENT);
  expect(status).toBe(200);
  expect(body).toEqual({
    valid: true,
    name: 'shapes',
    tasks: 7,
    analysis: {
      stages: [['kind', 'nap'], ['route'], ['docs', 'gate'], ['all', 'end']],
      criticalPath: { tasks: ['nap'], seconds: 5, unestimated: 0 },
      worstCase: { tasks: null, modelCalls: null, modelCallsWithRetries: null },
      loops: [
        { task: 'docs', kind: 'map', atMost: null, because: 'depends on input.docs' },
        { task: 'all', kind: 'reduce', atMost: null, because: 'depends on the list of "docs"' },
        {
          task: 'end',
          kind: 'onComplete',
          atMost: 2,
          because: 'dynamicTaskLimit 2, maxDynamicDepth 1, where added tasks raise neither and repeat nothing',
        },
      ],
      warnings: [
        {
          code: 'absentOutput',
          path: 'tasks[5].prompt',
          message:
            'line 1, column 4: reads the output of "gate", which has none where its "when" is false: write {{ tasks.gate.output | default: "…" }}',
        },
      ],
      unlistedWarnings: 0,
    },
  });
  expect((await call('GET', '/workflows')).body.items).toEqual([]);
});

it('warnings refuse nothing', async () => {
  const { call } = await openFermata();
  const document = { name: 'w', tasks: [{ name: 'a', prompt: 'Go', when: 'false' }] };
  const { body } = await call('POST', '/workflows?validate=only', document);
  expect(body.analysis.warnings).toMatchObject([{ code: 'neverRuns', path: 'tasks[0].when' }]);
  const { status, body: created } = await call('POST', '/workflows', document);
  expect(status).toBe(201);
  expect((await call('PUT', `/workflows/${created.id}?validate=only`, document)).body.analysis).toEqual(body.analysis);
});

it('a task that can never end is refused', async () => {
  const { call } = await openFermata();
  const { status, body } = await call('POST', '/workflows?validate=only', {
    name: 'w',
    tasks: [{ name: 'a', kind: 'wait', event: { type: 'paid', filter: 'false' } }],
  });
  expect([status, body.errors[0].path]).toEqual([422, 'tasks[0].event.filter']);
});

it('the graph says of every kind what is to be drawn, and Mermaid draws it', async () => {
  const { call } = await openFermata();
  const { body: stored } = await call('POST', '/workflows', DOCUMENT);
  const { body: graph } = await call('GET', `/workflows/${stored.id}/graph`);
  const nothing = { when: null, asks: null, items: null, each: null, arity: null, adds: null };
  expect(graph.nodes).toMatchObject([
    { ...nothing, name: 'kind' },
    { ...nothing, name: 'route', asks: 'tasks.kind.output.label' },
    { ...nothing, name: 'docs', items: 'input.docs', each: 'model' },
    { ...nothing, name: 'all', items: 'docs', arity: 20 },
    { ...nothing, name: 'gate', when: 'input.n > 1' },
    { ...nothing, name: 'end', adds: 'fromOutput' },
    { ...nothing, name: 'nap' },
  ]);
  expect(mermaid(graph)).toBe(
    [
      'flowchart TD',
      '  t0("kind")',
      '  t1{"route<br/>asks tasks.kind.output.label"}',
      '  t2[/"docs<br/>for each of input.docs"/]',
      '  t3[\\"all<br/>20 at a time of docs"/]',
      '  t4{{"gate<br/>when input.n &gt; 1"}}',
      '  t5("end<br/>adds tasks: fromOutput")',
      '  t6(["nap"])',
      '  t0 --> t1',
      '  t1 -->|"cases[#quot;a #92;#quot;b#92;#quot; &lt;c&gt;#quot;]"| t2',
      '  t2 --> t3',
      '  t1 -->|"cases.other, else"| t4',
      '  t4 --> t5',
    ].join('\n'),
  );
});
