/**
 * The machine of rounds on the real runtime: every simple path of a goal of one round, the shortest of a goal of two, and
 * what it hears too early. Each title is a path. Together they take every transition of the machine.
 */
import { getShortestPaths, getSimplePaths } from '@xstate/graph';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EventObject, SnapshotFrom } from 'xstate';
import { planExecuteReflectMachine } from '../../machines/plan-execute-reflect.ts';
import { childAddress } from '../../src/runtime/xstate.ts';
import { Workbench } from '../harness/documents.ts';
import { explorable } from '../harness/plain.ts';
import { TransitionsTaken, transitionsOf } from '../harness/transitions.ts';

type Snapshot = SnapshotFrom<typeof planExecuteReflectMachine>;

/** Something that is heard in a state, and how it comes about. */
interface Step {
  readonly title: string;
  readonly state: string;
  readonly event: EventObject & { readonly [field: string]: unknown };
  /** `call`: the one that is under way. */
  happen(call: string): Promise<void>;
}

let bench: Workbench;
const taken = new TransitionsTaken();
beforeAll(async () => {
  bench = await Workbench.openHolding();
});
afterAll(() => bench.close());

const joined = (output: unknown) => ({ type: 'fermata.task.joined', prepared: { output } });
const broken = { type: 'fermata.task.joined', prepared: { error: { code: 'modelRefused', message: 'refused' } } };
const answers = (title: string, state: string, value: unknown): Step => ({
  title,
  state,
  event: joined(value),
  happen: (call) => bench.complete(call, value),
});
const breaks = (title: string, state: string): Step => ({
  title,
  state,
  event: broken,
  happen: (call) => bench.fail(call),
});
const CALLED = { tasks: [{ name: 'a', prompt: 'Walk' }] };
const STEPS: readonly Step[] = [
  answers('a plan', 'planning', CALLED),
  answers('a plan of nothing', 'planning', { tasks: [] }),
  answers('a plan that is refused', 'planning', { tasks: 7 }),
  breaks('no plan', 'planning'),
  // The run answers in the same breath.
  {
    title: 'added',
    state: 'executing.adding',
    event: { type: 'fermata.task.added', count: 1 },
    happen: async () => {},
  },
  {
    title: 'refused',
    state: 'executing.adding',
    event: { type: 'fermata.task.refused', error: { code: 'invalidDocument', message: 'no list' } },
    happen: async () => {},
  },
  answers('its task ends', 'executing.waiting', null),
  answers('not done', 'reflecting', { done: false, answer: null, next: 'more' }),
  answers('done', 'reflecting', { done: true, answer: null, next: null }),
  answers('done, with the answer', 'reflecting', { done: true, answer: 'A', next: null }),
  breaks('no reflection', 'reflecting'),
  answers('the answer', 'answering', 'A'),
  breaks('no answer', 'answering'),
];

const stateOf = ({ value }: { readonly value: unknown }): string =>
  typeof value === 'string' ? value : (Object.entries(value as Readonly<Record<string, string>>)[0]?.join('.') ?? '');

/** A plan that is refused has no list, and one that is not has one. */
function mayHappen({ event }: Step, { context }: Snapshot): boolean {
  if (event.type === 'fermata.task.added') return Array.isArray(context.plan);
  return event.type !== 'fermata.task.refused' || !Array.isArray(context.plan);
}

function pathsOf(depth: number, find: typeof getSimplePaths | typeof getShortestPaths) {
  return find(explorable(planExecuteReflectMachine), {
    input: { name: 'g', goal: 'Walk', depth, reflectionAnswers: true },
    events: (state) =>
      STEPS.filter((step) => step.state === stateOf(state) && mayHappen(step, state)).map(
        ({ event }) => event,
      ) as never,
    serializeState: ({ value, context: { round, plan, refusal, limitReached } }) =>
      JSON.stringify([value, round, plan, refusal !== null, limitReached]),
    toState: ({ status }) => status !== 'active',
  }).map((path) => {
    const steps = path.steps
      .slice(1)
      .map(({ event, state }) => ({ step: STEPS.find((step) => step.event === event) as Step, leadsTo: state }));
    return { title: [...steps.map(({ step }) => step.title), stateOf(path.state)].join(' → '), steps };
  });
}

