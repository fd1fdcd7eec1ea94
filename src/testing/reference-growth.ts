/**
 * What may be observed of runs that grow: the items of maps, and tasks that tasks add. In words of its own, as the
 * reference model that asks it.
 */
import { isDeepStrictEqual } from 'node:util';
import type { SeenFact } from './observation.ts';
import { addPart, hasRounds } from './reference-rounds.ts';
import { check, ENDED, fresh, functionOf, isAlive, type Run, type Task } from './reference-run.ts';

/** Tasks join the run, or a map has its items. */
export function grow(run: Run, task: Task, { data }: SeenFact, where: string): void {
  const { items, spec } = data as { readonly items?: readonly unknown[]; readonly spec?: Task['plan'] };
  if (spec !== undefined) {
    const adder = run.tasks.get(String(data['parent']));
    if (adder !== undefined && task.from?.as === 'part') return addPart(adder, task, where);
    const hasWaited = adder?.status === 'waiting' || adder?.status === 'inRun';
    const mayAdd = adder?.status === 'running' || (hasWaited && functionOf(adder.plan) === undefined);
    check(mayAdd && adder?.plan.onComplete !== undefined, `P4 ${where}: its parent adds none now`);
    return;
  }
  const { call, name } = task.plan;
  const { items: before = [] } = task;
  const mayGrow = task.status === 'running' && (before.length === 0 || call.kind === 'reduce');
  check(mayGrow && call.task !== undefined && items !== undefined, `P4 ${where}: it has its items, or none`);
  if (call.kind === 'reduce') checkLevel(run, task, items, where);
  const plan = call.task;
  const joining = items.map((item, at) => {
    const index = before.length + at;
    return fresh({ ...plan, name: `${name}[${index}]` }, { task: name, as: 'item' }, { item, index });
  });
  Object.assign(task, { items: [...before, ...joining], level: before.length });
  for (const item of joining) {
    check(!run.tasks.has(item.plan.name), `P4 ${where}: there is a task ${item.plan.name}`);
    run.tasks.set(item.plan.name, item);
  }
}

/** The calls of a level see the list in parts, in its order: at first the one that is reduced, then what the last level gave. */
function checkLevel(run: Run, { plan, items = [], level }: Task, parts: readonly unknown[], where: string): void {
  const { over = '', arity = 0 } = plan.call;
  const last = items.slice(level);
  check(last.length !== 1, `P7 ${where}: it has come to one`);
  check(
    last.every(({ status }) => status === 'completed'),
    `P7 ${where}: the level before is not complete`,
  );
  const list = last.length === 0 ? run.tasks.get(over)?.result : last.map(({ result }) => result);
  check(isDeepStrictEqual(parts.flat(1), list), `P7 ${where}: its parts are not the list`);
  const lengths = parts.map((part) => (part as readonly unknown[]).length);
  const isFull = lengths.every((length, at) => length === arity || (at === lengths.length - 1 && length < arity));
  check(isFull, `P4 ${where}: ${lengths.join(', ')} to a call, and ${arity} are asked for`);
}

/** The task that a fact adds; its name must be free. */
export function added(run: Run, { data }: SeenFact, where: string): Task {
  const { spec, parent, join } = data as {
    readonly spec: Task['plan'];
    readonly parent: string;
    readonly join: boolean;
  };
  check(!run.tasks.has(spec.name), `P4 ${where}: its name is taken`);
  const adder = run.tasks.get(parent);
  const isPart = adder !== undefined && hasRounds(adder) && spec.part !== undefined;
  const task = fresh(spec, { task: parent, as: isPart ? 'part' : join ? 'waitedFor' : 'added' });
  run.tasks.set(spec.name, task);
  return task;
}

/** All items of a map that have not begun are over. */
export function dropItems(run: Run, { data }: SeenFact, where: string): void {
  const map = run.tasks.get(String(data['task']));
  const left = map?.items?.filter((item) => !isAlive(item) && !ENDED.has(item.status)) ?? [];
  check(left.length === data['count'], `P3 ${where}: ${left.length} items of ${map?.plan.name} have not begun`);
  const { onItemFailure = 'stop' } = map?.plan.call ?? {};
  const mayStop = onItemFailure === 'stop' && map?.items?.some(({ bad }) => bad) === true;
  check(mayStop || (map !== undefined && ENDED.has(map.status)), `P4 ${where}: its map goes on`);
  for (const item of left) Object.assign(item, { status: 'cancelled', bad: true, code: 'cancelled' });
}

