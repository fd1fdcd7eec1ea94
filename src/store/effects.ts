import type { MaybePromise } from './maybe-promise.ts';
import type { RunKey } from './runs.ts';

/** Contact with the world that was asked for and has no outcome yet. */
export interface EffectRow extends RunKey {
  readonly token: string;
  /** Address of the actor that asked. */
  readonly actor: string;
  /** Name of the registered effect. */
  readonly src: string;
  /** True once "about to call" was committed (only for policies that need it). */
  readonly marked: boolean;
  readonly effectJson: string;
}

/** What runs have asked the world for. */
export interface EffectStore {
  /** Effects without an outcome, ordered; go on after the last one of the page before. */
  openEffects(after: (RunKey & { readonly token: string }) | undefined, limit: number): Promise<readonly EffectRow[]>;
  effectsOf(key: RunKey): MaybePromise<readonly EffectRow[]>;
}
