/** How much a run can come to at most, with the dearest branch of every condition. */
import { constantOf } from '../constant.ts';
import type { OnCompleteSpec, TaskSpec } from '../definition.ts';
import { FROM_OUTPUT } from '../definition.ts';
import type { PlanExecuteReflectSpec } from '../kinds/plan-execute-reflect.ts';
import { eachOf, type Steps } from '../steps.ts';
import { lengthAt, lengthOf, type Around } from './lengths.ts';
import { soleRead, type Known } from './schemas.ts';
import { sumOf } from './sum.ts';
import type { ChildCosts } from './children.ts';
import type { Reach } from './reach.ts';
import type { Tasks } from './tasks.ts';

/** Infinite where it depends on the input. */
export interface Cost {
  /** That run: with the items of maps, the calls of reductions, and added tasks. */
  readonly tasks: number;
  /** Where every call succeeds at once. */
  readonly modelCalls: number;
  /** Where every call fails as often as it may, and every answer that must be JSON is asked for twice. */
  readonly modelCallsWithRetries: number;
}

/** A task that becomes many, and what bounds it. */
export interface Loop {
  readonly task: string;
  readonly kind: 'map' | 'reduce' | 'onComplete' | 'planExecuteReflect' | 'subworkflow';
  /** Items, calls, added tasks, rounds, or tasks of a run; infinite where it depends on the input. */
  readonly atMost: number;
  /** Where the bound comes from, or what it depends on. */
  readonly because: string;
}

/** No task at all. */
export const NOTHING: Cost = { tasks: 0, modelCalls: 0, modelCallsWithRetries: 0 };
const ONE_TASK: Cost = { tasks: 1, modelCalls: 0, modelCallsWithRetries: 0 };
/** What an added task is taken for: a model call with the default retries whose answer is JSON. */
const ADDED_TASK: Cost = { tasks: 1, modelCalls: 1, modelCallsWithRetries: 8 };

/** Counts, and names what repeats. */
export function* worstCaseOf(
  tasks: Tasks,
  reach: Reach,
  children: ChildCosts = new Map(),
): Steps<{ readonly total: Cost; readonly loops: readonly Loop[] }> {
  const loops = new Loops(tasks, children);
  const costs = new Map<string, Cost>();
  yield* eachOf(tasks.order, (spec) => {
    costs.set(spec.name, reach.never(spec.name) ? NOTHING : costOf(spec, spec, loops));
  });
  const total = yield* sumOf(tasks, reach, {
    nothing: NOTHING,
    plus,
    of: ({ name }) => costs.get(name) ?? NOTHING,
    with: (_, cost, branches) => plus(cost, dearest([...branches.values()])),
  });
  return { total, loops: loops.found };
}

/**
 * @param owner the task of the document that it is, or is inside of
 * @param around the maps whose item it is, the nearest first
 */
function costOf(spec: TaskSpec, owner: TaskSpec, loops: Loops, around: readonly Around[] = []): Cost {
  const { call, onComplete } = spec;
  // The task of a map's items, whose map can run.
  if (spec !== owner && spec.when !== undefined && constantOf(spec.when)?.value === false) return NOTHING;
  const own = ((): Cost => {
    switch (call.kind) {
      case 'model':
        return modelCost(spec);
      case 'map':
        return plus(
          ONE_TASK,
          times(loops.items(spec, owner, around), costOf(call.task, owner, loops, [call, ...around])),
        );
      case 'reduce':
        return plus(ONE_TASK, times(loops.calls(spec, owner), modelCost(call.task)));
      case 'planExecuteReflect':
        return plus(ONE_TASK, roundsCost(call, loops.rounds(spec, owner)));
      case 'subworkflow':
        return plus(ONE_TASK, loops.child(spec, owner));
      default:
        return ONE_TASK;
    }
  })();
  return onComplete === undefined ? own : plus(own, times(loops.added(owner, onComplete), ADDED_TASK));
}

function modelCost({ call, retry, onComplete }: TaskSpec): Cost {
  const isJson = call.kind === 'model' && call.responseFormat !== 'text';
  // Tasks that do not fit are sent back once.
  const attempts = 1 + retry.maxRetries + (onComplete?.addTasks === FROM_OUTPUT ? 1 : 0);
  return { tasks: 1, modelCalls: 1, modelCallsWithRetries: attempts * (isJson ? 2 : 1) };
}

/** Each round has its plan, perhaps sent back once, as many tasks as one may have, and its reflection; at last the answer. */
function roundsCost({ phases, dynamicTaskLimit }: PlanExecuteReflectSpec<TaskSpec>, rounds: number): Cost {
  const { plan, reflect, answer } = phases;
  const proposed: Cost = { ...ADDED_TASK, modelCallsWithRetries: 2 * (1 + plan.retry.maxRetries) };
  const round = plus(plus(times(2, modelCost(plan)), times(dynamicTaskLimit, proposed)), modelCost(reflect));
  return plus(times(rounds, round), modelCost(answer));
}

/** The tasks that become many, with their bounds. */
class Loops {
  readonly #tasks: Tasks;
  readonly #bounds = new Map<string, number>();
  readonly #loops: Loop[] = [];
  readonly #children: ChildCosts;

  constructor(tasks: Tasks, children: ChildCosts) {
    this.#tasks = tasks;
    this.#children = children;
  }

