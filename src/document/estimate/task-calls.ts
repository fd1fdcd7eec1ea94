/**
 * What one task comes to, where it runs: its calls by the model that is asked, and the length of what it gives.
 *
 * The least is that of a task that succeeds at once, with the shortest lists and empty answers; the most that of one
 * whose every attempt fails at its very end, and whose every answer has to be mended.
 */
import { callOf, NO_CALLS, perhaps, plus, repeated, type Calls } from '../../cost/estimate/calls.ts';
import { DEFAULTS, lessSure, plus as plusFigures, type Figure } from '../../cost/estimate/figure.ts';
import type { StatedChoice } from '../../cost/choice-reason.ts';
import { exactly, ZERO } from '../../cost/estimate/range.ts';
import type { TokenCount } from '../../cost/tokens.ts';
import { callsOf as callsOfReduction } from '../analysis/worst-case.ts';
import type { Tasks } from '../analysis/tasks.ts';
import { FROM_OUTPUT, type TaskSpec } from '../definition.ts';
import { isRecord } from '../json.ts';
import type { ModelCallSpec } from '../kinds/model.ts';
import type { PlanExecuteReflectSpec } from '../kinds/plan-execute-reflect.ts';
import type { SubworkflowSpec } from '../kinds/subworkflow.ts';
import { askedModels } from '../models.ts';
import type { Price } from '../prices.ts';
import type { ComparisonSettings } from '../similar.ts';
import type { Variable } from '../reads.ts';
import { overModels, type ChoosingOfEstimate } from './choice.ts';
import type { Given } from './given.ts';
import type { Learned } from './learned.ts';
import { listLength, type ListLength } from './list-length.ts';
import { sideLines } from './side-calls.ts';
import { promptLength, textLength, type Count, type Length, type Reading } from './prompt-length.ts';

/** Which calls of a task: its own, or those of what it adds to the run. */
export type Part = 'plan' | 'execute' | 'reflect' | 'answer' | 'added' | 'run' | 'embedding' | 'verify';

/** Calls of one task to one model. */
export interface Line extends Calls {
  readonly part?: Part;
  /** Absent of another run, whose tasks ask several. */
  readonly provider?: string;
  readonly model?: string;
  /** Where it has several models to choose from: which one it would take, as things stand. */
  readonly choice?: StatedChoice;
  /** Of another run: the workflow. */
  readonly workflow?: string;
}

/** What a task comes to. */
export interface TaskCalls {
  readonly lines: readonly Line[];
  /** Tokens of its output. */
  readonly output: Length;
}

/** What a run of another workflow comes to; undefined: it is not known here. */
export type ChildCalls = ReadonlyMap<SubworkflowSpec, TaskCalls>;

/** What it is counted with. */
export interface Counting extends ChoosingOfEstimate {
  readonly tasks: Tasks;
  readonly given: Given;
  readonly learned: Learned;
  readonly children: ChildCalls;
  /** Who makes vectors and judges. */
  readonly comparing: ComparisonSettings;
  count(text: string, model: string): TokenCount;
  /** What is known of a task that comes before. */
  outputOf(task: string): Length | undefined;
  /** Lists of tasks that come before. */
  listOf(task: string): ListLength | undefined;
}

/** Tokens around the text of a message, and around a request: at the most, and as OpenAI counts. */
const MOST_PER_MESSAGE = 8;
const MOST_PER_REQUEST = 16;
const PER_MESSAGE = 4;
const PER_REQUEST = 3;
/** Tokens with which a model is told what is wrong with its answer. */
const COMPLAINT = 500;
/** Tokens of what has no text of its own: a decision, the end of a wait. */
const DECISION: Length = {
  range: { lowest: 0, expected: 20, highest: Infinity },
  from: 'default',
  unboundedBecause: 'a prompt reads what a condition found',
};

/** Items that are rendered one by one. */
const MOST_RENDERED = 10_000;

/** Estimates a task of the document. */
export function taskCalls(spec: TaskSpec, counting: Counting): TaskCalls {
  const own = ownCalls(spec, spec, counting, undefined);
  const { onComplete } = spec;
  if (onComplete === undefined) return own;
  const { dynamicTaskLimit, maxDynamicDepth } = onComplete;
  let most = 0;
  for (let depth = 1; depth <= maxDynamicDepth; depth += 1) most += dynamicTaskLimit ** depth;
  const count: Figure = {
    range: { lowest: 0, expected: Math.min(DEFAULTS.addedTasks, dynamicTaskLimit), highest: most },
    from: 'default',
  };
  const { calls, ...asked } = overModels(askedModels({}, counting.tasks.definition), counting, (one) => ({
    calls: addedCall(one, onComplete.maxOutputTokens, counting),
  }));
  return { ...own, lines: [...own.lines, { part: 'added', ...asked, ...repeated(calls, count) }] };
}

