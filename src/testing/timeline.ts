/**
 * Virtual time: everything that is still to be done, in one queue. Nothing waits for real time, and between two tasks
 * every promise that can settle has settled, so that the same tasks always follow each other in the same order.
 *
 * L1. A task runs to its end, with all that it resolves, before the next one begins.
 * L2. Time moves only where nothing is to be done now, and then to the next task.
 */

/** Something to be done later. */
export interface Scheduled {
  /** It will not be done; harmless afterwards. */
  clear(): void;
}

interface Entry {
  readonly due: number;
  readonly order: number;
  readonly task: () => void;
  readonly background: boolean;
}

/** The queue of everything that is still to be done. */
export class Timeline {
  #elapsed = 0;
  #order = 0;
  readonly #now: (() => void)[] = [];
  /** Ascending by time, then by the order in which they came. */
  readonly #later: Entry[] = [];
  #foreground = 0;
  #step: Promise<boolean> | undefined;

  /** Milliseconds since it began. */
  get elapsed(): number {
    return this.#elapsed;
  }

  /** Nothing is left to do but, perhaps, to look whether there is something to do. */
  get quiet(): boolean {
    return this.#now.length === 0 && this.#foreground === 0;
  }

  /** Does something when everything before it is done. */
  soon(task: () => void): void {
    this.#now.push(task);
  }

  /** Does something later. `background`: it only looks whether there is something to do, and nobody waits for it. */
  after(ms: number, task: () => void, background = false): Scheduled {
    if (ms === Infinity) return { clear() {} };
    const entry = { due: this.#elapsed + Math.max(0, ms), order: this.#order++, task, background };
    this.#later.splice(this.#placeOf(entry), 0, entry);
    if (!background) this.#foreground++;
    return { clear: () => this.#remove(entry) };
  }

  /**
   * Does the next task that is due within `ms` from the beginning, and waits until nothing more follows from it at once.
   * False where there is none. Called again meanwhile, it is the same step.
   */
  async step(until = Infinity): Promise<boolean> {
    // One that found nothing may have looked less far.
    while (this.#step !== undefined) if (await this.#step) return true;
    this.#step = this.#take(until).finally(() => (this.#step = undefined));
    return this.#step;
  }

  /** Waits until nothing more follows at once from what was done. */
  settle(): Promise<void> {
    return everythingSettled();
  }

  /** Time passes without anything being done: for the end of a wait. */
  moveTo(elapsed: number): void {
    this.#elapsed = Math.max(this.#elapsed, elapsed);
  }

  async #take(until: number): Promise<boolean> {
    let task = this.#now.shift();
    if (task === undefined) {
      const [next] = this.#later;
      if (next === undefined || next.due > until) return false;
      this.#remove(next);
      this.#elapsed = Math.max(this.#elapsed, next.due);
      task = next.task;
    }
    task();
    await everythingSettled();
    return true;
  }

  #remove(entry: Entry): void {
    const at = this.#placeOf(entry);
    if (this.#later[at] !== entry) return;
    this.#later.splice(at, 1);
    if (!entry.background) this.#foreground--;
  }

  #placeOf({ due, order }: Pick<Entry, 'due' | 'order'>): number {
    let [low, high] = [0, this.#later.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#later[middle];
      if (other !== undefined && (other.due < due || (other.due === due && other.order < order))) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The real loop is used only to let promises settle: its order is that of asking, whatever the time. */
function everythingSettled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
