/** The reference model itself: it lets a legal story pass, and finds each promise broken where it is. */
import { describe, expect, it } from 'vitest';
import type { Observation, SeenCall } from '../../src/testing/observation.ts';
import type { Plan } from '../../src/testing/plan.ts';
import { judge } from '../../src/testing/judge.ts';
import { ReferenceModel } from '../../src/testing/reference-model.ts';
import { usualTask } from './usual-task.ts';

/** Tried twice. */
const twice = {
  ...usualTask,
  call: { kind: 'code' },
  retry: { ...usualTask.retry, maxRetries: 1 },
} as const;
const plan: Plan = {
  breadth: 1,
  onTaskFailure: 'stop',
  timeoutSeconds: undefined,
  tasks: [
    { ...twice, name: 'a' },
    { ...twice, name: 'b', dependsOn: ['a'], approval: { timeoutSeconds: 60, onReject: 'fail' } },
  ],
};

/** A condition that chooses one of two tasks, and a task that needs another one. */
const choosing: Plan = {
  ...plan,
  tasks: [
    {
      ...twice,
      name: 'c',
      call: { kind: 'condition', decides: { if: 'true' }, branches: { then: ['x'], else: ['y'] } },
    },
    { ...twice, name: 'x', dependsOn: ['c'], gates: [{ by: 'c', branches: ['then'] }] },
    { ...twice, name: 'y', dependsOn: ['c'], gates: [{ by: 'c', branches: ['else'] }] },
    { ...twice, name: 'z', dependsOn: ['y'], when: 'tasks.y.status != "skipped"', skipPolicy: 'cascade' },
    { ...twice, name: 'last', dependsOn: ['z'] },
  ],
};
const plans: Readonly<Record<string, Plan>> = { w: plan, v: choosing };

type Told = readonly [type: string, at: number, data?: Readonly<Record<string, unknown>>];
const approving = 'POST /runs/r/tasks/b/approve';
const call = (task: string, attempt: number, more: Partial<SeenCall> = {}): Observation => ({
  kind: 'call',
  call: { run: 'r', actor: `/${task}`, src: 'code', task, attempt, key: `${task}${attempt}`, repeated: false, ...more },
});
const ended = (kind: 'answer' | 'failure', task: string, attempt: number, told: string): Observation => {
  const { call: of } = call(task, attempt) as Extract<Observation, { kind: 'call' }>;
  return kind === 'answer' ? { kind, call: of, value: { value: told } } : { kind, call: of, code: told };
};

/** What happens in a run of the plan, one thing after the other; facts get their numbers as they come. */
function story(): (Observation | Told)[] {
  return [
    { kind: 'start' },
    { kind: 'request', request: 'POST /workflows/w/execute', body: {}, key: 'k' },
    ['run_started', 0, { workflow: 'w' }],
    ['task_started', 0, { task: 'a', attempt: 1 }],
    { kind: 'reply', request: 'POST /workflows/w/execute', body: {}, key: 'k', status: 202, answer: { runId: 'r' } },
    call('a', 1),
    ended('failure', 'a', 1, 'codeFailed'),
    ['task_retrying', 100, { task: 'a', attempt: 1, error: { code: 'codeFailed' }, delaySeconds: 0.5 }],
    ['task_started', 600, { task: 'a', attempt: 2 }],
    call('a', 2),
    ended('answer', 'a', 2, 'A'),
    ['task_completed', 700, { task: 'a', attempt: 2, result: 'A' }],
    ['approval_requested', 700, { task: 'b' }],
    ['run_waiting', 700],
    { kind: 'request', request: approving, body: { approved: true, by: 'Ada' }, key: undefined },
    ['approval_resolved', 800, { task: 'b', approved: true, by: 'Ada' }],
    { kind: 'reply', request: approving, body: { by: 'Ada' }, key: undefined, status: 202, answer: { runId: 'r' } },
    ['task_started', 800, { task: 'b', attempt: 1 }],
    call('b', 1),
    { kind: 'crash' },
    { kind: 'start' },
    ['task_in_doubt', 900, { task: 'b', attempt: 1, policy: 'retry' }],
    call('b', 1, { repeated: true }),
    ended('answer', 'b', 1, 'B'),
    ['task_completed', 950, { task: 'b', attempt: 1, result: 'B' }],
    ['run_completed', 950, { output: 'B' }],
  ];
}

