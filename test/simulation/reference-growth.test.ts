/** The reference model and runs that grow: it lets a legal story pass, and finds each promise broken where it is. */
import { expect, it } from 'vitest';
import { judge } from '../../src/testing/judge.ts';
import type { Observation } from '../../src/testing/observation.ts';
import type { Plan } from '../../src/testing/plan.ts';
import { ReferenceModel } from '../../src/testing/reference-model.ts';
import { usualTask } from './usual-task.ts';

const code = { ...usualTask, call: { kind: 'code', function: 'work' } } as const;
const plan: Plan = {
  breadth: 2,
  onTaskFailure: 'continue',
  timeoutSeconds: undefined,
  tasks: [
    {
      ...usualTask,
      name: 'map',
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

/** Tells it to a model; every task that starts, but for those of `silent`, is called, and answers with its name, or fails. */
function tell(story: readonly Told[], of = plan, silent: readonly string[] = ['map']): void {
  const model = new ReferenceModel(() => of, judge);
  const see = (observation: Observation): void => model.see({ elapsed: 0, ...observation });
  see({ kind: 'start' });
  for (const [at, [type, data]] of story.entries()) {
    const fact = { run: 'r', seq: at + 1, at: 0, type, data };
    see({ kind: 'commit', runs: [], facts: [fact], doubtful: false });
    const { task } = data;
    if (type !== 'task_started' || typeof task !== 'string' || silent.includes(task)) continue;
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

/** Items that wait, and a condition that is added with what it chooses among. */
const shaped: Plan = {
  ...plan,
  breadth: 1,
  tasks: [
    {
      ...usualTask,
      name: 'map',
      call: {
        kind: 'map',
        concurrency: 2,
        task: { ...usualTask, name: 'map', call: { kind: 'wait', for: { seconds: 0 } } },
      },
    },
    { ...code, name: 'dive', dependsOn: ['map'], onComplete: { addTasks: 'fromOutput' } },
  ],
};
const adds = (task: string, spec: object): Told => [
  'task_added',
  { task, parent: 'dive', join: true, spec: { ...code, name: task, ...spec } },
];
const EPOCH = new Date(0).toISOString();
const threeItems: Told = ['task_added', { task: 'map', items: [1, 2, 3] }];
const passed = (task: string): readonly Told[] => [started(task), completed(task, EPOCH)];
const chooses = { kind: 'condition', decides: { if: 'true' }, branches: { then: ['x'], else: ['y'] } };
const choosing: readonly Told[] = [
  ['run_started', { workflow: 'w' }],
  started('map'),
  threeItems,
  started('map[0]'),
  ...passed('map[1]'),
  completed('map[0]', EPOCH),
  ...passed('map[2]'),
  completed('map', [EPOCH, EPOCH, EPOCH]),
  started('dive'),
  adds('c', { call: chooses }),
  adds('x', { dependsOn: ['c'], gates: [{ by: 'c', branches: ['then'] }] }),
  adds('y', { dependsOn: ['c'], gates: [{ by: 'c', branches: ['else'] }], skipPolicy: 'cascade' }),
  adds('z', { dependsOn: ['y'] }),
  completed('dive'),
  started('c'),
  completed('c', { value: true, branch: 'then', chosen: ['x'] }),
];
const skipped = (task: string): Told => ['task_skipped', { task }];
const SILENT = ['map', 'map[0]', 'map[1]', 'map[2]', 'c'];

it('lets a legal story pass of items that wait and hold no slot, and of conditions that were added', () => {
  const end: readonly Told[] = [started('x'), completed('x'), ['run_completed', { output: { dive: 'dive', x: 'x' } }]];
  expect(() => tell([...choosing, skipped('y'), skipped('z'), ...end], shaped, SILENT)).not.toThrow();
});

it.each([
  [
    'P4',
    'an item that begins while as many wait as the map allows',
    [...choosing.slice(0, 4), started('map[1]'), started('map[2]')],
  ],
  ['P7', 'an item that waited for a date and found none', [...choosing.slice(0, 4), completed('map[0]', 7)]],
  ['P4', 'a map whose item is skipped though nothing says so', [...choosing.slice(0, 3), skipped('map[0]')]],
  ['P4', 'an added task that begins though it was not chosen', [...choosing, started('y')]],
  ['P4', 'an added task that is skipped though it was chosen', [...choosing, skipped('x')]],
  [
    'P4',
    'an added task that begins though what it needs was skipped for all',
    [...choosing, skipped('y'), started('z')],
  ],
] as const)('%s: finds %s', (promise, _, story) => {
  expect(() => tell(story, shaped, SILENT)).toThrow(
    expect.objectContaining({ code: 'simulationFailed', data: { promise } }) as Error,
  );
});

/** A list of three, reduced two at a time. */
const tree: Plan = {
  ...plan,
  tasks: [
    {
      ...usualTask,
      name: 'list',
      call: { kind: 'map', onItemFailure: 'stop', task: { ...code, name: 'list' } },
    },
    {
      ...usualTask,
      name: 'all',
      dependsOn: ['list'],
      call: { kind: 'reduce', over: 'list', arity: 2, task: { ...code, name: 'all' } },
    },
  ],
};
const LIST = ['list[0]', 'list[1]', 'list[2]'];
const level = (...parts: readonly unknown[]): Told => ['task_added', { task: 'all', items: parts }];
const called = (task: string): readonly Told[] => [started(task), completed(task)];
const reducing = (first: Told, second: Told, result = 'all[2]'): readonly Told[] => [
  ['run_started', { workflow: 'w' }],
  started('list'),
  ['task_added', { task: 'list', items: [1, 2, 3] }],
  ...LIST.flatMap(called),
  completed('list', LIST),
  started('all'),
  first,
  ...called('all[0]'),
  ...called('all[1]'),
  second,
  ...called('all[2]'),
  completed('all', result),
  ['run_completed', { output: 'all[2]' }],
];
const [a, b, c] = LIST;
const lowest = level([a, b], [c]);
const top = level(['all[0]', 'all[1]']);

it('lets a list be reduced in a tree', () => {
  tellTree(reducing(lowest, top));
});

it.each([
  ['P7', 'its parts are not the list', reducing(level([b, a], [c]), top)],
  ['P4', '3 to a call, and 2 are asked for', reducing(level(LIST), top)],
  ['P7', 'its parts are not the list', reducing(lowest, level(['all[0]', 'all[0]']))],
  ['P7', 'that is not what its last call gave', reducing(lowest, top, 'all[0]')],
])('finds %s broken in a tree: %s', (promise, message, story) => {
  const broken = { data: { promise }, message: expect.stringContaining(message) as string };
  expect(() => tellTree(story)).toThrow(expect.objectContaining(broken) as Error);
});

/** The tree itself calls nobody, nor does the map before it. */
function tellTree(story: readonly Told[]): void {
  tell(story, tree, ['all', 'list']);
}
