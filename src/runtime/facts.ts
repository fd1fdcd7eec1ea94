/**
 * Facts on their way out: what a turn says has happened, committed and numbered. Published only after the commit (R1).
 */
import type { RunKey, RunOrigin } from '../store/runs.ts';

/** What a turn says has happened. */
export interface Fact extends RunKey {
  /** Number among the run's facts, without gaps. */
  readonly seq: number;
  /** Number in the run's journal, where facts stand among events. */
  readonly entry: number;
  /** Order over all runs. */
  readonly position: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Address of the actor that stated it. */
  readonly actor: string;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A piece of streaming text: lossy, never journaled. `offset` 0 always means: start over. */
export interface Delta extends RunKey {
  readonly offset: number;
  readonly delta: string;
  /** `{task, attempt}` for tasks. */
  readonly about: Readonly<Record<string, unknown>>;
}

/** The text that an effect is streaming, from its beginning on. */
export interface StreamedText extends RunKey {
  /** `{task, attempt}` for tasks. */
  readonly about: Readonly<Record<string, unknown>>;
  /** As far as it has come now; empty once the effect is over. */
  text(): string;
}

/** Of what run a fact is: of which machine, and of which workflow where it executes a document. */
export type FactOrigin = Pick<RunOrigin, 'machine' | 'workflowId'>;

/** Gets facts and deltas as they come. */
export interface FactListener {
  fact(fact: Fact, origin: FactOrigin): void;
  delta?(delta: Delta): void;
  /** The run has committed entries of its journal, facts or not. */
  committed?(key: RunKey): void;
}

/** Hands facts and deltas to whoever listens; a listener that throws harms nobody. */
export class FactFeed {
  readonly #byRun = new Map<string, Set<FactListener>>();
  readonly #all = new Set<FactListener>();
  readonly #onError: (thrown: unknown) => void;

  constructor(onError: (thrown: unknown) => void) {
    this.#onError = onError;
  }

  /** Listens to one run, or to all; returns how to stop. */
  listen(run: string | undefined, listener: FactListener): () => void {
    const listeners = run === undefined ? this.#all : (this.#byRun.get(run) ?? new Set<FactListener>());
    if (run !== undefined) this.#byRun.set(run, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (run !== undefined && listeners.size === 0 && this.#byRun.get(run) === listeners) this.#byRun.delete(run);
    };
  }

  publish(facts: readonly Fact[], origin: FactOrigin): void {
    for (const fact of facts) this.#tell(fact.run, (listener) => listener.fact(fact, origin));
  }

  publishCommit(key: RunKey): void {
    this.#tell(key.run, (listener) => listener.committed?.(key));
  }

  publishDelta(delta: Delta): void {
    this.#tell(delta.run, (listener) => listener.delta?.(delta));
  }

  #tell(run: string, tell: (listener: FactListener) => void): void {
    const listeners = this.#byRun.get(run);
    if (listeners === undefined && this.#all.size === 0) return;
    for (const listener of [...(listeners ?? []), ...this.#all]) {
      try {
        tell(listener);
      } catch (thrown) {
        this.#onError(thrown);
      }
    }
  }
}