/** @param item of a map, where it is known */
function ownCalls(spec: TaskSpec, owner: TaskSpec, counting: Counting, item: Reading['own']): TaskCalls {
  const { call } = spec;
  switch (call.kind) {
    case 'model': {
      const { output, calls, ...asked } = overModels(call, counting, (one) => {
        const length = answerLength(spec, one, owner, counting);
        return {
          output: length,
          calls: modelCalls(spec, one, owner, length, readingOf(counting, one.model, item), counting),
        };
      });
      const { provider, model } = asked;
      const side = sideLines(
        spec,
        { ...call, provider, model },
        output,
        (name) => readingOf(counting, name, item),
        counting,
      );
      return { lines: [{ ...asked, ...calls }, ...side], output };
    }
    case 'map':
      return mapCalls(spec, owner, counting, item);
    case 'reduce':
      return reduceCalls(spec, owner, counting);
    case 'planExecuteReflect':
      return roundCalls(call, spec, counting);
    case 'subworkflow':
      return childCalls(call, spec, counting);
    case 'code':
      return {
        lines: [],
        output: valueLength(spec, `a prompt reads what function ${JSON.stringify(call.function)} gives`),
      };
    case 'wait':
      return { lines: [], output: valueLength(spec, 'a prompt reads an event') };
    case 'condition':
      return { lines: [], output: DECISION };
  }
}

function valueLength({ expectedOutputTokens }: TaskSpec, because: string): Length {
  return {
    range: { lowest: 0, expected: expectedOutputTokens ?? DEFAULTS.valueTokens, highest: Infinity },
    from: expectedOutputTokens === undefined ? 'default' : 'declared',
    unboundedBecause: because,
  };
}

/** Tokens of an answer. */
function answerLength(
  { expectedOutputTokens }: Pick<TaskSpec, 'expectedOutputTokens'>,
  call: ModelCallSpec,
  owner: TaskSpec,
  { learned, tasks }: Counting,
): Length {
  const { maxOutputTokens } = call;
  const known = learned.of(tasks.definition.name, owner.name, call);
  const most = maxOutputTokens ?? Infinity;
  const wanted = expectedOutputTokens ?? known?.outputTokens.median ?? DEFAULTS.answerTokens;
  const expected = Math.min(wanted, most);
  const source = expectedOutputTokens !== undefined ? 'declared' : known !== undefined ? 'learned' : 'default';
  const highest = maxOutputTokens ?? Math.max(DEFAULTS.mostAnswerTokens, expected, known?.outputTokens.p90 ?? 0);
  // What is declared as the most is no guess of the most; what to expect still may be one.
  return { range: { lowest: 0, expected, highest }, from: source };
}

function readingOf(counting: Counting, model: string, own: Reading['own']): Reading {
  const count: Count = (text) => counting.count(text, model);
  return {
    given: counting.given,
    count,
    lengthOf: (path) => lengthAt(path, counting),
    ...(own === undefined ? {} : { own }),
  };
}

function lengthAt([root, name, member]: Variable['path'], counting: Counting): Length {
  if (root === 'tasks' && member === 'status') return { range: exactly(2), from: 'counted' };
  const known = root === 'tasks' && name !== undefined ? counting.outputOf(name) : undefined;
  if (known !== undefined) return { ...known, range: { ...known.range, lowest: 0 } };
  const what =
    root === 'input'
      ? 'the input of a run that a task begins'
      : root === 'shared'
        ? `the shared value ${JSON.stringify(name)}`
        : root === 'item'
          ? 'an item'
          : String(root);
  return {
    range: { lowest: 0, expected: DEFAULTS.valueTokens, highest: Infinity },
    from: 'default',
    unboundedBecause: `a prompt reads ${what}, which is not there yet`,
  };
}

/** Attempts and mended answers of one model call. */
function modelCalls(
  spec: TaskSpec,
  call: ModelCallSpec,
  owner: TaskSpec,
  output: Length,
  reading: Reading,
  counting: Counting,
): Calls {
  const { learned, tasks, price } = counting;
  const known = learned.of(tasks.definition.name, owner.name, call);
  let input = requestLength(call, reading);
  // What was sent before is nearer to it than what texts of unknown length come to.
  if (known !== undefined && input.from !== 'counted' && input.from !== 'declared')
    input = { ...input, range: { ...input.range, expected: known.inputTokens.median }, from: 'learned' };
  const once = callOf(input, output, price(call), input.unboundedBecause ?? output.unboundedBecause);
  const calls = attempts(once, input, output, spec, call, price(call), known?.callsEach);
  // Its answer may be kept from another time: then nothing is asked.
  return call.cache === undefined ? calls : perhaps(calls, 1, 'default');
}

