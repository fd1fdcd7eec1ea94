/**
 * How long work takes that is done side by side: each piece begins when what comes before it is over, and no more of them
 * go on at once than there are slots. Whatever is under way goes on; what only waits holds no slot.
 */
import { eachOf, type Steps } from '../steps.ts';

/** What has to be done, and after what. */
export interface Work {
  readonly name: string;
  /** Works that come first. One that is not there is over. */
  readonly needs: readonly string[];
  /** One after the other; none: it takes no time. */
  readonly phases: readonly Phase[];
}

/** A part of a work: pieces of the same length, side by side. */
export interface Phase {
  /** Of each piece. */
  readonly seconds: number;
  /** Those that have not begun. */
  readonly pieces: number;
  /** What is left of those that have, in seconds. */
  readonly begun?: readonly number[];
  /** Pieces that may go on at once, whatever slots there are; default: as many as there are. */
  readonly atOnce?: number;
  readonly holdsSlot: boolean;
  /** It ends no sooner than so many seconds from now: a date. */
  readonly until?: number;
}

/** How long it takes. */
export interface Schedule {
  readonly seconds: number;
  /** The chain of works that decides it, each of which begins when the one before it ends, or leaves its slot. */
  readonly criticalPath: readonly string[];
}

interface Piece {
  readonly task: Task;
  readonly end: number;
  readonly after: Piece | undefined;
}

/** A work as it is gone through. */
interface Task {
  readonly work: Work;
  open: number;
  /** Which of its phases it is at. */
  at: number;
  /** Pieces of that phase that have not begun, and those that go on. */
  left: number;
  active: number;
  isQueued: boolean;
  after: Piece | undefined;
}

/** Pieces of one phase that are gone through one by one. */
const MOST_PIECES = 10_000;
const PIECES_PER_STEP = 1_000;

/**
 * Plays it through.
 *
 * @example
 * const call = { seconds: 2, pieces: 3, holdsSlot: true };
 * atOnce(scheduleOf([{ name: 'a', needs: [], phases: [call] }], 2)).seconds // 4
 */
export function* scheduleOf(works: readonly Work[], breadth: number): Steps<Schedule> {
  const tasks = new Map<string, Task>();
  yield* eachOf(works, (work) => {
    tasks.set(work.name, { work, open: 0, at: -1, left: 0, active: 0, isQueued: false, after: undefined });
  });
  const dependents = new Map<string, Task[]>();
  yield* eachOf([...tasks.values()], (task) => {
    for (const name of task.work.needs) {
      if (!tasks.has(name)) continue;
      task.open += 1;
      const known = dependents.get(name);
      if (known === undefined) dependents.set(name, [task]);
      else known.push(task);
    }
  });
  const queue: Task[] = [];
  const running = new Ends();
  let head = 0;
  let free = breadth;
  let last: Piece | undefined;

  const enqueue = (task: Task): void => {
    const { atOnce = Infinity } = phaseOf(task) ?? NO_PHASE;
    if (task.isQueued || task.left === 0 || task.active >= atOnce) return;
    task.isQueued = true;
    queue.push(task);
  };

  /** The next phase that takes time; false where there is none. */
  const advance = (task: Task, after: Piece | undefined): boolean => {
    for (;;) {
      task.at += 1;
      const phase = phaseOf(task);
      if (phase === undefined) return false;
      const { begun = [], holdsSlot, seconds, until = 0 } = phase;
      const now = after?.end ?? 0;
      task.after = after;
      task.left = seconds > 0 || until > now ? Math.min(phase.pieces, MOST_PIECES) : 0;
      task.active = 0;
      for (const rest of begun) {
        running.push({ task, end: Math.max(now + rest, until), after });
        task.active += 1;
        if (holdsSlot) free -= 1;
      }
      if (holdsSlot) enqueue(task);
      else for (; task.left > 0; task.left -= 1) begin(task, now, after);
      if (task.left > 0 || task.active > 0) return true;
    }
  };

  const begin = (task: Task, at: number, after: Piece | undefined): void => {
    const { seconds, pieces, until = 0 } = phaseOf(task) ?? NO_PHASE;
    const each = (seconds * pieces) / Math.min(pieces, MOST_PIECES);
    running.push({ task, end: Math.max(at + each, until), after });
    task.active += 1;
  };

  /** It is over, and so is all that needed only this and takes no time: long chains, therefore no recursion. */
  const release = (task: Task, after: Piece | undefined): void => {
    const over = [task];
    for (let done = over.pop(); done !== undefined; done = over.pop()) {
      for (const next of dependents.get(done.work.name) ?? []) {
        next.open -= 1;
        if (next.open === 0 && !advance(next, after)) over.push(next);
      }
    }
  };

  const fill = (now: Piece | undefined): void => {
    while (free > 0 && head < queue.length) {
      const task = queue[head];
      if (task === undefined) break;
      const { atOnce = Infinity } = phaseOf(task) ?? NO_PHASE;
      const at = Math.max(now?.end ?? 0, task.after?.end ?? 0);
      begin(task, at, (task.after?.end ?? 0) < at ? now : task.after);
      free -= 1;
      task.left -= 1;
      if (task.left > 0 && task.active < atOnce) continue;
      task.isQueued = false;
      head += 1;
    }
  };

  const roots = [...tasks.values()].filter(({ open }) => open === 0);
  yield* eachOf(roots, (task) => {
    if (!advance(task, undefined)) release(task, undefined);
  });
  fill(undefined);
  for (let ended = running.pop(), steps = 1; ended !== undefined; ended = running.pop(), steps += 1) {
    if (steps % PIECES_PER_STEP === 0) yield;
    const { task } = ended;
    last = ended;
    task.active -= 1;
    if (phaseOf(task)?.holdsSlot === true) {
      free += 1;
      enqueue(task);
    }
    if (task.active === 0 && task.left === 0 && !advance(task, ended)) release(task, ended);
    fill(ended);
  }
  const path: string[] = [];
  for (let at = last; at !== undefined; at = at.after)
    if (path.at(-1) !== at.task.work.name) path.push(at.task.work.name);
  return { seconds: last?.end ?? 0, criticalPath: path.toReversed() };
}

const NO_PHASE: Phase = { seconds: 0, pieces: 1, holdsSlot: false };

function phaseOf({ work, at }: Task): Phase | undefined {
  return work.phases[at];
}

/** What runs, the one that ends first on top: a heap. */
class Ends {
  readonly #pieces: Piece[] = [];

  push(piece: Piece): void {
    const heap = this.#pieces;
    let at = heap.push(piece) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (this.#end(above) <= piece.end) break;
      this.#move(at, above);
      at = above;
    }
    heap[at] = piece;
  }

  pop(): Piece | undefined {
    const heap = this.#pieces;
    const [first] = heap;
    const moved = heap.pop();
    if (first === undefined || moved === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && this.#end(below + 1) < this.#end(below)) below += 1;
      if (this.#end(below) >= moved.end) break;
      this.#move(at, below);
      at = below;
    }
    heap[at] = moved;
    return first;
  }

  #end(at: number): number {
    return this.#pieces[at]?.end ?? Infinity;
  }

  #move(to: number, from: number): void {
    const piece = this.#pieces[from];
    if (piece !== undefined) this.#pieces[to] = piece;
  }
}