/** A map gives what its items gave, in their order. */
export function checkItems({ plan, items = [], level }: Task, data: SeenFact['data'], where: string): void {
  const { onItemFailure = 'stop' } = plan.call;
  const left = items.filter(({ status }) => !ENDED.has(status)).length;
  check(left === 0, `P7 ${where}: ${left} of its items have not ended`);
  check(onItemFailure !== 'stop' || !items.some(({ bad }) => bad), `P7 ${where}: one of its items failed`);
  if (plan.call.kind === 'reduce') {
    const [top, ...more] = items.slice(level);
    const isTop = more.length === 0 && top?.status === 'completed' && isDeepStrictEqual(top.result, data['result']);
    return check(isTop, `P7 ${where}: that is not what its last call gave`);
  }
  const given = data['result'] as readonly unknown[];
  check(given.length === items.length, `P7 ${where}: it gives ${given.length} and has ${items.length} items`);
  for (const [at, { status, result, bad, code }] of items.entries()) {
    const place = given[at];
    const isError = bad && onItemFailure === 'collect';
    const fits = isError
      ? (place as { readonly error?: { readonly code?: string } } | null)?.error?.code === code
      : isDeepStrictEqual(place, status === 'completed' ? result : null);
    check(fits, `P7 ${where}: item ${at}, which is ${status}, stands there as ${JSON.stringify(place)}`);
  }
}

/** As many items as the map allows have begun and not ended. */
export function checkConcurrency(run: Run, { from }: Task, where: string): void {
  const map = from?.as === 'item' ? run.tasks.get(from.task) : undefined;
  const most = map?.plan.call.concurrency ?? Infinity;
  const alive = map?.items?.filter(isAlive).length ?? 0;
  check(alive <= most, `P4 ${where}: ${alive} items of ${map?.plan.name} have begun, and at most ${most} may`);
}

/** A task may begin only after another one: that one has ended, with all that it added and that is waited for. */
export function isOver(run: Run, before: Task | undefined, task: Task): boolean {
  if (before === undefined) return false;
  if (comesFrom(run, task, before)) return true;
  return (
    ENDED.has(before.status) &&
    [...run.tasks.values()].every(
      (other) => other.from?.as !== 'waitedFor' || other.from.task !== before.plan.name || isOver(run, other, task),
    )
  );
}

function comesFrom(run: Run, task: Task, origin: Task): boolean {
  for (let at = task.from; at !== null; at = run.tasks.get(at.task)?.from ?? null)
    if (at.task === origin.plan.name) return origin.status === 'completed' || origin.items !== undefined;
  return false;
}

/** What the tasks found on which no other depends: of one its result, of several those that have one, by name. */
export function outputOf(run: Run): unknown {
  const tasks = [...run.tasks.values()].filter(({ from }) => from?.as !== 'item' && from?.as !== 'part');
  const inner = new Set(tasks.flatMap(({ plan }) => plan.dependsOn));
  // What was added by a task that others need is as inner as that one.
  const isLast = ({ plan, from }: Task): boolean =>
    !inner.has(plan.name) && (from === null || isEdge(from.task, plan.name));
  const isEdge = (name: string, child: string): boolean => {
    const { from } = run.tasks.get(name) ?? { from: null };
    const needs = tasks.filter(({ plan }) => plan.dependsOn.includes(name) && plan.name !== child);
    return (
      needs.every(({ from: origin }) => origin !== null && descends(origin.task, name)) &&
      (from === null || isEdge(from.task, name))
    );
  };
  const descends = (name: string, origin: string): boolean => {
    for (let at: string | undefined = name; at !== undefined; at = run.tasks.get(at)?.from?.task)
      if (at === origin) return true;
    return false;
  };
  const last = tasks.filter(isLast);
  if (last.length === 1) return last[0]?.result;
  return Object.fromEntries(
    last.filter(({ status }) => status === 'completed').map(({ plan, result }) => [plan.name, result]),
  );
}
