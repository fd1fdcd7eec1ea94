/**
 * What may be observed of forks (P12): part of the reference model. What a fork takes over, another run has found, and it
 * would find the same; what it could have taken over, it does not pay for again.
 */
import { isDeepStrictEqual } from 'node:util';
import type { SeenFact } from './observation.ts';
import { check, ENDED, type Run, type Task } from './reference-run.ts';

/** Where a run was forked. */
export interface SeenFork {
  readonly runId: string;
  readonly fromTask?: string;
  readonly atSeq?: number;
  /** Its origin had ended by then: nothing more was to come from it. */
  readonly isFinal: boolean;
}

interface Edits {
  readonly edits?: Readonly<Record<string, { readonly output?: unknown }>>;
}

/** True for the end of a task that did not run, and for its beginning, where it has tasks to add. */
export function isTakenOver({ type, data }: SeenFact): boolean {
  return (type === 'task_completed' || (type === 'task_started' && data['attempt'] === 0)) && isKnown(data);
}

function isKnown(data: SeenFact['data']): boolean {
  return 'reused' in data || 'edited' in data;
}

/** The forks of a world. */
export class ForksModel {
  readonly #runs: ReadonlyMap<string, Run>;
  readonly #edits: Edits[] = [];
  /** Runs that had not ended when a fork of them was asked for: it may have been looked at before they did. */
  readonly #askedEarly = new Set<string>();

  constructor(runs: ReadonlyMap<string, Run>) {
    this.#runs = runs;
  }

  /** Somebody asks for a fork of a run. */
  asked(origin: string, body: unknown): void {
    this.#edits.push((body ?? {}) as Edits);
    if (!ENDED.has(this.#runs.get(origin)?.status ?? '')) this.#askedEarly.add(origin);
  }

  /** A run begins. */
  began(run: Run, { forkedFrom }: SeenFact['data'], where: string): void {
    if (forkedFrom === undefined) return;
    const from = forkedFrom as Omit<SeenFork, 'isFinal'>;
    const origin = this.#runs.get(from.runId);
    check(origin !== undefined, `P12 ${where}: there is no run ${from.runId}`);
    run.fork = { ...from, isFinal: ENDED.has(origin.status) && !this.#askedEarly.has(from.runId) };
  }

  /** A run begins with a shared value of the one that it was forked from. Undefined: there is no such fact. */
  shares(run: Run, { data }: SeenFact, where: string): SeenFact | undefined {
    const { runId, seq } = data['reused'] as { readonly runId: string; readonly seq: number };
    const { fork } = run;
    check(fork !== undefined, `P12 ${where}: its run is no fork`);
    check(data['by'] !== fork.fromTask, `P12 ${where}: what wrote it was to run anew`);
    const isLate = runId === fork.runId && seq > (fork.atSeq ?? Infinity);
    check(!isLate, `P12 ${where}: it was written after the point`);
    return this.#runs.get(runId)?.facts[seq - 1];
  }

  /** A task completes that did not run, or begins to add its tasks. */
  takenOver(run: Run, task: Task, { type, data }: SeenFact, where: string): void {
    check(run.fork !== undefined, `P12 ${where}: its run is no fork`);
    // Of one whose output was given, the function that chooses its tasks is asked.
    const hasBegun = task.status === 'running' && (data['edited'] === true || task.takenOver !== undefined);
    const isUnpaid = data['edited'] === true || task.attempt === 0;
    check((task.status === 'pending' || hasBegun) && isUnpaid, `P12 ${where}: it has begun`);
    if (type === 'task_started') return void Object.assign(task, { status: 'running', takenOver: 'edited' });
    Object.assign(task, { status: 'completed', result: data['result'] });
    task.takenOver = 'edited';
    const { name } = task.plan;
    if (data['edited'] === true) {
      const given = this.#edits.some(({ edits = {} }) => isDeepStrictEqual(edits[name]?.output, data['result']));
      return check(given, `P12 ${where}: nobody has given it that`);
    }
    const { runId, seq } = data['reused'] as { readonly runId: string; readonly seq: number };
    const facts = this.#runs.get(runId)?.facts ?? [];
    const fact = facts[seq - 1];
    const isIts = fact?.type === 'task_completed' && fact.data['task'] === name;
    check(isIts && fact.data['reused'] === undefined, `P12 ${where}: fact #${seq} of run ${runId} is none of it`);
    check(
      isDeepStrictEqual(fact.data['result'], data['result']),
      `P12 ${where}: run ${runId} has found something else`,
    );
    check(name !== run.fork.fromTask, `P12 ${where}: it was to run anew`);
    const isWrite = ({ type: of, data: { by, reused } }: SeenFact): boolean =>
      of === 'shared_changed' && by === name && reused === undefined;
    run.shared.wrote(facts.slice(0, seq).filter(isWrite), where);
    for (const needed of task.plan.dependsOn) {
      const other = run.tasks.get(needed);
      const isSame = other?.takenOver === 'reused' || other?.status === 'skipped';
      check(isSame, `P12 ${where}: ${needed} ran anew, on which it depends`);
    }
    task.takenOver = 'reused';
  }

  /** A task begins: it could not have been taken over. */
  started(run: Run, task: Task, where: string): void {
    const { fork } = run;
    if (fork === undefined || (!fork.isFinal && fork.atSeq === undefined) || task.attempt > 0) return;
    const { name, dependsOn } = task.plan;
    if (task.plan.call.task !== undefined || this.#edits.some(({ edits = {} }) => name in edits)) return;
    const from = [name, ...mapsOf(run, task)];
    if (from.includes(fork.fromTask ?? '') || this.#beginsWithin(fork, name)) return;
    if (from.some((map) => this.#edits.some(({ edits = {} }) => map in edits))) return;
    const needs = [...dependsOn, ...(task.from === null || task.from.as === 'item' ? [] : [task.from.task])];
    if (!needs.every((needed) => this.#isSame(run, needed))) return;
    const fact = this.#runs
      .get(fork.runId)
      ?.facts.find(({ type, data }) => type === 'task_completed' && data['task'] === name);
    const isThere = fact !== undefined && fact.seq <= (fork.atSeq ?? Infinity);
    check(!isThere, `P12 ${where}: run ${fork.runId} has found it, and it is paid for again`);
  }

  /** A part of it, or an item, runs anew or was edited: then it begins itself, and takes over the others. */
  #beginsWithin({ runId, fromTask = '' }: SeenFork, name: string): boolean {
    const tasks = this.#runs.get(runId)?.tasks;
    return [fromTask, ...this.#edits.flatMap(({ edits = {} }) => Object.keys(edits))].some((point) => {
      for (let at = tasks?.get(point)?.from; at?.as === 'part' || at?.as === 'item'; at = tasks?.get(at.task)?.from)
        if (at.task === name) return true;
      return false;
    });
  }

  /** A task that was taken over, with all that it added. */
  #isSame(run: Run, name: string): boolean {
    const task = run.tasks.get(name);
    const added = [...run.tasks.values()].filter(({ from }) => from?.as === 'waitedFor' && from.task === name);
    return task?.takenOver === 'reused' && added.every(({ plan }) => this.#isSame(run, plan.name));
  }
}

function mapsOf(run: Run, { from }: Task): readonly string[] {
  const map = from?.as === 'item' ? run.tasks.get(from.task) : undefined;
  return map === undefined ? [] : [map.plan.name, ...mapsOf(run, map)];
}
