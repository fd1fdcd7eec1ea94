/** Shared values as functions read them: as they are committed, and each change after its commit. */
import type { SharedChange, SharedEntry, SharedListener, SharedSource } from './code-shared.ts';

/** What is needed of the runtime. */
export interface SharedRuntime {
  sharedValue(run: string, key: string): Promise<SharedEntry | undefined>;
  subscribe(
    run: string,
    listener: (fact: { readonly type: string; readonly data: Readonly<Record<string, unknown>> }) => void,
  ): () => void;
}

type Log = (message: string, fields: Readonly<Record<string, unknown>>) => void;

interface FollowedRun {
  readonly stop: () => void;
  readonly byKey: Map<string, Set<Follower>>;
}

/**
 * The shared values of all runs of a runtime. It hears each run once and asks who follows that very key: a change that
 * concerns nobody costs the same whether one function of the run listens or 10,000 do (R3).
 */
export class CommittedShared implements SharedSource {
  readonly #runtime: () => SharedRuntime | undefined;
  readonly #log: Log;
  readonly #runs = new Map<string, FollowedRun>();
  /** The last of those that take turns, by run and key. */
  readonly #turns = new Map<string, Promise<void>>();

  /** @param runtime undefined as long as it is not open */
  constructor(runtime: () => SharedRuntime | undefined, log: Log) {
    this.#runtime = runtime;
    this.#log = log;
  }

  async read(run: string, key: string): Promise<SharedEntry | undefined> {
    return this.#runtime()?.sharedValue(run, key);
  }

  follow(run: string, key: string, listener: SharedListener): () => void {
    const followed = this.#followed(run);
    if (followed === undefined) return () => {};
    const { byKey, stop } = followed;
    const follower = new Follower(listener, (error) =>
      this.#log('a function could not hear a shared value', { runId: run, key, error }),
    );
    const followers = byKey.get(key) ?? new Set<Follower>();
    byKey.set(key, followers.add(follower));
    return () => {
      follower.end();
      if (!followers.delete(follower) || followers.size > 0) return;
      byKey.delete(key);
      if (byKey.size > 0) return;
      stop();
      this.#runs.delete(run);
    };
  }

  async inTurn<Result>(run: string, key: string, work: () => Promise<Result>): Promise<Result> {
    const name = `${run}/${key}`;
    const before = this.#turns.get(name);
    const { promise: over, resolve } = Promise.withResolvers<void>();
    this.#turns.set(name, over);
    try {
      await before;
      return await work();
    } finally {
      resolve();
      if (this.#turns.get(name) === over) this.#turns.delete(name);
    }
  }

  #followed(run: string): FollowedRun | undefined {
    const known = this.#runs.get(run);
    if (known !== undefined) return known;
    const byKey: FollowedRun['byKey'] = new Map();
    const stop = this.#runtime()?.subscribe(run, ({ type, data }) => {
      if (type !== 'shared_changed') return;
      const change = data as unknown as SharedChange;
      // As they stand now: one that follows again whenever it hears something would be asked without end.
      const followers = [...(byKey.get(change.key) ?? [])];
      for (const follower of followers) follower.hear(change);
    });
    if (stop === undefined) return undefined;
    const followed = { stop, byKey };
    this.#runs.set(run, followed);
    return followed;
  }
}

/** One that listens. While it is busy with a change only the newest is kept: all of them would pile up behind a slow one. */
class Follower {
  readonly #listener: SharedListener;
  readonly #failed: (error: string) => void;
  #newest: SharedChange | undefined;
  #busy = false;
  #ended = false;

  constructor(listener: SharedListener, failed: (error: string) => void) {
    this.#listener = listener;
    this.#failed = failed;
  }

  hear(change: SharedChange): void {
    // Another one that hears the same change may have ended it just now.
    if (this.#ended) return;
    if (this.#busy) {
      this.#newest = change;
      return;
    }
    const working = this.#tell(change);
    if (working !== undefined) void this.#goOn(working);
  }

  end(): void {
    this.#ended = true;
  }

  async #goOn(first: Promise<void>): Promise<void> {
    this.#busy = true;
    for (let working: Promise<void> | undefined = first; working !== undefined;) {
      await working;
      const change = this.#newest;
      this.#newest = undefined;
      working = change === undefined || this.#ended ? undefined : this.#tell(change);
    }
    this.#busy = false;
  }

  /** What it throws harms nobody: unhandled, a rejection would end the process. */
  #tell(change: SharedChange): Promise<void> | undefined {
    const failed = (thrown: unknown): void => this.#failed(thrown instanceof Error ? thrown.message : String(thrown));
    try {
      const heard = this.#listener(change);
      return heard instanceof Promise ? heard.catch(failed) : undefined;
    } catch (thrown) {
      failed(thrown);
      return undefined;
    }
  }
}