async function begin(depth: number): Promise<string> {
  const goal = { name: 'g', kind: 'planExecuteReflect', goal: 'Walk', depth, maxRetries: 0 };
  return bench.start({ config: { onTaskFailure: 'continue' }, tasks: [goal] });
}

async function stateNow(run: string): Promise<string> {
  const { snapshot } = await bench.fermata.runtime.snapshot(run, {
    actor: childAddress(childAddress('/', 'g'), 'rounds'),
  });
  return stateOf(snapshot as never);
}

describe.each([
  { depth: 1, paths: pathsOf(1, getSimplePaths) },
  { depth: 2, paths: pathsOf(2, getShortestPaths) },
])('a goal of at most $depth rounds', ({ depth, paths }) => {
  it.each(paths.map(({ title, steps }) => [title, steps] as const))('%s', async (_, steps) => {
    const run = await begin(depth);
    for (const { step, leadsTo } of steps) {
      await step.happen(bench.running[0] ?? '');
      const isSeen = stateOf(leadsTo) !== 'executing.adding' && leadsTo.status === 'active';
      if (isSeen) expect(await stateNow(run)).toBe(stateOf(leadsTo));
    }
    const status = stateOf(steps.at(-1)?.leadsTo ?? { value: '' }) === 'done' ? 'completed' : 'failed';
    expect(await bench.statuses(run)).toMatchObject({ g: status });
    expect(bench.fermata.runtime.load).toEqual({ residentRuns: 0, effectsInFlight: 0 });
    await taken.note(bench.fermata.runtime, run);
  });
});

it('what is heard too early, or twice, moves nothing', async () => {
  const run = await begin(1);
  const said = [CALLED, 'A', { done: true, answer: null, next: null }, 'end'];
  for (const value of said) {
    const before = await stateNow(run);
    await bench.fermata.runtime.control(run, childAddress('/', 'g'), { type: 'fermata.task.joined' });
    await bench.settle();
    expect(await stateNow(run)).toBe(before);
    await bench.complete(bench.running[0] ?? '', value);
  }
  expect(await bench.read(run)).toMatchObject({ status: 'completed', output: 'end' });
  await taken.note(bench.fermata.runtime, run);
});

it('a plan none of whose tasks can run is judged at once', async () => {
  const run = await begin(2);
  await bench.complete('g.plan 1', CALLED);
  await bench.fail('g.1.a');
  await bench.complete('g.reflect 1', { done: false, answer: null, next: 'more' });
  await bench.complete('g.plan 2', { tasks: [{ name: 'b', prompt: 'Walk', dependsOn: ['a'] }] });
  await bench.complete('g.reflect 2', { done: true, answer: 'none', next: null });
  expect(await bench.read(run)).toMatchObject({ status: 'completed', output: 'none' });
  await taken.note(bench.fermata.runtime, run);
});

it('a name that another task has ends it', async () => {
  const each = { name: 'e', kind: 'map', items: '[1]', task: { kind: 'planExecuteReflect', goal: 'Walk' } };
  const run = await bench.start({ tasks: [{ name: 'e[0].plan 1' }, each] });
  expect(await bench.read(run)).toMatchObject({
    status: 'failed',
    reason: { message: expect.stringContaining('the name "e[0].plan 1" is taken') as string },
  });
  await taken.note(bench.fermata.runtime, run);
});

it('every transition of the machine of rounds was taken', () => {
  const all = transitionsOf(planExecuteReflectMachine);
  expect(all.filter((name) => !taken.of(planExecuteReflectMachine).has(name))).toEqual([]);
});
