/** What may be observed of the values that the tasks of a run share (P13), and of whom they stop: part of the reference model. */
import { isDeepStrictEqual } from 'node:util';
import type { SeenFact } from './observation.ts';
import type { PlannedTask } from './plan.ts';

type Check = (holds: boolean, broken: string) => void;

/** Whether the `cancelWhen` of a live task is true of the values as they stand. */
export type IsStopped = (task: string) => boolean;

/** The shared values of one run. */
export class SharedModel {
  readonly #check: Check;
  readonly #values = new Map<string, { readonly value: unknown; readonly revision: number }>();
  /** Writes of functions, each of which is done once. */
  readonly #writes = new Set<unknown>();
  /** What each task has published and not completed with yet. */
  readonly #published = new Map<string, Map<string, unknown>>();
  /** Revisions of the values with which a fork began. */
  readonly #begun = new Map<string, number>();
  /** Tasks that a write has stopped, and of which that is not said yet. */
  readonly #stopped = new Set<string>();
  /** Values have changed since it was looked whom that stops; null: not. The task that published them stops by itself. */
  #changedBy: { readonly publisher: string | undefined } | null = null;

  /** @param check throws where a promise is broken */
  constructor(check: Check) {
    this.#check = check;
  }

  /** By key. */
  get values(): Readonly<Record<string, unknown>> {
    return Object.fromEntries([...this.#values].map(([key, { value }]) => [key, value]));
  }

  /** A value was written. */
  changed({ data }: SeenFact, isAlive: (task: string) => boolean, where: string): void {
    const { key, revision, value, by, write } = data as Readonly<Record<string, unknown>> & { readonly key: string };
    const before = this.#values.get(key)?.revision ?? 0;
    this.#check(revision === before + 1, `P13 ${where}: ${key} has revision ${before}, and gets ${String(revision)}`);
    this.#check(isAlive(String(by)), `P13 ${where}: ${String(by)}, which wrote it, has ended`);
    this.#values.set(key, { value, revision: Number(revision) });
    if (write === undefined) {
      const published = this.#published.get(String(by)) ?? new Map<string, unknown>();
      this.#check(!published.has(key), `P13 ${where}: it was published before`);
      this.#published.set(String(by), published.set(key, value));
    } else {
      this.#check(!this.#writes.has(write), `P13 ${where}: the same write was done before`);
      this.#writes.add(write);
    }
    this.#changedBy = { publisher: write === undefined ? String(by) : undefined };
  }

  /** A fork begins with a value that the run behind it has, as it was written there; nothing has begun. */
  tookOver({ data }: SeenFact, written: SeenFact | undefined, where: string): void {
    const { key, revision, value, by } = data as Readonly<Record<string, unknown>> & { readonly key: string };
    this.#check(!this.#values.has(key), `P13 ${where}: it has ${key} already`);
    const was = written?.type === 'shared_changed' && written.data['reused'] === undefined ? written.data : {};
    const isSame = was['key'] === key && was['revision'] === revision && was['by'] === by;
    this.#check(isSame && isDeepStrictEqual(was['value'], value), `P13 ${where}: that is not what was written`);
    this.#values.set(key, { value, revision: Number(revision) });
    this.#begun.set(key, Number(revision));
  }

  /** An outcome is taken over: what was written for it, the fork began with, or with what was written over that. */
  wrote(writes: readonly SeenFact[], where: string): void {
    for (const { data } of writes) {
      const [key, revision] = [String(data['key']), Number(data['revision'])];
      const begun = this.#begun.get(key) ?? 0;
      this.#check(begun >= revision, `P13 ${where}: it wrote ${key} ${revision}, and its run began with ${begun}`);
    }
  }

  /** Something else is stated, or all is said: whom the last write stops is decided by now. */
  decide(alive: readonly string[], isStopped: IsStopped): void {
    const { publisher } = this.#changedBy ?? {};
    if (this.#changedBy === null) return;
    this.#changedBy = null;
    for (const task of alive) if (task !== publisher && isStopped(task)) this.#stopped.add(task);
  }

  /** A task was stopped by its `cancelWhen`. */
  stopped(task: string, where: string): void {
    this.#check(this.#stopped.delete(task), `P13 ${where}: its cancelWhen is not true`);
  }

  /** A task has ended otherwise. */
  ended({ name, outputs }: PlannedTask, { type, data }: SeenFact, where: string): void {
    this.#stopped.delete(name);
    const published = this.#published.get(name) ?? new Map<string, unknown>();
    this.#published.delete(name);
    // Its answer is paid for before it has completed: where others find nothing left then, the run ends in between.
    if (type === 'task_cancelled' && / is used up: /.test(String(data['reason']))) return;
    const keys = type === 'task_completed' ? Object.keys(outputs ?? {}) : [];
    this.#check(isDeepStrictEqual([...published.keys()], keys), `P13 ${where}: it shares ${keys.join()}`);
    for (const [key, written] of Object.entries(outputs ?? {}))
      if (published.has(key) && typeof written !== 'string')
        this.#check(isDeepStrictEqual(published.get(key), written), `P13 ${where}: it shares something else as ${key}`);
  }

  /** Nothing is under way in the run: who was to stop has. `begins`: it stops once the run is known that it begins. */
  settled(run: string, begins: (task: string) => boolean): void {
    const left = [...this.#stopped].filter((task) => !begins(task));
    this.#check(left.length === 0, `P13 run ${run}: ${left.join()} go on although they are stopped`);
  }
}
