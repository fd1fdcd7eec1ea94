/**
 * The paths of a run: the workflow machine with the tasks it begins as far as it knows them (whether one holds a slot,
 * waits, or has ended), what may happen to them, and every simple path to the end, found by `@xstate/graph`.
 *
 * The tasks depend on nothing, and are alike: of several in one state the first is meant.
 */
import { getSimplePaths } from '@xstate/graph';
import { initialTransition, transition, type EventObject, type SnapshotFrom } from 'xstate';
import { workflowMachine } from '../../machines/workflow.ts';
import type { Candidate, PreparedStep } from '../../machines/workflow/prepared.ts';
import type { TaskOutput } from '../../machines/task/context.ts';
import { workflowMachine as workflowMachine1 } from '../../machines/workflow-1/workflow.ts';

type RunSnapshot = SnapshotFrom<typeof workflowMachine>;
type Life = 'unbegun' | 'running' | 'waiting' | 'queued' | 'completed' | 'ended';
type Event = EventObject & { readonly [field: string]: unknown };

/** A run to walk. */
export interface RunKind {
  /** Of the machine; default: the newest. */
  readonly version?: 1;
  readonly tasks: 1 | 2;
  readonly breadth: 1 | 2;
  readonly onTaskFailure: 'stop' | 'continue';
  /** What tasks wait for first: a person, or the back-off after a first failed attempt. */
  readonly waitsFor: 'person' | 'backoff';
  /** The first task may add one more when it completes. */
  readonly grows?: true;
}

/** What may happen. */
const HAPPENINGS = [
  'completes',
  'adds one and completes',
  'fails',
  'breaks',
  'stumbles',
  'goes on',
  'is cancelled',
  'the run is paused',
  'the run is resumed',
  'the run is cancelled',
  'the run takes too long',
] as const;
export type Happening = (typeof HAPPENINGS)[number];

/** One of them, to a task or to the run. */
export interface RunStep extends EventObject {
  readonly type: Happening;
  readonly task?: string;
}

/** A run as far as its workflow machine decides about it. */
export interface RunState {
  readonly flow: RunSnapshot;
  readonly tasks: Readonly<Record<string, Life>>;
  /** Tasks that have waited, in the order in which they began to. */
  readonly waited: readonly string[];
}

/** One way of a run from its beginning to its end. */
export interface RunPath {
  readonly title: string;
  readonly begin: RunState;
  readonly steps: readonly { readonly step: RunStep; readonly leadsTo: RunState }[];
}

/** Names of a run's tasks, in document order. */
export function tasksOf({ tasks }: Pick<RunKind, 'tasks'>): readonly string[] {
  return ['a', 'b'].slice(0, tasks);
}

/** The task that the first one may add. */
export const ADDED = 'added';

/** Every simple path on which only these things happen: no two states on it are alike in value and in what the tasks do. */
export function pathsOf(kind: RunKind, happenings: readonly Happening[] = HAPPENINGS): readonly RunPath[] {
  const model = new RunModel(kind);
  const logic = { transition: model.after, getInitialSnapshot: () => model.begin() };
  const paths = getSimplePaths(
    logic as never,
    {
      fromState: model.begin(),
      events: (state: RunState) => model.possible(state).filter(({ type }) => happenings.includes(type)),
      serializeState: inShort,
      toState: ({ flow }: RunState) => flow.status !== 'active',
    } as never,
  ) as unknown as readonly { readonly state: RunState; readonly steps: readonly Visit[] }[];
  return paths.map(({ state, steps: [beginning, ...rest] }) => ({
    title: [...rest.map(({ event }) => titleOf(event)), state.flow.value].join(' → '),
    begin: beginning?.state ?? state,
    steps: rest.map((visit) => ({ step: visit.event, leadsTo: visit.state })),
  }));
}

/** How often a path goes on where it could end: most ways that there are lead to an end at once. */
const MOSTLY = 0.95;

/** One simple path of a run to which anything may happen. `chance` gives numbers in [0, 1), and decides which path. */
export function somePathOf(kind: RunKind, chance: () => number): RunPath {
  const model = new RunModel(kind);
  const begin = model.begin();
  const seen = new Set([inShort(begin)]);
  const steps: RunPath['steps'][number][] = [];
  let state = begin;
  while (state.flow.status === 'active') {
    const before = state;
    const ways = model
      .possible(before)
      .map((step) => ({ step, leadsTo: model.after(before, step) }))
      .filter(({ leadsTo }) => !seen.has(inShort(leadsTo)));
    const onwards = ways.filter(({ leadsTo }) => leadsTo.flow.status === 'active');
    const among = onwards.length > 0 && chance() < MOSTLY ? onwards : ways;
    // There always is one: a run can be cancelled.
    const way = among[Math.floor(chance() * among.length)] as (typeof ways)[number];
    steps.push(way);
    state = way.leadsTo;
    seen.add(inShort(state));
  }
  return { title: [...steps.map(({ step }) => titleOf(step)), state.flow.value].join(' → '), begin, steps };
}

