/**
 * What a run would do, before it begins: what runs side by side, for how long, what people are asked, what it waits for.
 * The runs of its sub-workflows are played through as well.
 */
import { DEFAULTS, lessSure, type Source } from '../cost/estimate/figure.ts';
import { stagesOf } from './analysis.ts';
import type { TaskSpec } from './definition.ts';
import type { Estimate } from './estimate.ts';
import {
  durationOf,
  holdsSlot,
  itemOf,
  type Duration,
  type LearnedDurations,
  type RunDuration,
} from './estimate/durations.ts';
import type { Given } from './estimate/given.ts';
import { listLength, type ListLength } from './estimate/list-length.ts';
import { scheduleOf, type Schedule, type Work } from './estimate/schedule.ts';
import { isDate, type WaitSpec } from './kinds/wait.ts';
import { cut } from './read-values.ts';
import { eachOf, type Steps } from './steps.ts';

/** A task at which a run waits for the world. */
export interface Halt {
  readonly spec: TaskSpec;
  /** Tasks whose runs it is in, of this run first; none: it is a task of this run. */
  readonly within: readonly string[];
  /** It comes once for each item of a list. */
  readonly isPerItem: boolean;
  /** What a person is asked; until when it waits. Absent where the document does not say. */
  readonly said?: Said;
}

/** A text of the document, as far as the input says what will stand there. */
export interface Said {
  readonly text: string;
  /** It stands here as it is written: it reads what only the run finds out. */
  readonly isAsWritten: boolean;
}

/** All of it. */
export interface DryRun {
  readonly estimate: Estimate;
  /** Of tasks that may run. */
  readonly stages: readonly (readonly string[])[];
  /** Of the tasks whose duration is known. */
  readonly schedule: Schedule;
  readonly durations: ReadonlyMap<string, Duration>;
  /** Tasks that may run and whose duration is not known, those of sub-workflows too. */
  readonly unknown: number;
  readonly approvals: readonly Halt[];
  readonly waits: readonly Halt[];
  /** Tasks that may run, and those that will not. */
  readonly tasks: number;
  readonly skipped: readonly string[];
}

/** What the runs of a workflow have taught, by its name; undefined for the run that is asked about. */
export type LearnedOf = (workflow: string | undefined) => LearnedDurations;

/** Approvals, and waits, that are listed. */
const MOST_LISTED = 1_000;

/** Plays a run through. */
export function dryRunOf(estimate: Estimate, learnedOf: LearnedOf): Steps<DryRun> {
  return played(estimate, learnedOf(undefined), learnedOf);
}

function* played(estimate: Estimate, learned: LearnedDurations, learnedOf: LearnedOf): Steps<DryRun> {
  const { ordered: tasks, outlooks, given } = estimate;
  const { definition } = tasks;
  const may = ({ name }: TaskSpec): boolean => outlooks.get(name)?.may === true;
  const stages = (yield* stagesOf(tasks))
    .map((names) => names.filter((name) => outlooks.get(name)?.may === true))
    .filter((names) => names.length > 0);
  const running = definition.tasks.filter(may);
  const below = yield* belowOf(estimate, running, learnedOf);
  const durations = new Map<string, Duration>();
  yield* eachOf(definition.tasks, (spec) => {
    const duration = durationOf(spec, learned, below.get(spec.name)?.duration);
    if (duration !== undefined) durations.set(spec.name, duration);
  });
  const listOf = (name: string): ListLength | undefined => {
    const call = tasks.spec(name)?.call;
    return call?.kind === 'map' ? listLength(call.items, { tasks, given, listOf }) : undefined;
  };
  const works: Work[] = [];
  yield* eachOf(definition.tasks, (spec) => {
    const { name, call, dependsOn, after } = spec;
    const chance = outlooks.get(name)?.chance ?? 0;
    const seconds = (durations.get(name)?.seconds ?? 0) * chance;
    const items = call.kind === 'map' ? (listOf(name)?.range.expected ?? DEFAULTS.items) / call.batchSize : 1;
    const phase = {
      seconds,
      pieces: chance === 0 ? 0 : Math.max(1, Math.ceil(items)),
      holdsSlot: holdsSlot(itemOf(spec)),
      ...(call.kind === 'map' && call.concurrency !== undefined ? { atOnce: call.concurrency } : {}),
    };
    works.push({ name, needs: [...dependsOn, ...after], phases: [phase] });
  });
  const schedule = yield* scheduleOf(works, definition.breadth);
  const halts = yield* haltsOf(running, below, given);
  return {
    estimate,
    stages,
    schedule,
    durations,
    unknown: running.reduce((sum, { name }) => sum + unknownOf(durations.get(name), below.get(name)), 0),
    approvals: halts.approvals,
    waits: halts.waits,
    tasks: running.length,
    skipped: definition.tasks.filter((spec) => !may(spec)).map(({ name }) => name),
  };
}