  /** In document order. */
  get found(): readonly Loop[] {
    const place = (loop: Loop): number => this.#tasks.spec(loop.task)?.position ?? 0;
    return this.#loops.toSorted((one, other) => place(one) - place(other));
  }

  /** How many items a map has at most. */
  items(spec: TaskSpec, owner: TaskSpec, around: readonly Around[]): number {
    const { call } = spec;
    if (call.kind !== 'map') return 0;
    const path = soleRead(call.items);
    const length = this.#boundOf(path) ?? lengthOf(call.items, around, this.#known);
    const items = Math.ceil(length / call.batchSize);
    const because = Number.isFinite(length) ? `${call.items} has at most ${length}` : `depends on ${call.items}`;
    if (spec === owner) this.#bounds.set(owner.name, items);
    this.#loops.push({ task: owner.name, kind: 'map', atMost: items, because });
    return items;
  }

  /** How many calls a reduction takes at most. */
  calls(spec: TaskSpec, owner: TaskSpec): number {
    const { call } = spec;
    if (call.kind !== 'reduce') return 0;
    const path = ['tasks', call.over, 'output'];
    const length = this.#boundOf(path) ?? lengthAt(path, this.#known);
    const because = Number.isFinite(length)
      ? `${length} outputs, ${call.arity} to a call`
      : `depends on the list of ${JSON.stringify(call.over)}`;
    const calls = Number.isFinite(length) ? callsOf(length, call.arity) : Infinity;
    this.#loops.push({ task: owner.name, kind: 'reduce', atMost: calls, because });
    return calls;
  }

  /** What the runs of a sub-workflow come to, one for each attempt: in the worst case all but the last fail at their end. */
  child({ call, retry }: TaskSpec, owner: TaskSpec): Cost {
    if (call.kind !== 'subworkflow') return NOTHING;
    const { name } = call.workflow;
    const cost = this.#children.get(call);
    const atMost = cost?.tasks ?? Infinity;
    const because = cost === undefined ? `the workflow ${JSON.stringify(name)} is not known here` : `a run of ${name}`;
    this.#loops.push({ task: owner.name, kind: 'subworkflow', atMost, because });
    if (cost === undefined) return { tasks: Infinity, modelCalls: Infinity, modelCallsWithRetries: Infinity };
    return { ...cost, modelCallsWithRetries: cost.modelCallsWithRetries * (1 + retry.maxRetries) };
  }

  /** How many tasks are added at most, where added ones add no more than this one may. */
  added(owner: TaskSpec, { dynamicTaskLimit, maxDynamicDepth }: OnCompleteSpec): number {
    let added = 0;
    for (let depth = 1; depth <= maxDynamicDepth; depth += 1) added += dynamicTaskLimit ** depth;
    const because = `dynamicTaskLimit ${dynamicTaskLimit}, maxDynamicDepth ${maxDynamicDepth}, where added tasks raise neither and repeat nothing`;
    this.#loops.push({ task: owner.name, kind: 'onComplete', atMost: added, because });
    return added;
  }

  /** How many rounds there are at most. */
  rounds({ call }: TaskSpec, owner: TaskSpec): number {
    if (call.kind !== 'planExecuteReflect') return 0;
    const because = `depth ${call.depth}, each with at most ${call.dynamicTaskLimit} tasks (dynamicTaskLimit)`;
    this.#loops.push({ task: owner.name, kind: 'planExecuteReflect', atMost: call.depth, because });
    return call.depth;
  }

  /** How many items the map has whose output stands there. */
  #boundOf(path: readonly (string | undefined)[] = []): number | undefined {
    const [root, name, member] = path;
    return root === 'tasks' && member === 'output' && path.length === 3 ? this.#bounds.get(name ?? '') : undefined;
  }

  get #known(): Known {
    return { ...this.#tasks.definition, spec: (task) => this.#tasks.spec(task) };
  }
}

/** Calls of a reduction: levels of a tree until one answer is left; an empty list is asked about as well. */
export function callsOf(length: number, arity: number): number {
  let level = Math.max(1, Math.ceil(length / arity));
  let calls = level;
  while (level > 1) {
    level = Math.ceil(level / arity);
    calls += level;
  }
  return calls;
}

function plus(one: Cost, other: Cost): Cost {
  return {
    tasks: one.tasks + other.tasks,
    modelCalls: one.modelCalls + other.modelCalls,
    modelCallsWithRetries: one.modelCallsWithRetries + other.modelCallsWithRetries,
  };
}

function times(count: number, cost: Cost): Cost {
  // Infinity times nothing would be no number.
  const many = (value: number): number => (count === 0 || value === 0 ? 0 : count * value);
  return {
    tasks: many(cost.tasks),
    modelCalls: many(cost.modelCalls),
    modelCallsWithRetries: many(cost.modelCallsWithRetries),
  };
}

/** Each number of the branch that has most of it: together they bound every run. */
function dearest(branches: readonly Cost[]): Cost {
  return branches.reduce(
    (most, branch) => ({
      tasks: Math.max(most.tasks, branch.tasks),
      modelCalls: Math.max(most.modelCalls, branch.modelCalls),
      modelCallsWithRetries: Math.max(most.modelCallsWithRetries, branch.modelCallsWithRetries),
    }),
    NOTHING,
  );
}
