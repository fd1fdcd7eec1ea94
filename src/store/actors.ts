import type { MaybePromise } from './maybe-promise.ts';
import type { RunKey } from './runs.ts';

/** One durable actor of a run. */
export interface ActorRow {
  readonly address: string;
  /** Journal number of the turn that spawned it: tells incarnations at one address apart. */
  readonly birth: number;
  readonly status: 'active' | 'done' | 'error' | 'stopped';
  /** State value, context, history, children, timers: everything but the logic. */
  readonly stateJson: string;
}

/** The actors of runs. */
export interface ActorStore {
  actor(key: RunKey, address: string): MaybePromise<ActorRow | undefined>;
  actors(key: RunKey): Promise<readonly ActorRow[]>;
}