/** The run that a task begins; of a map, that of each of its items. */
interface RunBelow {
  readonly plan: DryRun;
  /** Of all of it, as far as it is known; undefined where nothing is. */
  readonly duration: RunDuration | undefined;
}
/** By the names of the tasks. */
type Below = ReadonlyMap<string, RunBelow>;

function* belowOf({ below }: Estimate, running: readonly TaskSpec[], learnedOf: LearnedOf): Steps<Below> {
  const found = new Map<string, RunBelow>();
  if (below.size === 0) return found;
  for (const spec of running) {
    const { call } = itemOf(spec);
    const child = call.kind === 'subworkflow' ? below.get(call) : undefined;
    if (child === undefined) continue;
    const plan = yield* played(child, learnedOf(child.ordered.definition.name), learnedOf);
    found.set(spec.name, { plan, duration: wholeOf(plan) });
    yield;
  }
  return found;
}

function wholeOf({ schedule: { seconds }, unknown, durations }: DryRun): RunDuration | undefined {
  if (seconds === 0 && unknown > 0) return undefined;
  const from = [...durations.values()].reduce<Source>((least, one) => lessSure(least, one.from), 'counted');
  return { seconds, from, isPartial: unknown > 0 };
}

/** Tasks behind one task whose duration is not known: those of its run, unless something else says how long it takes. */
function unknownOf(duration: Duration | undefined, run: RunBelow | undefined): number {
  if (run === undefined) return duration === undefined ? 1 : 0;
  return duration === run.duration ? run.plan.unknown : 0;
}

/** Characters of what is said that are kept: a prompt may put in the whole input. */
const LONGEST_SAID = 10_000;

/** Where the run waits for people and for the world, in the order of its tasks. */
function* haltsOf(
  running: readonly TaskSpec[],
  below: Below,
  given: Given,
): Steps<Pick<DryRun, 'approvals' | 'waits'>> {
  const approvals: Halt[] = [];
  const waits: Halt[] = [];
  const add = (halts: Halt[], halt: Halt): void => void (halts.length < MOST_LISTED && halts.push(halt));
  for (const spec of running) {
    const item = itemOf(spec);
    const isPerItem = item !== spec;
    const named = { ...item, name: spec.name };
    if (spec.approval !== undefined && approvals.length < MOST_LISTED) {
      add(approvals, { spec, within: [], isPerItem: false, ...asked(spec, given) });
      yield;
    }
    if (isPerItem && item.approval !== undefined && approvals.length < MOST_LISTED) {
      add(approvals, { spec: named, within: [], isPerItem, ...asked(item, given) });
      yield;
    }
    if (item.call.kind === 'wait') add(waits, { spec: named, within: [], isPerItem, ...awaited(item.call, given) });
    const plan = below.get(spec.name)?.plan;
    if (plan === undefined) continue;
    const inside = (halt: Halt): Halt => ({
      ...halt,
      within: [spec.name, ...halt.within],
      isPerItem: halt.isPerItem || isPerItem,
    });
    for (const halt of plan.approvals) add(approvals, inside(halt));
    for (const halt of plan.waits) add(waits, inside(halt));
  }
  return { approvals, waits };
}

function asked({ approval }: TaskSpec, given: Given): Pick<Halt, 'said'> {
  const template = approval?.prompt;
  if (template === undefined) return {};
  const text = given.text(template);
  return { said: { text: cut(text ?? template, LONGEST_SAID), isAsWritten: text === undefined } };
}

function awaited({ for: what }: WaitSpec, given: Given): Pick<Halt, 'said'> {
  if (!('until' in what)) return {};
  const { until } = what;
  if (isDate(until)) return { said: { text: until, isAsWritten: false } };
  const { value } = given.value(until) ?? {};
  const isKnown = typeof value === 'string' && isDate(value);
  return { said: { text: cut(isKnown ? value : until, LONGEST_SAID), isAsWritten: !isKnown } };
}
