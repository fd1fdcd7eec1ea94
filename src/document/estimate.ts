/**
 * What a run will cost, before it begins: by task and in all, the least, what to expect, and the most.
 *
 * E1. A run that completes costs at least `lowest` and at most `highest`, where no number is a guess. It says which are.
 *     A call that a crash cuts off, and is asked again, comes on top.
 * E2. A model without a price is not free: its calls are counted apart.
 * E3. What the input decides is decided: conditions and lists that read nothing else.
 * E4. No model is called, nothing is stored, and a document of 100,000 tasks lets others have their turn.
 */
import { hasGuess, NO_CALLS, perhaps, plus, type Calls } from '../cost/estimate/calls.ts';
import { plus as plusFigures, type Source } from '../cost/estimate/figure.ts';
import { ZERO, type Range } from '../cost/estimate/range.ts';
import type { TokenCount } from '../cost/tokens.ts';
import type { LookUp } from './analysis/children.ts';
import { reachOf } from './analysis/reach.ts';
import { sumOf } from './analysis/sum.ts';
import { tasksOf, type Tasks } from './analysis/tasks.ts';
import { Warnings } from './analysis/warnings.ts';
import { FermataError } from '../errors.ts';
import type { Definition } from './definition.ts';
import { expressionsOf } from './expression.ts';
import { Given } from './estimate/given.ts';
import type { Learned } from './estimate/learned.ts';
import { listLength, type ListLength } from './estimate/list-length.ts';
import { outlookOf, type Outlook } from './estimate/outlook.ts';
import type { Length } from './estimate/prompt-length.ts';
import type { ChildCalls, Counting, Line, TaskCalls } from './estimate/counting.ts';
import { taskCalls } from './estimate/task-calls.ts';
import { checkInput } from './input.ts';
import { prepareSubworkflow, type SubworkflowSpec } from './kinds/subworkflow.ts';
import { subworkflowsOf } from './known-workflows.ts';
import type { Tiers } from './models.ts';
import { parseDocument } from './parse.ts';
import type { Price } from './prices.ts';
import { readsOf } from './prompt.ts';
import type { ComparisonSettings } from './similar.ts';
import { eachOf, type Steps } from './steps.ts';

/** A task of the estimate. */
export interface TaskEstimate {
  readonly task: string;
  /** That it runs. */
  readonly chance: number;
  readonly chanceFrom: Source;
  readonly lines: readonly Line[];
}

/** What a run comes to. */
export interface Estimate {
  /** Of tasks that may run and call models, in document order. What they come to where they run. */
  readonly tasks: readonly TaskEstimate[];
  /** Over all branches. */
  readonly total: Calls;
  /** The same without the runs that its tasks begin, whose budgets are their own. */
  readonly own: Calls;
  /** True where a number of the total is a guess. */
  readonly guessed: boolean;
  /** Whether each task may run, by name. */
  readonly outlooks: ReadonlyMap<string, Outlook>;
  readonly ordered: Tasks;
  /** Tokens of its output. */
  readonly output: Length;
  readonly given: Given;
  /** Of the runs that its tasks begin, as far as their workflows are known here. */
  readonly below: ReadonlyMap<SubworkflowSpec, Estimate>;
}

/** What it is made with. */
export interface Estimating {
  /** Of the run, checked, with its defaults. */
  readonly input: unknown;
  /** What a model costs for a document. */
  priceOf(definition: Definition): Price;
  /** How many tokens a text is at most. */
  count(text: string, model: string): TokenCount;
  readonly learned: Learned;
  /** Of the configuration; default: none. */
  readonly tiers?: Tiers;
  /** Who makes vectors and judges, of the configuration; default: what a process takes without one. */
  readonly comparing?: ComparisonSettings | undefined;
  /** True where the run has a budget that its document does not say. */
  readonly hasBudget?: boolean;
  /** True: as if all that choose chose the cheapest model. */
  readonly atCheapest?: boolean;
  /** That a task of a workflow ran in earlier runs, from 0 to 1; default: nobody knows. */
  chance?(workflow: string, task: string): number | undefined;
  /** The workflows that its tasks run by name; default: none is known. */
  readonly lookUp?: LookUp;
}

/** Runs below the one that is counted; deeper ones are refused when they are to begin. */
const MOST_DEPTH = 8;

/**
 * Estimates a run.
 *
 * @throws FermataError `promptFailed` where a prompt reads only the input, and that lacks what it reads
 * @example
 * await inTurns(estimateOf(definition, { input: { topic: 'tea' }, priceOf, count, learned }))
 */
export function* estimateOf(definition: Definition, estimating: Estimating): Steps<Estimate> {
  return yield* estimated(definition, new Given(estimating.input), estimating, 0);
}

