/** What is still to be done of one task, in phases, and what nobody can foresee about it. */
import { lessSure, type Source } from '../../cost/estimate/figure.ts';
import type { TaskRow } from '../../store/tasks.ts';
import { callTimesOf } from '../call-times.ts';
import type { TaskSpec } from '../definition.ts';
import { begunAt, holdsSlot } from '../estimate/durations.ts';
import type { Given } from '../estimate/given.ts';
import type { ListLength } from '../estimate/list-length.ts';
import type { Phase } from '../estimate/schedule.ts';
import type { Group } from '../growth.ts';
import { isDate } from '../kinds/wait.ts';
import type { Expectation, Expectations } from './expectations.ts';
import { secondsLeft } from './left.ts';
import type { Standing } from './standing.ts';

/** What is to come of a task. */
export interface ToCome {
  readonly phases: readonly Phase[];
  /** Who, or what, it waits for or will, in words: nobody knows for how long. */
  readonly holds: readonly string[];
  /** Nobody knows how long its call takes. */
  readonly isUnknown: boolean;
  readonly from: Source;
}

/** What the phases of tasks are made from. */
export interface Foreseeing {
  readonly standing: Pick<Standing, 'now' | 'groups' | 'children'>;
  readonly expectations: Expectations;
  readonly given: Given;
  /** Rows of the items of a map that have begun and not ended. */
  items(map: string): readonly TaskRow[];
  /** How many calls a map is expected to become, or the lowest level of a reduction. */
  list(name: string): ListLength | undefined;
}

/** A task, as it stands. */
export interface OpenTask {
  readonly spec: TaskSpec;
  readonly row: TaskRow | undefined;
  /** That it runs, from 0 to 1. */
  readonly chance: number;
  /** Who added it, where it joined the run. */
  readonly adder?: string;
}

const NOTHING: ToCome = { phases: [], holds: [], isUnknown: false, from: 'counted' };

/** What is to come of one. */
export function toCome(task: OpenTask, foreseeing: Foreseeing): ToCome {
  const { spec, row, chance, adder } = task;
  if (chance === 0) return NOTHING;
  const expectation = foreseeing.expectations.of(spec, adder);
  const own = ownPhases(task, expectation, foreseeing);
  const additions = foreseeing.expectations.additions(spec, expectation);
  const each = additions?.each;
  const added: Phase[] =
    additions === undefined || each === undefined
      ? []
      : [{ seconds: each.seconds * each.pace * chance, pieces: Math.ceil(additions.count), holdsSlot: true }];
  // Before anything else, a back-off.
  const { until } = callTimesOf({ detailJson: row?.detailJson ?? null });
  const isBackingOff = row?.status === 'retrying' && !row.ready && until !== undefined;
  const left = isBackingOff ? Math.max(0, until - foreseeing.standing.now) / 1_000 : 0;
  const pause: Phase[] = isBackingOff ? [{ seconds: left, pieces: 1, holdsSlot: false }] : [];
  return {
    ...own,
    phases: [...pause, ...own.phases, ...added],
    holds: [...gatesOf(spec, row), ...own.holds],
    from: additions === undefined ? own.from : lessSure(own.from, additions.from),
  };
}

/** People who are asked before it begins, or will be, and what a crash left open. */
function gatesOf({ name, approval }: TaskSpec, row: TaskRow | undefined): readonly string[] {
  const said = JSON.stringify(name);
  if (row?.status === 'awaitingApproval') return [`waits for approval of ${said}`];
  if (row?.status === 'inDoubt') return [`waits for a decision about ${said}, whose call a crash cut off`];
  const isOpen = approval !== undefined && (row === undefined || (row.status === 'pending' && !row.live));
  return isOpen ? [`will ask for approval of ${said}`] : [];
}

function ownPhases(task: OpenTask, expectation: Expectation | undefined, foreseeing: Foreseeing): ToCome {
  const { spec, row, chance } = task;
  const { name, call } = spec;
  const { standing } = foreseeing;
  if (call.kind === 'wait') return waitPhases(task, foreseeing);
  const child = standing.children.get(name);
  if (child !== undefined && row?.status === 'running') {
    const { seconds, atLeastSeconds, reason, from = 'counted' } = child;
    const holds = seconds === null ? [`${JSON.stringify(name)}: ${reason ?? 'not known'}`] : [];
    const phase = { seconds: 0, pieces: 0, begun: [seconds ?? atLeastSeconds], holdsSlot: false };
    return { phases: [phase], holds, isUnknown: false, from };
  }
  if (call.kind === 'map' || call.kind === 'reduce') return manyPhases(task, expectation, foreseeing);
  const slot = holdsSlot(spec);
  if (expectation === undefined) return { ...NOTHING, isUnknown: true };
  const { seconds, pace, from } = expectation;
  const phase: Phase = isUnderWay(row)
    ? { seconds: 0, pieces: 0, begun: [leftOf(spec, row, expectation, standing.now)], holdsSlot: slot }
    : { seconds: seconds * pace * chance, pieces: 1, holdsSlot: slot };
  return { phases: [phase], holds: [], isUnknown: false, from };
}