/** What tells states of a run apart on a path. */
export function inShort({ flow, tasks, waited }: RunState): string {
  return JSON.stringify([flow.value, Object.keys(tasks).map((name) => [tasks[name], waited.includes(name)])]);
}

interface Visit {
  readonly state: RunState;
  readonly event: RunStep;
}

function titleOf({ type, task }: RunStep): string {
  return task === undefined ? type : `${task} ${type}`;
}

/** The workflow machine itself, and stand-ins for rows and tasks around it. */
class RunModel {
  readonly #kind: RunKind;
  readonly #machine: typeof workflowMachine;
  readonly #written: readonly string[];
  /** With the one that may be added. */
  readonly #names: readonly string[];

  constructor(kind: RunKind) {
    this.#kind = kind;
    this.#machine = kind.version === 1 ? (workflowMachine1 as unknown as typeof workflowMachine) : workflowMachine;
    this.#written = tasksOf(kind);
    this.#names = [...this.#written, ...(kind.grows === true ? [ADDED] : [])];
  }

  begin(): RunState {
    const { breadth, onTaskFailure } = this.#kind;
    const tasks = Object.fromEntries(this.#written.map((name) => [name, 'unbegun' as const]));
    const prepared = { candidates: this.#candidates(tasks, breadth) };
    const input = { workflow: 'walked', version: 1, total: this.#written.length, breadth, onTaskFailure, timeoutMs: 1 };
    const [flow, actions] = initialTransition(this.#machine, { ...input, prepared });
    return this.#settle({ flow, tasks, waited: [] }, actions, []);
  }

  possible({ flow, tasks, waited }: RunState): readonly RunStep[] {
    if (flow.status !== 'active') return [];
    const first = (life: Life, also: (name: string) => boolean = () => true): readonly string[] =>
      this.#names.filter((name) => tasks[name] === life && also(name)).slice(0, 1);
    const steps = (type: Happening, names: readonly string[]): readonly RunStep[] =>
      names.map((task) => ({ type, task }));
    const byPerson = this.#kind.waitsFor === 'person';
    const lives: readonly Life[] = ['unbegun', 'running', 'waiting', 'queued'];
    return [
      ...steps('completes', first('running')),
      ...steps(
        'adds one and completes',
        first('running', (name) => this.#kind.grows === true && name === this.#written[0]),
      ),
      ...steps('fails', first('running')),
      ...steps('breaks', [...first('running'), ...(byPerson ? first('waiting') : [])]),
      ...steps('stumbles', byPerson ? [] : first('running', (name) => !waited.includes(name))),
      ...steps('goes on', waited.filter((name) => tasks[name] === 'waiting').slice(0, 1)),
      ...steps(
        'is cancelled',
        lives.flatMap((life) => first(life)),
      ),
      { type: flow.value === 'paused' ? 'the run is resumed' : 'the run is paused' },
      { type: 'the run is cancelled' },
      { type: 'the run takes too long' },
    ];
  }

  readonly after = (state: RunState, { type, task = '' }: RunStep): RunState => {
    const held = state.tasks[task] === 'running';
    const now = (life: Life): RunState => ({ ...state, tasks: { ...state.tasks, [task]: life } });
    switch (type) {
      case 'completes':
        return this.#settle(now('completed'), [], [done(task, 'completed', held)]);
      case 'adds one and completes':
        return this.#settle(
          { ...state, tasks: { ...state.tasks, [task]: 'completed', [ADDED]: 'unbegun' } },
          [],
          [{ type: 'fermata.task.adds', task, tasks: [] }, done(task, 'completed', held)],
        );
      case 'fails':
        return this.#settle(now('ended'), [], [done(task, 'failed', held)]);
      case 'breaks':
        return this.#settle(now('ended'), [], [{ type: `xstate.error.actor.${task}`, actorId: task, error: {}, held }]);
      case 'stumbles':
        return this.#park(state, task);
      case 'goes on':
        return this.#settle(now('queued'), [], [{ type: 'fermata.task.wantsSlot', task, description: task }]);
      case 'is cancelled':
        return this.#settle(state, [], [{ type: 'fermata.task.cancel', task }]);
      case 'the run is paused':
        return this.#settle(state, [], [{ type: 'fermata.pause' }]);
      case 'the run is resumed':
        return this.#settle(state, [], [{ type: 'fermata.resume' }]);
      case 'the run is cancelled':
        return this.#settle(state, [], [{ type: 'fermata.cancel' }]);
      case 'the run takes too long':
        return this.#settle(state, [], [{ type: 'fermata.runTimedOut' }]);
    }
  };

  #park(state: RunState, task: string): RunState {
    const tasks = { ...state.tasks, [task]: 'waiting' as const };
    return this.#settle(
      { ...state, tasks, waited: [...state.waited, task] },
      [],
      [{ type: 'fermata.task.parked', task }],
    );
  }

  /** Does what the machine asks for, and lets it hear what follows, until nothing does. */
  #settle(state: RunState, actions: readonly unknown[], events: readonly Event[]): RunState {
    let { flow, waited } = state;
    const tasks: Record<string, Life> = { ...state.tasks };
    const queue = [...events];
    const obey = ({ type, params }: { readonly type: string; readonly params?: unknown }): void => {
      if (type === 'fermata.spawn') {
        const { id } = params as { readonly id: string };
        tasks[id] = 'running';
        if (this.#kind.waitsFor === 'backoff') return;
        tasks[id] = 'waiting';
        waited = [...waited, id];
        queue.push({ type: 'fermata.task.parked', task: id });
      } else if (type === 'fermata.send') {
        const { to, event } = params as { readonly to: string; readonly event: Event };
        if (event.type === 'fermata.task.added') return;
        if (event.type === 'fermata.cancel') queue.push(done(to, 'cancelled', tasks[to] === 'running'));
        tasks[to] = event.type === 'fermata.cancel' ? 'ended' : 'running';
      }
    };
    for (const action of actions) obey(action as never);
    for (let event = queue.shift(); event !== undefined; event = queue.shift()) {
      const prepared = this.#prepared(event, flow, tasks);
      if (event.type === 'fermata.task.cancel' && prepared.cancels === undefined)
        tasks[String(event['task'])] = 'ended';
      const [next, asked] = transition(this.#machine, flow, { ...event, prepared } as never);
      flow = next;
      for (const action of asked) obey(action as never);
    }
    return { flow, tasks, waited };
  }

  /** What the rows of tasks that depend on nothing would say. */
  #prepared(event: Event, flow: RunSnapshot, tasks: RunState['tasks']): PreparedStep {
    const { breadth, active } = flow.context;
    const live = this.#names.filter((name) => ['running', 'waiting', 'queued'].includes(tasks[name] ?? ''));
    const free = (more: number, gone?: string): readonly Candidate[] =>
      this.#candidates({ ...tasks, ...(gone === undefined ? {} : { [gone]: 'ended' }) }, more + breadth - active);
    const output = { value: 'done', complete: this.#names.some((name) => tasks[name] === 'completed') };
    switch (event.type) {
      case 'fermata.cancel':
      case 'fermata.runTimedOut':
        return { live };
      case 'fermata.resume':
        return { candidates: free(0) };
      case 'fermata.task.parked':
        return { candidates: free(1) };
      case 'fermata.task.wantsSlot':
        return {};
      case 'fermata.task.adds':
        return { additions: { tasks: [{ spec: { name: ADDED }, depth: 1, join: true }], skip: [] } };
      case 'fermata.task.cancel': {
        const task = String(event['task']);
        return live.includes(task) ? { cancels: 'actor' } : { candidates: free(1, task), live, output };
      }
      default:
        return { candidates: free(1), live, output, ...(event['held'] === false ? { waited: true } : {}) };
    }
  }

  #candidates(tasks: RunState['tasks'], slots: number): readonly Candidate[] {
    return this.#names
      .flatMap((name, root): Candidate[] =>
        tasks[name] === 'unbegun'
          ? [{ name, live: false, ...(name === ADDED ? {} : { root }) }]
          : tasks[name] === 'queued'
            ? [{ name, live: true }]
            : [],
      )
      .slice(0, Math.max(0, slots));
  }
}

function done(name: string, status: TaskOutput['status'], held: boolean): Event {
  const consequence = status === 'completed' ? 'none' : 'fail';
  const error = status === 'completed' ? null : { code: status, message: status };
  return { type: `xstate.done.actor.${name}`, actorId: name, output: { name, status, held, consequence, error } };
}
