/** The reference model and work in rounds: it lets a legal story pass, and finds each promise broken where it is. */
import { expect, it } from 'vitest';
import { judge } from '../../src/testing/judge.ts';
import type { Observation } from '../../src/testing/observation.ts';
import type { Plan } from '../../src/testing/plan.ts';
import { ReferenceModel } from '../../src/testing/reference-model.ts';
import { usualTask } from './usual-task.ts';

const plan: Plan = {
  breadth: 3,
  onTaskFailure: 'stop',
  timeoutSeconds: undefined,
  tasks: [{ ...usualTask, name: 'g', call: { kind: 'planExecuteReflect', depth: 2, breadth: 1 } }],
};

type Told = readonly [type: string, data: Readonly<Record<string, unknown>>];
const added = (name: string): Told => [
  'task_added',
  {
    task: `g.${name}`,
    parent: 'g',
    join: true,
    spec: { ...usualTask, name: `g.${name}`, call: { kind: 'model' }, part: {} },
  },
];
const started = (name: string): Told => ['task_started', { task: `g.${name}`, attempt: 1 }];
/** Nobody counts in this story. */
const UNSETTLED = { call: 'call', provider: 'openai', model: 'any', usage: null, costNanos: null };
const completed = (name: string, result: unknown = name): Told => [
  'task_completed',
  { task: `g.${name}`, attempt: 1, result, bill: [UNSETTLED] },
];
const failed = (name: string): Told => [
  'task_failed',
  { task: `g.${name}`, attempt: 1, status: 'failed', error: { code: 'modelRefused' } },
];
const ran = (name: string, result: unknown = name): readonly Told[] => [started(name), completed(name, result)];
const planned = (...names: string[]) => ({ tasks: names.map((name) => ({ name })) });
const notDone = { done: false, answer: null, next: 'more' };
const answered = (more: object = {}): Told => [
  'task_completed',
  { task: 'g', attempt: 1, result: 'answer', rounds: 2, limitReached: true, warning: 'Not reached.', ...more },
];

const ROUND_1: readonly Told[] = [
  ['run_started', { workflow: 'w' }],
  ['task_started', { task: 'g', attempt: 1 }],
  added('plan 1'),
  ...ran('plan 1', planned('a', 'b')),
  added('1.a'),
  added('1.b'),
  ...ran('1.a'),
  started('1.b'),
  failed('1.b'),
  added('reflect 1'),
  ...ran('reflect 1', notDone),
];
const STORY: readonly Told[] = [
  ...ROUND_1,
  added('plan 2'),
  ...ran('plan 2', { tasks: 7 }),
  added('plan 2 again'),
  ...ran('plan 2 again', planned('a')),
  added('2.a'),
  ...ran('2.a'),
  added('reflect 2'),
  ...ran('reflect 2', notDone),
  added('answer'),
  ...ran('answer'),
  answered(),
  ['run_completed', { output: 'answer' }],
];

/** Tells it to a model; every part that starts is called, and answers as the story has it, or fails. */
function tell(story: readonly Told[]): void {
  const model = new ReferenceModel(() => plan, judge);
  const see = (observation: Observation): void => model.see({ elapsed: 0, ...observation });
  see({ kind: 'start' });
  for (const [at, [type, data]] of story.entries()) {
    const fact = { run: 'r', seq: at + 1, at: 0, type, data };
    see({ kind: 'commit', runs: [], facts: [fact], doubtful: false });
    const { task } = data;
    if (type !== 'task_started' || typeof task !== 'string' || task === 'g') continue;
    const call = { run: 'r', actor: `/${task}`, src: 'modelCall', task, attempt: 1, key: task, repeated: false };
    see({ kind: 'call', call });
    const end = story.find(([what, of]) => what === 'task_completed' && of['task'] === task);
    if (end === undefined) see({ kind: 'failure', call, code: 'modelRefused' });
    else see({ kind: 'answer', call, value: { value: end[1]['result'] } });
  }
}

/** The story with a part told otherwise. */
function otherwise(part: Told, ...instead: readonly Told[]): readonly Told[] {
  const place = STORY.findIndex((told) => JSON.stringify(told) === JSON.stringify(part));
  expect(place, 'the place is in the story').toBeGreaterThanOrEqual(0);
  return STORY.toSpliced(place, 1, ...instead);
}

it('lets a legal story pass', () => {
  expect(() => tell(STORY)).not.toThrow();
});

it.each<readonly [string, string, readonly Told[]]>([
  ['P4', 'a round without a plan', otherwise(added('plan 1'), added('reflect 1'))],
  ['P4', 'a task that the plan does not have', otherwise(added('1.b'), added('1.c'))],
  ['P4', 'more of its tasks at once than it may', otherwise(completed('1.a'), started('1.b'))],
  ['P4', 'a reflection before the last task has ended', otherwise(failed('1.b'), added('reflect 1'))],
  [
    'P4',
    'a third plan in a round',
    otherwise(
      completed('plan 2 again', planned('a')),
      ...ran('plan 2 again', {}).slice(1),
      added('plan 2 again again'),
    ),
  ],
  ['P4', 'more rounds than it may', otherwise(added('answer'), added('plan 3'))],
  ['P4', 'an answer while there are rounds left', otherwise(added('plan 2'), added('answer'))],
  ['P7', 'another answer', otherwise(answered(), answered({ result: 'other' }))],
  ['P7', 'other rounds', otherwise(answered(), answered({ rounds: 1 }))],
  ['P7', 'a limit that nobody is told of', otherwise(answered(), answered({ limitReached: undefined }))],
  ['P7', 'a goal not reached, in silence', otherwise(answered(), answered({ warning: undefined }))],
  [
    'P7',
    'a failure of its own for one of a proposed task',
    [
      ...ROUND_1.slice(0, -3),
      ['task_failed', { task: 'g', attempt: 1, status: 'failed', error: { code: 'roundFailed' } }],
    ],
  ],
])('%s: %s', (promise, _, story) => {
  expect(() => tell(story)).toThrow(expect.objectContaining({ data: { promise } }));
});