function attempts(
  once: Calls,
  input: Length,
  output: Length,
  { retry, onComplete }: Pick<TaskSpec, 'retry' | 'onComplete'>,
  call: ModelCallSpec,
  prices: ReturnType<Price>,
  learnedEach: number | undefined,
): Calls {
  const isJson = call.responseFormat !== 'text';
  const sendsBack = onComplete?.addTasks === FROM_OUTPUT;
  const most = (1 + retry.maxRetries + (sendsBack ? 1 : 0)) * (isJson ? 2 : 1);
  const expected = learnedEach === undefined ? 1 : Math.min(Math.max(1, learnedEach), most);
  const from = learnedEach === undefined ? 'counted' : 'learned';
  if (most === 1) return once;
  // A call that mends sends along what is to be mended.
  const longest: Length =
    isJson || sendsBack
      ? { ...input, range: { ...input.range, highest: input.range.highest + output.range.highest + COMPLAINT } }
      : input;
  const dearest = callOf(longest, output, prices, once.unboundedBecause);
  return repeated(dearest, { range: { lowest: 1, expected, highest: most }, from });
}

/** Tokens of all that is sent. */
function requestLength({ prompt, system, responseFormat }: ModelCallSpec, reading: Reading): Length {
  const { count } = reading;
  const texts = [prompt, ...(system === undefined ? [] : [system])].map((text) => promptLength(text, reading));
  const format = responseFormat === 'text' ? undefined : formatLength(responseFormat, count);
  const hasSystem = system !== undefined || format !== undefined;
  const messages = hasSystem ? 2 : 1;
  const around: Length = {
    range: {
      lowest: 0,
      expected: PER_REQUEST + PER_MESSAGE * messages,
      highest: MOST_PER_REQUEST + MOST_PER_MESSAGE * messages,
    },
    from: 'counted',
  };
  return [around, ...texts, ...(format === undefined ? [] : [format])].reduce(joined);
}

/** How a schema is put to a model is each provider's own: at the most, each byte of it is a token. */
function formatLength(format: Exclude<ModelCallSpec['responseFormat'], 'text'>, count: Count): Length {
  const text = isRecord(format) ? JSON.stringify(format) : 'Answer with a JSON object.';
  const { expected } = textLength(text, count).range;
  return { range: { lowest: 0, expected, highest: 2 * new TextEncoder().encode(text).length + 100 }, from: 'counted' };
}

function joined(one: Length, other: Length): Length {
  return { ...plusFigures(one, other), unboundedBecause: one.unboundedBecause ?? other.unboundedBecause };
}

/** As often as a list has items: each by itself where the list is known. */
function mapCalls(spec: TaskSpec, owner: TaskSpec, counting: Counting, own: Reading['own']): TaskCalls {
  const { call } = spec;
  if (call.kind !== 'map') return { lines: [], output: valueLength(spec, '') };
  const { task } = call;
  const list = listLength(call.items, counting, own);
  const doubtful = task.when !== undefined || task.cancelWhen !== undefined;
  const maybe = (line: Line): Line =>
    doubtful ? { ...line, ...perhaps(line, task.when === undefined ? 1 : DEFAULTS.chance, 'default') } : line;
  if (list.items !== undefined && list.items.length <= MOST_RENDERED) {
    const batches = batched(list.items, call.batchSize);
    const each = batches.map((item, index) => ownCalls(task, owner, counting, { item, index }));
    return {
      lines: together(each.map(({ lines }) => lines)).map(maybe),
      output: each.map((one) => one.output).reduce(joined, EMPTY_LIST),
    };
  }
  const inner = ownCalls(task, owner, counting, undefined);
  const asked =
    task.call.kind === 'model' ? counting.learned.of(counting.tasks.definition.name, owner.name, task.call) : undefined;
  const batches = perBatch(list, call.batchSize);
  const count: Figure =
    asked !== undefined && list.from === 'default'
      ? { range: { ...batches.range, expected: Math.min(asked.timesEach, batches.range.highest) }, from: 'learned' }
      : batches;
  const lines = inner.lines.map((line) => maybe({ ...line, ...repeated(line, count, list.unboundedBecause) }));
  const { range, from, unboundedBecause } = inner.output;
  const output: Length = {
    range: {
      lowest: 0,
      expected: range.expected * count.range.expected,
      highest: count.range.highest === 0 ? 2 : (range.highest + 2) * count.range.highest,
    },
    from: lessSure(from, count.from),
    unboundedBecause: unboundedBecause ?? list.unboundedBecause,
  };
  return { lines, output };
}

