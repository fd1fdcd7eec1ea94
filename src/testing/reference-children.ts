/** What may be observed of runs that tasks of other runs began (P11): part of the reference model. */
import { isDeepStrictEqual } from 'node:util';
import type { SeenFact } from './observation.ts';
import { check, codeOf, ENDED, functionOf, type Run, type Task } from './reference-run.ts';

interface Parent {
  readonly run: Run;
  readonly task: string;
  readonly attempt: number;
}

/** Who began whom. */
export class ChildrenModel {
  readonly #runOf: (name: string) => Run;
  readonly #parents = new Map<Run, Parent>();
  /** By run, task and attempt. */
  readonly #children = new Map<string, Run>();
  /** Their tasks know of them, and the fact that they begin was kept back by a cut. */
  readonly #announced = new Set<Run>();

  constructor(runOf: (name: string) => Run) {
    this.#runOf = runOf;
  }

  /** A run begins: a task that runs and that has begun none at this attempt has asked for it. */
  began(child: Run, { data }: SeenFact, where: string): void {
    const begunBy = data['parent'] as
      | { readonly runId: string; readonly task: string; readonly attempt: number }
      | undefined;
    if (begunBy === undefined) return;
    const { runId, task, attempt } = begunBy;
    const run = this.#runOf(runId);
    const known = this.#children.get(keyOf(run, task, attempt));
    const isAnnounced = this.#announced.delete(child);
    check(known === (isAnnounced ? child : undefined), `P11 ${where}: run ${known?.name} was begun for that before`);
    const asking = run.tasks.get(task);
    const isAsked = isAnnounced || (asking?.status === 'running' && asking.attempt === attempt);
    check(
      run.plan === undefined || isAsked,
      `P11 ${where}: its task is ${asking?.status} at attempt ${asking?.attempt}`,
    );
    this.#parents.set(child, { run, task, attempt });
    this.#children.set(keyOf(run, task, attempt), child);
  }

  /** A task has heard which run is its own: one that has begun, or is in the middle of the turn that says so. */
  told(run: Run, task: Task, { data }: SeenFact, where: string): void {
    const named = this.#runOf(String(data['childRunId']));
    if (this.of(run, task) === undefined && isBeginning(named)) {
      this.#announced.add(named);
      this.#children.set(keyOf(run, task.plan.name, task.attempt), named);
    }
    const { name } = this.of(run, task) ?? {};
    check(named.name === name, `P11 ${where}: it names ${named.name} and began ${name ?? 'none'}`);
    // Nobody waits for that run: its function is called at once.
    if (task.plan.call.wait === false && functionOf(task.plan) !== undefined) task.workedAt = task.attempt;
    else task.status = 'inRun';
  }

  /** How far its run is. */
  progressed(run: Run, task: Task, { data }: SeenFact, where: string): void {
    if (task.plan.call.kind !== 'subworkflow') return;
    const child = this.of(run, task);
    const isTrue = child !== undefined && Number(data['percent']) <= child.progress;
    check(isTrue, `P11 ${where}: its run is at ${child?.progress} %`);
  }

  /** The run that a task has begun at its attempt. */
  of(run: Run, task: Task): Run | undefined {
    return this.#children.get(keyOf(run, task.plan.name, task.workedAt ?? task.attempt));
  }

  /** A task completes: with its run, or because nobody waits for that. */
  completed(run: Run, task: Task, result: unknown, where: string): void {
    const child = this.of(run, task);
    if (task.plan.call.wait === false)
      return check(isDeepStrictEqual(result, { runId: child?.name }), `P11 ${where}: it completes with another run`);
    check(child?.status === 'completed', `P11 ${where}: its run is ${child?.status}`);
    const output = child.facts.at(-1)?.data['output'] ?? null;
    check(isDeepStrictEqual(result, output), `P11 ${where}: its run found something else`);
  }

  /** A task fails, and says that its run is to blame. */
  failed(run: Run, task: Task, data: SeenFact['data'], where: string): void {
    const { status } = this.of(run, task) ?? {};
    const expected = status === 'cancelled' ? 'childRunCancelled' : 'childRunFailed';
    const isTrue = (status === 'failed' || status === 'cancelled') && codeOf(data) === expected;
    check(isTrue, `P11 ${where}: it failed with "${codeOf(data)}", and its run is ${status}`);
  }

  /** Whoever waited for a run waits no longer. */
  isLetGo(child: Run): boolean {
    const parent = this.#parents.get(child);
    if (parent === undefined) return false;
    const task = parent.run.tasks.get(parent.task);
    return (
      ENDED.has(parent.run.status) || (task !== undefined && (ENDED.has(task.status) || task.attempt > parent.attempt))
    );
  }

  /** The same; or its parent was committed in the middle of a turn, and states with the next commit what it has told already. */
  mayBeLetGo(child: Run): boolean {
    return this.isLetGo(child) || (this.#parents.get(child)?.run.cutSince ?? Infinity) !== Infinity;
  }

  /** A task waits, and so does the run that it waits for, or goes on. */
  isOpen(run: Run, task: Task): boolean {
    const child = this.of(run, task);
    return task.status === 'inRun' && child !== undefined && !ENDED.has(child.status);
  }

  /** At the end nobody goes on for a task that has ended. */
  finish(): void {
    for (const { name } of this.#announced) check(false, `P11 run ${name}, of which its task was told, never began`);
    for (const [child, { run, task }] of this.#parents) {
      const awaited = run.tasks.get(task)?.plan.call.wait !== false;
      const isFine = !awaited || !this.isLetGo(child) || ENDED.has(child.status) || child.stuck;
      check(
        isFine,
        `P11 run ${child.name} goes on, and task ${task} of run ${run.name}, which waited for it, has ended`,
      );
    }
  }
}

/** It is committed in the middle of its first turn, and has stated nothing yet. */
function isBeginning({ facts, cutSince }: Run): boolean {
  return facts.length === 0 && cutSince !== Infinity;
}

function keyOf(run: Run, task: string, attempt: number): string {
  return `${run.name}/${task}/${attempt}`;
}