/** Tells a story to a model; a fact is committed and then published. */
function tell(told: readonly (Observation | Told)[]): ReferenceModel {
  const model = new ReferenceModel((workflow) => plans[workflow], judge);
  let seq = 0;
  for (const part of told) {
    if ('kind' in part) {
      model.see({ elapsed: 0, ...part });
      continue;
    }
    const [type, at, data = {}] = part;
    const fact = { run: 'r', seq: ++seq, at, type, data };
    const status = type === 'run_completed' ? 'completed' : 'running';
    const state = { run: 'r', status, progress: Math.min(100, seq * 4), lastAt: at, cut: false };
    model.see({ elapsed: 0, kind: 'commit', runs: [state], facts: [fact], doubtful: false });
    model.see({ elapsed: 0, kind: 'fact', fact });
  }
  return model;
}

/** The story with what is at a place left out, or told otherwise. */
function otherwise(find: Partial<Observation> | string, instead: readonly (Observation | Told)[], nth = 1) {
  const whole = story();
  let left = nth;
  const place = whole.findIndex((part) => {
    const isIt = 'kind' in part ? typeof find === 'object' && part.kind === find.kind : part[0] === find;
    return isIt && --left === 0;
  });
  expect(place, 'the place is in the story').toBeGreaterThanOrEqual(0);
  return whole.toSpliced(place, 1, ...instead);
}

describe('the reference model', () => {
  it('lets a legal story pass', async () => {
    const model = tell(story());
    const facts = story().flatMap((part) => ('kind' in part ? [] : [part]));
    const shown = facts.map(([type, at, data = {}], index) => ({ run: 'r', seq: index + 1, at, type, data }));
    const tasks = { a: 'completed', b: 'completed' };
    const counts = { total: 2, settled: 2 };
    const final = { status: 'completed', output: 'B', counts, tasks, facts: shown };
    await model.finish(async () => final);
    for (const [promise, wrong] of [
      ['P2', { ...final, facts: shown.slice(1) }],
      ['P3', { ...final, tasks: { a: 'failed' } }],
      ['P7', { ...final, output: 'C' }],
      ['P7', { ...final, counts: { total: 2, settled: 3 } }],
      ['P7', { ...final, status: 'failed' }],
    ] as const)
      await expect(model.finish(async () => wrong)).rejects.toMatchObject({ data: { promise } });
  });

  it.each([
    [
      'P1',
      'a start that is told before it is committed',
      story().filter((part) => 'kind' in part && part.kind !== 'call'),
    ],
    ['P2', 'time that goes back', otherwise('task_completed', [['task_completed', 50, { task: 'a', attempt: 2 }]])],
    ['P2', 'a fact that was published and never committed', [...story(), { kind: 'fact', fact: fact('emitted') }]],
    ['P3', 'a run that waits for nothing', otherwise('approval_requested', [['run_waiting', 700]])],
    ['P3', 'a fact after the end', [...story(), ['run_waiting', 1_000]]],
    ['P3', 'an answer to what was never asked', otherwise('approval_requested', [])],
    ['P4', 'a task that does not wait for what it needs', otherwise('task_completed', [])],
    ['P5', 'a retry before its time', otherwise('task_started', [['task_started', 590, { task: 'a', attempt: 2 }]], 2)],
    ['P5', 'a back-off that is too long', otherwise('task_retrying', [retrying(1.5)])],
    [
      'P5',
      'an attempt that is left out',
      otherwise('task_started', [['task_started', 600, { task: 'a', attempt: 3 }]], 2),
    ],
    [
      'P6',
      'a call before its commit',
      otherwise('task_started', [call('a', 1), ['task_started', 0, { task: 'a', attempt: 1 }]]),
    ],
    ['P6', 'a repeat that does not say so', otherwise({ kind: 'call' }, [call('b', 1)], 4)],
    [
      'P6',
      'a call twice in one process',
      otherwise({ kind: 'call' }, [call('a', 1), call('a', 1, { repeated: true })]),
    ],
    [
      'P6',
      'a new attempt under an old key',
      otherwise({ kind: 'call' }, [call('a', 2, { key: 'a1', repeated: true })], 2),
    ],
    ['P6', 'a call whose outcome is committed', [...story(), call('b', 1, { repeated: true })]],
    [
      'P7',
      'a result that nobody gave',
      otherwise('task_completed', [['task_completed', 700, { task: 'a', attempt: 2, result: 'B' }]]),
    ],
    ['P7', 'a failure that nobody met', otherwise({ kind: 'failure' }, [])],
    ['P7', 'an output that no task found', otherwise('run_completed', [['run_completed', 950, { output: 'A' }]])],
    ['P8', 'a decision that nobody made', otherwise({ kind: 'request' }, [], 2)],
    [
      'P8',
      'a decision that was told and not kept',
      otherwise('approval_resolved', [['approval_resolved', 800, { task: 'b', approved: true, by: 'Bob' }]]),
    ],
    [
      'P8',
      'a task that nobody has allowed',
      otherwise('approval_requested', [['task_started', 700, { task: 'b', attempt: 1 }]]),
    ],
    [
      'P9',
      'an error of the server',
      [...story(), { kind: 'reply', request: 'x', body: {}, key: 'x', status: 500, answer: {} }],
    ],
  ] as const satisfies readonly (readonly [string, string, readonly (Observation | Told)[]])[])(
    '%s: finds %s',
    (promise, _, told) => {
      expect(() => tell(told)).toThrow(
        expect.objectContaining({ code: 'simulationFailed', data: { promise } }) as Error,
      );
    },
  );
});