const EMPTY_LIST: Length = { range: { lowest: 0, expected: 2, highest: 2 }, from: 'counted' };

/** Lines of many items, place by place: they are of one task, and so alike. */
function together(each: readonly (readonly Line[])[]): readonly Line[] {
  const [first = [], ...rest] = each;
  const sums = [...first];
  for (const lines of rest)
    for (const [at, line] of lines.entries()) sums[at] = { ...line, ...plus(sums[at] ?? NO_CALLS, line) };
  return sums;
}

function batched(items: readonly unknown[], size: number): readonly unknown[] {
  if (size === 1) return items;
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, (at + 1) * size));
}

function perBatch({ range, from }: Figure, size: number): Figure {
  const { lowest, expected, highest } = range;
  return {
    range: {
      lowest: Math.ceil(lowest / size),
      expected: Math.ceil(expected / size),
      highest: Math.ceil(highest / size),
    },
    from,
  };
}

/** A tree of calls over a list. */
function reduceCalls(spec: TaskSpec, owner: TaskSpec, counting: Counting): TaskCalls {
  const { call } = spec;
  if (call.kind !== 'reduce' || call.task.call.kind !== 'model') return { lines: [], output: valueLength(spec, '') };
  const { arity, over, task } = call;
  const { call: asked } = call.task;
  const list = counting.listOf(over) ?? listLength(`tasks[${JSON.stringify(over)}].output`, counting);
  const output = answerLength(task, asked, owner, counting);
  const whole = counting.outputOf(over);
  const { range } = list;
  const entries = Math.max(1, range.expected);
  // A call sees a part of the list, or as many answers.
  const part: Length = {
    range: {
      lowest: 0,
      expected: ((whole?.range.expected ?? DEFAULTS.valueTokens) / entries) * Math.min(arity, entries),
      highest: Math.max(whole?.range.highest ?? Infinity, (output.range.highest + 2) * arity),
    },
    from: lessSure(whole?.from ?? 'default', list.from),
    unboundedBecause:
      whole === undefined ? `a prompt reads the list of ${JSON.stringify(over)}` : whole.unboundedBecause,
  };
  const seenBy = (model: string): Reading => {
    const reading = readingOf(counting, model, undefined);
    return {
      ...reading,
      lengthOf: (path) => (path[0] === 'tasks' && path[1] === over ? part : reading.lengthOf(path)),
    };
  };
  const { calls, ...chosen } = overModels(asked, counting, (one) => ({
    calls: modelCalls(task, one, owner, answerLength(task, one, owner, counting), seenBy(one.model), counting),
  }));
  const { provider, model } = chosen;
  const side = sideLines(task, { ...asked, provider, model }, output, seenBy, counting);
  const callsFor = (length: number): number => (Number.isFinite(length) ? callsOfReduction(length, arity) : Infinity);
  const count: Figure = {
    range: { lowest: callsFor(range.lowest), expected: callsFor(range.expected), highest: callsFor(range.highest) },
    from: list.from,
  };
  const lines = [{ ...chosen, ...calls }, ...side];
  return { lines: lines.map((line) => ({ ...line, ...repeated(line, count, list.unboundedBecause) })), output };
}

/** The run of another workflow. One whose workflow is not known here is a line of its own, without a number. */
function childCalls(call: SubworkflowSpec, spec: TaskSpec, counting: Counting): TaskCalls {
  const { name } = call.workflow;
  const child = counting.children.get(call);
  const because = `the workflow ${JSON.stringify(name)} is not known here`;
  const sum = child === undefined ? unknownRun(because) : child.lines.reduce<Calls>(plus, NO_CALLS);
  const tries: Figure = { range: { lowest: 1, expected: 1, highest: 1 + spec.retry.maxRetries }, from: 'counted' };
  const output = call.wait
    ? (child?.output ?? valueLength(spec, because))
    : { range: exactly(20), from: 'default' as const };
  return { lines: [{ part: 'run', workflow: name, ...repeated(sum, tries, because) }], output };
}

