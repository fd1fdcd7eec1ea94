/**
 * Messages from one run to another, on their way from the sender's rows to the receiver (R8).
 *
 * A row is handed over once, in the order in which it was sent; it is gone with the commit of the turn that takes it,
 * and taken again if that commit fails.
 */
import type { Clock, TimerHandle } from '../clock.ts';
import type { MessageRow, RunKey, Store } from '../store/store.ts';

const PAGE = 1_000;
const RETRY_MS = 1_000;

/** What the delivery needs. */
export interface MessageSurroundings {
  readonly clock: Clock;
  readonly store: Pick<Store, 'messages' | 'run' | 'commit'>;
  deliver(to: RunKey, row: MessageRow): void;
  log(message: string, fields: Readonly<Record<string, unknown>>): void;
}

/** Hands messages between runs to their receivers. */
export class MessageDelivery {
  readonly #surroundings: MessageSurroundings;
  /** Ids, with the run to which they were handed. */
  readonly #handedOver = new Map<number, string>();
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
    for (const [id, to] of this.#handedOver) if (to === run) this.#handedOver.delete(id);
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
      this.#surroundings.log('messages could not be handed over', { error: String(thrown) });
      this.#retry?.clear();
      if (!this.#closed) this.#retry = this.#surroundings.clock.setTimer(() => void this.look(), RETRY_MS);
    } finally {
      this.#looking = false;
    }
  }

  async #handOver(): Promise<void> {
    for (;;) {
      const rows = await this.#surroundings.store.messages(PAGE + this.#handedOver.size);
      const fresh = rows.filter(({ id }) => !this.#handedOver.has(id));
      for (const row of fresh) await this.#handOverRow(row);
      if (fresh.length < PAGE) return;
    }
  }

  async #handOverRow(row: MessageRow): Promise<void> {
    const { store, deliver, log } = this.#surroundings;
    const to = { tenant: row.tenant, run: row.toRun };
    if ((await store.run(to)) === undefined) {
      log('a message to a run that does not exist was dropped', { fromRun: row.fromRun, toRun: row.toRun });
      await store.commit({ runs: [], blobs: [], messagesSent: [], messagesTaken: [row.id] });
      return;
    }
    this.#handedOver.set(row.id, row.toRun);
    deliver(to, row);
  }
}