function* estimated(definition: Definition, given: Given, estimating: Estimating, depth: number): Steps<Estimate> {
  const tasks = yield* tasksOf(definition);
  const reach = yield* reachOf(tasks, new Warnings());
  const outlooks = yield* outlookOf(tasks, reach, given, undefined, (task) =>
    estimating.chance?.(definition.name, task),
  );
  const below = yield* childrenOf(definition, given, estimating, depth);
  const children = yield* callsOf(below);
  const outputs = new Map<string, Length>();
  const lists = new Map<string, ListLength>();
  const counting: Counting = {
    tasks,
    given,
    price: estimating.priceOf(definition),
    learned: estimating.learned,
    tiers: estimating.tiers ?? {},
    comparing: estimating.comparing ?? {},
    atCheapest: estimating.atCheapest === true,
    hasBudget: definition.budget !== undefined || (estimating.hasBudget === true && depth === 0),
    children,
    count: (text, model) => estimating.count(text, model),
    outputOf: (task) => outputs.get(task),
    listOf: (task) => lists.get(task),
  };
  const estimates = new Map<string, TaskEstimate>();
  const sums = new Map<string, Calls>();
  yield* eachOf(tasks.order, (spec) => {
    const outlook = outlooks.get(spec.name);
    if (outlook?.may !== true) return;
    const found = attempt(() => taskCalls(spec, counting), outlook);
    if (found === undefined) return;
    const { lines, output } = found;
    outputs.set(spec.name, output);
    if (spec.call.kind === 'map')
      lists.set(spec.name, batches(listLength(spec.call.items, counting), spec.call.batchSize));
    if (lines.length === 0) return;
    estimates.set(spec.name, { task: spec.name, chance: outlook.chance, chanceFrom: outlook.from, lines });
    sums.set(spec.name, lines.reduce<Calls>(plus, NO_CALLS));
  });
  const total = yield* totalOf(tasks, reach, outlooks, sums);
  let own = total;
  if (children.size > 0) {
    for (const { task, lines } of estimates.values())
      sums.set(task, lines.filter(({ part }) => part !== 'run').reduce<Calls>(plus, NO_CALLS));
    own = yield* totalOf(tasks, reach, outlooks, sums);
  }
  return {
    tasks: definition.tasks.flatMap(({ name }) => estimates.get(name) ?? []),
    total,
    own,
    guessed: hasGuess(total),
    outlooks,
    ordered: tasks,
    output: outputOf(tasks, outputs),
    given,
    below,
  };
}

/** A task that may be skipped may lack what it reads, for that very reason; one that runs in any case fails its run. */
function attempt(work: () => TaskCalls, { chance }: Outlook): TaskCalls | undefined {
  try {
    return work();
  } catch (thrown) {
    if (chance < 1 && thrown instanceof FermataError) return undefined;
    throw thrown;
  }
}

/** To expect: each task with its chance. The least and the most: of the cheapest and the dearest branch of each condition. */
function* totalOf(
  tasks: Tasks,
  reach: Parameters<typeof sumOf>[1],
  outlooks: ReadonlyMap<string, Outlook>,
  sums: ReadonlyMap<string, Calls>,
): Steps<Calls> {
  let expected = NO_CALLS;
  yield* eachOf(tasks.definition.tasks, ({ name }) => {
    const sum = sums.get(name);
    const { chance, from } = outlooks.get(name) ?? { chance: 0, from: 'counted' };
    if (sum !== undefined) expected = plus(expected, chance === 1 ? sum : perhaps(sum, chance, from));
  });
  const bounds = yield* sumOf<Bounds>(tasks, reach, {
    nothing: NO_BOUNDS,
    plus: (one, other) => one.map((bound, at) => sumOfBounds(bound, other[at] ?? NO_BOUND)),
    of: ({ name }) => boundsOf(sums.get(name) ?? NO_CALLS),
    with: ({ name }, own, branches) => {
      const outlook = outlooks.get(name);
      const chosen = outlook === undefined || branches.size === 0 ? NO_BOUNDS : oneOf(outlook, branches);
      const isOptional = outlook?.isOptional === true;
      return own.map((bound, at) => {
        const both = sumOfBounds(bound, chosen[at] ?? NO_BOUND);
        return isOptional ? { ...both, lowest: 0 } : both;
      });
    },
  });
  return bounded(expected, bounds);
}

interface Bound {
  readonly lowest: number;
  readonly highest: number;
}
/** Of calls, tokens of prompts, tokens of answers, money, calls without a price. */
type Bounds = readonly Bound[];

const NO_BOUND: Bound = { lowest: 0, highest: 0 };
const NO_BOUNDS: Bounds = boundsOf(NO_CALLS);

function boundsOf({ calls, inputTokens, outputTokens, nanos, unpriced }: Calls): Bounds {
  return [calls.range, inputTokens.range, outputTokens.range, nanos, unpriced];
}

