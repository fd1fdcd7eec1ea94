/** The reference model and forks (P12): it lets a legal story pass, and finds each promise broken where it is. */
import { expect, it } from 'vitest';
import { judge } from '../../src/testing/judge.ts';
import type { Observation } from '../../src/testing/observation.ts';
import type { Plan } from '../../src/testing/plan.ts';
import { ReferenceModel } from '../../src/testing/reference-model.ts';
import { usualTask } from './usual-task.ts';

const code = { ...usualTask, call: { kind: 'code', function: 'work' } } as const;
const plan: Plan = {
  breadth: 2,
  onTaskFailure: 'stop',
  timeoutSeconds: undefined,
  tasks: [
    { ...code, name: 'a' },
    { ...code, name: 'b', dependsOn: ['a'] },
    { ...code, name: 'c', dependsOn: ['b'] },
  ],
};

type Told = readonly [run: string, type: string, data: Readonly<Record<string, unknown>>];
const runs = (run: string, task: string, result: unknown = task): Told[] => [
  [run, 'task_started', { task, attempt: 1 }],
  [run, 'task_completed', { task, attempt: 1, result }],
];
const ORIGIN: readonly Told[] = [
  ['origin', 'run_started', { workflow: 'w' }],
  ...runs('origin', 'a'),
  ...runs('origin', 'b'),
  ...runs('origin', 'c'),
  ['origin', 'run_completed', { output: 'c' }],
];
const begun = (point: object = { fromTask: 'c' }): Told => [
  'fork',
  'run_started',
  { workflow: 'w', forkedFrom: { runId: 'origin', ...point } },
];
const reused = (task: string, seq: number, result: unknown = task): Told => [
  'fork',
  'task_completed',
  { task, attempt: 0, result, reused: { runId: 'origin', seq } },
];
const edited = (task: string, result: unknown): Told => [
  'fork',
  'task_completed',
  { task, attempt: 0, result, edited: true },
];
const A = reused('a', 3);
const B = reused('b', 5);

/** Tells the origin's story and that of its fork; every task that starts is called, and answers with its name. */
function tell(
  story: readonly Told[],
  edits: Readonly<Record<string, unknown>> = {},
  origin: readonly Told[] = ORIGIN,
): void {
  const model = new ReferenceModel(() => plan, judge);
  const see = (observation: Observation): void => model.see({ elapsed: 0, ...observation });
  const seqs = new Map<string, number>();
  const commit = ([run, type, data]: Told): void => {
    const seq = (seqs.get(run) ?? 0) + 1;
    seqs.set(run, seq);
    see({ kind: 'commit', runs: [], facts: [{ run, seq, at: 0, type, data }], doubtful: false });
    if (type !== 'task_started') return;
    const { task, attempt } = data as { readonly task: string; readonly attempt: number };
    const call = {
      run,
      actor: `/${task}`,
      src: 'code',
      task,
      attempt,
      called: 'work',
      key: `${run}/${task}`,
      repeated: false,
    };
    see({ kind: 'call', call });
    see({ kind: 'answer', call, value: { value: task } });
  };
  see({ kind: 'start' });
  origin.forEach(commit);
  see({ kind: 'request', request: 'POST /runs/origin/fork', body: { edits }, key: undefined });
  story.forEach(commit);
}

const wrote = (run: string, key: string, revision: number, more: object = {}): Told => [
  run,
  'shared_changed',
  { key, revision, value: revision, by: 'a', write: `${key} ${revision}`, ...more },
];
const shares = (key: string, revision: number, seq: number, more: object = {}): Told => {
  const { write: _, ...data } = wrote('fork', key, revision, { reused: { runId: 'origin', seq }, ...more })[2];
  return ['fork', 'shared_changed', data];
};
/** `a` of the origin has written twice before it completed: facts 3 and 4. */
const WRITES: readonly Told[] = [wrote('origin', 'k', 1), wrote('origin', 'k', 2)];

it('a fork that begins with what was shared', () => {
  tellShared([begun({ fromTask: 'b' }), shares('k', 2, 4), reused('a', 5)]);
  tellShared([begun({ fromTask: 'a' }), ...runs('fork', 'a')]);
});

it.each<[string, readonly Told[], string]>([
  ['nothing', [begun({ fromTask: 'b' }), reused('a', 5)], 'it wrote k 1, and its run began with 0'],
  ['what was written over', [begun({ fromTask: 'b' }), shares('k', 1, 3), reused('a', 5)], 'it wrote k 2'],
  ['another value', [begun(), shares('k', 2, 4, { value: 7 })], 'that is not what was written'],
  ['another revision', [begun(), shares('k', 3, 4, { value: 2 })], 'that is not what was written'],
  ['what nobody has written', [begun(), shares('k', 2, 5)], 'that is not what was written'],
  ['the same twice', [begun(), shares('k', 1, 3), shares('k', 2, 4)], 'it has k already'],
  ['what was to be written anew', [begun({ fromTask: 'a' }), shares('k', 2, 4)], 'was to run anew'],
  ['what came later', [begun({ atSeq: 3 }), shares('k', 2, 4)], 'it was written after the point'],
  [
    'something too late',
    [begun({ fromTask: 'a' }), ...runs('fork', 'a').slice(0, 1), shares('k', 2, 4)],
    'a task has begun',
  ],
  ['something, and is none', [['fork', 'run_started', { workflow: 'w' }], shares('k', 2, 4)], 'its run is no fork'],
])('a fork that begins with %s is found', (_, story, message) => {
  expect(() => tellShared(story)).toThrow(message);
});

function tellShared(story: readonly Told[]): void {
  tell(story, {}, [...ORIGIN.slice(0, 2), ...WRITES, ...ORIGIN.slice(2)]);
}

it('a fork that takes over, and one that is edited', () => {
  tell([begun(), A, B, ...runs('fork', 'c'), ['fork', 'run_completed', { output: 'c' }]]);
  tell([begun(), A, edited('b', 7), ...runs('fork', 'c')], { b: { output: 7 } });
  tell([begun({ atSeq: 4 }), A, ...runs('fork', 'b'), ...runs('fork', 'c')]);
});

it.each<[string, readonly Told[], string]>([
  [
    'of a run that there is not',
    [['fork', 'run_started', { workflow: 'w', forkedFrom: { runId: 'x' } }]],
    'there is no run x',
  ],
  ['another result', [begun(), reused('a', 3, 'else')], 'has found something else'],
  ['from a fact that says something else', [begun(), reused('a', 5)], 'is none of it'],
  ['what was to run anew', [begun({ fromTask: 'a' }), A], 'it was to run anew'],
  ['what depends on a task that ran anew', [begun({ fromTask: 'a' }), ...runs('fork', 'a'), B], 'a ran anew'],
  ['what has begun', [begun(), ...runs('fork', 'a').slice(0, 1), A], 'P12'],
  ['an output that nobody has given', [begun(), edited('a', 7)], 'nobody has given it that'],
  ['in a run that is no fork', [['fork', 'run_started', { workflow: 'w' }], A], 'its run is no fork'],
  ['nothing, and pays again', [begun(), ...runs('fork', 'a')], 'it is paid for again'],
])('a fork that takes over %s is found', (_, story, message) => {
  expect(() => tell(story)).toThrow(message);
});
