/** The reference model and ends that are seldom: it lets a legal story pass, and finds the promise that is broken. */
import { expect, it } from 'vitest';
import { judge } from '../../src/testing/judge.ts';
import type { SeenFact } from '../../src/testing/observation.ts';
import type { Plan } from '../../src/testing/plan.ts';
import { ReferenceModel } from '../../src/testing/reference-model.ts';
import { usualTask } from './usual-task.ts';

const outputs = { copied: 'shared.done' };
const plan: Plan = {
  breadth: 9,
  onTaskFailure: 'stop',
  timeoutSeconds: undefined,
  tasks: [
    {
      ...usualTask,
      outputs,
      name: 'map',
      call: { kind: 'map', task: { ...usualTask, name: 'map', call: { kind: 'code' } } },
    },
    {
      ...usualTask,
      name: 'plain',
      call: { kind: 'map', task: { ...usualTask, name: 'plain', call: { kind: 'code' } } },
    },
    { ...usualTask, outputs, name: 'rounds', call: { kind: 'planExecuteReflect' } },
    { ...usualTask, outputs, name: 'wait', call: { kind: 'wait', onTimeout: 'continue', for: { seconds: 1 } } },
    { ...usualTask, name: 'child', call: { kind: 'subworkflow' } },
    { ...usualTask, name: 'stopped', cancelWhen: 'shared.done', call: { kind: 'subworkflow' } },
  ],
};

type Told = readonly [run: string, type: string, data: SeenFact['data'], at?: number];
const begun: Told = ['r', 'run_started', { workflow: 'w' }];
const started = (task: string): Told => ['r', 'task_started', { task, attempt: 1 }];
const unshared = (task: string): Told => [
  'r',
  'task_failed',
  { task, attempt: 1, status: 'failed', error: { code: 'expressionFailed', retry: 'never' } },
];
const missed: Told = [
  'r',
  'task_failed',
  { task: 'wait', attempt: 1, status: 'timedOut', error: { code: 'waitTimedOut', retry: 'never' } },
  10_000,
];
const told: Told = ['r', 'child_run_started', { task: 'child', attempt: 1, childRunId: 'c' }];
const childBegins: Told = ['c', 'run_started', { workflow: 'v', parent: { runId: 'r', task: 'child', attempt: 1 } }];
const written: Told = ['r', 'shared_changed', { key: 'done', revision: 1, value: true, by: 'map', write: 'w' }];
const known: Told = ['r', 'child_run_started', { task: 'stopped', attempt: 1, childRunId: 'c' }];
const forStopped: Told = ['c', 'run_started', { workflow: 'v', parent: { runId: 'r', task: 'stopped', attempt: 1 } }];

/** Tells it to a model; `cut`: a run that is committed before, in the middle of its first turn. */
function tell(story: readonly Told[], cut?: string): void {
  const model = new ReferenceModel((workflow) => (workflow === 'w' ? plan : undefined), judge);
  const seqs = new Map<string, number>();
  model.see({ elapsed: 0, kind: 'start' });
  const state = { status: 'pending', progress: 0, lastAt: 0, cut: true };
  const runs = cut === undefined ? [] : [{ ...state, run: cut }];
  model.see({ elapsed: 0, kind: 'commit', runs, facts: [], doubtful: false });
  for (const [run, type, data, at = 0] of story) {
    const seq = (seqs.get(run) ?? 0) + 1;
    seqs.set(run, seq);
    model.see({ elapsed: 0, kind: 'commit', runs: [], facts: [{ run, seq, at, type, data }], doubtful: false });
  }
  const settled = { run: 'r', status: 'running', progress: 0, lastAt: 0, cut: false };
  model.see({ elapsed: 0, kind: 'commit', runs: [settled], facts: [], doubtful: false });
}

it.each(['map', 'rounds', 'wait'])('a %s fails where what it shares cannot be told', (task) => {
  expect(() => tell([begun, started(task), unshared(task)])).not.toThrow();
});

it('a run is told to its task in the middle of the turn that begins it', () => {
  expect(() => tell([begun, started('child'), told, childBegins], 'c')).not.toThrow();
});

it('a task that is stopped while it begins a run ends once that is known', () => {
  expect(() => tell([begun, started('map'), started('stopped'), written])).not.toThrow();
});

it.each<readonly [string, string, readonly Told[]]>([
  ['P13', 'stopped go on although', [begun, started('map'), started('stopped'), written, forStopped, known]],
  ['P7', 'none of its items failed', [begun, started('plain'), unshared('plain')]],
  ['P5', 'it was to complete', [begun, started('wait'), missed]],
  ['P11', 'it names c and began none', [begun, started('child'), told, childBegins]],
  ['P11', 'run c was begun for that before', [begun, started('child'), childBegins, ['d', ...without(childBegins)]]],
])('%s: %s', (promise, message, story) => {
  const broken = { data: { promise }, message: expect.stringContaining(message) as string };
  expect(() => tell(story)).toThrow(expect.objectContaining(broken) as Error);
});

function without([, type, data]: Told): readonly [type: string, data: SeenFact['data']] {
  return [type, data];
}
