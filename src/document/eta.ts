/**
 * How long a run will still take: what is left of it, played through along its graph with no more tasks at once than it
 * lets run.
 *
 * T1. Nothing is made up: where nobody knows, or it depends on people or events, there is no number but a reason, and
 *     the time that the rest takes at least.
 * T2. It is corrected as the run goes: by what its tasks have taken, against what was expected of them.
 * T3. It costs a step of the run nothing: no row, no fact and no count is there for it. Whoever asks pays.
 * T4. Never negative and never NaN, whatever the clock does.
 */
import { DEFAULTS, lessSure, type Source } from '../cost/estimate/figure.ts';
import { exactly } from '../cost/estimate/range.ts';
import type { TaskRow } from '../store/tasks.ts';
import { reachOf } from './analysis/reach.ts';
import { Warnings } from './analysis/warnings.ts';
import { Given } from './estimate/given.ts';
import { listLength, type ListLength } from './estimate/list-length.ts';
import { outlookOf, type Chosen } from './estimate/outlook.ts';
import { scheduleOf, type Work } from './estimate/schedule.ts';
import { Expectations, kindOf } from './eta/expectations.ts';
import { Experience } from './eta/experience.ts';
import { toCome, type Foreseeing, type OpenTask } from './eta/phases.ts';
import type { Standing } from './eta/standing.ts';
import { itemOf } from './growth.ts';
import { eachOf, type Steps } from './steps.ts';
import { isSettled } from './task-status.ts';

/** When a run will have ended. */
export interface Eta {
  /** From now on; null where it is not known. */
  readonly seconds: number | null;
  /** What of it is known: the same, or less than the whole. */
  readonly atLeastSeconds: number;
  /** Why it is not known. */
  readonly reason?: string;
  /** Where the number comes from, by the least sure of its parts. */
  readonly from?: Source;
}

/**
 * The time that a run will still take.
 *
 * @example
 * await inTurns(etaOf(standing)) // { seconds: 42, atLeastSeconds: 42, from: 'learned' }
 */
export function* etaOf(standing: Standing): Steps<Eta> {
  const { tasks, rows, breadth } = standing;
  const { definition } = tasks;
  const given = new Given(standing.input);
  const reach = yield* reachOf(tasks, new Warnings());
  const outlooks = yield* outlookOf(tasks, reach, given, chosenIn(rows), (task) => standing.learned.chance(task));
  const items = new Map<string, TaskRow[]>();
  const experience = new Experience();
  yield* eachOf([...rows.values()], (row) => {
    const spec = tasks.spec(row.name);
    const map = spec === undefined ? itemOf(row.name)?.map : undefined;
    const owner = map === undefined ? spec : tasks.spec(map);
    // What a map takes itself is no measure of anything: its items are.
    if (spec !== undefined && (spec.call.kind === 'map' || spec.call.kind === 'reduce')) return;
    if (isSettled(row.status)) experience.ended(map ?? row.name, owner && kindOf(owner), row);
    else if (map !== undefined) {
      const known = items.get(map);
      if (known === undefined) items.set(map, [row]);
      else known.push(row);
    }
    if (spec === undefined && map === undefined) {
      const adder = adderOf(row);
      if (adder !== undefined) experience.added(adder, row);
    }
  });
  const expectations = new Expectations(standing, experience);
  yield* eachOf(definition.tasks, (spec) => {
    const before = expectations.before(spec);
    if (before !== undefined) experience.expect(spec.name, before.seconds);
  });
  const foreseeing: Foreseeing = {
    standing,
    expectations,
    given,
    items: (map) => items.get(map) ?? [],
    list: (name) => listOf(name, standing, given),
  };
  const open: OpenTask[] = [];
  yield* eachOf(definition.tasks, (spec) => {
    const row = rows.get(spec.name);
    if (row !== undefined && isSettled(row.status)) return;
    open.push({ spec, row, chance: hasBegun(row) ? 1 : (outlooks.get(spec.name)?.chance ?? 0) });
  });
  for (const { spec, adders } of standing.joined) {
    const row = rows.get(spec.name);
    const chance = hasBegun(row) || spec.when === undefined ? 1 : DEFAULTS.chance;
    open.push({ spec, row, chance, ...(adders[0] === undefined ? {} : { adder: adders[0] }) });
  }
  const needs = needsOf(standing);
  const works: Work[] = needs.joins;
  const holds: string[] = [];
  const unknown: string[] = [];
  let from: Source = 'counted';
  yield* eachOf(open, (task) => {
    const coming = toCome(task, foreseeing);
    if (coming.holds.length > 0) holds.push(...coming.holds);
    if (coming.isUnknown) unknown.push(task.spec.name);
    if (coming.phases.length > 0) from = lessSure(from, coming.from);
    // What has begun waits for nothing any more.
    works.push({
      name: task.spec.name,
      needs: hasBegun(task.row) ? [] : needs.of(task),
      phases: coming.phases,
    });
  });
  const { seconds } = yield* scheduleOf(works, breadth);
  const atLeastSeconds = Number.isFinite(seconds) ? Math.max(0, seconds) : 0;
  const reason = reasonOf(holds, unknown);
  return reason === undefined
    ? { seconds: atLeastSeconds, atLeastSeconds, from }
    : { seconds: null, atLeastSeconds, reason };
}

