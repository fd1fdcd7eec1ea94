/**
 * Messages from one run to another, on their way from the sender's rows to the receiver (R8).
 *
 * A row is handed over once, in the order in which it was sent; it is gone with the commit of the turn that takes it,
 * and taken again if that commit fails. For a run that takes nothing rows are kept, but of what only informs the newest.
 */
import type { Clock, TimerHandle } from '../clock.ts';
import type { MessageRow } from '../store/messages.ts';
import type { RunKey } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import { tellsProgress } from './parent.ts';

const PAGE = 1_000;
const RETRY_MS = 1_000;

/** What the delivery needs. */
export interface MessageSurroundings {
  readonly clock: Clock;
  readonly store: Pick<Store, 'messages' | 'run' | 'commit'>;
  deliver(to: RunKey, row: MessageRow): void;
  /** Begins a run that is there as soon as it is spoken to; false where this is none of those. */
  begin(to: RunKey): Promise<boolean>;
  /** True where the run takes nothing now. */
  isBlocked(run: string): boolean;
  log(message: string, fields: Readonly<Record<string, unknown>>): void;
}

interface HandedOver {
  readonly to: string;
  /** The run whose progress it tells, and nothing else. */
  readonly progressOf: string | undefined;
}

/** Hands messages between runs to their receivers. */
export class MessageDelivery {
  readonly #surroundings: MessageSurroundings;
  /** What was handed over and not taken yet, by id. */
  readonly #handedOver = new Map<number, HandedOver>();
  #retry: TimerHandle | undefined;
  #closed = false;
  #looking = false;
  #again = false;

  constructor(surroundings: MessageSurroundings) {
    this.#surroundings = surroundings;
  }

  /** The commit of the turn that took it is done. */
  release(row: MessageRow): void {
    this.#handedOver.delete(row.id);
  }

  /** Its messages were not taken: they are handed over again at the next look. */
  handAgain(run: string): void {
    for (const [id, { to }] of this.#handedOver) if (to === run) this.#handedOver.delete(id);
  }

  close(): void {
    this.#closed = true;
    this.#retry?.clear();
  }

  /** Looks for messages and hands them over. One look at a time: two would hand over the same rows. */
  async look(): Promise<void> {
    this.#again = true;
    if (this.#looking) return;
    this.#looking = true;
    try {
      while (this.#again) {
        this.#again = false;
        await this.#handOver();
      }
    } catch (thrown) {
      this.#failed(thrown);
    } finally {
      this.#looking = false;
    }
  }

  async #handOver(): Promise<void> {
    /** Runs that cannot be spoken to now. What is for them waits, in its order; what is for others does not wait for it. */
    const failing = new Map<string, unknown>();
    // Each row is read once in a look. One that is committed behind the last page meanwhile asks for another look.
    for (let after = 0, page: readonly MessageRow[]; ; after = page.at(-1)?.id ?? after) {
      page = await this.#surroundings.store.messages(PAGE, after);
      // Now: one that was handed over before may be taken and gone while others of the page are.
      for (const row of page.filter(({ id }) => !this.#handedOver.has(id))) {
        if (failing.has(row.toRun)) continue;
        try {
          await this.#handOverRow(row);
        } catch (thrown) {
          failing.set(row.toRun, thrown);
        }
      }
      if (page.length < PAGE) break;
    }
    for (const [toRun, thrown] of failing) this.#failed(thrown, { toRun });
  }

  /** It is tried again. */
  #failed(thrown: unknown, about: { readonly toRun?: string } = {}): void {
    this.#surroundings.log('messages could not be handed over', { ...about, error: String(thrown) });
    this.#retry?.clear();
    if (!this.#closed) this.#retry = this.#surroundings.clock.setTimer(() => void this.look(), RETRY_MS);
  }

  async #handOverRow(row: MessageRow): Promise<void> {
    const { store, deliver, begin, isBlocked, log } = this.#surroundings;
    const to = { tenant: row.tenant, run: row.toRun };
    if ((await store.run(to)) === undefined && !(await begin(to))) {
      log('a message to a run that does not exist was dropped', { fromRun: row.fromRun, toRun: row.toRun });
      await this.#takeOff([row.id]);
      return;
    }
    const progressOf = tellsProgress(row) ? row.fromRun : undefined;
    // One of each percent would stay as long as the run is quarantined, or its machine is missing.
    if (progressOf !== undefined && isBlocked(row.toRun)) await this.#takeOff(this.#tellingThat(row.toRun, progressOf));
    this.#handedOver.set(row.id, { to: row.toRun, progressOf });
    deliver(to, row);
  }

  #tellingThat(run: string, progress: string): readonly number[] {
    return [...this.#handedOver].flatMap(([id, { to, progressOf }]) =>
      to === run && progressOf === progress ? [id] : [],
    );
  }

  /** Nobody takes them any more. */
  async #takeOff(ids: readonly number[]): Promise<void> {
    if (ids.length === 0) return;
    await this.#surroundings.store.commit({ runs: [], blobs: [], messagesSent: [], messagesTaken: ids });
    for (const id of ids) this.#handedOver.delete(id);
  }
}