function sumOfBounds(one: Bound, other: Bound): Bound {
  return { lowest: one.lowest + other.lowest, highest: one.highest + other.highest };
}

/** The branches that may be chosen: each number of the one that has least of it, and of the one that has most. */
function oneOf({ branches, mayChooseNone }: Outlook, found: ReadonlyMap<string, Bounds>): Bounds {
  const open = [...branches].map((label) => found.get(label) ?? NO_BOUNDS);
  const all = mayChooseNone || open.length === 0 ? [...open, NO_BOUNDS] : open;
  return NO_BOUNDS.map((_, at) => ({
    lowest: all.reduce((least, bounds) => Math.min(least, bounds[at]?.lowest ?? 0), Infinity),
    highest: all.reduce((most, bounds) => Math.max(most, bounds[at]?.highest ?? 0), 0),
  }));
}

function bounded(expected: Calls, [calls, input, output, nanos, unpriced]: Bounds): Calls {
  const within = (range: Range, { lowest, highest }: Bound = NO_BOUND): Range => ({ ...range, lowest, highest });
  const isBounded = Number.isFinite(nanos?.highest) && Number.isFinite(calls?.highest);
  return {
    calls: { ...expected.calls, range: within(expected.calls.range, calls) },
    inputTokens: { ...expected.inputTokens, range: within(expected.inputTokens.range, input) },
    outputTokens: { ...expected.outputTokens, range: within(expected.outputTokens.range, output) },
    nanos: within(expected.nanos, nanos),
    unpriced: within(expected.unpriced, unpriced),
    unboundedBecause: isBounded ? undefined : expected.unboundedBecause,
  };
}

/** What a run gives: the outputs of the tasks that nobody depends on. */
function outputOf({ definition }: Tasks, outputs: ReadonlyMap<string, Length>): Length {
  const needed = new Set(definition.tasks.flatMap(({ dependsOn }) => dependsOn));
  return definition.tasks
    .filter(({ name }) => !needed.has(name))
    .map(({ name }) => outputs.get(name) ?? NO_OUTPUT)
    .reduce(
      (one, other) => ({
        ...plusFigures(one, other),
        unboundedBecause: one.unboundedBecause ?? other.unboundedBecause,
      }),
      NO_OUTPUT,
    );
}

const NO_OUTPUT: Length = { range: ZERO, from: 'counted' };

function batches(list: ListLength, size: number): ListLength {
  if (size === 1) return list;
  const { lowest, expected, highest } = list.range;
  const range = {
    lowest: Math.ceil(lowest / size),
    expected: Math.ceil(expected / size),
    highest: Math.ceil(highest / size),
  };
  return { range, from: list.from, unboundedBecause: list.unboundedBecause };
}

/** The runs of sub-workflows. */
function* childrenOf(
  definition: Definition,
  given: Given,
  estimating: Estimating,
  depth: number,
): Steps<Estimate['below']> {
  const found = new Map<SubworkflowSpec, Estimate>();
  if (depth >= MOST_DEPTH) return found;
  for (const { call } of subworkflowsOf(definition)) {
    const { workflow, input } = call;
    const child = 'document' in workflow ? parseDocument(workflow.document) : estimating.lookUp?.(workflow);
    if (child === undefined) continue;
    found.set(call, yield* estimated(child, inputOf(child, input, given), estimating, depth + 1));
    yield;
  }
  return found;
}

/** What they come to, each as one line of its task. */
function* callsOf(below: Estimate['below']): Steps<ChildCalls> {
  const found = new Map<SubworkflowSpec, TaskCalls>();
  yield* eachOf([...below], ([call, { tasks, output }]) => {
    const lines = tasks.flatMap((task) =>
      task.chance === 1
        ? task.lines
        : task.lines.map((line) => ({ ...line, ...perhaps(line, task.chance, task.chanceFrom) })),
    );
    found.set(call, { lines, output });
  });
  return found;
}

/** The input of the run of a sub-workflow, where that is in the input of this one. */
function inputOf(child: Definition, input: SubworkflowSpec['input'], given: Given): Given {
  if (!given.isKnown || !readsOnlyInput(input)) return UNKNOWN;
  try {
    const { input: rendered } = prepareSubworkflow(
      { kind: 'subworkflow', workflow: { name: '' }, input, wait: true },
      { input: given.input, tasks: {} },
    );
    return new Given(checkInput(child, rendered));
  } catch (thrown) {
    // The run will say so in its own time.
    if (thrown instanceof FermataError) return UNKNOWN;
    throw thrown;
  }
}

const UNKNOWN = new Given(undefined, false);

function readsOnlyInput(tree: unknown): boolean {
  return expressionsOf(tree, []).every(({ text }) =>
    readsOf(text).variables.every(({ path: [root] }) => root === 'input'),
  );
}