function reasonOf(holds: readonly string[], unknown: readonly string[]): string | undefined {
  const [first, ...others] = holds;
  if (first !== undefined) return others.length === 0 ? first : `${first} (and ${others.length} more)`;
  const [task] = unknown;
  if (task === undefined) return undefined;
  const more = unknown.length === 1 ? '' : ` (nor of ${unknown.length - 1} more)`;
  return `nobody knows how long ${JSON.stringify(task)} takes${more}: write estimatedDurationSeconds, or let the workflow complete once`;
}

/** It does not wait for other tasks any more. */
function hasBegun(row: TaskRow | undefined): boolean {
  return row !== undefined && (row.status !== 'pending' || row.live || row.ready);
}

/** What conditions have come to. */
function chosenIn(rows: ReadonlyMap<string, TaskRow>): Chosen {
  return (name) => {
    const row = rows.get(name);
    if (row === undefined || !isSettled(row.status)) return undefined;
    const { condition } = JSON.parse(row.detailJson ?? '{}') as {
      readonly condition?: { readonly branch?: string | null };
    };
    return row.status === 'completed' ? (condition?.branch ?? null) : null;
  };
}

/** Who added a task that joined the run. */
function adderOf({ detailJson }: TaskRow): string | undefined {
  return detailJson === null ? undefined : (JSON.parse(detailJson) as { readonly parent?: string }).parent;
}

/** How many calls a map becomes, or the lowest level of a reduction. */
function listOf(name: string, standing: Standing, given: Given): ListLength | undefined {
  const { tasks, groups } = standing;
  const entriesOf = (task: string): ListLength | undefined => {
    const group = groups.get(task);
    if (group !== undefined) return { range: exactly(group.total), from: 'counted' };
    const call = tasks.spec(task)?.call;
    if (call?.kind !== 'map') return undefined;
    return dividedBy(call.batchSize, listLength(call.items, { tasks, given, listOf: entriesOf }));
  };
  const call = tasks.spec(name)?.call;
  if (call?.kind !== 'reduce') return entriesOf(name);
  const list =
    entriesOf(call.over) ??
    listLength(`tasks[${JSON.stringify(call.over)}].output`, { tasks, given, listOf: entriesOf });
  return dividedBy(call.arity, list);
}

function dividedBy(size: number, { range, ...list }: ListLength): ListLength {
  const { lowest, expected, highest } = range;
  const parts = (entries: number): number => Math.ceil(entries / size);
  return { ...list, range: { lowest: parts(lowest), expected: parts(expected), highest: parts(highest) } };
}

/** Who waits for whom: who waits for a task waits for what it has added as well. */
function needsOf({ joined, awaited }: Standing): { of(task: OpenTask): readonly string[]; readonly joins: Work[] } {
  const addersOf = new Map(joined.map(({ spec, adders }) => [spec.name, new Set(adders)]));
  // Names of tasks have no slash.
  const whole = (name: string): string => (awaited.has(name) ? `${name}/joined` : name);
  return {
    joins: [...awaited].map(([name, added]) => ({
      name: `${name}/joined`,
      needs: [name, ...added.map(whole)],
      phases: [],
    })),
    of({ spec: { name, dependsOn, after } }) {
      const own = addersOf.get(name);
      // Those that it comes from wait for it.
      return [...dependsOn, ...after].map((needed) => (own?.has(needed) === true ? needed : whole(needed)));
    },
  };
}
