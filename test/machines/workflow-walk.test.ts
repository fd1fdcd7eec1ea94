/**
 * The workflow machine on the real runtime: of the simple paths of a run of one task, whatever happens, and of two tasks
 * whatever happens to them, those that take every step of them. Each title is a path. Together they take every transition
 * of the machine. All paths, tens of thousands, are walked by `npm run walks`.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { workflowMachine } from '../../machines/workflow.ts';
import { Workbench } from '../harness/documents.ts';
import { answerWith, startRawModelServer, type RawModelServer } from '../harness/raw-model-server.ts';
import { TransitionsTaken, transitionsOf } from '../harness/transitions.ts';
import { BUDGET_WALKS } from './budget-walks.ts';
import { SHARED_BUDGET_WALKS } from './shared-budget-walks.ts';
import { CHILD_WALKS } from './child-run-walks.ts';
import { covering } from './covering.ts';
import { inShort, pathsOf, type Happening, type RunKind, type RunPath } from './run-paths.ts';
import { walkRun } from './run-walk.ts';

let bench: Workbench;
let server: RawModelServer;
const taken = new TransitionsTaken();

beforeAll(async () => {
  server = await startRawModelServer((exchange) => answerWith(exchange, 'one'));
  bench = await Workbench.open({ openai: { apiKey: 'none', baseUrl: server.baseUrl } });
});
afterAll(async () => {
  await bench.close();
  await server.stop();
});

async function walkAndNote(kind: RunKind, path: RunPath): Promise<void> {
  const run = await walkRun(bench, kind, path);
  await taken.note(bench.fermata.runtime, run);
}

const most = (paths: readonly RunPath[]): readonly RunPath[] => covering(paths, inShort);

describe.each([
  { tasks: 1, breadth: 1, onTaskFailure: 'stop', waitsFor: 'backoff' },
  { tasks: 1, breadth: 1, onTaskFailure: 'continue', waitsFor: 'person' },
] as const)('a run of one task that waits for: $waitsFor', (kind) => {
  for (const path of most(pathsOf(kind))) it(path.title, () => walkAndNote(kind, path));
});

const CALLS: readonly Happening[] = ['completes', 'fails', 'stumbles', 'goes on'];

describe.each([
  { tasks: 2, breadth: 1, onTaskFailure: 'stop', waitsFor: 'backoff', happenings: CALLS },
  { tasks: 2, breadth: 1, onTaskFailure: 'continue', waitsFor: 'backoff', happenings: CALLS },
  { tasks: 2, breadth: 2, onTaskFailure: 'stop', waitsFor: 'backoff', happenings: CALLS },
  { tasks: 2, breadth: 2, onTaskFailure: 'continue', waitsFor: 'backoff', happenings: CALLS },
  {
    tasks: 2,
    breadth: 2,
    onTaskFailure: 'continue',
    waitsFor: 'person',
    happenings: ['completes', 'goes on', 'breaks', 'is cancelled'],
  },
] as const)(
  'a run of two tasks that wait for: $waitsFor, breadth $breadth, onTaskFailure: $onTaskFailure',
  ({ happenings, ...kind }) => {
    for (const path of most(pathsOf(kind, happenings))) it(path.title, () => walkAndNote(kind, path));
  },
);

it('a run hears events from outside while it runs, waits, and is paused', async () => {
  const paid = (name: string, more: object = {}) => ({ name, kind: 'wait', event: { type: 'paid' }, ...more });
  const run = await bench.start({
    tasks: [{ name: 'call' }, paid('a', { dependsOn: ['call'] }), paid('b'), paid('c')],
  });
  const { runtime } = bench.fermata;
  const send = async (n: number): Promise<void> => {
    await runtime.send(run, { type: 'paid', n });
    await bench.settle();
  };
  await send(1);
  await bench.complete('call');
  expect((await bench.read(run)).status).toBe('waiting');
  await send(2);
  await runtime.control(run, '/', { type: 'fermata.pause' });
  await send(3);
  expect((await bench.read(run)).output).toEqual({
    a: { type: 'paid', n: 2 },
    b: { type: 'paid', n: 1 },
    c: { type: 'paid', n: 3 },
  });
  await taken.note(runtime, run);
});

it('a run passes on what its tasks share', async () => {
  const run = await bench.start({ tasks: [{ name: 'call', outputs: { shared: { done: 'true' } } }] });
  const setting = bench.call('call').context.shared.set('k', 1);
  await bench.settle();
  expect(await setting).toEqual({ revision: 1 });
  await bench.complete('call');
  await taken.note(bench.fermata.runtime, run);
});

it('a run hears how the runs end that it waits for: while it runs, waits, and is paused', async () => {
  for (const { walk } of CHILD_WALKS.slice(0, 11)) await taken.note(bench.fermata.runtime, await walk(bench));
});

const GROWTH: readonly Happening[] = [
  'completes',
  'adds one and completes',
  'fails',
  'goes on',
  'is cancelled',
  'the run is paused',
  'the run is resumed',
  'the run is cancelled',
];

describe.each([
  { tasks: 1, breadth: 1, onTaskFailure: 'stop', waitsFor: 'backoff', grows: true },
  { tasks: 1, breadth: 2, onTaskFailure: 'continue', waitsFor: 'backoff', grows: true },
  { tasks: 1, breadth: 1, onTaskFailure: 'continue', waitsFor: 'person', grows: true },
] as const)('a run that grows, whose tasks wait for: $waitsFor, onTaskFailure: $onTaskFailure', (kind) => {
  for (const path of most(pathsOf(kind, GROWTH))) it(path.title, () => walkAndNote(kind, path));
});

it.each([
  ['alone', []],
  ['beside another task', [{ name: 'other' }]],
])('a run in which a reduction goes up its tree, %s', async (_, others) => {
  const all = { name: 'all', kind: 'reduce', dependsOn: ['each'], prompt: '{{ tasks.each.output | json }}', arity: 2 };
  const run = await bench.start({ config: { breadth: 9 }, tasks: [{ name: 'each' }, all, ...others] });
  await bench.complete('each', ['a', 'b', 'c']);
  const isDone = async () => (await bench.statuses(run))['all'] === 'completed';
  for (let turn = 0; !(await isDone()) && turn < 2_000; turn++) await bench.settle();
  if (others.length > 0) await bench.complete('other');
  expect(await bench.read(run)).toMatchObject({ status: 'completed', progress: 100 });
  await taken.note(bench.fermata.runtime, run);
});

it('a run goes on from waiting where a person refuses what a plan proposes', async () => {
  const holding = await Workbench.openHolding();
  try {
    const run = await holding.start({ tasks: [{ name: 'g', kind: 'planExecuteReflect', goal: 'Walk' }] });
    await holding.complete('g.plan 1', { tasks: [{ name: 'a', prompt: 'Walk', requiresApproval: true }] });
    expect((await holding.read(run)).status).toBe('waiting');
    await holding.decide(run, 'g.1.a', false);
    expect((await holding.read(run)).status).toBe('running');
    await holding.complete('g.reflect 1', { done: true, answer: 'refused', next: null });
    expect(await holding.read(run)).toMatchObject({ status: 'completed', output: 'refused' });
    await taken.note(holding.fermata.runtime, run);
  } finally {
    await holding.close();
  }
});

it('a run that was paused while a plan was made waits afterwards where its tasks do', async () => {
  const holding = await Workbench.openHolding();
  try {
    const { runtime } = holding.fermata;
    const run = await holding.start({ tasks: [{ name: 'g', kind: 'planExecuteReflect', goal: 'Walk' }] });
    await runtime.control(run, '/', { type: 'fermata.pause' });
    await holding.complete('g.plan 1', { tasks: [{ name: 'a', prompt: 'Walk', requiresApproval: true }] });
    await runtime.control(run, '/', { type: 'fermata.resume' });
    await holding.settle();
    expect(await holding.statuses(run)).toMatchObject({ 'g.1.a': 'awaitingApproval' });
    expect((await holding.read(run)).status).toBe('waiting');
    await holding.decide(run, 'g.1.a', false);
    await holding.complete('g.reflect 1', { done: true, answer: 'refused', next: null });
    await taken.note(runtime, run);
  } finally {
    await holding.close();
  }
});

it('its money is lent', async () => {
  for (const { budgets, walk } of SHARED_BUDGET_WALKS.slice(0, 1)) {
    const holding = await Workbench.openHolding(budgets);
    try {
      for (const run of await walk(holding)) await taken.note(holding.fermata.runtime, run);
    } finally {
      await holding.close();
    }
  }
});

it.each(['none fits, and the run is over at once'])('a run has a budget: %s', async (wanted) => {
  const holding = await Workbench.openHolding();
  try {
    for (const { walk } of BUDGET_WALKS.filter(({ title }) => title === wanted))
      await taken.note(holding.fermata.runtime, await walk(holding));
  } finally {
    await holding.close();
  }
});

const BREAKS = 'what it takes is checked before, so that only a fault of ours breaks it: shared-space.test.ts';
const BROKE = 'it adds and takes away what it was told, so that only a fault of ours breaks it: budget.test.ts';
/** Transitions that are there because all states in which tasks are alive share them, and why nothing can take them. */
const NEVER: Readonly<Record<string, string>> = {
  'running: xstate.error.actor./shared': BREAKS,
  'running: xstate.error.actor./budget': BROKE,
  'waiting: xstate.error.actor./shared': BREAKS,
  'waiting: xstate.error.actor./budget': BROKE,
  'waiting: fermata.task.parked': 'a task parks when it gives up its slot, and nobody holds one while the run waits',
  'paused: xstate.error.actor./shared': BREAKS,
  'paused: xstate.error.actor./budget': BROKE,
};

it('every transition of the workflow machine was taken', () => {
  const left = transitionsOf(workflowMachine).filter((name) => !taken.of(workflowMachine).has(name));
  expect(left, 'transitions that no walk takes: add what takes them to run-paths.ts').toEqual(Object.keys(NEVER));
});
