/** The reference model and runs that grow: it lets a legal story pass, and finds each promise broken where it is. */
import { expect, it } from 'vitest';
import type { Observation } from '../../src/testing/observation.ts';
import type { Plan } from '../../src/testing/plan.ts';
import { ReferenceModel } from '../../src/testing/reference-model.ts';

const retry = { maxRetries: 0, initialSeconds: 1, factor: 2, maxSeconds: 60 };
const usual = { after: [], retry, timeoutSeconds: 10, onInDoubt: 'retry', approval: undefined } as const;
const code = { ...usual, dependsOn: [], call: { kind: 'code', function: 'work' } } as const;
const plan: Plan = {
  breadth: 2,
  onTaskFailure: 'continue',
  timeoutSeconds: undefined,
  tasks: [
    {
      ...usual,
      name: 'map',
      dependsOn: [],
      call: { kind: 'map', onItemFailure: 'collect', concurrency: 1, task: { ...code, name: 'map' } },
    },
    { ...code, name: 'dive', dependsOn: ['map'], onComplete: { addTasks: 'fromOutput' } },
    { ...code, name: 'sum', dependsOn: ['dive'] },
  ],
};

type Told = readonly [type: string, data: Readonly<Record<string, unknown>>];
const started = (task: string): Told => ['task_started', { task, attempt: 1 }];
const failed = (task: string): Told => [
  'task_failed',
  { task, attempt: 1, status: 'failed', error: { code: 'codeFailed' } },
];
const completed = (task: string, result: unknown = task): Told => ['task_completed', { task, attempt: 1, result }];
const items: Told = ['task_added', { task: 'map', items: [1, 2] }];
const added: Told = [
  'task_added',
  { task: 'x', parent: 'dive', join: true, spec: { ...code, name: 'x', dependsOn: ['map'] } },
];
const gathered = completed('map', ['map[0]', { error: { code: 'codeFailed' } }]);

const STORY: readonly Told[] = [
  ['run_started', { workflow: 'w' }],
  started('map'),
  items,
  started('map[0]'),
  completed('map[0]'),
  started('map[1]'),
  failed('map[1]'),
  gathered,
  started('dive'),
  added,
  completed('dive'),
  started('x'),
  completed('x'),
  started('sum'),
  completed('sum'),
  ['run_completed', { output: 'sum' }],
];

/** Tells it to a model; every task that starts is called, and answers with its name, or fails. */
function tell(story: readonly Told[]): void {
  const model = new ReferenceModel(() => plan);
  const see = (observation: Observation): void => model.see({ elapsed: 0, ...observation });
  see({ kind: 'start' });
  for (const [at, [type, data]] of story.entries()) {
    const fact = { run: 'r', seq: at + 1, at: 0, type, data };
    see({ kind: 'commit', runs: [], facts: [fact], doubtful: false });
    const { task } = data;
    const isCalled = type === 'task_started' && task !== 'map';
    if (!isCalled || typeof task !== 'string') continue;
    const call = {
      run: 'r',
      actor: `/${task}`,
      src: 'code',
      task,
      attempt: 1,
      called: 'work',
      key: task,
      repeated: false,
    };
    see({ kind: 'call', call });
    see({ kind: 'answer', call, value: { value: task } });
    see({ kind: 'failure', call, code: 'codeFailed' });
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

it.each([
  ['P3', 'an item of a map that has none yet', otherwise(items)],
  ['P4', 'a map that gets its items twice', otherwise(items, items, items)],
  ['P4', 'more items at once than the map allows', otherwise(completed('map[0]'))],
  [
    'P7',
    'outputs in another order',
    otherwise(gathered, completed('map', [{ error: { code: 'codeFailed' } }, 'map[0]'])),
  ],
  ['P7', 'an output too few', otherwise(gathered, completed('map', ['map[0]']))],
  [
    'P7',
    'another error than the item had',
    otherwise(gathered, completed('map', ['map[0]', { error: { code: 'x' } }])),
  ],
  [
    'P3',
    'items that are dropped and have begun',
    otherwise(gathered, ['items_cancelled', { task: 'map', count: 1 }], gathered),
  ],
  [
    'P4',
    'a dropped item of a map that goes on',
    otherwise(started('map[0]'), ['items_cancelled', { task: 'map', count: 2 }]),
  ],
  [
    'P4',
    'a task that is added by one that has ended',
    otherwise(started('x'), ['task_added', { ...added[1], task: 'y', spec: { ...code, name: 'y' } }]),
  ],
  ['P4', 'a name that is taken', otherwise(added, added, added)],
  ['P4', 'a task that does not wait for what its dependency added', otherwise(completed('x'), started('sum'))],
] as const)('%s: finds %s', (promise, _, story) => {
  expect(() => tell(story)).toThrow(expect.objectContaining({ code: 'simulationFailed', data: { promise } }) as Error);
});
