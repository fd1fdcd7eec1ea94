/** How long tasks take: as their author says, as their kind says, or as they took in earlier runs of the workflow. */
import type { Source } from '../../cost/estimate/figure.ts';
import type { TaskRow } from '../../store/tasks.ts';
import { callTimesOf } from '../call-times.ts';
import type { TaskSpec } from '../definition.ts';
import { mapsAround } from '../growth.ts';
import { spreadOf, type Spread } from './learned.ts';

/** How long one task takes, in seconds. */
export interface Duration {
  readonly seconds: number;
  readonly from: Source;
}

/** How long a task took in earlier runs. */
export interface LearnedDuration extends Spread {
  /** In seconds, the shortest first. */
  readonly all: readonly number[];
}

/** What a task added to its run in earlier ones. */
export interface LearnedAdditions {
  /** Tasks, each time. */
  readonly count: number;
  readonly seconds: LearnedDuration;
}

/** What earlier runs teach. Of a map: what each of its items took. */
export interface LearnedDurations {
  /** @param model where it has answered the task before, only what it took counts */
  of(task: string, model?: string): LearnedDuration | undefined;
  additions(task: string): LearnedAdditions | undefined;
  /** That it ran and was not skipped: more than 0 and less than 1, since the next run may be the first one to do otherwise. */
  chance(task: string): number | undefined;
}

/** Nothing is known. */
export const NO_DURATIONS: LearnedDurations = {
  of: () => undefined,
  additions: () => undefined,
  chance: () => undefined,
};

/** What a row keeps that matters here. */
interface Detail {
  readonly parent?: string;
  readonly model?: string;
  readonly reused?: unknown;
  readonly edited?: unknown;
  readonly cacheHit?: unknown;
}

/**
 * When the call began that is under way, or was the last: after a failure, a crash or a wait for money it began anew.
 * Milliseconds since 1970; undefined of a task that has not begun.
 */
export function begunAt({ startedAt, detailJson }: Pick<TaskRow, 'startedAt' | 'detailJson'>): number | undefined {
  return callTimesOf({ detailJson }).callAt ?? startedAt ?? undefined;
}

/** Seconds that a task took; undefined where it did not do its work: it failed, or what it gives was known already. */
export function secondsTaken(
  row: Pick<TaskRow, 'status' | 'startedAt' | 'endedAt' | 'detailJson'>,
): number | undefined {
  const { status, endedAt, detailJson } = row;
  if (status !== 'completed' || endedAt === null || isKnown(detailJson)) return undefined;
  const begun = begunAt(row);
  return begun === undefined ? undefined : Math.max(0, endedAt - begun) / 1_000;
}

const KNOWN = ['reused', 'edited', 'cacheHit'] as const;

function isKnown(detailJson: string | null): boolean {
  // Most rows of 100,000 need not be read for it.
  if (detailJson === null || !KNOWN.some((word) => detailJson.includes(`"${word}"`))) return false;
  const detail = JSON.parse(detailJson) as Detail;
  return KNOWN.some((word) => detail[word] !== undefined && detail[word] !== false);
}

