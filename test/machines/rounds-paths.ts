/** Ways through the machine of rounds, and how each is walked on the real runtime. */
import type { getShortestPaths, getSimplePaths } from '@xstate/graph';
import { expect } from 'vitest';
import type { EventObject, SnapshotFrom } from 'xstate';
import { planExecuteReflectMachine } from '../../machines/plan-execute-reflect.ts';
import { childAddress } from '../../src/runtime/xstate.ts';
import type { Workbench } from '../harness/documents.ts';
import { explorable } from '../harness/plain.ts';

type Snapshot = SnapshotFrom<typeof planExecuteReflectMachine>;

/** Something that is heard in a state, and how it comes about. */
interface Step {
  readonly title: string;
  readonly state: string;
  readonly event: EventObject & { readonly [field: string]: unknown };
  /** `call`: the one that is under way. */
  happen(bench: Workbench, call: string): Promise<void>;
}

/** A way to an end. */
export interface RoundsPath {
  readonly title: string;
  readonly steps: readonly { readonly step: Step; readonly leadsTo: Snapshot }[];
}

const joined = (output: unknown) => ({ type: 'fermata.task.joined', prepared: { output } });
const broken = { type: 'fermata.task.joined', prepared: { error: { code: 'modelRefused', message: 'refused' } } };
const answers = (title: string, state: string, value: unknown): Step => ({
  title,
  state,
  event: joined(value),
  happen: (bench, call) => bench.complete(call, value),
});
const breaks = (title: string, state: string): Step => ({
  title,
  state,
  event: broken,
  happen: (bench, call) => bench.fail(call),
});
/** A plan of one call. */
export const CALLED = { tasks: [{ name: 'a', prompt: 'Walk' }] };
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

/** From the beginning of a goal of at most `depth` rounds to each end: every simple path, or the shortest ones. */
export function pathsOf(depth: number, find: typeof getSimplePaths | typeof getShortestPaths): readonly RoundsPath[] {
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

/** Begins a goal of at most `depth` rounds. */
export async function begin(bench: Workbench, depth: number): Promise<string> {
  const goal = { name: 'g', kind: 'planExecuteReflect', goal: 'Walk', depth, maxRetries: 0 };
  return bench.start({ config: { onTaskFailure: 'continue' }, tasks: [goal] });
}

/** The state that the rounds of a run are in. */
export async function stateNow(bench: Workbench, run: string): Promise<string> {
  const { snapshot } = await bench.fermata.runtime.snapshot(run, {
    actor: childAddress(childAddress('/', 'g'), 'rounds'),
  });
  return stateOf(snapshot as never);
}

/** Walks a path, and sees after each step that the rounds are as the machine says; then nothing is left. Answers with the run. */
export async function walkRounds(bench: Workbench, depth: number, { steps }: RoundsPath): Promise<string> {
  const run = await begin(bench, depth);
  for (const { step, leadsTo } of steps) {
    await step.happen(bench, bench.running[0] ?? '');
    const isSeen = stateOf(leadsTo) !== 'executing.adding' && leadsTo.status === 'active';
    if (isSeen) expect(await stateNow(bench, run)).toBe(stateOf(leadsTo));
  }
  const status = stateOf(steps.at(-1)?.leadsTo ?? { value: '' }) === 'done' ? 'completed' : 'failed';
  expect(await bench.statuses(run)).toMatchObject({ g: status });
  expect(bench.fermata.runtime.load).toEqual({ residentRuns: 0, effectsInFlight: 0 });
  return run;
}
