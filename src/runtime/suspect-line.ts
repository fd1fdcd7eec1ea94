/**
 * The line in which suspects wait, so that they run one at a time: where the process dies then, it is clear of which.
 *
 * One that waits for hours would keep all behind it from ever running. After a minute the next one begins beside it; a
 * death is then the newest one's.
 */
import type { Clock, TimerHandle } from '../clock.ts';
import type { DecidingMark } from '../store/deciding-mark.ts';

const PATIENCE_MS = 60_000;
const RETRY_MS = 1_000;

type Waiting = Pick<DecidingMark, 'tenant' | 'run' | 'key'>;

/** What the line needs. */
export interface LineSurroundings {
  readonly clock: Clock;
  /** Says durably that this one runs alone now. */
  enter(suspect: Waiting): Promise<void>;
  failed(thrown: unknown): void;
}

/** Runs suspects one at a time. */
export class SuspectLine {
  readonly #surroundings: LineSurroundings;
  readonly #waiting = new Map<string, { readonly suspect: Waiting; readonly begin: () => void }>();
  /** Whose turn it is, by name. */
  #front: string | undefined;
  #timer: TimerHandle | undefined;
  #closed = false;

  constructor(surroundings: LineSurroundings) {
    this.#surroundings = surroundings;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Calls `begin` when its turn has come. Adding what waits already does nothing. */
  add(suspect: Waiting, begin: () => void): void {
    if (this.#closed) return;
    this.#waiting.set(name(suspect), { suspect, begin });
    this.#next();
  }

  /** True where its turn has not come. */
  has(suspect: Pick<Waiting, 'run' | 'key'>): boolean {
    return this.#waiting.has(name(suspect));
  }

  /** It has ended, or nobody waits for it any more. */
  leave(suspect: Pick<Waiting, 'run' | 'key'>): void {
    this.#waiting.delete(name(suspect));
    if (this.#front === name(suspect)) this.#release();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.clear();
    this.#waiting.clear();
  }

  #release(): void {
    this.#timer?.clear();
    this.#front = undefined;
    this.#next();
  }

  #next(): void {
    if (this.#front !== undefined || this.#closed) return;
    const [first] = this.#waiting;
    if (first === undefined) return;
    const [id, { suspect, begin }] = first;
    this.#front = id;
    this.#surroundings.enter(suspect).then(
      () => {
        // It may have left meanwhile.
        if (this.#front !== id || this.#closed || !this.#waiting.delete(id)) return;
        this.#timer = this.#surroundings.clock.setTimer(() => this.#release(), PATIENCE_MS);
        begin();
      },
      (thrown: unknown) => {
        this.#surroundings.failed(thrown);
        if (this.#front === id && !this.#closed)
          this.#timer = this.#surroundings.clock.setTimer(() => this.#release(), RETRY_MS);
      },
    );
  }
}

function name({ run, key }: Pick<Waiting, 'run' | 'key'>): string {
  return `${run} ${key}`;
}