/** Learns from the rows of runs. */
export function durationsOf(runs: readonly (readonly TaskRow[])[]): LearnedDurations {
  const taken = new Map<string, { readonly seconds: number; readonly model: string | undefined }[]>();
  const added = new Map<string, { readonly seconds: number[]; count: number; readonly runs: Set<unknown> }>();
  const ended = new Map<string, { ran: number; all: number }>();
  for (const rows of runs) {
    // A map itself takes as long as all of its items together.
    const maps = new Set(rows.flatMap(({ name }) => mapsAround(name)));
    for (const row of rows) {
      const ends = ended.get(row.name) ?? { ran: 0, all: 0 };
      ended.set(row.name, ends);
      ends.all += 1;
      if (row.status !== 'skipped') ends.ran += 1;
      const { parent, model } = (row.detailJson === null ? {} : JSON.parse(row.detailJson)) as Detail;
      const seconds = secondsTaken(row);
      if (parent !== undefined && !row.name.startsWith(`${parent}[`)) {
        const known = added.get(parent) ?? { seconds: [], count: 0, runs: new Set() };
        added.set(parent, known);
        known.count += 1;
        known.runs.add(rows);
        if (seconds !== undefined) known.seconds.push(seconds);
      }
      if (seconds === undefined || maps.has(row.name)) continue;
      const task = mapsAround(row.name).at(-1) ?? row.name;
      const known = taken.get(task);
      if (known === undefined) taken.set(task, [{ seconds, model }]);
      else known.push({ seconds, model });
    }
  }
  return {
    of(task, asked) {
      const all = taken.get(task) ?? [];
      const same = asked === undefined ? [] : all.filter(({ model }) => isOf(asked, model));
      return durationIn((same.length === 0 ? all : same).map(({ seconds }) => seconds));
    },
    chance(task) {
      const ends = ended.get(task);
      return ends && (ends.ran + 0.5) / (ends.all + 1);
    },
    additions(task) {
      const known = added.get(task);
      const seconds = durationIn(known?.seconds ?? []);
      return known === undefined || seconds === undefined
        ? undefined
        : { count: known.count / known.runs.size, seconds };
    },
  };
}

/** Providers answer in the name of a dated version: `gpt-4o-mini-2024-07-18`. */
function isOf(asked: string, answered: string | undefined): boolean {
  return answered !== undefined && (answered === asked || answered.startsWith(`${asked}-`));
}

/** Undefined of no seconds at all. */
export function durationIn(seconds: readonly number[]): LearnedDuration | undefined {
  if (seconds.length === 0) return undefined;
  return { all: seconds.toSorted((one, other) => one - other), ...spreadOf(seconds) };
}

/** What the author says of a task; of a map, of each of its items. */
export function declaredSeconds({ call, estimatedDurationSeconds }: TaskSpec): number | undefined {
  const inner = call.kind === 'map' || call.kind === 'reduce' ? call.task.estimatedDurationSeconds : undefined;
  return inner ?? estimatedDurationSeconds;
}

/** How long the run takes that a sub-workflow waits for. */
export interface RunDuration extends Duration {
  /** Of some of its tasks nobody knows how long they take. */
  readonly isPartial: boolean;
}

/**
 * How long a task takes; of a map, each of its items. A wait for a time span says that itself, and a decision takes no time.
 * Half of a run says less than what it took as a whole.
 */
export function durationOf(spec: TaskSpec, learned: LearnedDurations, run?: RunDuration): Duration | undefined {
  const declared = declaredSeconds(spec);
  if (declared !== undefined) return { seconds: declared, from: 'declared' };
  const { call } = itemOf(spec);
  if (call.kind === 'wait' && 'seconds' in call.for) return { seconds: call.for.seconds, from: 'declared' };
  if (call.kind === 'condition' || (call.kind === 'subworkflow' && !call.wait)) return { seconds: 0, from: 'counted' };
  if (run?.isPartial === false) return run;
  const known = learned.of(spec.name, modelOf(spec));
  return known === undefined ? run : { seconds: known.median, from: 'learned' };
}

/** The task of the items of a map; of another task itself. */
export function itemOf(spec: TaskSpec): TaskSpec {
  return spec.call.kind === 'map' ? spec.call.task : spec;
}

/** The model that a task asks first; undefined of one that asks none, or that an expression names. */
export function modelOf(spec: TaskSpec): string | undefined {
  const { call: asked } = itemOf(spec);
  return asked.kind === 'model' && !asked.model.includes('{') ? asked.model : undefined;
}

/** Others run while it only waits: for time, an event, another run, what it adds. */
export function holdsSlot({ call }: Pick<TaskSpec, 'call'>): boolean {
  return call.kind !== 'wait' && call.kind !== 'subworkflow' && call.kind !== 'planExecuteReflect';
}