describe('the reference model knows conditions', () => {
  const decides = (branch: 'then' | 'else', value = branch === 'then'): Told => [
    'task_completed',
    0,
    { task: 'c', attempt: 1, result: { value, branch, chosen: [branch === 'then' ? 'x' : 'y'] } },
  ];
  const begin: Told[] = [
    ['run_started', 0, { workflow: 'v' }],
    ['task_started', 0, { task: 'c', attempt: 1 }],
  ];
  const starts = (task: string): Told => ['task_started', 0, { task, attempt: 1 }];
  const skips = (task: string): Told => ['task_skipped', 0, { task }];
  const answers: (Observation | Told)[] = [
    starts('x'),
    call('x', 1),
    ended('answer', 'x', 1, 'X'),
    ['task_completed', 0, { task: 'x', attempt: 1, result: 'X' }],
  ];

  it('and lets a legal story pass', () => {
    tell([
      { kind: 'start' },
      ...begin,
      decides('then'),
      skips('y'),
      skips('z'),
      skips('last'),
      ...answers,
      ['run_completed', 0, { output: { x: 'X' } }],
    ]);
  });

  it.each<[string, string, (Observation | Told)[]]>([
    ['P7', 'a decision that its expression does not give', [...begin, decides('else', false)]],
    ['P7', 'a branch that is not for its value', [...begin, decides('else', true)]],
    ['P4', 'a task that is skipped though it was chosen', [...begin, decides('then'), skips('x')]],
    ['P4', 'a task that begins though it was not chosen', [...begin, decides('then'), starts('y')]],
    ['P4', 'a task that begins though its condition is false', [...begin, decides('then'), skips('y'), starts('z')]],
    ['P4', 'a task that is skipped before anything says so', [...begin, skips('y')]],
    [
      'P4',
      'a task that begins though what it needs was skipped for all',
      [...begin, decides('then'), skips('y'), skips('z'), starts('last')],
    ],
  ])('%s: finds %s', (promise, _, told) => {
    expect(() => tell([{ kind: 'start' }, ...told])).toThrow(
      expect.objectContaining({ code: 'simulationFailed', data: { promise } }) as Error,
    );
  });
});

function fact(type: string) {
  return { run: 'r', seq: 99, at: 950, type, data: {} };
}

function retrying(delaySeconds: number): Told {
  return ['task_retrying', 100, { task: 'a', attempt: 1, error: { code: 'codeFailed' }, delaySeconds }];
}
