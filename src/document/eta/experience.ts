/** What a run teaches about itself: how long its own tasks have taken, and how that compares with what was expected. */
import type { TaskRow } from '../../store/tasks.ts';
import { secondsTaken } from '../estimate/durations.ts';

/** As though so many tasks had gone exactly as expected: the first one that is late does not double the rest. */
const PRIOR = 2;
/** Beyond this nobody has expected anything sensible. */
const MOST_PACE = 1_000;

/** Calls of one task: one, or those of the items of a map. */
interface Taken {
  count: number;
  sum: number;
}

/** The tasks of a run that have ended. */
export class Experience {
  readonly #byTask = new Map<string, Taken>();
  readonly #byKind = new Map<string, Taken>();
  readonly #added = new Map<string, Taken & { tasks: number }>();
  /** Sums over tasks, of maps of the middle of their items. */
  #expected = 0;
  #actual = 0;
  #tasks = 0;

  /** @param kind of the call, where that is known: only the like is compared with the like */
  ended(task: string, kind: string | undefined, row: TaskRow): void {
    const seconds = secondsTaken(row);
    if (seconds === undefined) return;
    add(this.#byTask, task, seconds);
    if (kind !== undefined) add(this.#byKind, kind, seconds);
  }

  /** A task that another one has added, whether it has ended or not. */
  added(adder: string, row: TaskRow): void {
    const known = this.#added.get(adder) ?? { count: 0, sum: 0, tasks: 0 };
    this.#added.set(adder, known);
    known.tasks += 1;
    const seconds = secondsTaken(row);
    if (seconds === undefined) return;
    known.count += 1;
    known.sum += seconds;
  }

  /** What was expected of a task of which some have ended: it says how sound expectations are. */
  expect(task: string, seconds: number): void {
    const mean = meanOf(this.#byTask.get(task));
    if (mean === undefined || seconds <= 0) return;
    this.#expected += seconds;
    this.#actual += mean;
    this.#tasks += 1;
  }

  /** How much longer than expected tasks take: 1 where none has ended. */
  get pace(): number {
    if (this.#tasks === 0) return 1;
    const prior = (PRIOR * this.#expected) / this.#tasks;
    const pace = (prior + this.#actual) / (prior + this.#expected);
    return Math.min(MOST_PACE, Math.max(1 / MOST_PACE, pace));
  }

  /** Seconds of the calls of one task, by those that have ended; damped by what was expected of them. */
  ofItems(task: string, expected: number | undefined): number | undefined {
    const known = this.#byTask.get(task);
    if (known === undefined) return undefined;
    const prior = expected === undefined ? 0 : PRIOR;
    return (prior * (expected ?? 0) + known.sum) / (prior + known.count);
  }

  /** Seconds of a call of a kind, on average. */
  ofKind(kind: string): number | undefined {
    return meanOf(this.#byKind.get(kind));
  }

  /** Seconds of a task that this one has added, on average. */
  ofAdded(adder: string): number | undefined {
    return meanOf(this.#added.get(adder));
  }
}

function add(to: Map<string, Taken>, key: string, seconds: number): void {
  const known = to.get(key);
  if (known === undefined) to.set(key, { count: 1, sum: seconds });
  else {
    known.count += 1;
    known.sum += seconds;
  }
}

function meanOf(taken: Taken | undefined): number | undefined {
  return taken === undefined || taken.count === 0 ? undefined : taken.sum / taken.count;
}