function unknownRun(unboundedBecause: string): Calls {
  const unknown: Figure = { range: { lowest: 0, expected: 0, highest: Infinity }, from: 'default' };
  return {
    calls: unknown,
    inputTokens: unknown,
    outputTokens: unknown,
    nanos: unknown.range,
    unpriced: { lowest: 0, expected: 1, highest: 1 },
    unboundedBecause,
  };
}

/** A call of a task that joins the run: nobody knows yet what it asks. */
function addedCall(
  asked: { readonly provider: string; readonly model: string },
  maxOutputTokens: number | undefined,
  { price }: Counting,
): Calls {
  const most = maxOutputTokens ?? DEFAULTS.mostAnswerTokens;
  const input: Figure = {
    range: { lowest: 0, expected: DEFAULTS.addedPromptTokens, highest: DEFAULTS.mostAddedPromptTokens },
    from: 'default',
  };
  const output: Figure = {
    range: { lowest: 0, expected: Math.min(DEFAULTS.answerTokens, most), highest: most },
    from: 'default',
  };
  return repeated(callOf(input, output, price(asked), undefined), {
    range: { lowest: 1, expected: 1, highest: 8 },
    from: 'counted',
  });
}

/** Rounds of a plan, its tasks and a reflection; at last an answer. */
function roundCalls(call: PlanExecuteReflectSpec<TaskSpec>, spec: TaskSpec, counting: Counting): TaskCalls {
  const { phases, depth, dynamicTaskLimit, goal } = call;
  const own = phases.answer.call;
  if (own.kind !== 'model') return { lines: [], output: valueLength(spec, '') };
  const rounds: Figure = {
    range: { lowest: 1, expected: Math.min(DEFAULTS.rounds, depth), highest: depth },
    from: 'default',
  };
  const each = Math.min(DEFAULTS.addedTasks, dynamicTaskLimit);
  const steps: Figure = {
    range: { lowest: 0, expected: rounds.range.expected * each, highest: depth * dynamicTaskLimit },
    from: 'default',
  };
  const { maxOutputTokens } = own;
  const executed = overModels(own, counting, (one) => ({ calls: addedCall(one, maxOutputTokens, counting) }));
  const reading = readingOf(counting, executed.model, undefined);
  const aim = promptLength(goal, reading);
  const answer = answerLength(spec, own, spec, counting);
  const phaseOf = (name: 'plan' | 'reflect' | 'answer', asked: ModelCallSpec, output: Length): Calls => {
    const said = textLength(asked.prompt.replaceAll(/\{\{[^]*?\}\}|\{%[^]*?%\}/g, ''), reading.count);
    const found = DEFAULTS.answerTokens + DEFAULTS.addedPromptTokens;
    const mostFound = (maxOutputTokens ?? DEFAULTS.mostAnswerTokens) + DEFAULTS.mostAddedPromptTokens;
    const input: Length = {
      range: {
        lowest: 0,
        // Half of the steps are there when a plan or a reflection is asked for, all of them at the end.
        expected:
          said.range.expected + aim.range.expected + (steps.range.expected * found) / (name === 'answer' ? 1 : 2),
        highest: said.range.highest * (1 + steps.range.highest) + aim.range.highest + steps.range.highest * mostFound,
      },
      from: 'default',
      unboundedBecause: aim.unboundedBecause,
    };
    const once = callOf(input, output, counting.price(asked), aim.unboundedBecause);
    return attempts(once, input, output, phases[name], asked, counting.price(asked), undefined);
  };
  const line = (name: 'plan' | 'reflect' | 'answer', output: Length, count: Figure): Line => {
    const { call: asked } = phases[name];
    if (asked.kind !== 'model') return { part: name, ...NO_CALLS };
    const { calls, ...chosen } = overModels(asked, counting, (one) => ({ calls: phaseOf(name, one, output) }));
    return { part: name, ...chosen, ...repeated(calls, count) };
  };
  const thought: Length = {
    ...answer,
    range: { ...answer.range, expected: Math.min(DEFAULTS.answerTokens, answer.range.highest) },
    from: 'default',
  };
  const optional = { ...ZERO, expected: 1, highest: 1 };
  const lines: Line[] = [
    // A plan that is refused is sent back once.
    line('plan', thought, { ...rounds, range: { ...rounds.range, highest: 2 * depth } }),
    {
      part: 'execute',
      provider: executed.provider,
      model: executed.model,
      ...(executed.choice === undefined ? {} : { choice: executed.choice }),
      ...repeated(executed.calls, steps),
    },
    line('reflect', thought, { ...rounds, range: { ...rounds.range, lowest: 0 } }),
    line('answer', answer, { range: optional, from: 'default' }),
  ];
  return { lines, output: answer };
}