/** Its call goes on: it waits neither for a slot nor for money. */
function isUnderWay(row: TaskRow | undefined): row is TaskRow {
  return row?.status === 'running' && !row.ready && callTimesOf(row).awaitsBudget !== true;
}

function leftOf({ timeoutSeconds }: TaskSpec, row: TaskRow, expectation: Expectation, now: number): number {
  const elapsed = (now - (begunAt(row) ?? now)) / 1_000;
  return secondsLeft(expectation, elapsed, expectation.pace, timeoutSeconds);
}

/** A wait for a time ends when it says; one for an event when it comes. */
function waitPhases({ spec: { name, call }, row, chance }: OpenTask, { standing, given }: Foreseeing): ToCome {
  if (call.kind !== 'wait') return NOTHING;
  if ('event' in call.for) {
    const waits = row?.status === 'running' ? 'waits' : 'will wait';
    return { ...NOTHING, holds: [`${waits} for the event ${JSON.stringify(call.for.event.type)} (${name})`] };
  }
  const { until } = callTimesOf({ detailJson: row?.detailJson ?? null });
  const inSeconds = (date: number): number => Math.max(0, date - standing.now) / 1_000;
  if (row?.status === 'running' && until !== undefined)
    return { ...NOTHING, phases: [{ seconds: 0, pieces: 0, begun: [inSeconds(until)], holdsSlot: false }] };
  if ('seconds' in call.for)
    return { ...NOTHING, phases: [{ seconds: call.for.seconds * chance, pieces: 1, holdsSlot: false }] };
  const written = isDate(call.for.until) ? call.for.until : given.value(call.for.until)?.value;
  if (typeof written !== 'string' || !isDate(written))
    return { ...NOTHING, holds: [`nobody knows yet until when ${JSON.stringify(name)} waits`] };
  return {
    ...NOTHING,
    phases: [{ seconds: 0, pieces: 1, until: inSeconds(Date.parse(written)), holdsSlot: false }],
  };
}

/** The calls of a map, or of the levels of a reduction. */
function manyPhases({ spec, chance }: OpenTask, expectation: Expectation | undefined, foreseeing: Foreseeing): ToCome {
  const { name, call } = spec;
  if (call.kind !== 'map' && call.kind !== 'reduce') return NOTHING;
  const group = foreseeing.standing.groups.get(name);
  const list = group === undefined ? foreseeing.list(name) : undefined;
  const count = group === undefined ? Math.ceil(list?.range.expected ?? 0) : group.total - group.settled;
  const inner: TaskSpec = { ...call.task, name };
  const begun = foreseeing.items(name);
  const asItem = (row: TaskRow): OpenTask => ({ spec: { ...inner, name: row.name }, row, chance: 1 });
  const holds = [
    ...begun.flatMap((row) => gatesOf(asItem(row).spec, row)),
    ...(inner.call.kind === 'wait' ? begun.flatMap((row) => waitPhases(asItem(row), foreseeing).holds) : []),
    ...(count > begun.length && inner.approval !== undefined
      ? [`will ask for approval of items of ${JSON.stringify(name)}`]
      : []),
  ];
  if (expectation === undefined) return { ...NOTHING, holds, isUnknown: count > 0 };
  const each = expectation.seconds * expectation.pace;
  const phase = {
    seconds: each * chance,
    pieces: Math.max(0, count - begun.length),
    begun: begun.map((row) => (isUnderWay(row) ? leftOf(inner, row, expectation, foreseeing.standing.now) : each)),
    holdsSlot: holdsSlot(inner),
    ...(call.kind === 'map' && call.concurrency !== undefined ? { atOnce: call.concurrency } : {}),
  };
  const above = call.kind === 'reduce' ? levelsAbove(group === undefined ? count : lastLevel(group), call.arity) : [];
  return {
    phases: [phase, ...above.map((pieces) => ({ seconds: each * chance, pieces, holdsSlot: phase.holdsSlot }))],
    holds,
    isUnknown: false,
    from: list === undefined ? expectation.from : lessSure(expectation.from, list.from),
  };
}

function lastLevel({ total, parts }: Group): number {
  return total - (parts.at(-1)?.from ?? 0);
}

/** Calls of the levels of a tree above one of so many, up to the one that gives the result. */
function levelsAbove(calls: number, arity: number): readonly number[] {
  const levels: number[] = [];
  for (let left = calls; left > 1;) {
    left = Math.ceil(left / arity);
    levels.push(left);
  }
  return levels;
}
