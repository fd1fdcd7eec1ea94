/** What a run would do, before it begins: what runs side by side, for how long, what people are asked, what it waits for. */
import { DEFAULTS } from '../cost/estimate/figure.ts';
import { stagesOf } from './analysis.ts';
import type { TaskSpec } from './definition.ts';
import type { Estimate } from './estimate.ts';
import { durationOf, holdsSlot, type Duration, type LearnedDurations } from './estimate/durations.ts';
import type { Given } from './estimate/given.ts';
import { listLength, type ListLength } from './estimate/list-length.ts';
import { scheduleOf, type Schedule, type Work } from './estimate/schedule.ts';
import { eachOf, type Steps } from './steps.ts';

/** All of it. */
export interface DryRun {
  readonly estimate: Estimate;
  /** Of tasks that may run. */
  readonly stages: readonly (readonly string[])[];
  /** Of the tasks whose duration is known. */
  readonly schedule: Schedule;
  readonly durations: ReadonlyMap<string, Duration>;
  /** Tasks that may run and whose duration is not known. */
  readonly unknown: number;
  readonly approvals: readonly TaskSpec[];
  readonly waits: readonly TaskSpec[];
  /** Tasks that may run, and those that will not. */
  readonly tasks: number;
  readonly skipped: readonly string[];
}

/** Plays a run through. */
export function* dryRunOf(estimate: Estimate, given: Given, learned: LearnedDurations): Steps<DryRun> {
  const { ordered: tasks, outlooks } = estimate;
  const { definition } = tasks;
  const may = ({ name }: TaskSpec): boolean => outlooks.get(name)?.may === true;
  const stages = (yield* stagesOf(tasks))
    .map((names) => names.filter((name) => outlooks.get(name)?.may === true))
    .filter((names) => names.length > 0);
  const durations = new Map<string, Duration>();
  yield* eachOf(definition.tasks, (spec) => {
    const duration = durationOf(spec, learned);
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
      holdsSlot: holdsSlot(spec),
      ...(call.kind === 'map' && call.concurrency !== undefined ? { atOnce: call.concurrency } : {}),
    };
    works.push({ name, needs: [...dependsOn, ...after], phases: [phase] });
  });
  const schedule = yield* scheduleOf(works, definition.breadth);
  const running = definition.tasks.filter(may);
  return {
    estimate,
    stages,
    schedule,
    durations,
    unknown: running.filter(({ name }) => !durations.has(name)).length,
    approvals: running.filter(({ approval }) => approval !== undefined),
    waits: running.filter(({ call }) => call.kind === 'wait'),
    tasks: running.length,
    skipped: definition.tasks.filter((spec) => !may(spec)).map(({ name }) => name),
  };
}
