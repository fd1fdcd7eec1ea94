/**
 * One database file and the processes that own it one after the other: each may be closed in order, or killed in the
 * very moment in which the store has committed a turn, before anybody hears of it.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createRuntime, type Runtime, type RuntimeOptions } from '../../../src/runtime/runtime.ts';
import { sqliteStore } from '../../../src/store/sqlite/index.ts';
import type { CommitGroup } from '../../../src/store/commit.ts';
import type { Store } from '../../../src/store/store.ts';
import { ManualClock } from '../../harness/clock.ts';
import { folderInMemory, layDatabase } from '../../harness/database.ts';

/** How these lives end and begin. */
export interface LivesOptions extends Pick<RuntimeOptions, 'machines'> {
  readonly actors?: Readonly<Record<string, unknown>> | undefined;
  /** Killed after every commit that holds a turn, and a commit holds one turn of each run at most. */
  readonly killed?: boolean | undefined;
  /** Puts something between the runtime and its store. */
  readonly wrap?: ((store: Store) => Store) | undefined;
}

/** Turns of the event loop that certainly suffice for what an asynchronous store does between two turns. */
const QUIET_ROUNDS = 25;

/** A request that is made again after a kill until it is answered. */
interface Request {
  ask(runtime: Runtime): Promise<void>;
}

/** A file, and the runtime that is open on it. */
export class Lives {
  readonly #options: LivesOptions;
  readonly #folder: string;
  readonly #file: string;
  readonly #unanswered = new Set<Request>();
  #clock = new ManualClock();
  #store: Store | undefined;
  #runtime: Runtime | undefined;
  #killed = Promise.withResolvers<'killed'>();
  /** How often the file was opened. */
  opened = 0;

  private constructor(options: LivesOptions, folder: string) {
    this.#options = options;
    this.#folder = folder;
    this.#file = join(folder, 'fermata.db');
  }

  /** Runs `during` on a file of its own, which is gone afterwards. */
  static async run<T>(options: LivesOptions, during: (lives: Lives) => Promise<T>): Promise<T> {
    const lives = new Lives(options, folderInMemory());
    try {
      await layDatabase(lives.#file);
      await lives.#open();
      return await during(lives);
    } finally {
      await lives.#runtime?.close();
      await rm(lives.#folder, { recursive: true });
    }
  }

  /** The runtime that is open now. */
  get runtime(): Runtime {
    return this.#runtime as Runtime;
  }

  /** Asks, and asks again in the next life as long as there was no answer. */
  ask(request: (runtime: Runtime) => Promise<void>): void {
    const asked = { ask: request };
    this.#unanswered.add(asked);
    this.#putTo(asked);
  }

  /** Lets everything happen that needs no time to pass, through as many lives as it takes. */
  async quiet(): Promise<void> {
    for (;;) {
      const how = await Promise.race([this.#killed.promise, this.#settled()]);
      if (how === 'quiet') {
        const { nextDue } = this.#clock;
        if (nextDue === undefined || nextDue > this.#clock.now()) return;
        // Due at once, with no time passing.
        await this.#clock.advance(0, async () => {});
        continue;
      }
      await this.#store?.close();
      // The dead process keeps a clock that stands still for ever.
      this.#clock = new ManualClock(this.#clock.now());
      await this.#open();
      for (const request of this.#unanswered) this.#putTo(request);
    }
  }

  /** Moves time on, and lets happen what comes due, each at its time. */
  async advance(ms: number): Promise<void> {
    const until = this.#clock.now() + ms;
    for (;;) {
      await this.quiet();
      const next = this.#clock.nextDue;
      if (next === undefined || next > until) break;
      await this.#clock.advance(Math.max(0, next - this.#clock.now()), async () => {});
    }
    this.#clock.jump(until - this.#clock.now());
  }

  /** Closes in order and opens again. */
  async restart(): Promise<void> {
    await this.runtime.close();
    await this.#open();
    await this.quiet();
  }

  async #settled(): Promise<'quiet'> {
    await this.runtime.idle();
    for (let i = 0; i < QUIET_ROUNDS; i++) await new Promise((resolve) => setImmediate(resolve));
    await this.runtime.idle();
    return 'quiet';
  }

  async #open(): Promise<void> {
    const { machines, actors, wrap = (store) => store, killed = false } = this.#options;
    this.opened++;
    this.#store = sqliteStore(this.#file);
    this.#killed = Promise.withResolvers();
    const store = wrap(killed ? mortal(this.#store, () => this.#killed.resolve('killed')) : this.#store);
    this.#runtime = await createRuntime({
      store,
      machines,
      clock: this.#clock,
      ...(actors === undefined ? {} : { actors }),
      ...(killed ? { maxTurnsOfGroup: 1 } : {}),
    });
  }

  #putTo(request: Request): void {
    void request.ask(this.runtime).then(() => this.#unanswered.delete(request));
  }
}

/** `store`, until it has committed a turn: nobody hears of that, or of anything else, any more. */
function mortal(store: Store, die: () => void): Store {
  let dead = false;
  return new Proxy(store, {
    get: (target, name) => {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      return (...given: unknown[]): unknown => {
        if (dead) return new Promise(() => {});
        const answer: unknown = Reflect.apply(method, target, given);
        if (name !== 'commit' || !holdsTurn(given[0] as CommitGroup)) return answer;
        dead = true;
        void Promise.resolve(answer).then(die);
        return new Promise(() => {});
      };
    },
  });
}

function holdsTurn({ runs }: CommitGroup): boolean {
  return runs.some(({ entries }) => entries.some(({ kind }) => kind === 'event'));
}
